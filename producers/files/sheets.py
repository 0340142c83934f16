"""Operations from a sheet: one operation a row, its fields from the columns."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from producers.files.table import Row, Unfit, read_grid
from producers.intake.checked import Checked, Position
from producers.intake.request import Options, SubmitRequest
from producers.intake.submitter import Submitter
from worker.classin.catalogue import find
from worker.classin.field_rules import AtLeastOne, OneOf
from worker.classin.operation import Operation, item_kind
from worker.classin.validation_messages import nearest
from worker.errors import FieldError, InvalidInputError

#: One pair of `--map`: `field=Column`, with quotes if the column's name has a comma.
_PAIR = re.compile(r'\s*([^=,"]+?)\s*=\s*("(?:[^"]|"")*"|(?!")[^,]*?)\s*(?:,|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a sheet's rows become operations."""

    operation: str
    #: Columns by field; empty: those named like a field.
    columns: Mapping[str, str] = field(default_factory=dict)
    #: The sheet of a workbook; None: the first.
    sheet: str | None = None
    #: The column that identifies a row: submitted twice, it is recorded once.
    dedup: str | None = None
    #: Options of each operation besides its fields.
    options: Options = field(default_factory=Options)


class CheckedSheet(NamedTuple):
    """The checked rows of a sheet, before submission."""

    checked: Checked
    #: The fields' columns, by ClassIn's names.
    columns: Mapping[str, str]


def check_sheet(content: bytes, layout: Layout, submitter: Submitter, source: str) -> CheckedSheet:
    """Check every row of a sheet, which faults call `source`; empty rows are skipped.

    Raises ValidationError for faults of the sheet as a whole. No fault quotes a cell: a mixed-up
    column may be personal.
    """
    kind = find(layout.operation)
    words = {"operation": layout.operation, "fields": {}, **layout.options}
    template = SubmitRequest.read(
        {name: value for name, value in words.items() if value is not None}
    )
    _must_fit(kind, layout)
    grid = read_grid(content, layout.sheet)
    places = _placed(kind, grid.header, layout)
    dedup = grid.header.index(layout.dedup) if layout.dedup is not None else None
    numbered = (
        (
            Position(f"{source} row {row.number}", row.number),
            partial(_line, row, places, dedup, template, partial(submitter.keyring.mark, "row")),
        )
        for row in grid.rows
    )
    checked = submitter.check_all(numbered, source)
    columns = {name: grid.header[place] for name, place in places.items()}
    told = {**columns, **({"dedup_key": layout.dedup} if layout.dedup else {})}
    found = [(where, _in_columns(fault, told)) for where, fault in checked.found]
    return CheckedSheet(checked._replace(found=found), columns)


def read_map(given: Sequence[str]) -> dict[str, str]:
    """Parse comma-separated `field=Column` pairs. Raises InvalidInputError."""
    columns: dict[str, str] = {}
    faults = []
    for text in given:
        place = 0
        while place < len(text):
            pair = _PAIR.match(text, place)
            if pair is None or not pair[2]:
                what = f"should be field=Column,field=Column; got {text[place:][:40]!r}"
                faults.append(FieldError("--map", what))
                break
            name, column = pair[1], pair[2]
            if column.startswith('"'):
                column = column[1:-1].replace('""', '"')
            if name in columns:
                faults.append(FieldError("--map", f"{name} is given twice"))
            columns[name] = column.strip()
            place = pair.end()
    if faults:
        raise InvalidInputError("nothing was submitted", faults)
    return columns


def _must_fit(kind: type[Operation], layout: Layout) -> None:
    """Refuse an operation, or fields, that a row cannot hold. Raises InvalidInputError."""
    asked = {id(kind.field_named(name)) for name in layout.columns}
    faults = [
        FieldError(info.alias or name, "takes objects, which no cell holds: use JSON lines")
        for name, info in kind.model_fields.items()
        if item_kind(info) and (info.is_required() or id(info) in asked)
    ]
    if faults:
        raise InvalidInputError("nothing was submitted", faults)


