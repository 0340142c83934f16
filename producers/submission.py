"""The one door: an operation is checked, recorded, and a message is sent for it.

from producers import submit
from worker.classin.operations.courses import EditCourse

receipt = submit(EditCourse(course_id=352861, course_name="Today is a good day"))
receipt.wait(30).state
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Annotated, Any, Literal, Self, TypedDict, Unpack

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from producers.again import again, mending, successors
from producers.attachments import packed, unkept
from producers.known import digest_of_asked, known_to, owners_of, refuse_other
from producers.lanes import is_own, own_lane
from producers.order import Entry, ordered
from producers.reading import operations_of
from producers.receipt import Receipt
from worker.classin.errors import Fault, Invalid, InvalidInput, InvalidOperation, Unavailable
from worker.classin.faults import explain
from worker.classin.lane import lane_of
from worker.classin.operation import Operation
from worker.classin.references import renamed
from worker.ledger.in_redis import RedisLedger, chunks, connect
from worker.ledger.ledger import Due, Entered, Ledger
from worker.ledger.record import Priority, Submission, new_id
from worker.queues import Queues, build_queues
from worker.settings import Settings, from_env

log = logging.getLogger(__name__)

#: What submitters call things: a dedup key, a lane, a record. All characters can be seen.
Name = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^(?:[^\p{C}\p{Z}]| )*$", strict=True)
]

#: So many names can one line wait for.
_MOST_NAMES = 1000


def _ids(value: object) -> object:
    """Take receipts for the records that they prove, and nothing for no names."""
    if isinstance(value, (list, tuple)):
        return [each.id if isinstance(each, Receipt) else each for each in value]
    return () if value is None else value


class Line(BaseModel):
    """What a submitter asks for, as a line of JSONL says it; its fields are not yet checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    operation: str
    fields: dict[str, Any] = Field(repr=False)
    school: str | None = None
    #: Whether "it is so already" is success even at the first attempt.
    if_exists: Literal["accept", "refuse"] | None = None
    #: The submitter's own name for it: whoever uses it again for the same gets the first's record.
    dedup_key: Name | None = None
    #: What must keep its order, instead of what is about the same thing.
    lane: Name | None = None
    #: The records that must have gone well before, by id or dedup key; also of lines before it.
    after: Annotated[tuple[Name, ...], Field(max_length=_MOST_NAMES), BeforeValidator(_ids)] = ()
    priority: Priority | None = None
    #: What becomes of those behind it in its lane if it does not succeed.
    lane_on_failure: Literal["stop", "go on"] | None = None

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


