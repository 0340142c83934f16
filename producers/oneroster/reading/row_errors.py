"""Errors of a bundle, each with its file, row and column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.errors import FieldError, InvalidInputError


class Severity(StrEnum):
    """The consequence of a fault."""

    WARNING = "warning"  # a value, or nothing at all: the text says which
    LEFT_OUT = "left out"  # the row
    BROKEN = "broken"  # the run: raised as InvalidInputError, never reported


@dataclass(frozen=True, slots=True)
class RowFault:
    """A fault of a bundle, and what would be right.

    Its text holds no value of the row and may be logged; `raw` is for the errors file only.
    """

    file: str
    #: Row number as in a spreadsheet: the header is row 1. The whole file: 0.
    row: int
    column: str
    what: str
    severity: Severity = Severity.LEFT_OUT
    #: The row as it is in the file: personal data.
    raw: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """Return the place, such as `users.csv row 12: email`."""
        place = f"{self.file} row {self.row}" if self.row else self.file
        return f"{place}: {self.column}" if self.column else place

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


#: Called with each fault as it is found.
Report = Callable[[RowFault], None]


def broken(faults: Sequence[RowFault]) -> InvalidInputError:
    """Return the exception that stops a run because of these faults."""
    return InvalidInputError("bundle", [FieldError(fault.where, fault.what) for fault in faults])


def broken_file(file: str, what: str, row: int = 0) -> InvalidInputError:
    """Return the exception for one unreadable file."""
    return broken([RowFault(file, row, "", what, Severity.BROKEN)])
