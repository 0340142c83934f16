"""`classin lanes`: the lanes in which operations wait."""

from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.markup import marked
from ops.cli.options import AsJson
from ops.cli.output import coloured, err, local, out, print_json, table
from ops.cli.queries import open_queries
from ops.insight.lanes_and_schools import LaneView, look_at_lanes
from worker.durations import duration_text

if TYPE_CHECKING:
    from rich.console import RenderableType


def lanes(
    *,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those that stand still for over ten minutes.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the lanes in which operations wait, the longest first."""
    found, number = look_at_lanes(open_queries(), limit, stuck=stuck)
    if as_json:
        for each in found:
            print_json(each.to_dict())
    elif found:
        out().print(_lanes(found))
        if number > len(found):
            more = f"{number - len(found):,}"
            err().print(marked("[dim]{} more: --limit shows more[/]", more))
    else:
        out().print(f"no lane {'is stuck' if stuck else 'in which anybody waits'}")


def _lanes(found: list[LaneView]) -> "RenderableType":

    rows = table("lane", "#length", "#still for", "its first", "operation", "state", "*why")
    for each in found:
        lane = each.lane
        stopped = f"; to stop because of {lane.stopped_by}" if lane.stopped_by else ""
        rows.add_row(
            lane.name,
            f"{lane.length:,}",
            duration_text(each.still),
            lane.head.id,
            lane.head.operation,
            coloured(lane.head.state),
            each.why(local) + stopped,
        )
    return rows
