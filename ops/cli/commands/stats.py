"""Many records in numbers: `stats`."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.markup import Marked, marked
from ops.cli.options import AsJson
from ops.cli.output import coloured, local, out, print_json, table
from ops.cli.queries import open_queries
from ops.insight.failure_causes import Failures, meaning, todo
from ops.insight.filters import choose
from ops.insight.statistics import SHARES, Statistics, Timing, statistics
from ops.insight.wait_text import closure_in_words
from worker.durations import duration_text
from worker.ledger.states import State
from worker.ledger.types import Counts

if TYPE_CHECKING:
    from rich.console import RenderableType


#: From nothing to the most.
_BARS = " ▁▂▃▄▅▆▇█"

#: Characters of the longest bar.
_LONGEST = 12


def stats(
    *,
    since: Annotated[
        str,
        typer.Option(
            metavar="WHEN",
            help="2d, 24h, or 2026-09-01T08:00: by whole hours; 10m: less than one, exactly.",
        ),
    ] = "24h",
    as_json: AsJson = False,
) -> None:
    """Count the operations by state; rates, times and failures of the last hours."""
    asked = time.time()
    start = choose(now=asked, since=since).since or 0
    queries = open_queries()
    counts, closures, now = queries.counts(), queries.school_pauses(), queries.now()
    found = statistics(queries, min(start, now), now)
    if as_json:
        codes = queries.code_counts()
        print_json(
            {
                "states": counts.by_state(),
                "operations": {name: counts.of(name) for name in counts.operations()},
                "codes": {str(code): codes[code] for code in sorted(codes)},
                "closed": [closure.to_dict() for closure in closures],
                "window": found.to_dict(),
            }
        )
    elif not counts.by_operation and not found.settled:
        out().print("no operations yet; submit one with: classin enqueue")
    else:
        out().print(_by_state(counts))
        for part in _window(found):
            out().print()
            out().print(part)
        for closure in closures:
            out().print(marked("[yellow]{}[/]", closure_in_words(closure, local)))


def _by_state(counts: Counts) -> "RenderableType":
    totals = counts.by_state()
    states = [state for state in State if totals[state]]
    rows = table("operation", *(marked("#{}", coloured(state)) for state in states), "#all")
    for name in counts.operations():
        mine = counts.of(name)
        rows.add_row(name, *(_number(mine[state]) for state in states), _number(mine.total()))
    rows.add_row("all", *(_number(totals[state]) for state in states), _number(totals.total()))
    return rows


def _window(found: Statistics) -> "Iterator[RenderableType]":
    yield _headline(found)
    if found.empty:
        return
    yield _rates(found) if out().is_terminal else _pieces(found)
    if found.timings:
        yield _timings(found.timings)
    if failures := found.failures:
        yield _failures(failures)


def _headline(found: Statistics) -> Marked:
    how = "counted by the hour" if found.by_hour else "each settlement looked at"
    text = how
    if found.shortened and found.by_hour:
        text += "; earlier hours are not kept"
    elif found.shortened:
        text += "; earlier ones are too many to look at: ask for an hour or more"
    if found.empty:
        text += ": nothing was submitted, and nothing settled"
    return marked("[bold]Since {}[/], {}", local(found.since), text)


def _rates(found: Statistics) -> "RenderableType":
    """Draw the window, a character for each piece."""
    rows = table("", "#number", "#an hour", "")
    columns = {
        **{name: ([each.metrics[name] for each in found.pieces], "cyan") for name in found.metrics},
        "settled": ([each.settled for each in found.pieces], "green"),
        "failures": ([each.failures for each in found.pieces], "red"),
    }
    most = max(max(numbers) for numbers, _ in columns.values())
    for name, (numbers, colour) in columns.items():
        number = sum(numbers)
        rate, drawn = f"{found.per_hour(number):,.0f}", sparkline(numbers, most)
        rows.add_row(name, f"{number:,}", rate, marked(f"[{colour}]{{}}[/]", drawn))
    if len(found.pieces) > 1:
        each = found.pieces[1].at - found.pieces[0].at
        rows.add_row("", "", "", marked("[dim]a character: {}[/]", duration_text(each)))
    return rows


def sparkline(numbers: Sequence[int], most: int) -> str:
    """Draw numbers as one line; whatever is more than nothing can be seen."""
    top = len(_BARS) - 1
    return "".join(_BARS[-(-number * top // most) if most else 0] for number in numbers)


def _pieces(found: Statistics) -> "RenderableType":
    """Write the window down, for a file or another program."""
    rows = table("from", *(f"#{name}" for name in found.metrics), "#settled", "#failures")
    for each in found.pieces:
        metrics = [each.metrics[name] for name in found.metrics]
        if each.settled or any(metrics):
            numbers = (*metrics, each.settled, each.failures)
            rows.add_row(local(each.at), *map(_number, numbers))
    failed = sum(each.failures for each in found.pieces)
    numbers = (*found.metrics.values(), found.settled.total(), failed)
    rows.add_row("all", *map(_number, numbers))
    rows.add_row("an hour", *(f"{found.per_hour(number):,.0f}" for number in numbers))
    return rows


def _timings(timings: Mapping[str, Timing]) -> "RenderableType":

    heads = [f"#{name}" for name in SHARES]
    title = "From submission until settled, and the last attempt alone"
    columns = ["operation", "#settled", *heads]
    tried = any(ms is not None for each in timings.values() for ms in each.attempt.values())
    if tried:
        columns += ["attempt", *heads]
    rows = table(*columns, title=title if tried else "From submission until settled")
    for name, each in timings.items():
        cells = [*each.took.values(), *([None, *each.attempt.values()] if tried else [])]
        times = ("" if ms is None else duration_text(ms) for ms in cells)
        rows.add_row(name, _number(each.settled), *times)
    return rows


def _failures(failures: Sequence[Failures]) -> "RenderableType":

    drawn = out().is_terminal
    columns = ["#number", *([""] if drawn else []), "state", "#code", "*means", "*to do"]
    rows = table(*columns, title="What did not succeed, by cause")
    most = failures[0].number
    for each in failures:
        state, reason, code = each.cause
        length = max(1, each.number * _LONGEST // most)
        bar = [marked("[red]{}[/]", "█" * length)] if drawn else []
        kinds = ", ".join(name for name, _ in each.of.most_common(3))
        more = f" and {len(each.of) - 3} more" if len(each.of) > 3 else ""  # noqa: PLR2004  # as many as are named
        rows.add_row(
            _number(each.number),
            *bar,
            marked("{}{}", coloured(state), f"/{reason.value}" if reason else ""),
            "" if code is None else str(code),
            marked("{} [dim]({}{})[/]", meaning(each.cause), kinds, more),
            todo(each.cause),
        )
    return rows


def _number(number: int) -> str:
    return f"{number:,}" if number else ""
