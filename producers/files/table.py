"""Rows of a table from CSV or a workbook, with the row numbers that a spreadsheet shows."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from producers.files.csv_formulas import unguarded
from worker.errors import FieldError, InvalidInputError

#: Column separators; on a tie, the first one.
_SEPARATORS = ",;\t"

#: Limits of a sheet: bytes of the file, characters of all cells, rows, cells.
MOST_BYTES = 20 * 1024**2
MOST_ROWS, MOST_CELLS = 100_000, 1_000_000

#: First bytes of workbooks: readable ones, and old or encrypted ones.
_WORKBOOK, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class Unfit:
    """A cell whose value cannot be determined, and why."""

    what: str

    def __bool__(self) -> bool:
        """Return True: the cell is not empty."""
        return True


#: A cell's value, stripped; '' is empty.
Cell = str | Unfit


class Row(NamedTuple):
    """A non-empty row, and its number from 1."""

    number: int
    cells: Sequence[Cell]

    def cell(self, column: int) -> Cell:
        """Return the value of a column, from 0; short rows end with empty values."""
        return self.cells[column] if column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: column names, and rows."""

    header: Sequence[str]
    rows: Sequence[Row]


def read_grid(content: bytes, sheet: str | None = None) -> Grid:
    """Read a table; `sheet` names one of a workbook's. Raises InvalidInputError.

    CSV may be UTF-8, UTF-16 with a byte order mark, or GB18030, with commas, semicolons or tabs.
    """
    if len(content) > MOST_BYTES:
        raise _unreadable(f"has more than {MOST_BYTES // 1024**2} MB: hand it in in parts")
    if content.startswith(_OLD_WORKBOOK):
        raise _unreadable("is an old workbook, or has a password: save it as .xlsx")
    if content.startswith(_WORKBOOK):
        # openpyxl is slow to import, and most files are no workbooks.
        from producers.files.xlsx import read_workbook  # noqa: PLC0415

        return _grid(read_workbook(content, sheet))
    if sheet is not None:
        raise InvalidInputError("--sheet", [FieldError("--sheet", "is for workbooks (.xlsx)")])
    return _grid(_rows_of(_text_of(content)))


def _grid(rows: Iterable[Row]) -> Grid:
    """Use the first non-empty row as column names."""
    filled = [*_bounded(rows)]
    if not filled:
        raise _unreadable("is empty: its first row should name the columns")
    header = ["" if isinstance(cell, Unfit) else cell for cell in filled[0].cells]
    return Grid(header, filled[1:])


def _bounded(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield non-empty rows, within the limits. Raises InvalidInputError."""
    filled = number = length = 0
    for row in rows:
        cells = [unguarded(cell) if isinstance(cell, str) else cell for cell in row.cells]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        number, filled = number + 1, filled + len(cells)
        length += sum(len(cell) for cell in cells if isinstance(cell, str))
        if number > MOST_ROWS or filled > MOST_CELLS or length > MOST_BYTES:
            what = f"{MOST_ROWS:,} rows, {MOST_CELLS:,} cells or {MOST_BYTES:,} characters"
            raise _unreadable(f"has more than {what}: hand it in in parts")
        yield Row(row.number, cells)


def _text_of(content: bytes) -> str:
    mark = next((mark for mark in _MARKS if content.startswith(mark)), None)
    for encoding in ("utf-8", "gb18030") if mark is None else (_MARKS[mark],):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise _unreadable("is no text: save it as CSV, in UTF-8")
        return text
    raise _unreadable("is neither UTF-8 nor GB18030")


def _rows_of(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):  # told where it breaks off
            yield Row(number, [cell.strip() for cell in cells])
    except csv.Error as error:
        what = f"cannot be read at row {number + 1}: {error}; is a quote not closed?"
        raise _unreadable(what) from None


def _separator(text: str) -> str:
    """Return the separator that splits the first non-empty row most."""
    return max(_SEPARATORS, key=lambda each: _columns(text, each))


def _columns(text: str, separator: str) -> int:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return next((len(cells) for cells in reader if any(cells)), 0)
    except csv.Error:
        return 0


def _unreadable(what: str) -> InvalidInputError:
    return InvalidInputError("nothing was submitted", [FieldError("the sheet", what)])
