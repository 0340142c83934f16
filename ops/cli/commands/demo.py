"""`classin demo`: the main job on a system of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ops.cli.markup import Marked, lines, marked
from ops.cli.options import AsJson
from ops.cli.output import err, out, print_json, state_of, table
from ops.insight.status_text import status_text
from ops.processes.supervisor import Stop, stop_on_signals

if TYPE_CHECKING:
    from ops.demo.demo import Ending


def demo(*, as_json: AsJson = False) -> None:
    """Run the main job on a system of its own: a file of operations, and a school's roster.

    Exit 0 if each part ended as it should.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415  # rich

    from ops.demo.demo import demonstrate, scenes  # noqa: PLC0415  # aiohttp

    played = scenes()
    stop_on_signals()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err(), transient=True, disable=as_json) as progress:
        bar = progress.add_task("starting Redis, simulator and worker", total=len(played))

        def advance(settled: int) -> None:
            progress.update(bar, completed=settled, description="settling operations")

        try:
            shown = demonstrate(played, advance)
        except Stop as stop:  # its system is gone by then
            raise typer.Exit(stop.code or 1) from None
    if as_json:
        for ending in shown.endings:
            said = {"story": ending.scene.story, "as_expected": ending.as_expected}
            print_json({**said, **ending.record.to_dict()})
        for each in shown.syncs:
            print_json({"story": each.story, "as_expected": each.as_expected, "exit": each.code})
    else:
        _print_endings(shown.endings)
        for each in shown.syncs:
            mark, words = _mark(good=each.as_expected), " ".join(each.words)
            out().print(marked("\n{} {}: [bold]classin {}[/]", mark, each.story, words))
            out().print(lines(each.said.rstrip()))
    if not shown.as_expected:
        raise typer.Exit(1)


def _mark(*, good: bool) -> Marked:
    return Marked("[green]✓[/]" if good else "[red]✗[/]")


def _print_endings(endings: "Sequence[Ending]") -> None:

    rows = table(
        "", "*story", "operation", "state", "#code", "#tries", "*ClassIn said", "*what to do"
    )
    for ending in endings:
        record = ending.record
        rows.add_row(
            _mark(good=ending.as_expected),
            ending.scene.story,
            record.operation,
            state_of(record),
            "" if record.code is None else str(record.code),
            str(len(record.attempts)),
            record.message or "",
            status_text(record).todo,
        )
    out().print(rows)
    good = sum(ending.as_expected for ending in endings)
    told = "\n{} of {} operations ended as the file says they should."
    out().print(marked(told, good, len(endings)))
