"""`classin enqueue`: one operation, or a file of them."""

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.options import AsJson, Once
from ops.cli.output import err, marked, out, print_json, say, state_of
from ops.cli.secret_options import Ask, SecretFile, read_secrets, warn_of_arguments
from worker.errors import FieldError, InvalidInputError

if TYPE_CHECKING:
    from producers.intake.receipt import Receipt
    from producers.intake.request import Options
    from worker.ledger.record import Record

#: What a value looks like that refers to another's result.
_REFERENCE = re.compile(r'\s*\{.*"\$result"\s*:', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """What the command says of a file."""

    file: str | None
    #: What each row of a sheet asks for, its columns, which sheet, and what tells rows apart.
    operation: str | None = None
    columns: Sequence[str] = ()
    sheet: str | None = None
    dedup: str | None = None
    webhook: str | None = None
    #: Folders of files that it may name, besides its own.
    files_from: Sequence[str] = ()
    _: KW_ONLY
    skip_bad: bool = False
    #: The run of a job for which it is submitted, once.
    run: str | None = None

    def faults(
        self, operation: str | None, fields: Sequence[str], given: "Options"
    ) -> Iterator[FieldError]:
        """Name what does not go together."""
        of_sheets = {"--map": self.columns, "--sheet": self.sheet, "--dedup": self.dedup}
        if (operation is None) == (self.file is None):
            yield FieldError("", "give either an operation with its fields, or --file")
        elif self.file is None:
            of_files = {"--operation": self.operation, "--webhook": self.webhook, **of_sheets}
            of_files["--files-from"] = self.files_from
            yield from (
                FieldError(name, "goes with --file") for name, said in of_files.items() if said
            )
        elif self.operation is None:
            yield from (
                FieldError(name, "is for sheets: say what each row asks for, with --operation")
                for name, said in of_sheets.items()
                if said
            )
            if self.file.lower().endswith((".csv", ".tsv", ".xlsx", ".xls")):
                yield FieldError(
                    "--operation", "is needed for a sheet: what each of its rows asks for"
                )
            elif fields or any(given.values()):
                yield FieldError("--file", "each line has its own fields")
        elif fields:
            yield FieldError("--file", "each row has its own fields: see --map")
        elif given.get("dedup_key"):
            yield FieldError("--dedup-key", "would be that of every row: use --dedup COLUMN")


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
    patience = _seconds(timeout)
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
    said = Said(*of_file, skip_bad=skip_bad, run=once)
    if faults := list(said.faults(operation, fields or [], given)):
        raise InvalidInputError("enqueue", faults)
    batch = None
    receipts: Sequence[Receipt]
    if file is None:
        from ops.cli.wiring import open_submitter

        named = _all_fields(
            operation or "", fields or [], read_secrets(ask or [], secret_file or [])
        )
        if once is not None:
            given["dedup_key"] = dedup_key or f"{once}:1"
        source = "command line" if once is None else "schedule"
        receipts = [
            open_submitter(for_job=once is not None).submit(
                operation or "", named, source=source, **given
            )
        ]
    else:
        from ops.cli.commands.enqueue_file import hand_in

        batch, receipts = hand_in(said, given, quiet=as_json)
    if wait or timeout:
        _wait(receipts, patience, batch=batch, as_json=as_json, in_short=once is not None)
    elif as_json:
        _print_as_json(receipts)
    elif file is None:
        _print_one(receipts[0], in_short=once is not None)


def _print_one(receipt: "Receipt", *, in_short: bool) -> None:
    said = "submitted as" if receipt.new else "this was submitted before, as"
    more = "" if in_short else f"; see it with: classin show {receipt.id}"
    say("{} [bold]{}[/]{}", said, receipt.id, more)


def _print_as_json(receipts: Sequence["Receipt"]) -> None:
    """Print a line for each: where its record stands, and whether it is new."""
    from ops.cli.wiring import open_ledger

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


def named_fields(words: Sequence[str]) -> dict[str, Any]:
    """Read fields, given as NAME=VALUE; what refers to another's result is written as JSON."""
    faults: list[FieldError] = []
    named: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            faults.append(
                FieldError(word.partition("=")[0] or word, "should be written as name=value")
            )
        elif name in named:
            faults.append(FieldError(name, "given twice"))
        try:
            named[name] = json.loads(value) if _REFERENCE.match(value) else value
        except (ValueError, RecursionError) as error:
            faults.append(FieldError(name, f"looks like a reference, but is not JSON ({error})"))
    if faults:
        raise InvalidInputError("enqueue", faults)
    return named


def _all_fields(operation: str, words: Sequence[str], secrets: dict[str, str]) -> dict[str, Any]:
    """Put fields together; a credential among the arguments is told of."""
    named = named_fields(words)
    twice = [FieldError(name, "given twice") for name in named.keys() & secrets.keys()]
    if twice:
        raise InvalidInputError("enqueue", twice)
    warn_of_arguments(operation, named)
    return {**named, **secrets}


def _seconds(text: str | None) -> float | None:
    from worker.config.env import read_seconds

    try:
        return None if text is None else read_seconds(text)
    except ValueError:
        fault = FieldError("--timeout", f"should be a time like 30s or 5m; got {text!r}")
        raise InvalidInputError("enqueue", [fault]) from None


def _wait(
    receipts: Sequence["Receipt"],
    timeout: float | None,
    *,
    batch: str | None,
    as_json: bool,
    in_short: bool,
) -> None:
    """Wait for all, print each, and exit 1 unless all succeeded."""
    from ops.cli.commands.show import print_record
    from worker.ledger.states import State

    good = True
    ends = None if timeout is None else time.monotonic() + timeout
    if batch is not None and not as_json:
        _show_progress(batch, timeout)
    with err().status("waiting ...", spinner="dots"):
        records = [_settled(receipt, ends) for receipt in receipts]
    for record in records:
        good = good and record.state is State.SUCCEEDED
        if as_json:
            print_json(record.to_dict())
        elif in_short and len(records) == 1:
            out().print(marked("{} {}: {}", record.operation, record.id, state_of(record)))
        elif len(records) == 1:
            print_record(record)
    if not as_json and len(records) > 1:
        done = sum(record.state is State.SUCCEEDED for record in records)
        out().print(f"{done:,} of {len(records):,} succeeded")
    if not good:
        raise typer.Exit(1)


def _show_progress(batch: str, timeout: float | None) -> None:
    from ops.cli.progress_bar import show
    from ops.cli.wiring import open_ledger
    from ops.insight.progress import follow

    ledger = open_ledger()
    if ledger.batch_counts(batch):  # else all of it was known from before
        show(follow(ledger, [batch], patience=timeout))


def _settled(receipt: "Receipt", ends: float | None) -> "Record":
    """Wait for one until then (monotonic seconds); gives the record, settled or not."""
    try:
        return receipt.wait(None if ends is None else max(0.0, ends - time.monotonic()))
    except TimeoutError as error:
        err().print(str(error))
        return receipt.record()
