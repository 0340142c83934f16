"""Workbooks (.xlsx) as rows of text; the only importer of openpyxl."""

import io
import warnings
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from producers.files.table import Cell, Row, Unfit
from producers.files.xlsx_check import MOST_ENTRIES, check_workbook, too_much
from worker.classin.validation_messages import nearest
from worker.errors import FieldError, InvalidInputError

#: Maximum exact digits of a number in a spreadsheet.
_MOST_DIGITS = 15

#: Maximum cells that are read, empty ones included.
_MOST_SEEN = 5_000_000

_BROKEN = (
    ExpatError, RecursionError, MemoryError, OverflowError, zlib.error, NotImplementedError,
    BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, AttributeError,
    OSError, EOFError,
)  # fmt: skip


def read_workbook(content: bytes, sheet: str | None) -> Iterator[Row]:
    """Read one sheet of a workbook, by default the first. Raises InvalidInputError.

    No formula is computed, no link followed; a formula's stored result is used.
    """
    try:
        rows: Iterable[list[tuple[Any, str]]]
        if check_workbook(content):
            both = (_cells(content, sheet, values=values) for values in (False, True))
            rows = (_filled(*pair) for pair in zip(*both, strict=True))
        else:
            rows = _cells(content, sheet, values=False)
        seen = 0
        for number, cells in enumerate(rows, 1):
            seen += len(cells)
            if number > MOST_ENTRIES or seen > _MOST_SEEN:
                raise too_much("is wider or longer than it is full: delete empty rows and columns")
            yield Row(number, [_text(*cell) for cell in cells])
    except _BROKEN:
        raise too_much("is a broken workbook: save it anew as .xlsx") from None


def _cells(content: bytes, sheet: str | None, *, values: bool) -> Iterator[list[tuple[Any, str]]]:
    """Yield values and their types row by row; of formulas, the text or the stored result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what openpyxl does not know and nobody asks for
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=values)
        try:
            found = _sheet_of(book, sheet)
            found.reset_dimensions()  # some programs write wrong ones
            for row in found.iter_rows():
                yield [(cell.value, cell.data_type) for cell in row]
        finally:
            book.close()


def _sheet_of(book: Any, name: str | None) -> Any:  # noqa: ANN401  # openpyxl's
    sheets = {each.title: each for each in book.worksheets}
    if name is None and sheets:
        return next(iter(sheets.values()))
    if name not in sheets:
        what = f"there is no {name!r}{nearest(name or '', sheets)}" if name else "there is none"
        raise InvalidInputError("nothing was submitted", [FieldError("--sheet", what)])
    return sheets[name]


def _filled(
    cells: Iterable[tuple[Any, str]], results: Iterable[tuple[Any, str]]
) -> list[tuple[Any, str]]:
    """Replace formulas by their results; one without a result stays."""
    return [
        cell if cell[1] != "f" or result[0] is None else result
        for cell, result in zip(cells, results, strict=True)
    ]


def _text(value: object, kind: str) -> Cell:
    """Return a value as it would be typed into a field."""
    if kind == "f":
        return Unfit("is a formula without a result: open the file, and save it anew")
    if kind == "e":
        return Unfit(f"is an error of the spreadsheet's ({value})")
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case int() | float():
            return _number(value)
        case datetime() | date() | time():
            return value.isoformat()
    return str(value).strip()


def _number(value: float) -> Cell:
    """Return a number as text; phones and ids are often stored as floats."""
    if not float(value).is_integer():
        return repr(value)
    text = str(int(value))
    if len(text.lstrip("-")) > _MOST_DIGITS:
        return Unfit(f"has more than {_MOST_DIGITS} digits as a number: format it as text")
    return text
