"""Many records at once: `stats` and `watch`."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import coloured, err, local, out, print_json, table
from worker.ledger.lifecycle import State

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ops.progress import Look
    from worker.ledger.ledger import Counts, Ledger


def stats(*, as_json: AsJson = False) -> None:
    """Count the operations by state, and the codes that came back last."""
    from rich.markup import escape

    from ops.cli.connection import open_ledger
    from ops.waiting import closure_in_words

    ledger = open_ledger()
    counts, codes, closures = ledger.counts(), ledger.codes(), ledger.closures()
    if as_json:
        names = counts.operations()
        print_json(
            {
                "states": counts.by_state(),
                "operations": {name: counts.of(name) for name in names},
                "codes": {str(code): codes[code] for code in sorted(codes)},
                "closed": [closure.to_json() for closure in closures],
            }
        )
    elif not counts.by_operation:
        out().print("no operations yet; submit one with: classin enqueue")
    else:
        out().print(_by_state(counts))
        if codes:
            out().print()
            out().print(_by_code(codes))
        for closure in closures:
            out().print(f"[yellow]{escape(closure_in_words(closure, local))}[/]")


def _by_state(counts: "Counts") -> "RenderableType":
    totals = counts.by_state()
    states = [state for state in State if totals[state]]
    rows = table("operation", *(f"#{coloured(state)}" for state in states), "#all")
    for name in counts.operations():
        mine = counts.of(name)
        rows.add_row(name, *(_number(mine[state]) for state in states), _number(mine.total()))
    rows.add_row("all", *(_number(totals[state]) for state in states), _number(totals.total()))
    return rows


def _by_code(codes: Mapping[int, int]) -> "RenderableType":
    from worker.classin.codes import Code

    rows = table("#code", "#operations", "*means")
    for number in sorted(codes, key=lambda number: -codes[number]):
        code = Code.known(number)
        rows.add_row(str(number), _number(codes[number]), code.phrase if code else "not listed")
    return rows


def _number(number: int) -> str:
    return f"{number:,}" if number else ""


def watch(
    batch: Annotated[
        str | None, typer.Argument(help="A batch; without, all operations, until Ctrl-C.")
    ] = None,
    *,
    failures: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Write what did not succeed there, with its rows: to mend them."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Where its file lies now, if it has been moved.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow a batch to its end, or everything until Ctrl-C.

    With a batch: exit 0 when all of it succeeded, 1 otherwise.
    """
    from ops.cli.connection import open_ledger
    from ops.cli.progress_bar import show
    from ops.progress import follow
    from worker.classin.errors import Fault, InvalidInput, NotFound

    ledger = open_ledger()
    if batch is None:
        if failures or file:
            raise InvalidInput("watch", [Fault("--failures", "are those of a batch: name one")])
        show(_everything(ledger), as_json=as_json)
        return
    if not ledger.batch(batch):
        raise NotFound(f"there is no batch {batch!r}")
    last = show(follow(ledger, [batch]), as_json=as_json)
    if not as_json:
        _tell_of_webhook(ledger, batch)
    if failures is not None:
        _write_failures(ledger, batch, failures, file)
    if set(last) - {State.SUCCEEDED}:
        raise typer.Exit(1)


def _everything(ledger: "Ledger") -> "Iterator[Look]":
    """Look at all operations, without end."""
    from ops.progress import LOOK_EVERY, Look

    while True:
        yield Look(ledger.counts().by_state())
        time.sleep(LOOK_EVERY)


def _tell_of_webhook(ledger: "Ledger", batch: str) -> None:
    """Say how the webhook stands, if there is one."""
    about = ledger.about(batch)
    if about is None or (webhook := about.webhook) is None:
        return
    due = f", due {local(webhook.due_at)}" if webhook.due_at is not None else ""
    said = f" ({webhook.said})" if webhook.said else ""
    err().print(f"webhook {webhook.told.value}{due}{said}", markup=False)


def _write_failures(ledger: "Ledger", batch: str, path: Path, source: Path | None) -> None:
    from ops.failures import write_failures

    written = write_failures(ledger, batch, path, source)
    whence = "as they stood in the file" if written.as_they_stood else "made from the records"
    err().print(f"{written.rows:,} rows, {whence}, in {path}", markup=False)
