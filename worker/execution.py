"""Perform one operation: claim, pace, sign, send, judge, note, release."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from worker.classin.call import Dialect
from worker.classin.catalogue import read
from worker.classin.codes import Code
from worker.classin.errors import (
    Accident,
    ClassinError,
    FileGone,
    InvalidOperation,
    LeaseLost,
    Unavailable,
    Unread,
)
from worker.classin.judgement import judge, judge_accident, minds_repeats
from worker.classin.operation import Operation, Repeat
from worker.classin.references import filled, referenced
from worker.classin.reply import Reply
from worker.classin.school import School
from worker.classin.verdicts import Verdict
from worker.classin.wire import Request, prepare
from worker.files import Files
from worker.in_hand import InHand
from worker.ledger.ledger import Advanced, Claim, Due, Ledger, Standing
from worker.ledger.lifecycle import Reason, State
from worker.ledger.record import Attempt, Record
from worker.retries import Outcome, deferral, retrying, standing_after, worth_repeating
from worker.settings import Patience
from worker.shares import Shares
from worker.skew import SigningClock, explains, may_mean_clock
from worker.transport import Stream

#: Seconds that a thread waits for the pace between two attempts; for longer, the record is put off.
LONGEST_PACE = 2.0

#: So many operations of a lane one thread carries out, then others have a turn: the next one's
#: message goes to the end of the queue.
IN_A_ROW = 10

#: Seconds between two tries to note what happened, while the ledger is away.
_NOTE_AGAIN = 1.0

log = logging.getLogger(__name__)


class Sender(Protocol):
    """Something that brings a request to ClassIn: the transport, or a test's stand-in."""

    def send(self, request: Request, dialect: Dialect, streams: Mapping[str, Stream]) -> Reply:
        """Send, with files from these streams; raises NotSent, Unread or what a stream raises."""


class _PutAsideError(Exception):
    """The delivery is over although an attempt would be due: the record stands elsewhere now."""


