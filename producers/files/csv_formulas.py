"""Neutralise formulas in CSV: a spreadsheet executes cells that begin with `=`, `+`, `-` or `@`."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

#: Possible formulas: also after spaces, quotes and our own apostrophe, and in full-width
#: characters. A plain number is none.
_FORMULA = re.compile(
    r"'*(?![+-]?\d+(?:\.\d+)?$)[\s\"]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]"
)

#: A value that csv writes.
Value = str | int | float | None


def guarded(value: Value) -> Value:
    """Return a cell with an apostrophe in front if it looks like a formula."""
    is_formula = isinstance(value, str) and _FORMULA.match(value)
    return f"'{value}" if is_formula else value


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


class SafeWriter:
    """Write CSV whose cells are never executed; texts are quoted.

    An unquoted semicolon would split a cell where spreadsheets use semicolons.
    """

    def __init__(self, file: TextIO, lineterminator: str = "\r\n") -> None:
        self._csv = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator=lineterminator)

    def writerow(self, row: Sequence[Value]) -> None:
        """Write one row."""
        self._csv.writerow([guarded(value) for value in row])

    def writerows(self, rows: Iterable[Sequence[Value]]) -> None:
        """Write several."""
        for row in rows:
            self.writerow(row)
