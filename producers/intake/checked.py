"""Checked lines: what a submitter asks for, and its faults, before anything is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from producers.intake.request import SubmitRequest
from worker.classin.operation import Operation
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


#: What is said besides of an operation that comes as an object: nothing.
NO_MORE = SubmitRequest(operation="", fields={})


@dataclass(slots=True)
class Entry:
    """A line of a batch: what it asks for, and what is wrong with it."""

    #: As faults name it: `line 7`.
    where: str
    origin: Origin
    line: SubmitRequest = NO_MORE
    school: str = ""
    #: Several for a list that is longer than a call carries; none if it is not right.
    operations: Sequence[Operation] = ()
    #: The names of the records that it waits for.
    names: Sequence[str] = ()
    #: Of what has a dedup key: digest of what is asked.
    digest: str = ""
    #: What is to be recorded, once the names are looked up.
    submissions: Sequence[Submission] = ()
    faults: list[FieldError] = field(default_factory=list)

    @property
    def dedup_key(self) -> str | None:
        """The submitter's own name for it."""
        return self.line.dedup_key

    def refuse(self, *faults: FieldError) -> None:
        """Add faults: then nothing of it is submitted."""
        self.faults += faults
        if self.faults:
            self.operations = self.submissions = ()


class Checked(NamedTuple):
    """The lines of a batch, checked, before anything is submitted."""

    batch: str
    submissions: Sequence[Submission]
    #: What is wrong, each with the name of its line.
    found: Sequence[tuple[str, FieldError]] = ()

    @property
    def faults(self) -> list[FieldError]:
        """What is wrong, in words: `line 7: fields.courseId: is required`."""
        return [FieldError(where, str(fault)) for where, fault in self.found]
