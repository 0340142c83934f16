"""`classin enqueue`: one operation, or a file of them."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.output import AsJson, err, out, print_json

if TYPE_CHECKING:
    from producers.jsonl import Checked
    from producers.submission import Receipt, Submitter
    from worker.ledger.record import Record

#: So many faults of a file are shown; the rest is counted.
_MOST_FAULTS = 50


def add_to(program: typer.Typer) -> None:
    """Add the commands of this module."""
    program.command(rich_help_panel="Submit")(enqueue)


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
    if file is not None:
        if fields or school or if_exists:
            raise InvalidInput("enqueue", [Fault("--file", "each line has its own fields")])
        batch, receipts = _enqueue_file(open_submitter(), file, skip_bad=skip_bad, quiet=as_json)
    else:
        named = _named(fields or [])
        receipt = open_submitter().submit(
            operation or "", named, school=school, if_exists=if_exists, source="command line"
        )
        batch, receipts = None, [receipt]
    if wait or timeout:
        _wait(receipts, patience, as_json=as_json)
    elif as_json:
        for receipt in receipts:
            print_json({"id": receipt.id, "state": "queued", "batch": batch})
    elif batch is None:
        out().print(f"submitted as [bold]{receipt.id}[/]; see it with: classin show {receipt.id}")


def _enqueue_file(
    submitter: "Submitter", file: str, *, skip_bad: bool, quiet: bool
) -> tuple[str, Sequence["Receipt"]]:
    """Submit a file's lines; gives the batch and its receipts."""
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
        out().print(
            f"{len(receipts):,} operations submitted as batch [bold]{checked.batch}[/]."
            f" Follow them with: classin watch {checked.batch}"
        )
    return checked.batch, receipts


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


def _named(words: Sequence[str]) -> dict[str, str]:
    from worker.classin.errors import Fault, InvalidInput

    faults, named = [], {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            faults.append(Fault(word.partition("=")[0] or word, "should be written as name=value"))
        elif name in named:
            faults.append(Fault(name, "given twice"))
        named[name] = value
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
