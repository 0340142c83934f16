"""Checked: a batch that was looked at, and where its lines stand."""

from collections.abc import Sequence
from typing import NamedTuple

from worker.errors import FieldError
from worker.ledger.record import Submission


class Position(NamedTuple):
    """Where a line stands: as faults name it, and its number in its file."""

    where: str
    row: int | None = None


class Origin(NamedTuple):
    """Where operations come from."""

    source: str | None = None
    batch: str | None = None
    row: int | None = None


class Checked(NamedTuple):
    """What became of the lines of a batch, before anything is submitted."""

    batch: str
    submissions: Sequence[Submission]
    #: What is wrong, each with the name of its line.
    found: Sequence[tuple[str, FieldError]] = ()

    @property
    def faults(self) -> list[FieldError]:
        """What is wrong, in words: `line 7: fields.courseId: is required`."""
        return [FieldError(where, str(fault)) for where, fault in self.found]
