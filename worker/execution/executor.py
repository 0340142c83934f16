"""Carry out one operation that was claimed: pace, sign, send, judge."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from worker.classin.catalogue import find, read
from worker.classin.classify import classify_reply, judge_accident, minds_repeats
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.field_types import Sensitivity
from worker.classin.masking import hidden_values, masks_any, scrubbed, without_values
from worker.classin.operation import Idempotency, Operation
from worker.classin.references import Source, referenced, resolve
from worker.classin.request import Request, prepare
from worker.classin.response import Reply
from worker.classin.school import School
from worker.classin.signing import Counting
from worker.classin.time_limits import untimely
from worker.classin.verdicts import Verdict
from worker.config.settings import RetrySettings
from worker.encryption import FieldCipher
from worker.errors import (
    ClassinError,
    DecryptionError,
    FileChangedError,
    InvalidOperationError,
    NoReplyError,
    ReplyLostError,
    ScriptError,
    UnavailableError,
)
from worker.execution.clock_skew import SigningClock, explains, may_mean_clock
from worker.execution.file_streams import Files
from worker.execution.http_client import Stream
from worker.execution.leases import LeaseTable
from worker.execution.retry_policy import (
    Outcome,
    deferral,
    next_transition,
    retrying,
    should_retry,
)
from worker.execution.text_lengths import DOUBT, Countings
from worker.ledger.record import Attempt, Record
from worker.ledger.states import Reason, State
from worker.ledger.types import Claim, ClaimUpdate, Ledger, ReadyRecord, Transition, UpdateResult
from worker.trouble_log import TroubleLog

#: Seconds between two tries to note what happened, while the ledger is away.
NOTE_AGAIN = 1.0

log = logging.getLogger(__name__)


class Sender(Protocol):
    """Something that brings a request to ClassIn: the transport, or a test's stand-in."""

    def send(self, request: Request, dialect: ApiVersion, streams: Mapping[str, Stream]) -> Reply:
        """Send, with files from these streams.

        Raises NotSentError, ReplyLostError, or what a stream raises.
        """