class Options(TypedDict, total=False):
    """What may be said besides operation and fields; Line has the meanings."""

    school: str | None
    if_exists: str | None
    dedup_key: str | None
    lane: str | None
    after: Sequence[str | Receipt]
    priority: str | None
    lane_on_failure: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of the lines of a batch, before anything is submitted."""

    batch: str
    submissions: Sequence[Submission]
    #: By line: `line 7: fields.courseId: is required`.
    faults: Sequence[Fault]


class Submitter:
    """Takes operations in, for the schools and the Redis of its settings."""

    def __init__(self, settings: Settings, ledger: Ledger, queues: Queues) -> None:
        self._settings = settings
        self._ledger = ledger
        self._queues = queues

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build one with connections of its own."""
        ledger = RedisLedger(connect(settings.ledger_url, submits=True))
        return cls(settings, ledger, build_queues(settings))

    def check(
        self, asked: Operation | Line, *, source: str | None = None, batch: str | None = None
    ) -> list[Submission]:
        """Check everything but whom it waits for. Raises Invalid, which names every fault.

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
            if isinstance(asked, Operation):
                operations = [asked]
            else:
                operations = operations_of(line.operation, line.fields)
        except InvalidOperation as error:
            raise InvalidOperation(line.operation, [*error.faults, *faults]) from None
        faults += [fault for operation in operations for fault in unkept(operation)]
        faults += _unfit(line, operations)
        if faults:
            raise InvalidInput(line.operation, faults)
        return [_submission(line, school, each, source, batch) for each in operations]

    def check_all(
        self, lines: Iterable[tuple[str, Callable[[], Operation | Line]]], source: str | None
    ) -> Checked:
        """Check the lines of a batch, each given by its name for faults and what reads it."""
        batch = new_id()
        entries = [self._entry(where, read, source, batch) for where, read in lines]
        submissions = self._in_order(entries)
        faults = [Fault(entry.where, str(fault)) for entry in entries for fault in entry.faults]
        return Checked(batch, submissions, faults)

    def submit(
        self,
        operation: Operation | str,
        fields: Mapping[str, Any] | None = None,
        *,
        source: str | None = None,
        **options: Unpack[Options],
    ) -> Receipt:
        """Submit one operation, given as an object or by name and fields.

        Raises Invalid (nothing was submitted), also for more items than a call carries:
        submit_many splits them. Raises Unavailable.
        """
        if isinstance(operation, Operation):
            name, fields = operation.spec.name, operation.to_json()
        else:
            name = operation
        line = Line.read({"operation": name, "fields": fields or {}, **options})
        submissions = self.check(line, source=source)
        if len(submissions) > 1:
            fault = Fault("", f"needs {len(submissions)} calls: submit_many makes a batch of them")
            raise InvalidInput(name, [fault])
        entry = Entry("", submissions[0].school, line.dedup_key, submissions)
        submissions = self._in_order([entry])
        if entry.faults:
            raise InvalidInput(name, entry.faults)
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
        lines = ((str(n), partial(_known_shape, asked)) for n, asked in enumerate(operations, 1))
        checked = self.check_all(lines, source)
        if checked.faults:
            raise InvalidInput("nothing was submitted", checked.faults)
        return self.enter(checked.submissions, on_entered)

    def retry(self, record_id: str, *, mend: bool = False) -> Sequence[Receipt]:
        """Try a record again, or submit what mends a partial one, linked to it both ways.

        Raises NotFound, InvalidInput (there is nothing to try, or another must be tried first) or
        Unavailable.
        """
        record = self._ledger.find(record_id)
        operations = mending(record) if mend else [again(record)]
        ids = {} if mend else successors(record, self._ledger)
        keeps_lane = not mend or is_own(record.school, record.lane)
        return self.enter(
            [
                Submission(
                    id=(own_id := new_id()),
                    operation=operation.spec.name,
                    school=record.school,
                    fields=renamed(operation.identified(own_id).to_json(), ids),
                    lane=record.lane if keeps_lane else lane_of(record.school, operation),
                    source="mend" if mend else "retry",
                    # What an earlier attempt may have done is no surprise now.
                    accepts_existing=record.accepts_existing or record.started_at is not None,
                    retry_of=record.id,
                    after=tuple(ids.values()),
                    stops_lane=record.stops_lane,
                    priority=record.priority,
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
        Unavailable when the ledger is away, and InvalidInput if a dedup key was used for something
        else in the meantime; both say how far it came.
        """
        receipts: list[Receipt] = []
        #: Whom to wait for, by whom it was to be: others may submit the same meanwhile.
        ids: dict[str, str] = {}
        for chunk in chunks(map(packed, submissions)):
            chunk = [_pointed(entry, ids) for entry in chunk]  # noqa: PLW2901  # as it is now
            entered = self._record(chunk, len(receipts), len(submissions))
            pairs = list(zip(chunk, entered, strict=True))
            ids |= {entry.id: found.id for entry, found in pairs if entry.id != found.id}
            self._publish([Due(e.id, e.operation, e.priority) for e, found in pairs if found.ready])
            receipts += [Receipt(found.id, self._ledger, found.new) for found in entered]
            on_entered(len(chunk))
        return receipts

    def _record(self, chunk: Sequence[Submission], before: int, total: int) -> Sequence[Entered]:
        """Record a chunk, and say how far it came if that cannot be done."""
        try:
            return self._ledger.submit(chunk)
        except Unavailable as error:
            told = f"recorded for certain: {before:,} of {total:,}"
            safe = "with dedup keys it is safe to hand in all of it again"
            raise Unavailable(f"{error}; {told}; {safe}") from error
        except InvalidInput as refused:
            # Somebody else may have submitted some of it since it was looked up.
            owners = owners_of(self._ledger, chunk)
            renewed = [_pointed(entry, owners) for entry in chunk]
            if renewed != chunk:
                return self._record(renewed, before, total)
            (fault,) = refused.faults
            entry = chunk[int(fault.where) - 1]
            subject = f"only {before:,} of {total:,} were submitted" if before else refused.subject
            raise InvalidInput(
                subject, [Fault(entry.dedup_key or entry.operation, fault.what)]
            ) from None

    def _publish(self, due: Sequence[Due]) -> None:
        if not due:
            return
        try:
            self._queues.publish(due)
        except Unavailable as error:
            log.warning("recorded, and sent to the workers a little later: %s", error)

    def _entry(
        self, where: str, read: Callable[[], Operation | Line], source: str | None, batch: str
    ) -> Entry:
        """Check one line of a batch by itself."""
        entry = Entry(where)
        try:
            asked = read()
            line = asked if isinstance(asked, Line) else _line(asked)
            entry.dedup_key = line.dedup_key
            with suppress(InvalidInput):  # told below
                entry.school = self._settings.school(line.school).name
            entry.submissions = self.check(asked, source=source, batch=batch)
        except Invalid as error:
            entry.refuse(*error.faults)
        return entry

    def _in_order(self, entries: Sequence[Entry]) -> list[Submission]:
        """Look up whom a batch waits for, and what is known of it; the entries take the faults."""
        known = known_to(self._ledger, entries)
        refuse_other(self._ledger, entries, known)
        return ordered(entries, known)


