"""`classin schools`: how each school stands."""

from datetime import datetime
from typing import TYPE_CHECKING

from ops.cli.markup import joined, marked
from ops.cli.options import AsJson
from ops.cli.output import local, out, print_json, table
from ops.cli.queries import open_queries
from ops.insight.lanes_and_schools import SchoolView, look_at_schools
from worker.config.settings import from_env

if TYPE_CHECKING:
    from rich.console import RenderableType


def schools(*, as_json: AsJson = False) -> None:
    """Tell how each school stands."""
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


def _schools(found: list[SchoolView]) -> "RenderableType":
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
