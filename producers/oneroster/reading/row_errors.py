"""Errors of a bundle, each with its file, row and column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.errors import FieldError, InvalidInputError


class Severity(StrEnum):
    """What a fault costs."""

    WARNING = "warning"  # a value, or nothing at all: the text says which
    LEFT_OUT = "left out"  # the row
    BROKEN = "broken"  # the run: raised as InvalidInputError, never reported


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing wrong with a bundle, and what would be right.

    As text it holds no value of the row, and may be logged; `raw` is for the errors file alone.
    """

    file: str
    #: As a spreadsheet counts: the header is row 1. The file as a whole: 0.
    row: int
    column: str
    what: str
    severity: Severity = Severity.LEFT_OUT
    #: The row as it stands in the file: personal data.
    raw: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """Name the place, as in `users.csv row 12: email`."""
        place = f"{self.file} row {self.row}" if self.row else self.file
        return f"{place}: {self.column}" if self.column else place

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


#: Takes each fault as it is found.
Report = Callable[[RowFault], None]


def broken(faults: Sequence[RowFault]) -> InvalidInputError:
    """Make the exception that stops a run, of the faults that do."""
    return InvalidInputError("bundle", [FieldError(fault.where, fault.what) for fault in faults])


def broken_file(file: str, what: str, row: int = 0) -> InvalidInputError:
    """Make the exception for one file that cannot be read."""
    return broken([RowFault(file, row, "", what, Severity.BROKEN)])
