"""What the bench says: a table for people, JSON for programs, Markdown for the documents."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from ops.cli.markup import marked
from ops.cli.output import table
from tests.bench.machine import Machine
from tests.bench.rows import Result
from tests.bench.samples import Samples

#: Between these lines the document belongs to the bench.
_BEGIN, _END = "<!-- written by make bench -->\n", "<!-- end -->\n"

_HEAD = ("", "what", "unit", "ours", "theirs", "against", "ratio", "goal", "")


def rich_table(found: Sequence[Result]) -> Table:
    """Build the table that is printed."""
    columns = ("", "*what", "unit", "#ours", "#theirs", "against", "ratio (least, most)", "goal")
    rows = table(*columns, "met")
    for result in found:
        cells = _cells(result)
        colour = {True: "green", False: "red", None: "dim"}[result.met]
        rows.add_row(*cells[:-1], marked(f"[{colour}]{{}}[/]", cells[-1]))
    return rows


def markdown(found: Sequence[Result], account: str, *, charted: bool) -> str:
    """Build the same for a document, with the chart if there is one."""
    picture = ["![Operations settled a second](bench.svg)", ""] if charted else []
    head = [_line(_HEAD), _line(["--", "--", "--", "--:", "--:", "--", "--", "--", "--"])]
    lines = [_line(_cells(each)) for each in found]
    return "\n".join([*picture, account, "", *head, *lines])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def written_into(document: str, text: str) -> str:
    """Replace what stands between the bench's lines."""
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{text}\n{_END}{after}"


def _cells(result: Result) -> list[str]:
    row = result.row
    spread = f" ({_short(min(result.ratios))}, {_short(max(result.ratios))})"
    goal = "" if row.goal is None else f"{'at least' if row.more else 'at most'} {row.goal:g}"
    return [
        row.number,
        row.what,
        row.unit,
        _short(result.ours),
        "" if result.theirs is None else _short(result.theirs),
        "" if result.peer is None else result.peer,
        _short(result.ratio) + (spread if len(result.ratios) > 1 else ""),
        goal,
        {True: "yes", False: "no", None: ""}[result.met],
    ]


def _short(number: float) -> str:
    """Write a number with three digits that count."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def to_dict(found: Sequence[Result], samples: Samples, machine: Machine) -> dict[str, Any]:
    """Give all of it."""
    return {
        "machine": machine.to_dict(),
        "rows": [
            {
                "row": result.row.number,
                "what": result.row.what,
                "unit": result.row.unit,
                "ours": result.ours,
                "peer": result.peer,
                "theirs": result.theirs,
                "ratio": result.ratio,
                "ratios": list(result.ratios),
                "goal": result.row.goal,
                "met": result.met,
            }
            for result in found
        ],
        "samples": samples.to_dict(),
    }
