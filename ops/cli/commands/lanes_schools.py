"""What waits, and for whom: `lanes` and `schools`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.options import AsJson
from ops.cli.output import coloured, err, joined, local, marked, out, print_json, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ops.insight.lanes_and_schools import LaneView, SchoolView


def lanes(
    *,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those that stand still for over ten minutes.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the lanes in which operations wait, the longest first."""
    from ops.cli.wiring import open_queries
    from ops.insight.lanes_and_schools import look_at_lanes

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


def _lanes(found: "list[LaneView]") -> "RenderableType":
    from worker.durations import duration_text

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


def schools(*, as_json: AsJson = False) -> None:
    """Tell how each school stands."""
    from ops.cli.wiring import open_queries
    from ops.insight.lanes_and_schools import look_at_schools
    from worker.config.settings import from_env

    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    found = look_at_schools(
        open_queries(), list(from_env().schools), round(midnight.timestamp() * 1000)
    )
    if as_json:
        for each in found:
            print_json(each.to_dict())
    elif found:
        out().print(_schools(found))
    else:
        out().print("no school yet: set CLASSIN_SID and CLASSIN_SECRET, or CLASSIN_SCHOOLS")


def _schools(found: "list[SchoolView]") -> "RenderableType":
    rows = table(
        "school", "stands", "#waiting", "#running", "#parked", "#settled today", "#failures",
        "*remarks",
    )  # fmt: skip
    for each in found:
        standing = each.standing
        colour = {"open": "green", "held": "yellow", "paused": "red"}[each.stands]
        rows.add_row(
            standing.name,
            marked(f"[{colour}]{{}}[/]", each.stands),
            *(f"{number:,}" for number in (each.waiting, standing.running, standing.parked)),
            f"{each.settled:,}",
            marked("[red]{}[/]", f"{each.failures:,}") if each.failures else "0",
            joined("\n", each.remarks(local)),
        )
    return rows
