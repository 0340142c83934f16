"""`classin enqueue`: one operation, or a file of them."""

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.options import AsJson
from ops.cli.output import err, out, print_json, say

if TYPE_CHECKING:
    from producers.line import Options
    from producers.receipt import Receipt
    from producers.submission import Checked, Submitter
    from worker.ledger.record import Record

#: So many faults of a file are shown; the rest is counted.
_MOST_FAULTS = 50

#: What a value looks like that refers to another's result.
_REFERENCE = re.compile(r'\s*\{.*"\$result"\s*:', re.DOTALL)


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
        str | None, typer.Option("--file", "-f", help="JSON lines instead; - for standard input.")
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
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is settled.")] = False,
    timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Wait no longer than this: 30s, 5m.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Submit one operation, or a file of them.

    Exit 0: submitted, and with --wait succeeded; 1: it did not succeed; 2: wrong input.
    """
    from ops.cli.connection import open_submitter
    from worker.classin.errors import Fault, InvalidInput

    patience = _seconds(timeout)
    if (operation is None) == (file is None):
        raise InvalidInput(
            "enqueue", [Fault("", "give either an operation with its fields, or --file")]
        )
    given: Options = {
        "school": school,
        "if_exists": if_exists,
        "dedup_key": dedup_key,
        "lane": lane,
        "after": after or [],
        "priority": priority,
        "lane_on_failure": "stop" if stop_lane else None,
    }
    receipts: Sequence[Receipt]
    if file is None:
        named = _named(fields or [])
        receipts = [open_submitter().submit(operation or "", named, source="command line", **given)]
    elif fields or any(given.values()):
        raise InvalidInput("enqueue", [Fault("--file", "each line has its own fields")])
    else:
        receipts = _enqueue_file(open_submitter(), file, skip_bad=skip_bad, quiet=as_json)
    if wait or timeout:
        _wait(receipts, patience, as_json=as_json)
    elif as_json:
        _print_as_json(receipts)
    elif file is None:
        _print_one(receipts[0])


def _enqueue_file(
    submitter: "Submitter", file: str, *, skip_bad: bool, quiet: bool
) -> Sequence["Receipt"]:
    """Submit a file's lines, and say how many were new."""
    from producers.jsonl import check_lines

    source = "standard input" if file == "-" else Path(file).name
    with _open(file) as lines:
        checked = check_lines(lines, submitter, source)
    _report(checked, skip_bad=skip_bad)
    from rich.progress import Progress

    with Progress(
        console=err(), transient=True, disable=quiet or not err().is_terminal
    ) as progress:
        bar = progress.add_task("submitting", total=len(checked.submissions))
        receipts = submitter.enter(
            checked.submissions, lambda number: progress.advance(bar, number)
        )
    if not quiet:
        _print_batch(checked.batch, receipts)
    return receipts


def _print_batch(batch: str, receipts: Sequence["Receipt"]) -> None:
    new = sum(receipt.new for receipt in receipts)
    known = len(receipts) - new
    told = f", {known:,} known from before" if known else ""
    if new or not known:
        out().print(
            f"{new:,} operations submitted as batch [bold]{batch}[/]{told}."
            f" Follow them with: classin watch {batch}"
        )
    else:
        out().print(f"0 operations submitted{told}.")


def _print_one(receipt: "Receipt") -> None:
    said = "submitted as" if receipt.new else "this was submitted before, as"
    say(f"{said} [bold]{receipt.id}[/]; see it with: classin show {receipt.id}")


def _print_as_json(receipts: Sequence["Receipt"]) -> None:
    """Print a line for each: where its record stands, and whether it is new."""
    from ops.cli.connection import open_ledger

    ids = list(dict.fromkeys(receipt.id for receipt in receipts))
    records = {record.id: record for record in open_ledger().find_all(ids)}
    for receipt in receipts:
        record = records[receipt.id]
        print_json(
            {
                "id": record.id,
                "state": record.state.value,
                "batch": record.batch,
                "new": receipt.new,
            }
        )


@contextmanager
def _open(file: str) -> Iterator[Iterable[bytes]]:
    from worker.classin.errors import Fault, InvalidInput

    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115  # closed below; only opening may fail here
    except OSError as error:
        fault = Fault("--file", f"{file} cannot be read: {error.strerror}")
        raise InvalidInput("enqueue", [fault]) from None
    with stream:
        yield stream


def _report(checked: "Checked", *, skip_bad: bool) -> None:
    """Name the faults of a file; unless they are to be skipped, that is the end of it."""
    from worker.classin.errors import Fault, InvalidInput

    if not checked.faults:
        return
    shown = [*checked.faults[:_MOST_FAULTS]]
    if len(checked.faults) > _MOST_FAULTS:
        shown.append(Fault("", f"... and {len(checked.faults) - _MOST_FAULTS:,} more faults"))
    if not skip_bad:
        raise InvalidInput("nothing was submitted", shown)
    sys.stderr.write(str(InvalidInput("skipped", shown)) + "\n")


def _named(words: Sequence[str]) -> dict[str, Any]:
    """Read fields; what refers to another's result is written as JSON."""
    from worker.classin.errors import Fault, InvalidInput

    faults: list[Fault] = []
    named: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            faults.append(Fault(word.partition("=")[0] or word, "should be written as name=value"))
        elif name in named:
            faults.append(Fault(name, "given twice"))
        try:
            named[name] = json.loads(value) if _REFERENCE.match(value) else value
        except (ValueError, RecursionError) as error:
            faults.append(Fault(name, f"looks like a reference, but is not JSON ({error})"))
    if faults:
        raise InvalidInput("enqueue", faults)
    return named


def _seconds(text: str | None) -> float | None:
    from worker.classin.errors import Fault, InvalidInput
    from worker.settings import read_seconds

    try:
        return None if text is None else read_seconds(text)
    except ValueError:
        fault = Fault("--timeout", f"should be a time like 30s or 5m; got {text!r}")
        raise InvalidInput("enqueue", [fault]) from None


def _wait(receipts: Sequence["Receipt"], timeout: float | None, *, as_json: bool) -> None:
    """Wait for all, print each, and exit 1 unless all succeeded."""
    from ops.cli.looking import print_record
    from worker.ledger.lifecycle import State

    good = True
    with err().status("waiting ...", spinner="dots"):
        ends = None if timeout is None else time.monotonic() + timeout
        records = [_settled(receipt, ends) for receipt in receipts]
    for record in records:
        good = good and record.state is State.SUCCEEDED
        if as_json:
            print_json(record.to_json())
        elif len(records) == 1:
            print_record(record)
    if not as_json and len(records) > 1:
        done = sum(record.state is State.SUCCEEDED for record in records)
        out().print(f"{done:,} of {len(records):,} succeeded")
    if not good:
        raise typer.Exit(1)


def _settled(receipt: "Receipt", ends: float | None) -> "Record":
    """Wait for one until then (monotonic seconds); gives the record, settled or not."""
    try:
        return receipt.wait(None if ends is None else max(0.0, ends - time.monotonic()))
    except TimeoutError as error:
        err().print(str(error))
        return receipt.record()
