"""The one door: an operation is checked, recorded, and a message is sent for it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self, Unpack

from producers.hooks import RecordSubmitted, on_submitted
from producers.intake.attachments import FileOpener, packed
from producers.intake.build import operations_of
from producers.intake.bulk_split import parts_of
from producers.intake.checked import NO_MORE, Checked, Entry, Origin, Position
from producers.intake.dedup import look_up
from producers.intake.dependencies import ordered, pointed
from producers.intake.ledger import IntakeLedger
from producers.intake.receipt import Receipt
from producers.intake.request import Options, SubmitRequest
from producers.intake.resume import resumed
from producers.intake.submissions import SubmissionBuilder
from producers.intake.unfit import unfit
from worker.broker.messages import mailbox_of
from worker.classin.operation import Operation
from worker.config.file_access import FileAccess
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.errors import (
    CONFLICT,
    FieldError,
    InvalidInputError,
    InvalidOperationError,
    SubmitRefusedError,
    UnavailableError,
    ValidationError,
)
from worker.hooks import load_hooks
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo
from worker.ledger.record import Record, Submission, new_id
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger, chunks
from worker.ledger.types import ReadyRecord, SubmitResult

if TYPE_CHECKING:
    from worker.broker.queue import Queues

log = logging.getLogger(__name__)


class Submitter:
    """Takes operations in, for the schools and the Redis of its settings.

    `clock` gives seconds since 1970. Files may be named that this user may read; see limited_to.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: IntakeLedger,
        queues: "Queues | None" = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        load_hooks(settings.hooks)
        self._settings = settings
        self._clock = clock
        self.door = FileOpener(settings, settings.typed_files)
        #: Builds what is recorded.
        self.builder = SubmissionBuilder(settings)
        self.ledger = ledger
        self._given = queues
        self._mailbox = mailbox_of(settings)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Build one with connections of its own."""
        ledger = RedisLedger(
            connect(settings.ledger_url, settings.redis_prefix, submits=True),
            keyring=settings.keyring,
        )
        return cls(settings, ledger)

    def limited_to(self, files: FileAccess) -> "Submitter":
        """Return one for a door at which only these files may be named."""
        other = copy(self)
        other.door = FileOpener(self._settings, files)
        return other

    @property
    def keyring(self) -> KeyRing:
        """The keys of its installation."""
        return self._settings.keyring

    @property
    def cipher(self) -> FieldCipher:
        """What encrypts the credentials of its records."""
        return self.builder.cipher

    def check(
        self,
        asked: Operation | SubmitRequest,
        *,
        source: str | None = None,
        batch: str | None = None,
    ) -> list[Submission]:
        """Check everything but whom it waits for. Raises ValidationError, which names every fault.

        Return one submission; of a bulk operation with more items than a call carries, several.
        """
        entry = Entry("", Origin(source, batch))
        self._check(entry, asked, asked if isinstance(asked, SubmitRequest) else NO_MORE)
        return self.builder.of(entry)

    def _check(self, entry: Entry, asked: Operation | SubmitRequest, line: SubmitRequest) -> None:
        """Let an entry have the operations that are asked for.

        `line`: what is said besides. Raises ValidationError, which names every fault.
        """
        entry.line, faults = line, list[FieldError]()
        try:
            entry.school = self._settings.school(line.school).name
        except InvalidInputError as error:
            faults += error.faults
        if isinstance(asked, Operation):
            name, operations = asked.spec.name, parts_of(self.door.vouched(asked))
        else:
            name = asked.operation
            try:
                operations = operations_of(name, asked.fields, self.door)
            except InvalidOperationError as error:
                raise InvalidOperationError(name, [*error.faults, *faults]) from None
        faults += unfit(line, operations, self._clock())
        if faults:
            raise InvalidInputError(name, faults)
        references = sorted(set[str]().union(*(each.references() for each in operations)))
        entry.names = tuple(dict.fromkeys([*line.after, *references]))
        if line.dedup_key:
            entry.digest = self.builder.digest_of(operations[0], entry.school)
        entry.operations = operations

    def check_all(
        self,
        lines: Iterable[tuple[Position, Callable[[], Operation | SubmitRequest]]],
        source: str | None,
        batch: str | None = None,
        sees: Callable[[Record], bool] | None = None,
    ) -> Checked:
        """Check lines, each given by its place and what reads it.

        `batch`: theirs, if they are not all there is of it; `sees`: which records they may name.
        """
        batch = batch or new_id()
        entries = [
            self._entry(where, read, Origin(source, batch, row)) for (where, row), read in lines
        ]
        submissions = self._in_order(entries, sees)
        found = [(entry.where, fault) for entry in entries for fault in entry.faults]
        return Checked(batch, submissions, found)

    def submit(
        self,
        operation: Operation | str,
        fields: Mapping[str, Any] | None = None,
        *,
        source: str | None = None,
        **options: Unpack[Options],
    ) -> Receipt:
        """Submit one operation, given as an object or by name and fields.

        Raises ValidationError (nothing was submitted), also for more items than a call carries:
        submit_many splits them. Raises UnavailableError.
        """
        name = operation.spec.name if isinstance(operation, Operation) else operation
        line = SubmitRequest.read({"operation": name, "fields": fields or {}, **options})
        entry = Entry("", Origin(source))
        self._check(entry, operation if isinstance(operation, Operation) else line, line)
        if (calls := len(entry.operations)) > 1:
            fault = FieldError("", f"needs {calls} calls: submit_many makes a batch of them")
            raise InvalidInputError(name, [fault])
        submissions = self._in_order([entry])
        if entry.faults:
            raise InvalidInputError(name, entry.faults)
        return self.enter(submissions)[0]

    def submit_many(
        self,
        operations: Iterable[Operation | SubmitRequest | Mapping[str, Any]],
        *,
        source: str | None = None,
        on_entered: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Receipt]:
        """Submit operations, or objects like lines of JSONL, as one batch: all or none.

        Raises InvalidInputError, which names every fault by the position of its operation (from 1).
        """
        lines = (
            (Position(str(n)), partial(_known_shape, asked))
            for n, asked in enumerate(operations, 1)
        )
        checked = self.check_all(lines, source)
        if checked.faults:
            raise InvalidInputError("nothing was submitted", checked.faults)
        return self.enter_batch(checked, BatchInfo(source=source), on_entered)

    def enter_batch(
        self,
        checked: Checked,
        about: BatchInfo,
        on_entered: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Receipt]:
        """Record a batch that was checked, with what is said of it as a whole; see enter.

        Raises InvalidInputError, too, if another request began that batch.
        """
        submissions = checked.submissions
        if about.webhook is not None:
            submissions = [replace(each, tells=True) for each in submissions]
        about = replace(about, expected=len(submissions))
        if not self.ledger.batches.open(checked.batch, about):
            self._must_be_of(checked.batch, about)
        try:
            receipts = self.enter(submissions, on_entered)
        except BaseException:
            with suppress(UnavailableError):  # else it is forgotten by itself
                self.ledger.batches.drop(checked.batch)
            raise
        if about.webhook is not None or not any(receipt.new for receipt in receipts):
            with suppress(UnavailableError):  # that all of it is there shows later, too
                self.ledger.batches.close(checked.batch)
        return receipts

    def resumed(self, checked: Checked, about: BatchInfo) -> Checked:
        """Go on with the batch of the same file that broke off, if there is one; see resumption."""
        return resumed(self.ledger, checked, about)

    def _must_be_of(self, batch: str, about: BatchInfo) -> None:
        """See that a batch that is known already is one to go on with. Raises InvalidInputError."""
        known = self.ledger.batches.info(batch)
        if known is not None and known.asks != about.asks:
            fault = FieldError("", f"batch {batch} is that of another request", CONFLICT)
            raise InvalidInputError("nothing was submitted", [fault])

    def cancel(self, record_id: str) -> State:
        """Call one operation off; gives where it stands now. Raises NotFoundError.

        What settled stays as it is; what is running is cancelled when its attempt ends, unless that
        settles it. What waited for it fails, and its lane goes on.
        """
        state, released = self.ledger.cancel(record_id)
        self._publish(released)
        return state

    def enter(
        self,
        submissions: Sequence[Submission],
        on_entered: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Receipt]:
        """Record checked operations and send their messages: ledger first, then queue.

        `on_entered` is told after each chunk how many came in. What is recorded will be carried
        out: when the broker is away, or a message gets lost, rescue sends another. Raises
        UnavailableError when the ledger is away, and InvalidInputError if a dedup key was used for
        something else in the meantime; both say how far it came.
        """
        receipts: list[Receipt] = []
        #: Whom to wait for, by whom it was to be: others may submit the same meanwhile.
        ids: dict[str, str] = {}
        for chunk in chunks(packed(each, self._settings) for each in submissions):
            chunk = [pointed(entry, ids) for entry in chunk]  # noqa: PLW2901  # as it is now
            entered = self._record(chunk, len(receipts), len(submissions))
            pairs = list(zip(chunk, entered, strict=True))
            ids |= {entry.id: found.id for entry, found in pairs if entry.id != found.id}
            self._publish(
                [ReadyRecord(e.id, e.operation, e.priority) for e, found in pairs if found.ready]
            )
            if on_submitted:
                for entry, found in pairs:
                    on_submitted.tell(_event_of(entry, found))
            receipts += [Receipt(found.id, self.ledger, found.new) for found in entered]
            on_entered(len(chunk))
        return receipts

    def _record(
        self, chunk: Sequence[Submission], before: int, total: int
    ) -> Sequence[SubmitResult]:
        """Record a chunk, and say how far it came if that cannot be done."""
        try:
            return self.ledger.submit(chunk, self._mailbox)
        except UnavailableError as error:
            told = f"recorded for certain: {before:,} of {total:,}"
            safe = "with dedup keys it is safe to hand in all of it again"
            raise UnavailableError(f"{error}; {told}; {safe}") from error
        except SubmitRefusedError as refused:
            # Somebody else may have submitted some of it since it was looked up.
            renewed = [pointed(entry, refused.instead) for entry in chunk]
            if renewed != chunk:
                return self._record(renewed, before, total)
            (fault,) = refused.faults
            entry = chunk[refused.position - 1]
            subject = f"only {before:,} of {total:,} were submitted" if before else refused.subject
            named = replace(fault, where=entry.dedup_key or entry.operation)
            raise InvalidInputError(subject, [named]) from None

    @cached_property
    def _queues(self) -> "Queues":
        """The queues: those given, or its own as soon as they are needed."""
        if self._given is not None:
            return self._given
        from worker.broker.queue import build_queues  # noqa: PLC0415  # Celery, which takes a while

        return build_queues(self._settings)

    def _publish(self, due: Sequence[ReadyRecord]) -> None:
        if not due:
            return
        try:
            self._queues.publish(due)
        except UnavailableError as error:
            log.warning("recorded, and sent to the workers a little later: %s", error)

    def _entry(
        self, where: str, read: Callable[[], Operation | SubmitRequest], origin: Origin
    ) -> Entry:
        """Check one line of a batch by itself."""
        entry = Entry(where, origin)
        try:
            asked = read()
            self._check(entry, asked, asked if isinstance(asked, SubmitRequest) else NO_MORE)
        except ValidationError as error:
            entry.refuse(*error.faults)
        return entry

    def _in_order(
        self, entries: Sequence[Entry], sees: Callable[[Record], bool] | None = None
    ) -> list[Submission]:
        """Look up whom a batch waits for, and what is known of it; the entries take the faults."""
        return ordered(entries, look_up(self.ledger, self.builder, entries, sees), self.builder)


def _event_of(entry: Submission, result: SubmitResult) -> RecordSubmitted:
    return RecordSubmitted(
        id=result.id,
        operation=entry.operation,
        school=entry.school,
        batch=entry.batch,
        source=entry.source,
        priority=entry.priority,
        new=result.new,
        retry_of=entry.retry_of,
    )


def _known_shape(asked: Operation | SubmitRequest | Mapping[str, Any]) -> Operation | SubmitRequest:
    return asked if isinstance(asked, (Operation, SubmitRequest)) else SubmitRequest.read(asked)
