"""`classin enqueue`: one operation, or a file of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.enqueue_arguments import FileArguments, named_fields
from ops.cli.options import AsJson, Once
from ops.cli.output import print_json, say
from ops.cli.secret_options import Ask, SecretFile, read_secrets, warn_of_arguments
from worker.config.env import read_seconds
from worker.errors import FieldError, InvalidInputError

if TYPE_CHECKING:
    from producers.intake.receipt import Receipt
    from producers.intake.request import Options


def enqueue(  # noqa: PLR0913  # each is an option of the command
    operation: Annotated[
        str | None, typer.Argument(help="What to do: `classin ops` lists all.")
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE...", help="Its fields; @PATH for files."),
    ] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", help="JSON lines or a sheet instead; - for standard input."),
    ] = None,
    of_sheet: Annotated[
        str | None,
        typer.Option("--operation", help="The file is a sheet (CSV, XLSX): what each row asks."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="FIELD=COLUMN,...", help="Which columns; else those named so."
        ),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which of a workbook; else the first.")
    ] = None,
    dedup: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Tells rows apart: submit none a second time."),
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Call it, signed, when all is settled.")
    ] = None,
    files_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER", help="Where files lie that --file names, besides its own; repeatable."
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Submit a file's good lines, and report the others.")
    ] = False,
    school: Annotated[
        str | None, typer.Option(help="Whose operation it is; needed when there are several.")
    ] = None,
    if_exists: Annotated[
        str | None, typer.Option(metavar="accept", help='Take "it is so already" for success.')
    ] = None,
    dedup_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Submit nothing if this key was used before.")
    ] = None,
    lane: Annotated[
        str | None, typer.Option(metavar="NAME", help="What has the same lane keeps its order.")
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|KEY", help="Wait until this one went well; may be repeated."),
    ] = None,
    priority: Annotated[
        str | None, typer.Option(metavar="high|normal|low", help="What workers take first.")
    ] = None,
    stop_lane: Annotated[
        bool,
        typer.Option("--stop-lane", help="If it fails, so does what is behind it in its lane."),
    ] = False,
    ask: Ask = None,
    secret_file: SecretFile = None,
    once: Once = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is settled.")] = False,
    timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Wait no longer than this: 30s, 5m.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit one operation, or a file of them.

    Exit 0: submitted, and with --wait succeeded; 1: it did not succeed; 2: wrong input.
    """
    seconds = _seconds(timeout)
    given: Options = {
        "school": school,
        "if_exists": if_exists,
        "dedup_key": dedup_key,
        "lane": lane,
        "after": after or [],
        "priority": priority,
        "lane_on_failure": "stop" if stop_lane else None,
    }
    of_file = (file, of_sheet, columns or [], sheet, dedup, webhook, files_from or [])
    said = FileArguments(*of_file, skip_bad=skip_bad, run=once)
    if faults := list(said.faults(operation, fields or [], given)):
        raise InvalidInputError("enqueue", faults)
    batch = None
    receipts: Sequence[Receipt]
    if file is None:
        secrets = read_secrets(ask or [], secret_file or [])
        receipts = [_submit(operation or "", fields or [], secrets, given, run=once)]
    else:
        from ops.cli.enqueue_file import hand_in  # noqa: PLC0415  # sheets: only for --file

        batch, receipts = hand_in(said, given, quiet=as_json)
    in_short = once is not None
    if wait or timeout:
        from ops.cli.waiting import wait_for_all  # noqa: PLC0415  # tables: only for --wait

        if not wait_for_all(receipts, seconds, batch=batch, as_json=as_json, in_short=in_short):
            raise typer.Exit(1)
    elif as_json:
        _print_as_json(receipts)
    elif file is None:
        _print_one(receipts[0], in_short=in_short)


def _submit(
    operation: str,
    words: Sequence[str],
    secrets: dict[str, str],
    options: "Options",
    *,
    run: str | None,
) -> "Receipt":
    """Submit one operation; `run`: for a job, once. Raises ValidationError."""
    from ops.cli.wiring import open_submitter  # noqa: PLC0415  # redis: --help does without it

    fields = _all_fields(operation, words, secrets)
    source = "command line"
    if run is not None:
        options["dedup_key"] = options.get("dedup_key") or f"{run}:1"
        source = "schedule"
    submitter = open_submitter(for_job=run is not None)
    return submitter.submit(operation, fields, source=source, **options)


def _print_one(receipt: "Receipt", *, in_short: bool) -> None:
    said = "submitted as" if receipt.new else "this was submitted before, as"
    more = "" if in_short else f"; see it with: classin show {receipt.id}"
    say("{} [bold]{}[/]{}", said, receipt.id, more)


def _print_as_json(receipts: Sequence["Receipt"]) -> None:
    """Print a line for each: where its record stands, and whether it is new."""
    from ops.cli.wiring import open_ledger  # noqa: PLC0415  # redis: --help does without it

    ids = list(dict.fromkeys(receipt.id for receipt in receipts))
    records = {record.id: record for record in open_ledger().find_all(ids)}
    for receipt in receipts:
        record = records.get(receipt.id)  # none of a known one that was pruned
        print_json(
            {
                "id": receipt.id,
                "state": record.state.value if record else None,
                "batch": record.batch if record else None,
                "new": receipt.new,
            }
        )


def _all_fields(operation: str, words: Sequence[str], secrets: dict[str, str]) -> dict[str, Any]:
    """Put fields together; a credential among the arguments is told of."""
    named = named_fields(words)
    twice = [FieldError(name, "given twice") for name in named.keys() & secrets.keys()]
    if twice:
        raise InvalidInputError("enqueue", twice)
    warn_of_arguments(operation, named)
    return {**named, **secrets}


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else read_seconds(text)
    except ValueError:
        fault = FieldError("--timeout", f"should be a time like 30s or 5m; got {text!r}")
        raise InvalidInputError("enqueue", [fault]) from None
