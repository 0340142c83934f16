"""How commands speak: tables and words for people, JSON lines for programs."""

import json
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from worker.ledger.lifecycle import State

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from worker.ledger.record import Record

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


@cache
def out() -> "Console":
    """Standard output; wide when it goes into a file or another program."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 180)


@cache
def err() -> "Console":
    """Standard error, for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a line in which some is marked `[bold]...[/]`; rich is needed for people only."""
    if sys.stdout.isatty():
        out().print(text)
    else:
        sys.stdout.write(_STYLE.sub("", text) + "\n")


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def coloured(state: State) -> str:
    """Give the state in its colour, as rich markup."""
    return f"[{_COLOURS[state]}]{state.value}[/]"


def colour_of(state: State) -> str:
    """Give the colour of a state."""
    return _COLOURS[state]


def standing_of(record: "Record") -> str:
    """Give a record's state with its reason."""
    reason = f"/{record.reason.value}" if record.reason else ""
    already = " (already)" if record.already else ""
    return f"{record.state.value}{reason}{already}"


def state_of(record: "Record") -> str:
    """Give a record's state with its reason, as rich markup."""
    return coloured(record.state) + standing_of(record).removeprefix(record.state.value)


def table(*columns: str, title: str | None = None) -> "Table":
    """Build a plain table: columns whose name starts with `#` hold numbers, with `*` may wrap."""
    from rich.table import Table

    plain = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for column in columns:
        plain.add_column(
            column.lstrip("#*"),
            justify="right" if column.startswith("#") else "left",
            no_wrap=not column.startswith("*"),
            overflow="fold" if column.startswith("*") else "ellipsis",
        )
    return plain


def local(ms: int | None) -> str:
    """Write a moment as the reader's clock shows it; the date only if it is not today's."""
    if ms is None:
        return ""
    moment, today = datetime.fromtimestamp(ms / 1000).astimezone(), datetime.now().astimezone()
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%Y-%m-%d %H:%M:%S")
