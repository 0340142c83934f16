"""Many records at once: `stats` and `watch`."""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import coloured, err, local, out, print_json, table
from worker.ledger.lifecycle import State

if TYPE_CHECKING:
    from rich.console import RenderableType

    from worker.ledger.ledger import Counts, Ledger

#: Seconds between two looks of `watch`.
_LOOK_EVERY = 0.5


def stats(*, as_json: AsJson = False) -> None:
    """Count the operations by state, and the codes that came back last."""
    from rich.markup import escape

    from ops.cli.connection import open_ledger
    from ops.waiting import closure_in_words, closure_to_json

    ledger = open_ledger()
    counts, codes, closures = ledger.counts(), ledger.codes(), ledger.closures()
    if as_json:
        names = counts.operations()
        print_json(
            {
                "states": counts.by_state(),
                "operations": {name: counts.of(name) for name in names},
                "codes": {str(code): codes[code] for code in sorted(codes)},
                "closed": [closure_to_json(closure) for closure in closures],
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
    as_json: AsJson = False,
) -> None:
    """Follow a batch to its end, or everything until Ctrl-C.

    With a batch: exit 0 when all of it succeeded, 1 otherwise.
    """
    from ops.cli.connection import open_ledger
    from worker.classin.errors import NotFound

    ledger = open_ledger()
    if batch is not None and not ledger.batch(batch):
        raise NotFound(f"there is no batch {batch!r}")
    last: Mapping[State, int] = {}
    if as_json or not out().is_terminal:
        for last in _changes(ledger, batch):
            _print_counts(last, as_json=as_json)
    else:
        last = _live(ledger, batch)
    if batch is not None and set(last) - {State.SUCCEEDED}:
        raise typer.Exit(1)


def _changes(ledger: "Ledger", batch: str | None) -> Iterator[Mapping[State, int]]:
    """Give the counts each time they have changed; a batch ends when all of it is settled."""
    seen: Mapping[State, int] | None = None
    while True:
        counts = _count(ledger, batch)
        if counts != seen:
            yield counts
            seen = counts
        if batch is not None and all(state.settled for state in counts):
            return
        time.sleep(_LOOK_EVERY)


def _count(ledger: "Ledger", batch: str | None) -> Mapping[State, int]:
    return ledger.batch(batch) if batch is not None else ledger.counts().by_state()


def _print_counts(counts: Mapping[State, int], *, as_json: bool) -> None:
    if as_json:
        print_json({state.value: number for state, number in counts.items()})
    else:
        out().print(
            ", ".join(f"{counts[state]:,} {state.value}" for state in State if state in counts)
        )


def _live(ledger: "Ledger", batch: str | None) -> Mapping[State, int]:
    """Show a bar and the counts, in place."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    counts: Mapping[State, int] = {}
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=err()) as progress:
        bar = progress.add_task("")
        for counts in _changes(ledger, batch):
            settled = sum(n for state, n in counts.items() if state.settled)
            words = " ".join(
                f"{counts[state]:,} {coloured(state)}" for state in State if state in counts
            )
            total = sum(counts.values())
            progress.update(bar, completed=settled, total=total, description=words)
    return counts
