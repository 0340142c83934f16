"""The one door: an operation is checked, recorded, and a message is sent for it.

from producers import submit
from worker.classin.operations.courses import EditCourse

receipt = submit(EditCourse(course_id=352861, course_name="Today is a good day"))
receipt.wait(30).state
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from producers.again import again, mending
from producers.attachments import attach, packed, unkept
from producers.lists import moved, split, unpacked
from worker.classin.catalogue import find
from worker.classin.errors import (
    Fault,
    Invalid,
    InvalidInput,
    InvalidOperation,
    Unavailable,
)
from worker.classin.faults import explain
from worker.classin.operation import Operation
from worker.ledger.in_redis import RedisLedger, chunks, connect
from worker.ledger.ledger import Due, Ledger
from worker.ledger.record import Record, Submission, new_id
from worker.queues import Queues, build_queues
from worker.settings import Settings, from_env

log = logging.getLogger(__name__)

#: Seconds between two looks at a record that is waited for: first, and at most.
_FIRST_LOOK, _SLOWEST_LOOK = 0.02, 0.5


class Line(BaseModel):
    """What a submitter asks for, as a line of JSONL says it; its fields are not yet checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    operation: str
    fields: dict[str, Any] = Field(repr=False)
    school: str | None = None
    #: Whether "it is so already" is success even at the first attempt.
    if_exists: Literal["accept", "refuse"] | None = None

    @classmethod
    def read(cls, line: object) -> Self:
        """Read a line's object. Raises InvalidInput, which names every fault."""
        if not isinstance(line, dict):
            raise InvalidInput("line", [Fault("", "should be an object with operation and fields")])
        try:
            return cls.model_validate(line)
        except ValidationError as error:
            raise InvalidInput(
                "line", explain(error.errors(include_url=False), cls, line)
            ) from None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of a submission."""

    id: str
    _ledger: Ledger = field(repr=False)

    def record(self) -> Record:
        """Give the record as it is now."""
        return self._ledger.find(self.id)

    def wait(self, timeout: float | None = None) -> Record:
        """Wait until the record is settled, for so many seconds at most. Raises TimeoutError."""
        ends = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK
        while not (record := self.record()).state.settled:
            if ends is not None and time.monotonic() + pause > ends:
                raise TimeoutError(f"{self.id} is {record.state} still")
            time.sleep(pause)
            pause = min(pause * 1.5, _SLOWEST_LOOK)
        return record


class Submitter:
    """Takes operations in, for the schools and the Redis of its settings."""

    def __init__(self, settings: Settings, ledger: Ledger, queues: Queues) -> None:
        self._settings = settings
        self._ledger = ledger
        self._queues = queues

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build one with connections of its own."""
        return cls(settings, RedisLedger(connect(settings.ledger_url)), build_queues(settings))

    def check(
        self, asked: Operation | Line, *, source: str | None = None, batch: str | None = None
    ) -> list[Submission]:
        """Check everything that can be checked here. Raises Invalid, which names every fault.

        Gives one submission; of a bulk operation with more items than a call carries, several.
        """
        line = asked if isinstance(asked, Line) else _line(asked)
        faults: list[Fault] = []
        school = ""
        try:
            school = self._settings.school(line.school).name
        except InvalidInput as error:
            faults += error.faults
        try:
            operations = [asked] if isinstance(asked, Operation) else _read(line)
        except InvalidOperation as error:
            raise InvalidOperation(line.operation, [*error.faults, *faults]) from None
        faults += [fault for operation in operations for fault in unkept(operation)]
        if faults:
            raise InvalidInput(line.operation, faults)
        return [
            Submission(
                id=new_id(),
                operation=operation.spec.name,
                school=school,
                fields=operation.to_json(),
                lane=_lane(school, operation),
                batch=batch,
                source=source,
                accepts_existing=_accepts(operation, line.if_exists),
            )
            for operation in operations
        ]

    def submit(
        self,
        operation: Operation | str,
        fields: Mapping[str, Any] | None = None,
        *,
        school: str | None = None,
        if_exists: str | None = None,
        source: str | None = None,
    ) -> Receipt:
        """Submit one operation, given as an object or by name and fields.

        Raises Invalid (nothing was submitted), also for more items than a call carries:
        submit_many splits them. Raises Unavailable.
        """
        if isinstance(operation, Operation):
            name, fields = operation.spec.name, operation.to_json()
        else:
            name = operation
        asked = {
            "operation": name,
            "fields": fields or {},
            "school": school,
            "if_exists": if_exists,
        }
        line = Line.read(asked)
        submissions = self.check(line, source=source)
        if len(submissions) > 1:
            fault = Fault("", f"needs {len(submissions)} calls: submit_many makes a batch of them")
            raise InvalidInput(name, [fault])
        return self.enter(submissions)[0]

    def submit_many(
        self,
        operations: Iterable[Operation | Line | Mapping[str, Any]],
        *,
        source: str | None = None,
        on_entered: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Receipt]:
        """Submit operations, or objects like lines of JSONL, as one batch: all or none.

        Raises InvalidInput, which names every fault by the position of its operation (from 1).
        """
        batch, submissions, faults = new_id(), [], []
        for position, asked in enumerate(operations, 1):
            try:
                known = asked if isinstance(asked, (Operation, Line)) else Line.read(asked)
                submissions += self.check(known, source=source, batch=batch)
            except Invalid as error:
                faults += [Fault(str(position), str(fault)) for fault in error.faults]
        if faults:
            raise InvalidInput("nothing was submitted", faults)
        return self.enter(submissions, on_entered)

    def retry(self, record_id: str, *, mend: bool = False) -> Sequence[Receipt]:
        """Try a record again, or submit what mends a partial one, linked to it both ways.

        Raises NotFound, InvalidInput (there is nothing to try) or Unavailable.
        """
        record = self._ledger.find(record_id)
        operations = mending(record) if mend else [again(record)]
        return self.enter(
            [
                Submission(
                    id=new_id(),
                    operation=operation.spec.name,
                    school=record.school,
                    fields=operation.to_json(),
                    lane=_lane(record.school, operation),
                    source="mend" if mend else "retry",
                    # What an earlier attempt may have done is no surprise now.
                    accepts_existing=True,
                    retry_of=record.id,
                )
                for operation in operations
            ]
        )

    def enter(
        self,
        submissions: Sequence[Submission],
        on_entered: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Receipt]:
        """Record checked operations and send their messages: ledger first, then queue.

        `on_entered` is told after each chunk how many came in. What is recorded will be carried
        out: when the broker is away, or a message gets lost, rescue sends another. Raises
        Unavailable when the ledger is away.
        """
        for chunk in chunks(map(packed, submissions)):
            self._ledger.submit(chunk)
            self._publish(chunk)
            on_entered(len(chunk))
        return [Receipt(entry.id, self._ledger) for entry in submissions]

    def _publish(self, chunk: Sequence[Submission]) -> None:
        try:
            self._queues.publish([Due(entry.id, entry.operation) for entry in chunk])
        except Unavailable as error:
            log.warning("recorded, and sent to the workers a little later: %s", error)