class _PutAsideError(Exception):
    """The delivery is over although an attempt would be due; `note`: what the ledger is to be told.

    Without one the record stands elsewhere already.
    """

    def __init__(self, note: ClaimUpdate | None = None) -> None:
        super().__init__()
        self.note = note


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What came of carrying an operation out, as far as it went now."""

    claim: Claim
    #: What is still to be noted of it, if anything.
    note: ClaimUpdate | None
    #: Who can go on because of what was noted meanwhile.
    released: Sequence[ReadyRecord]


class Execution:
    """Carries out what was claimed. `clock` gives seconds since 1970.

    Once `stopping` is set, no attempt begins.
    """

    def __init__(  # noqa: PLR0913  # all that a worker works with
        self,
        *,
        ledger: Ledger,
        sender: Sender,
        files: Files,
        schools: Mapping[str, School],
        seals: FieldCipher,
        patience: RetrySettings,
        in_hand: LeaseTable,
        stopping: threading.Event,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._sender = sender
        self._schools = schools
        self._seals = seals
        self._patience = patience
        self._in_hand = in_hand
        self._stopping = stopping
        self._clock = clock
        self._signing = SigningClock(clock)
        self._countings = Countings()
        self._sleep = sleep or self._wait
        self._troubles = TroubleLog(log)

    def carry_out(self, claim: Claim) -> ExecutionResult:
        """Carry one operation as far as it goes now; whatever goes wrong is part of the answer."""
        released: list[ReadyRecord] = []
        note: ClaimUpdate | None = None
        try:
            note = self._carry_out(claim, released)
        except _PutAsideError as aside:
            note = aside.note
        except ScriptError as error:
            # Should its last note fail as well, it is set aside with that one.
            log.warning("%s: %s", claim.record.id, error)
            note = self._deferred(claim, "its ledger failed", unread=True)
        except ClassinError as error:
            # Nothing more can be noted of it: its lease is another's, or runs out.
            log.warning("%s: %s", claim.record.id, error)
        except Exception:
            # Whatever went wrong here may have gone wrong after sending.
            log.exception("%s %s", claim.record.operation, claim.record.id)
            note = self._deferred(claim, "an error in the worker; its log says which", unread=True)
        return ExecutionResult(claim, note, released)

    def _wait(self, seconds: float) -> None:
        """Sleep, but not beyond the moment at which the worker is to end."""
        self._stopping.wait(seconds)

    def _pause(self, claim: Claim, seconds: float) -> None:
        """Wait before a request; after that the ledger is asked whether the lease still holds."""
        self._sleep(seconds)
        self._in_hand.waited(claim)

    def _noted(self, note: ClaimUpdate) -> UpdateResult:
        """Note what happened as soon as the ledger answers."""
        while True:
            try:
                advanced = self._ledger.advance(*note)
            except UnavailableError as error:
                if self._stopping.is_set():
                    raise
                self._troubles.trouble("what was done is noted when the ledger is back", error)
                self._sleep(NOTE_AGAIN)
            else:
                self._troubles.over("what was done is noted again")
                return advanced

    def _carry_out(self, claim: Claim, released: list[ReadyRecord]) -> ClaimUpdate:
        record = claim.record
        school = self._schools.get(record.school)
        try:
            fields = self._filled(record)
            open_fields = self._seals.decrypt_fields(
                record.operation, fields, record.school, record.id
            )
            operation = read(record.operation, open_fields).identified(record.id)
        except InvalidOperationError as error:
            return refusal(claim, "; ".join(str(fault) for fault in error.faults))
        except DecryptionError as broken:
            return self._note_incomplete(claim, str(broken))
        if late := untimely(operation, self._signing.now()):
            return self._note_incomplete(claim, "; ".join(map(str, late)))
        if school is None:
            return self._deferred(claim, f"this worker has no school {record.school!r}")
        if record.unread and operation.spec.idempotency is Idempotency.UNSAFE:
            doubt = "a worker fell silent after it may have been sent"
            return ClaimUpdate(claim, Transition(state=State.UNCERTAIN, message=doubt))
        if claim.wait:
            self._pause(claim, claim.wait)
        if self._stopping.is_set():
            return _given_back(claim)
        is_filled = fields is not record.fields
        filled = (
            self._seals.encrypt_fields(operation, school.name, record.id) if is_filled else None
        )
        delivery = _Delivery(claim, operation, school, filled, released)
        try:
            outcome = self._deliver(delivery)
        except FileChangedError as gone:
            return self._note_incomplete(claim, str(gone))
        standing = next_transition(
            outcome,
            patience=self._patience,
            tried_for=_tried_for(claim),
            deferrals=record.deferrals,
        )
        if self._stopping.is_set() and should_retry(outcome.verdict, delivery.made):
            # Somebody else goes on; that this worker ends is no reason to put it off.
            standing = replace(standing, state=State.QUEUED, reason=None, access=None)
        return ClaimUpdate(claim, standing, outcome.attempt)

    def _filled(self, record: Record) -> Mapping[str, Any]:
        """Give the fields with what they refer to filled in. Raises InvalidOperationError."""
        named = referenced(record.fields)
        if not named:
            return record.fields
        found = self._ledger.find_all(sorted(named))
        sources = {each.id: Source(each.result, each.shown_result()) for each in found}
        return resolve(record.fields, sources.get, find(record.operation).hides)

    def _note_incomplete(self, claim: Claim, message: str) -> ClaimUpdate:
        """Refuse what cannot be sent; uncertain if an earlier attempt may have been carried out."""
        if not self._ledger.find(claim.record.id).unread:
            return refusal(claim, message)
        message += "; an earlier attempt may have been carried out"
        return ClaimUpdate(claim, Transition(state=State.UNCERTAIN, message=message))

    def _deliver(self, delivery: "_Delivery") -> Outcome:
        """Try as often as one delivery may; gives the last outcome, not yet noted."""
        note = partial(self._note, delivery)
        pause = partial(self._pause, delivery.claim)
        retrier = retrying(self._patience, pause, note, self._stopping)
        return retrier(self._attempt, delivery)

    def _attempt(self, delivery: "_Delivery") -> Outcome:
        """Sign, send and judge once."""
        claim, operation = delivery.claim, delivery.operation
        delivery.made += 1
        at = began = self._clock()
        reply: Reply | None = None
        got_on = partial(self._in_hand.touch, claim)
        counting = self._countings.of(delivery.school.name)
        try:
            with self._files.opened(claim.record.id, operation, got_on) as streams:
                self._prepare(delivery)
                at, began = self._signing.now(), self._clock()  # looking through a file takes long
                request = prepare(operation, delivery.school, int(at), counting)
                reply = self._sender.send(request, operation.spec.endpoint.version, streams)
            verdict, message = self._judge(delivery, reply, began, counting)
            message, reply = _discreet(operation, message, reply)
            code, http = reply.code, reply.http
            unread = verdict is Verdict.RETRY
            late = code is None and verdict in {Verdict.RETRY, Verdict.AMBIGUOUS}
        except NoReplyError as accident:
            verdict = judge_accident(operation, accident)
            code, http, message = None, None, str(accident)
            unread = late = isinstance(accident, ReplyLostError)
        delivery.expected |= unread
        took = round((self._clock() - began) * 1000)
        number = len(claim.record.attempts) + delivery.made
        attempt = Attempt(number, int(at * 1000), took, http, code, message, verdict)
        late &= operation.spec.idempotency is not Idempotency.READ_ONLY
        return Outcome(attempt, reply, unread, late)

    def _judge(
        self, delivery: "_Delivery", reply: Reply, began: float, counting: Counting
    ) -> tuple[Verdict, str]:
        """Judge a reply; learn from it what time it is there, and how long texts are counted."""
        told = may_mean_clock(reply.code)
        self._signing.observe(began, self._clock(), reply.date, told=told)
        verdict = classify_reply(delivery.operation, reply, expected=delivery.expected)
        if verdict is Verdict.LOCKED_OUT and explains(reply.code, self._signing.skew()):
            verdict = Verdict.CLOCK_SKEW
        said = reply.message or _phrase(reply.code)
        if verdict is Verdict.CLOCK_SKEW and (report := self._signing.report()) is not None:
            said = f"{said}; {report}"
        if reply.code == Code.BAD_SIGNATURE and self._missigned(delivery, counting):
            return Verdict.MISSIGNED, f"{said}; {DOUBT}"
        return verdict, said

    def _missigned(self, delivery: "_Delivery", counting: Counting) -> bool:
        """Say whether a signature may have been refused for a long text, and learn from it."""
        fields = delivery.operation.wire_fields()
        return self._countings.refused(delivery.school.name, fields, counting)

    def _announce(self, delivery: "_Delivery") -> None:
        """Write down that a request goes out, where that matters should this worker die."""
        operation = delivery.operation
        doubtful = minds_repeats(operation.spec) or operation.files()  # a file may be gone by then
        if delivery.filled is None and not doubtful:
            return
        asked = self._in_hand.clock()
        self._ledger.mark_sending(delivery.claim, delivery.filled)
        self._in_hand.told(delivery.claim, asked)
        delivery.filled = None

    def _prepare(self, delivery: "_Delivery") -> None:
        """Make sure that the record is still ours, right before a request goes out.

        While the ledger cannot say so nothing is sent, and others may try.
        """
        claim = delivery.claim
        try:
            self._announce(delivery)
            self._in_hand.confirm(claim, self._ledger)
        except UnavailableError:
            self._in_hand.touch(claim)
            raise _PutAsideError(_given_back(claim)) from None

    def _note(self, delivery: "_Delivery", outcome: Outcome) -> None:
        """Write down an attempt that another will follow, unless something speaks against it."""
        claim, attempt = delivery.claim, outcome.attempt
        standing = Transition(
            state=State.RUNNING,
            code=attempt.code,
            message=attempt.message,
            maybe_applied=outcome.unread,
            late=outcome.late,
        )
        advanced = self._noted(ClaimUpdate(claim, standing, attempt, self._in_hand.lasts))
        delivery.released += advanced.released
        if advanced.state is not State.RUNNING:
            raise _PutAsideError
        if advanced.wait:
            self._pause(claim, advanced.wait)

    def _deferred(self, claim: Claim, message: str, *, unread: bool = False) -> ClaimUpdate:
        wait = deferral(self._patience, claim.record.deferrals)
        standing = Transition(
            state=State.DEFERRED,
            message=message,
            due_in=wait,
            counts=True,
            maybe_applied=unread,
            late=unread,
        )
        if _tried_for(claim) >= self._patience.give_up_after:
            standing = replace(standing, state=State.FAILED, reason=Reason.EXHAUSTED)
        return ClaimUpdate(claim, standing)


@dataclass(slots=True)
class _Delivery:
    """What one delivery of a message carries out."""

    claim: Claim
    operation: Operation
    school: School
    #: The fields with earlier results filled in, until the record has them.
    filled: Mapping[str, Any] | None
    #: Takes who can go on because of what is noted.
    released: list[ReadyRecord]
    #: Attempts made in this delivery.
    made: int = 0
    #: Whether "it is so already" is no surprise.
    expected: bool = field(init=False)

    def __post_init__(self) -> None:
        self.expected = self.claim.record.unread or self.claim.record.accepts_existing


def _discreet(operation: Operation, message: str, reply: Reply) -> tuple[str, Reply]:
    """Return ClassIn's words without any masked field, and the reply without any credential.

    Personal data stay in the reply: it is masked whenever it is shown.
    """
    kind = type(operation)
    if not masks_any(kind):
        return message, reply
    fields = operation.to_dict()
    message = scrubbed(message, hidden_values(kind, fields))
    credentials = hidden_values(kind, fields, Sensitivity.CREDENTIAL)
    if not credentials or reply.result is None:
        return message, reply
    return message, replace(reply, result=without_values(reply.result, credentials))


def refusal(claim: Claim, why: str) -> ClaimUpdate:
    """Note that a record is refused by us, before anything was sent."""
    return ClaimUpdate(claim, Transition(state=State.FAILED, reason=Reason.REFUSED, message=why))


def _given_back(claim: Claim) -> ClaimUpdate:
    """Note that nothing was sent, and that another worker may try."""
    record = claim.record
    standing = Transition(state=State.QUEUED, code=record.code, message=record.message or "")
    return ClaimUpdate(claim, standing)


def _tried_for(claim: Claim) -> float:
    """Give the seconds since the record's first attempt, by the ledger's clock."""
    started = claim.record.started_at
    return (claim.at - started) / 1000 if started is not None else 0.0


def _phrase(code: int | None) -> str:
    known = Code.known(code)
    return known.phrase if known else ""