def _placed(kind: type[Operation], header: Sequence[str], layout: Layout) -> dict[str, int]:
    """Return the columns of the fields, by ClassIn's names. Raises InvalidInputError."""
    faults = list(_twice(header, [*layout.columns.values(), *filter(None, [layout.dedup])]))
    places: dict[str, int] = {}
    for name, column in (layout.columns or _by_name(kind, header)).items():
        info = kind.field_named(name)
        if info is None:
            known = nearest(name, map(kind.wire_name, kind.model_fields))
            faults.append(FieldError("--map", f"{layout.operation} has no field {name!r}{known}"))
        elif column not in header:
            faults.append(_no_column("--map", column, header))
        elif (wire := info.alias or name) in places:
            faults.append(FieldError("--map", f"{wire} is given twice"))
        else:
            places[wire] = header.index(column)
    if layout.dedup is not None and layout.dedup not in header:
        faults.append(_no_column("--dedup", layout.dedup, header))
    if not faults:
        faults += _lacking(kind, places)
    if faults:
        raise InvalidInputError("nothing was submitted", faults)
    return places


def _by_name(kind: type[Operation], header: Sequence[str]) -> dict[str, str]:
    """Return the columns named like a field, in either spelling."""
    spellings = {
        spelling.lower(): kind.wire_name(name)
        for name in kind.model_fields
        for spelling in (name, kind.wire_name(name))
    }
    return {
        spellings[column.lower()]: column
        for column in reversed(header)
        if column.lower() in spellings
    }


def _twice(header: Sequence[str], wanted: Sequence[str]) -> Iterator[FieldError]:
    """Return faults for requested columns whose names repeat."""
    for column in dict.fromkeys(wanted):
        if header.count(column) > 1:
            yield FieldError("the sheet", f"has {header.count(column)} columns {column!r}")


def _no_column(where: str, column: str, header: Sequence[str]) -> FieldError:
    return FieldError(
        where, f"there is no column {column!r}{nearest(column, filter(None, header))}"
    )


def _lacking(kind: type[Operation], places: Mapping[str, int]) -> Iterator[FieldError]:
    """Return faults for required fields without a column."""
    for name, info in kind.model_fields.items():
        if info.is_required() and kind.wire_name(name) not in places:
            wire = kind.wire_name(name)
            yield FieldError(wire, f"is required, and has no column: --map {wire}=COLUMN")
    given = {name: 1 for name in kind.model_fields if kind.wire_name(name) in places}
    for rule in kind.rules:
        needs_some = isinstance(rule, OneOf | AtLeastOne) and given.keys().isdisjoint(rule.fields)
        if needs_some and rule.broken(given):
            yield FieldError("", f"{rule.words(kind.wire_name)}, and none has a column")


def _line(
    row: Row,
    places: Mapping[str, int],
    dedup: int | None,
    template: SubmitRequest,
    mark: Callable[[str], str],
) -> SubmitRequest:
    """Read one row. Raises InvalidInputError."""
    cells = {name: row.cell(place) for name, place in places.items()}
    faults = [
        FieldError(name, cell.what) for name, cell in cells.items() if isinstance(cell, Unfit)
    ]
    changes: dict[str, object] = {"fields": {name: cell for name, cell in cells.items() if cell}}
    if dedup is not None:
        value = row.cell(dedup)
        if isinstance(value, Unfit) or not value:
            what = value.what if isinstance(value, Unfit) else "is empty"
            faults.append(FieldError("dedup_key", what))
        else:
            # An identifying column is often personal, and dedup keys are shown.
            changes["dedup_key"] = f"{template.operation} {mark(value)}"
    if faults:
        raise InvalidInputError("row", faults)
    return template.model_copy(update=changes)


def _in_columns(fault: FieldError, columns: Mapping[str, str]) -> FieldError:
    """Return a fault that names the column as well, without the cell's value."""
    head = fault.where.partition(".")[0]
    where = f"{fault.where} ({columns[head]})" if head in columns else fault.where
    return replace(fault, where=where, got="")