@cache
def _submitter() -> Submitter:
    return Submitter.from_settings(from_env())


def submit(
    operation: Operation | str,
    fields: Mapping[str, Any] | None = None,
    *,
    school: str | None = None,
    if_exists: str | None = None,
) -> Receipt:
    """Submit one operation with the environment's settings; see Submitter.submit."""
    return _submitter().submit(
        operation, fields, school=school, if_exists=if_exists, source="python"
    )


def submit_many(operations: Iterable[Operation | Mapping[str, Any]]) -> Sequence[Receipt]:
    """Submit a batch with the environment's settings; see Submitter.submit_many."""
    return _submitter().submit_many(operations, source="python")


def _line(operation: Operation) -> Line:
    return Line(operation=operation.spec.name, fields=operation.to_json())


def _read(line: Line) -> list[Operation]:
    """Build the operations, with files read and long lists split.

    Raises InvalidOperation with all faults.
    """
    kind = find(line.operation)
    fields, unfit = attach(kind, unpacked(kind, line.fields))
    operations: list[Operation] = []
    faults: list[Fault] = []
    for part, offset in split(kind, fields):
        try:
            operations.append(kind(**part))
        except InvalidOperation as error:
            faults += [moved(fault, kind, offset) for fault in error.faults]
    told = {fault.where for fault in unfit}  # not that they are missing, too
    if faults := [*(fault for fault in faults if fault.where not in told), *unfit]:
        raise InvalidOperation(line.operation, list(dict.fromkeys(faults)))
    return operations


def _accepts(operation: Operation, if_exists: str | None) -> bool:
    return operation.spec.accepts_existing if if_exists is None else if_exists == "accept"


def _lane(school: str, operation: Operation) -> str | None:
    """Name the lane: the school and the entity whose operations must keep their order."""
    lane = operation.lane()
    return None if lane is None else f"{school}:{lane}"
