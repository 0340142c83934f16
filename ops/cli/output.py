"""How commands speak: tables and words for people, JSON lines for programs.

Whatever is printed is shown as it is, on one line, and none of it acts on the terminal: only what
`marked` made has colours or several lines.
"""

import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from ops.cli.markup import Marked, marked
from worker.ledger.states import State
from worker.printable import printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from worker.ledger.record import Record

#: Colours of states; the others have none.
_COLOURS = {
    State.QUEUED: "cyan",
    State.BLOCKED: "cyan",
    State.RUNNING: "blue",
    State.DEFERRED: "yellow",
    State.SUCCEEDED: "green",
    State.PARTIAL: "magenta",
    State.FAILED: "red",
    State.UNCERTAIN: "magenta",
    State.CANCELLED: "dim",
}

_STYLE = re.compile(r"\[/?[a-z]*\]")

#: What JSON may hold as it is, and a terminal may not.
_ACTING_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


@cache
def out() -> "Console":
    """Standard output; wide when it goes into a file or another program."""
    from ops.cli.console import PlainConsole  # noqa: PLC0415  # rich

    return PlainConsole(highlight=False, width=None if sys.stdout.isatty() else 180)


@cache
def err() -> "Console":
    """Standard error, for progress and remarks."""
    from ops.cli.console import PlainConsole  # noqa: PLC0415  # rich

    return PlainConsole(stderr=True, highlight=False)


def say(template: str, *values: object) -> None:
    """Print a line in which some is marked `[bold]{}[/]`; rich is needed for people only."""
    if sys.stdout.isatty():
        out().print(marked(template, *values))
    else:
        shown = (printable(str(value)) for value in values)
        sys.stdout.write(_STYLE.sub("", template).format(*shown) + "\n")


def write_error(text: str) -> None:
    """Write an error's lines to standard error, where rich is not needed."""
    sys.stderr.write(printable_lines(text) + "\n")


def print_page(text: str) -> None:
    """Print a page of several lines as it is."""
    sys.stdout.write(printable_lines(text))


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line; what would act on a terminal is escaped, as JSON can."""
    text = json.dumps(value, ensure_ascii=False)
    text = _ACTING_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def coloured(state: State) -> Marked:
    """Give the state in its colour."""
    return Marked(f"[{colour_of(state)}]{state.value}[/]")


def colour_of(state: State) -> str:
    """Return a rich style: the colour of a state, `default` for none."""
    return _COLOURS.get(state, "default")


def standing_of(record: "Record") -> str:
    """Give a record's state with its reason."""
    return record.state.value + _more_of_state(record)


def state_of(record: "Record") -> Marked:
    """Give a record's state with its reason, the state in its colour."""
    return marked("{}{}", coloured(record.state), _more_of_state(record))


def _more_of_state(record: "Record") -> str:
    reason = f"/{record.reason.value}" if record.reason else ""
    return reason + (" (already)" if record.already else "")


def table(*columns: str, title: str | None = None) -> "Table":
    """Build a plain table: columns whose name starts with `#` hold numbers, with `*` may wrap."""
    from rich.table import Table  # noqa: PLC0415  # rich

    plain = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for column in columns:
        heading = column.lstrip("#*")
        plain.add_column(
            Marked(heading) if isinstance(column, Marked) else heading,
            justify="right" if column.startswith("#") else "left",
            no_wrap=not column.startswith("*"),
            overflow="fold" if column.startswith("*") else "ellipsis",
        )
    return plain


def grid(style: str = "bold") -> "Table":
    """Build a table of names, in a style, and what belongs to each."""
    from rich.table import Table  # noqa: PLC0415  # rich

    pairs = Table.grid(padding=(0, 2))
    pairs.add_column(style=style, no_wrap=True)
    pairs.add_column(overflow="fold")
    return pairs


def local(ms: int | None) -> str:
    """Write a moment as the reader's clock shows it; the date only if it is not today's."""
    if ms is None:
        return ""
    moment, today = datetime.fromtimestamp(ms / 1000).astimezone(), datetime.now().astimezone()
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%Y-%m-%d %H:%M:%S")