@cache
def _submitter() -> Submitter:
    return Submitter.from_settings(from_env())


def submit(
    operation: Operation | str,
    fields: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> Receipt:
    """Submit one operation with the environment's settings; see Submitter.submit."""
    return _submitter().submit(operation, fields, source="python", **options)


def submit_many(operations: Iterable[Operation | Mapping[str, Any]]) -> Sequence[Receipt]:
    """Submit a batch with the environment's settings; see Submitter.submit_many."""
    return _submitter().submit_many(operations, source="python")


def _line(operation: Operation) -> Line:
    return Line(operation=operation.spec.name, fields=operation.to_json())


def _known_shape(asked: Operation | Line | Mapping[str, Any]) -> Operation | Line:
    return asked if isinstance(asked, (Operation, Line)) else Line.read(asked)


def _unfit(line: Line, operations: Sequence[Operation]) -> list[Fault]:
    """Name what cannot be said of these operations."""
    faults = []
    if line.dedup_key is not None and len(operations) > 1:
        what = f"cannot stand for {len(operations)} calls: hand in fewer items in one line"
        faults.append(Fault("dedup_key", what))
    stops = line.lane_on_failure == "stop"
    if stops and line.lane is None and any(each.lane() is None for each in operations):
        faults.append(Fault("lane_on_failure", "there is no lane to stop: name one"))
    return faults


def _submission(
    line: Line, school: str, operation: Operation, source: str | None, batch: str | None
) -> Submission:
    """Put a checked operation into the ledger's words; whom it names is looked up later."""
    own_id = new_id()
    accepts = operation.spec.accepts_existing
    if line.if_exists is not None:
        accepts = line.if_exists == "accept"
    return Submission(
        id=own_id,
        operation=operation.spec.name,
        school=school,
        # With the identity by which ClassIn knows a repeat, so that a retry has the same.
        fields=operation.identified(own_id).to_json(),
        lane=own_lane(school, line.lane) if line.lane else lane_of(school, operation),
        batch=batch,
        source=source,
        accepts_existing=accepts,
        after=tuple(dict.fromkeys([*line.after, *sorted(operation.references())])),
        stops_lane=line.lane_on_failure == "stop",
        priority=line.priority or Priority.NORMAL,
        dedup_key=line.dedup_key,
        digest=digest_of_asked(operation) if line.dedup_key else "",
    )


def _pointed(entry: Submission, ids: Mapping[str, str]) -> Submission:
    """Let a submission wait for others than it was to; most stay as they are."""
    if ids.keys().isdisjoint(entry.after):
        return entry
    after = tuple(ids.get(each, each) for each in entry.after)
    return replace(entry, after=after, fields=renamed(entry.fields, ids))
