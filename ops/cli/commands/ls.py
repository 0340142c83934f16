"""Many records: `ls`."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.markup import joined, marked
from ops.cli.options import AsJson
from ops.cli.output import colour_of, err, local, out, print_json, standing_of, table
from ops.cli.queries import open_queries
from ops.insight.columns import COLUMNS, FOLLOWED, USUAL, Kind, Row, choose_columns, plain, shown
from ops.insight.filters import choose, choose_order
from producers.files.csv_formulas import SafeWriter
from worker.errors import FieldError, InvalidInputError
from worker.ledger.decoding import cannot_be_read
from worker.ledger.index_scan import indexed_values, matches
from worker.ledger.queries import LedgerQueries
from worker.ledger.record import Record
from worker.ledger.states import State
from worker.ledger.types import Filter
from worker.printable import printable

if TYPE_CHECKING:
    from rich.console import RenderableType


#: Records of a list, where nothing else is said.
_USUAL = 20

#: Events that are read together, and seconds that a question for more of them waits.
_TOGETHER, _WAIT = 500, 1.0

#: How wide columns are while lines come one by one.
_WIDTHS = {
    "id": 16, "operation": 24, "school": 10, "state": 19, "reason": 10, "code": 6, "tries": 5,
    "asked": 8, "started": 8, "finished": 8, "due": 8, "took": 8, "request": 7, "batch": 16,
    "lane": 24, "priority": 8, "source": 14, "dedup_key": 16, "retry_of": 16, "retried_by": 16,
}  # fmt: skip

#: Those of them that are cut where they are longer; others push what follows to the right.
_CUT = frozenset({"operation", "school", "lane", "source", "dedup_key"})


def ls(  # noqa: PLR0913  # each is an option of the command
    *,
    state: Annotated[str | None, typer.Option(help="queued, running, failed ...")] = None,
    operation: Annotated[str | None, typer.Option(help="edit_course ...")] = None,
    school: Annotated[str | None, typer.Option()] = None,
    code: Annotated[int | None, typer.Option(help="ClassIn's last answer: 104 ...")] = None,
    batch: Annotated[str | None, typer.Option(help="As `enqueue --file` gives it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Of failed ones: exhausted ...")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="2d, 90m, or 2026-09-01T08:00.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="As --since.")] = None,
    sort: Annotated[
        str,
        typer.Option(
            metavar="ORDER",
            help="newest, oldest, finished (--since and --until go by that, then) or due.",
        ),
    ] = "newest",
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Which columns: id, operation, took ...")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, max=10_000, help="How many at most: 20, unless --follow is given."),
    ] = None,
    cursor: Annotated[
        str | None, typer.Option(help="Go on after this; each line of --json has one.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Show what settles as it does, until Ctrl-C.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """List operations, newest first; filters combine."""
    chosen = choose(
        now=time.time(),
        state=state,
        operation=operation,
        school=school,
        code=code,
        batch=batch,
        reason=reason,
        since=since,
        until=until,
    )
    order = choose_order(sort)
    names = choose_columns(columns, FOLLOWED if follow else USUAL)
    _must_fit(as_csv and as_json, "--csv", "not together with --json")
    printer = _Printer(names, as_json=as_json, as_csv=as_csv, given=columns is not None)
    queries = open_queries()
    if follow:
        _must_fit(cursor is not None, "--cursor", "not together with --follow")
        _must_fit(until is not None, "--until", "not together with --follow")
        _must_fit(sort != "newest", "--sort", "not together with --follow")
        _follow(queries, chosen, printer, limit)
        return
    most = limit or _USUAL
    found, following, unreadable = queries.listing(chosen, order, most, cursor)
    printer.page(_rows(queries, [each.record for each in found]), [each.cursor for each in found])
    _tell_of(unreadable)
    if following and len(found) < most:
        err().print(marked("[yellow]many do not fit; look further with --cursor {}[/]", following))
    elif following and not (as_json or as_csv):
        err().print(marked("[dim]more: the same with --cursor {}[/]", following))


def _tell_of(unreadable: Sequence[str]) -> None:
    """Say which records are left out because somebody changed them in Redis."""
    for record_id in unreadable:
        err().print(marked("[red]{}[/]", cannot_be_read(f"record {record_id}")))


def _must_fit(wrong: bool, option: str, why: str) -> None:

    if wrong:
        raise InvalidInputError("ls", [FieldError(option, why)])


def _rows(queries: LedgerQueries, records: Sequence[Record]) -> list[Row]:

    obstacles = queries.wait_reasons(records)
    return [Row(record, obstacles.get(record.id)) for record in records]


class _Printer:
    """Prints rows as the options ask for."""

    def __init__(self, names: Sequence[str], *, as_json: bool, as_csv: bool, given: bool) -> None:
        self._names = names
        self._as_json, self._as_csv = as_json, as_csv
        #: Whether somebody named the columns: then JSON has those alone.
        self._given = given
        self._csv = SafeWriter(sys.stdout, lineterminator="\n")

    def page(self, rows: Sequence[Row], cursors: Sequence[str]) -> None:
        """Print a page."""
        if self._as_json:
            for row, cursor in zip(rows, cursors, strict=True):
                print_json({**self._object(row), "cursor": cursor})
        elif self._as_csv:
            self._csv.writerow(self._names)
            for row in rows:
                self._csv.writerow(self._values(row))
        elif rows:
            out().print(_table(self._names, rows))
        else:
            out().print("no such operations")

    def begin(self) -> None:
        """Print what stands above lines that come one by one."""
        if self._as_csv:
            self._csv.writerow(self._names)
            sys.stdout.flush()
        elif not self._as_json:
            line = "  ".join(_fitted(name, COLUMNS[name].heading) for name in self._names)
            out().print(marked("[bold]{}[/]", line), no_wrap=True, overflow="ellipsis", crop=True)

    def line(self, row: Row) -> None:
        """Print one row at once."""
        if self._as_json:
            print_json(self._object(row))
        elif self._as_csv:
            self._csv.writerow(self._values(row))
            sys.stdout.flush()
        else:
            line = joined("  ", (_cell(name, row, _fitted) for name in self._names))
            out().print(line, no_wrap=True, overflow="ellipsis", crop=True)
            sys.stdout.flush()

    def _object(self, row: Row) -> Mapping[str, object]:

        if self._given:
            return {name: plain(name, row) for name in self._names}
        waits_for = row.obstacle.to_dict() if row.obstacle else None
        return {**row.record.to_dict(), "waits_for": waits_for}

    def _values(self, row: Row) -> list[str | int | None]:

        values = (plain(name, row) for name in self._names)
        return [printable(each) if isinstance(each, str) else each for each in values]


def _table(names: Sequence[str], rows: Sequence[Row]) -> "RenderableType":

    shown = table(*(_mark(name) + COLUMNS[name].heading for name in names))
    for row in rows:
        shown.add_row(*(_cell(name, row, lambda _, text: text) for name in names))
    return shown


def _mark(name: str) -> str:
    """Mark a column as `table` takes it: numbers stand at the right, long texts may wrap."""
    if name == "said":
        return "*"
    return "#" if COLUMNS[name].kind in {Kind.NUMBER, Kind.SPAN} else ""


def _cell(name: str, row: Row, fit: Callable[[str, str], str]) -> str:
    """Write a value; `fit` brings its text to a width."""
    if name == "state":
        text = fit(name, standing_of(row.record))
        return marked(f"[{colour_of(row.record.state)}]{{}}[/]", text)
    return fit(name, printable(shown(name, row, local)))


def _fitted(name: str, text: str) -> str:
    """Bring a text to the width of its column."""
    width = _WIDTHS.get(name)
    if width is None:
        return text
    cut = f"{text[: width - 1]}…" if name in _CUT and len(text) > width else text
    at_right = COLUMNS[name].kind in {Kind.NUMBER, Kind.SPAN}
    return cut.rjust(width) if at_right else cut.ljust(width)


def _follow(queries: LedgerQueries, chosen: Filter, printer: _Printer, limit: int | None) -> None:
    """Print what settles, from now on or from `since` on."""
    if chosen.state is not None and not State(chosen.state).settled:
        fault = FieldError(
            "--state", f"only what settles can be followed, and {chosen.state} is none"
        )
        raise InvalidInputError("ls", [fault])
    printer.begin()
    for number, row in enumerate(_settling(queries, chosen), 1):
        printer.line(row)
        if number == limit:
            return


def _settling(queries: LedgerQueries, chosen: Filter) -> Iterator[Row]:

    wanted = indexed_values(chosen)
    last = queries.events.last() if chosen.since is None else f"{chosen.since}-0"
    if not queries.events.reaches_back(last):
        err().print(marked("[yellow]Not everything since then is known any more.[/]"))
    while True:
        found = queries.events.after(last, _TOGETHER, _WAIT)
        fitting = [each.id for each in found if matches(each, wanted)]
        unreadable: list[str] = []
        yield from _rows(queries, queries.find_all(fitting, unreadable))
        _tell_of(unreadable)
        last = found[-1].event if found else last
