"""Progress shown: a bar with rate and time left, and failures as they come."""

from collections.abc import Iterable, Mapping

from ops.cli.markup import Marked, joined, marked
from ops.cli.output import coloured, err, out, print_json, state_of
from ops.insight.progress import Look
from ops.insight.status_text import status_text
from worker.durations import duration_text
from worker.ledger.record import Record
from worker.ledger.states import State


def show(looks: Iterable[Look], *, as_json: bool = False) -> Mapping[State, int]:
    """Show looks at batches, or at everything, as they come; gives the last counts.

    On a terminal a bar, else a line whenever the counts have changed; as JSON, objects with a
    `type`: `progress` or `failure`.
    """
    if as_json:
        return _as_json(looks)
    return _live(looks) if out().is_terminal else _as_lines(looks)


def _as_json(looks: Iterable[Look]) -> Mapping[State, int]:
    counts: Mapping[State, int] | None = None
    for look in looks:
        for record in look.failures:
            print_json(_failure(record))
        if look.counts != counts:
            counts = look.counts
            print_json(_progress(look))
    return counts or {}


def _progress(look: Look) -> Mapping[str, object]:
    return {
        "type": "progress",
        "states": {state.value: number for state, number in look.counts.items()},
        "total": look.total,
        "settled": look.settled,
        "rate": None if look.rate is None else round(look.rate, 2),
        "left": None if look.left is None else round(look.left, 1),
    }


def _failure(record: Record) -> Mapping[str, object]:

    return {
        "type": "failure",
        "id": record.id,
        "batch": record.batch,
        "row": record.row,
        "operation": record.operation,
        "state": record.state.value,
        "reason": record.reason.value if record.reason else None,
        "code": record.code,
        "means": status_text(record).meaning,
    }


def _as_lines(looks: Iterable[Look]) -> Mapping[State, int]:
    counts: Mapping[State, int] | None = None
    for look in looks:
        for record in look.failures:
            out().print(line_of(record))
        if look.counts != counts:
            counts = look.counts
            out().print(
                ", ".join(
                    f"{counts[state]:,} {state.value}" for state in State if counts.get(state)
                )
            )
    return counts or {}


def line_of(record: Record) -> Marked:
    """Write a failure on one line: no field, and no words of ClassIn's own."""
    row = "" if record.row is None else f" row {record.row}"
    which = f"{row} {record.operation} {record.id}: {status_text(record).meaning}"
    return marked("{}{}", state_of(record), which)


def _live(looks: Iterable[Look]) -> Mapping[State, int]:
    """Show a bar and the counts, in place, and failures above it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415  # rich

    counts: Mapping[State, int] = {}
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=err()) as progress:
        bar = progress.add_task("")
        for look in looks:
            counts = look.counts
            for record in look.failures:
                progress.console.print(line_of(record))
            words = [
                marked("{} {}", f"{counts[state]:,}", coloured(state))
                for state in State
                if counts.get(state)
            ]
            progress.update(
                bar,
                completed=look.settled,
                total=look.total,
                description=joined(" ", [*pace_of(look), *words]),
            )
    return counts


def pace_of(look: Look) -> list[str]:
    """Write the rate and the time left."""
    if look.rate is None:
        return []
    rate = f"{look.rate:,.0f}/s" if look.rate >= 1 else f"{look.rate * 60:,.0f}/min"
    return [rate] if look.done else [rate, f"{duration_text((look.left or 0) * 1000)} left"]