class Execution:
    """Carries recorded operations out. `clock` gives seconds since 1970.

    `publish` sends messages for records that can go on; once `stopping` is set, no attempt begins.
    """

    def __init__(  # noqa: PLR0913  # all that a worker works with
        self,
        *,
        ledger: Ledger,
        sender: Sender,
        schools: Mapping[str, School],
        patience: Patience,
        publish: Callable[[Sequence[Due]], None],
        in_hand: InHand,
        shares: Shares,
        stopping: threading.Event,
        in_a_row: int = IN_A_ROW,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._files = Files(ledger)
        self._sender = sender
        self._schools = schools
        self._patience = patience
        self._publish = publish
        self._in_hand = in_hand
        self._shares = shares
        self._stopping = stopping
        self._in_a_row = in_a_row
        self._clock = clock
        self._signing = SigningClock(clock)
        self._sleep = sleep or self._wait
        #: By lease: who can go on because of it, until they are told.
        self._released: dict[str, list[Due]] = {}

    def perform(self, record_id: str) -> None:
        """Carry one operation as far as it goes now, then some of those that could not before.

        Those are the next of its lane, and what had no room here of its school. Does nothing if it
        is not to be done now. Raises NotFound, Unavailable.
        """
        following: str | None = record_id
        done = 0
        while following is not None:
            done += 1
            following = self._perform(following, goes_on=done < self._in_a_row)

    def refuse(self, record_id: str, why: str) -> None:
        """Settle a record as refused by us, before anything was sent."""
        claim = self._claim(record_id)
        if claim is not None:
            with self._in_hand.holding(claim):
                self._refuse(claim, why)
            self._tell(self._released.pop(claim.lease, []))

    def _wait(self, seconds: float) -> None:
        """Sleep, but not beyond the moment at which the worker is to end."""
        self._stopping.wait(seconds)

    def _perform(self, record_id: str, *, goes_on: bool) -> str | None:
        """Carry one operation as far as it goes now; gives who comes next here."""
        with self._shares.door:
            claim = self._claim(record_id, self._shares.full())
            if claim is None:
                return None
            self._shares.take(claim.record.school)
        with self._in_hand.holding(claim):
            try:
                self._carry_out(claim)
            except LeaseLost as lost:
                log.warning("%s", lost)
            except _PutAsideError:
                pass
            except ClassinError:
                raise
            except Exception:
                # Whatever went wrong here may have gone wrong after sending.
                self._defer(claim, "an error in the worker; its log says which", unread=True)
                raise
            finally:
                self._shares.give_back(claim.record.school)
                released = self._released.pop(claim.lease, [])
                taken = released[:1] if goes_on and not self._stopping.is_set() else []
                self._tell(released[len(taken) :])
        return taken[0].id if taken else self._next_of(claim.record.school)

    def _tell(self, released: Sequence[Due]) -> None:
        """Send messages for who can go on; where that fails, rescue finds them."""
        if not released:
            return
        try:
            self._publish(released)
        except Unavailable as error:
            log.warning("who can go on is told a little later: %s", error)

    def _claim(self, record_id: str, full: Sequence[str] = ()) -> Claim | None:
        lease, hand = str(uuid.uuid4()), self._in_hand
        return self._ledger.claim(record_id, lease, hand.worker, hand.lasts, full)

    def _next_of(self, school: str) -> str | None:
        """Take one of those that were put aside because their school had its share here."""
        if not self._shares.may_have_waiting(school) or self._stopping.is_set():
            return None
        waiting = self._ledger.unpark(1, school)
        if not waiting:
            self._shares.none_waiting(school)
            return None
        return waiting[0].id

    def _refuse(self, claim: Claim, why: str) -> None:
        refused = Standing(state=State.FAILED, reason=Reason.REFUSED, message=why)
        self._advance(claim, refused, None)

    def _advance(self, claim: Claim, standing: Standing, attempt: Attempt | None) -> None:
        """Put the record where it stands now, and say so in the log: no fields, no message."""
        advanced = self._noted(claim, standing, attempt)
        record = claim.record
        count = attempt.n if attempt else len(record.attempts)
        code = "-" if standing.code is None else standing.code
        state = advanced.state
        if state is standing.state and standing.reason:
            log.info(
                "%s %s: %s/%s, code %s, attempts %d",
                record.operation, record.id, state, standing.reason, code, count,
            )  # fmt: skip
        else:
            log.info(
                "%s %s: %s, code %s, attempts %d", record.operation, record.id, state, code, count
            )

    def _noted(
        self, claim: Claim, standing: Standing, attempt: Attempt | None, lasts: float = 0.0
    ) -> Advanced:
        """Note what happened as soon as the ledger answers, and remember who can go on."""
        while True:
            try:
                advanced = self._ledger.advance(claim, standing, attempt, lasts)
                break
            except Unavailable as error:
                if self._stopping.is_set():
                    raise
                log.warning("%s is noted when it is back: %s", claim.record.id, error)
                self._sleep(_NOTE_AGAIN)
        if advanced.released:
            self._released.setdefault(claim.lease, []).extend(advanced.released)
        return advanced

    def _carry_out(self, claim: Claim) -> None:
        record = claim.record
        try:
            fields = self._filled(record)
            operation = read(record.operation, fields).identified(record.id)
        except InvalidOperation as error:
            self._refuse(claim, "; ".join(str(fault) for fault in error.faults))
            return
        school = self._schools.get(record.school)
        if school is None:
            self._defer(claim, f"this worker has no school {record.school!r}", unread=False)
            return
        if record.unread and operation.spec.repeat is Repeat.HARMFUL:
            doubt = "a worker fell silent after it may have been sent"
            self._advance(claim, Standing(state=State.UNCERTAIN, message=doubt), None)
            return
        if claim.wait:
            self._sleep(claim.wait)
        if self._stopping.is_set():
            as_it_was = Standing(state=State.QUEUED, code=record.code, message=record.message or "")
            self._advance(claim, as_it_was, None)
            return
        delivery = _Delivery(claim, operation, school, None if fields is record.fields else fields)
        try:
            outcome = self._deliver(delivery)
        except FileGone as gone:
            self._settle_without_file(claim, str(gone))
            return
        standing = standing_after(
            outcome,
            patience=self._patience,
            tried_for=_tried_for(claim),
            deferrals=record.deferrals,
        )
        if self._stopping.is_set() and worth_repeating(outcome.verdict, delivery.made):
            # Somebody else goes on; that this worker ends is no reason to put it off.
            standing = replace(standing, state=State.QUEUED, reason=None, access=None)
        self._advance(claim, standing, outcome.attempt)

    def _filled(self, record: Record) -> Mapping[str, Any]:
        """Give the fields with what they refer to filled in. Raises InvalidOperation."""
        named = referenced(record.fields)
        if not named:
            return record.fields
        results = {each.id: each.result for each in self._ledger.find_all(sorted(named))}
        return filled(record.fields, results.get)

    def _settle_without_file(self, claim: Claim, message: str) -> None:
        """Refuse what cannot be sent; uncertain if an earlier attempt may have been carried out."""
        if not self._ledger.find(claim.record.id).unread:
            self._refuse(claim, message)
            return
        message += "; an earlier attempt may have been carried out"
        self._advance(claim, Standing(state=State.UNCERTAIN, message=message), None)

    def _deliver(self, delivery: "_Delivery") -> Outcome:
        """Try as often as one delivery may; gives the last outcome, not yet noted."""
        note = partial(self._note, delivery.claim)
        retrier = retrying(self._patience, self._sleep, note, self._stopping)
        return retrier(self._attempt, delivery)

    def _attempt(self, delivery: "_Delivery") -> Outcome:
        """Sign, send and judge once."""
        claim, operation = delivery.claim, delivery.operation
        delivery.made += 1
        at = began = self._clock()
        reply: Reply | None = None
        got_on = partial(self._in_hand.got_on, claim)
        try:
            with self._files.opened(claim.record.id, operation, got_on) as streams:
                self._announce(delivery)
                got_on()
                at, began = self._signing.now(), self._clock()  # looking through a file takes long
                request = prepare(operation, delivery.school, int(at))
                reply = self._sender.send(request, operation.spec.call.dialect, streams)
            verdict, message = self._judge(delivery, reply, began)
            code, http = reply.code, reply.http
            unread = verdict is Verdict.AGAIN
        except Accident as accident:
            verdict = judge_accident(operation, accident)
            code, http, message = None, None, str(accident)
            unread = isinstance(accident, Unread)
        delivery.expected |= unread
        took = round((self._clock() - began) * 1000)
        number = len(claim.record.attempts) + delivery.made
        attempt = Attempt(number, int(at * 1000), took, http, code, message, verdict)
        return Outcome(attempt, reply, unread)

    def _judge(self, delivery: "_Delivery", reply: Reply, began: float) -> tuple[Verdict, str]:
        """Judge a reply, and learn from it what time it is there."""
        told = may_mean_clock(reply.code)
        self._signing.observe(began, self._clock(), reply.date, told=told)
        verdict = judge(delivery.operation, reply, expected=delivery.expected)
        if verdict is Verdict.LOCKED_OUT and explains(reply.code, self._signing.skew()):
            verdict = Verdict.CLOCK
        said = reply.message or _phrase(reply.code)
        if verdict is Verdict.CLOCK and (report := self._signing.report()) is not None:
            said = f"{said}; {report}"
        return verdict, said

    def _announce(self, delivery: "_Delivery") -> None:
        """Write down that a request goes out, where that matters should this worker die."""
        operation = delivery.operation
        doubtful = minds_repeats(operation) or operation.files()  # a file may be gone by then
        if delivery.filled is None and not doubtful:
            return
        self._ledger.begin(delivery.claim, delivery.filled)
        delivery.filled = None

    def _note(self, claim: Claim, outcome: Outcome) -> None:
        """Write down an attempt that another will follow, unless something speaks against it."""
        attempt = outcome.attempt
        standing = Standing(
            state=State.RUNNING, code=attempt.code, message=attempt.message, unread=outcome.unread
        )
        advanced = self._noted(claim, standing, attempt, self._in_hand.lasts)
        if advanced.state is not State.RUNNING:
            raise _PutAsideError
        if advanced.wait > LONGEST_PACE:
            later = replace(standing, state=State.DEFERRED, due_in=advanced.wait)
            self._advance(claim, later, attempt)
            raise _PutAsideError
        if advanced.wait:
            self._sleep(advanced.wait)

    def _defer(self, claim: Claim, message: str, *, unread: bool) -> None:
        wait = deferral(self._patience, claim.record.deferrals)
        standing = Standing(
            state=State.DEFERRED, message=message, due_in=wait, counts=True, unread=unread
        )
        if _tried_for(claim) >= self._patience.give_up_after:
            standing = replace(standing, state=State.FAILED, reason=Reason.EXHAUSTED)
        self._advance(claim, standing, None)


@dataclass(slots=True)
class _Delivery:
    """What one delivery of a message carries out."""

    claim: Claim
    operation: Operation
    school: School
    #: The fields with earlier results filled in, until the record has them.
    filled: Mapping[str, Any] | None
    #: Attempts made in this delivery.
    made: int = 0
    #: Whether "it is so already" is no surprise.
    expected: bool = field(init=False)

    def __post_init__(self) -> None:
        self.expected = self.claim.record.unread or self.claim.record.accepts_existing


def _tried_for(claim: Claim) -> float:
    """Give the seconds since the record's first attempt, by the ledger's clock."""
    started = claim.record.started_at
    return (claim.at - started) / 1000 if started is not None else 0.0


def _phrase(code: int | None) -> str:
    known = Code.known(code)
    return known.phrase if known else ""
