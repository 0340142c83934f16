"""Read one CSV file as a stream of rows, each checked by itself."""

import csv
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO
from zipfile import BadZipFile

from producers.oneroster.reading.row_errors import Report, RowFault, Severity, broken_file
from producers.oneroster.reading.schema import DELETED, Column, Table, any_text, items_of
from worker.classin.validation_messages import nearest

#: Maximum bytes of a line, and of the lines of one row.
LONGEST_LINE = 1024 * 1024

#: Maximum lines of a file: the ids of all rows are kept in memory.
MOST_LINES = 2_000_000

_BROKEN_STORE = (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError)


@dataclass(slots=True)
class Row:
    """One row: its stripped values by column; `fit` unless it must be left out."""

    file: str
    number: int
    values: Mapping[str, str]
    lines: Sequence[str]
    fit: bool = True

    def __getitem__(self, column: str) -> str:
        """Return a value; a missing one is empty."""
        return self.values.get(column, "")

    def items(self, column: str) -> tuple[str, ...]:
        """Return the values of a list column."""
        return items_of(self[column])

    @property
    def deleted(self) -> bool:
        """Whether the row marks its entry as deleted."""
        return self["status"] == DELETED

    def fault(self, column: str, what: str, severity: Severity = Severity.LEFT_OUT) -> RowFault:
        """Return a fault of this row."""
        raw = "".join(self.lines).rstrip("\r\n")
        return RowFault(self.file, self.number, column, what, severity, raw)


class _Lines:
    """A file's decoded lines; `taken` holds those of the current row."""

    def __init__(self, stream: BinaryIO, file: str, most: int) -> None:
        self._stream, self._file, self._most, self._number = stream, file, most, 0
        #: Whether all of them were read.
        self.ended = False
        self.begin_row()

    def begin_row(self) -> None:
        """Forget the lines of the previous row."""
        self.taken: list[str] = []
        self._left = LONGEST_LINE

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._number += 1
        try:
            line = self._stream.readline(LONGEST_LINE)
            text = line.decode("utf-8-sig" if self._number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise broken_file(self._file, f"is not UTF-8 (line {self._number})") from None
        except _BROKEN_STORE as error:
            raise broken_file(self._file, f"cannot be read: {type(error).__name__}") from error
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            raise broken_file(self._file, f"has an endless line (line {self._number})")
        if self._number > self._most:
            what = f"has more than {self._most:,} lines: export fewer schools at a time"
            raise broken_file(self._file, what)
        self._left -= len(line)
        if self._left < 0:
            raise broken_file(self._file, f"has an endless row (line {self._number})")
        self.taken.append(text)
        return text


class Sheet:
    """An open file whose header was read; `read` yields its rows, once."""

    def __init__(
        self, stream: BinaryIO, table: Table, *, delta: bool = False, most: int = MOST_LINES
    ) -> None:
        """Read the header. `most`: maximum lines.

        Raises InvalidInputError if the header cannot be read.
        """
        self.table = table
        self._columns = [
            replace(column, required=True) if delta and column.name == "status" else column
            for column in table.columns
        ]
        self._lines = _Lines(stream, table.file, most)
        self._cells = csv.reader(self._lines, strict=True)
        try:
            header = next(self._cells, [])
        except csv.Error as error:
            raise broken_file(table.file, f"has no header: {error}", 1) from None
        self.header = [cell.strip() for cell in header]
        if not any(self.header):
            raise broken_file(table.file, "has no header", 1)

    def faults(self) -> list[RowFault]:
        """Return all faults of the header."""
        known = {column.name for column in self.table.columns}
        found = [
            self._fault(self._shown(name), "stands twice in the header", stops=name in known)
            for name, times in Counter(self.header).items()
            if times > 1 and name
        ]
        missing = known - set(self.header)
        found += [
            self._fault(column.name, "is missing from the header", stops=True)
            for column in self._columns
            if column.required and column.name in missing
        ]
        found += [
            self._fault(
                self._shown(name), f"is no column of this file{nearest(name, missing)}", stops=False
            )
            for name in dict.fromkeys(self.header)
            if name not in known and not name.startswith("metadata.")
        ]
        return found

    def _shown(self, name: str) -> str:
        """Return a column's name, or its position where the header may be a person's row."""
        if self.table.key[0] in self.header:
            return name
        return f"column {self.header.index(name) + 1}"

    def read(self, report: Report) -> Iterator[Row]:
        """Yield every row; unfit ones have been reported.

        Raises InvalidInputError where the file is broken.
        """
        checks = [
            column
            for column in self._columns
            if column.name in self.header and (column.required or column.check is not any_text)
        ]
        seen: set[str] = set()
        unique = self.table.key[0]
        for row in self._rows(report):
            if row.fit:
                row.fit = _passes(row, checks, self.table.key, report)
            if row.fit:
                name = row[unique]
                if name in seen:
                    report(row.fault(unique, "stands in an earlier row, too"))
                    row.fit = False
                seen.add(name)
            yield row

    def _rows(self, report: Report) -> Iterator[Row]:
        """Split the file into rows."""
        file, header, number, lines = self.table.file, self.header, 1, self._lines
        while True:
            number += 1
            lines.begin_row()
            try:
                cells = next(self._cells)
            except StopIteration:
                return
            except csv.Error as error:
                row = Row(file, number, {}, lines.taken, fit=False)
                self._unreadable(row, error, report)
                yield row
                continue
            if not cells:  # a blank line: a spreadsheet counts it
                continue
            values = dict(zip(header, map(str.strip, cells), strict=False))
            row = Row(file, number, values, lines.taken, fit=len(cells) == len(header))
            if not row.fit:
                what = f"has {len(cells)} columns; should have {len(header)}, as the header"
                report(row.fault("", what))
            yield row

    def _unreadable(self, row: Row, error: csv.Error, report: Report) -> None:
        """Report a row of invalid CSV; one that swallows the rest breaks the file."""
        text = "".join(self._lines.taken)
        if self._lines.ended or len(text) > csv.field_size_limit():
            raise broken_file(row.file, "has a quote that is not closed", row.number) from None
        if "\r" in text.replace("\r\n", ""):
            raise broken_file(row.file, "has line ends that are neither \\n nor \\r\\n", row.number)
        report(row.fault("", f"is no CSV: {error}"))

    def _fault(self, column: str, what: str, *, stops: bool) -> RowFault:
        severity = Severity.BROKEN if stops else Severity.WARNING
        return RowFault(self.table.file, 1, column, what, severity)


def _passes(row: Row, columns: Sequence[Column], key: Sequence[str], report: Report) -> bool:
    """Check each value; remove invalid optional values from the row."""
    values, fit = row.values, True
    leaves = row.deleted
    for column in columns:
        value = values.get(column.name, "")
        required = column.required and (not leaves or column.name in key)
        if not value:
            if required:
                report(row.fault(column.name, "is required"))
                fit = False
        elif told := column.check(value):
            if required:
                report(row.fault(column.name, told))
                fit = False
            else:
                report(row.fault(column.name, f"{told}; it is not used", Severity.WARNING))
                row.values = values = {**values, column.name: ""}
    return fit
