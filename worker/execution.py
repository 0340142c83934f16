"""Perform one operation: claim, sign, send, judge, note, release."""

import itertools
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from worker.classin.call import Dialect
from worker.classin.catalogue import read
from worker.classin.codes import Code
from worker.classin.errors import (
    Accident,
    ClassinError,
    FileGone,
    InvalidOperation,
    LeaseLost,
    Unread,
)
from worker.classin.judgement import judge, judge_accident
from worker.classin.operation import Operation, Repeat
from worker.classin.reply import Reply
from worker.classin.school import School
from worker.classin.verdicts import Verdict
from worker.classin.wire import Request, prepare
from worker.files import Files
from worker.ledger.ledger import Claim, Ledger, Standing
from worker.ledger.lifecycle import Reason, State
from worker.ledger.record import Attempt
from worker.retries import Outcome, deferral, retrying, standing_after
from worker.settings import Patience
from worker.transport import Stream

#: While a file is read, its record's lease is renewed after such a part of it.
_BEAT = 1 / 20

log = logging.getLogger(__name__)


class Sender(Protocol):
    """Something that brings a request to ClassIn: the transport, or a test's stand-in."""

    def send(self, request: Request, dialect: Dialect, streams: Mapping[str, Stream]) -> Reply:
        """Send, with files from these streams; raises NotSent, Unread or what a stream raises."""


class Execution:
    """Carries recorded operations out. `clock` gives seconds since 1970."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        sender: Sender,
        schools: Mapping[str, School],
        patience: Patience,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._files = Files(ledger)
        self._sender = sender
        self._schools = schools
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    def perform(self, record_id: str) -> None:
        """Carry one operation as far as it goes now; does nothing if it is not to be done now.

        Raises NotFound, Unavailable.
        """
        claim = self._ledger.claim(record_id, str(uuid.uuid4()), self._patience.lease)
        if claim is None:
            return
        try:
            self._carry_out(claim)
        except LeaseLost:
            log.warning("%s: the lease has passed to another worker", record_id)
        except ClassinError:
            raise
        except Exception:
            # Whatever went wrong here may have gone wrong after sending.
            self._defer(claim, "an error in the worker; its log says which", unread=True)
            raise

    def refuse(self, record_id: str, why: str) -> None:
        """Settle a record as refused by us, before anything was sent."""
        claim = self._ledger.claim(record_id, str(uuid.uuid4()), self._patience.lease)
        if claim is not None:
            self._refuse(claim, why)

    def _refuse(self, claim: Claim, why: str) -> None:
        refused = Standing(state=State.FAILED, reason=Reason.REFUSED, message=why)
        self._advance(claim, refused, None)

    def _advance(self, claim: Claim, standing: Standing, attempt: Attempt | None) -> None:
        """Put the record where it stands now, and say so in the log: no fields, no message."""
        self._ledger.advance(claim, standing, attempt)
        record = claim.record
        state = f"{standing.state}/{standing.reason}" if standing.reason else standing.state
        count = attempt.n if attempt else len(record.attempts)
        code = "-" if standing.code is None else standing.code
        log.info("%s %s: %s, code %s, attempts %d", record.operation, record.id, state, code, count)

    def _carry_out(self, claim: Claim) -> None:
        record = claim.record
        try:
            operation = read(record.operation, record.fields).identified(record.id)
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
        try:
            outcome = self._deliver(claim, operation, school)
        except FileGone as gone:
            self._settle_without_file(claim, str(gone))
            return
        standing = standing_after(
            outcome,
            patience=self._patience,
            tried_for=self._tried_for(claim),
            deferrals=record.deferrals,
        )
        self._advance(claim, standing, outcome.attempt)

    def _settle_without_file(self, claim: Claim, message: str) -> None:
        """Refuse what cannot be sent; uncertain if an earlier attempt may have been carried out."""
        if not self._ledger.find(claim.record.id).unread:
            self._refuse(claim, message)
            return
        message += "; an earlier attempt may have been carried out"
        self._advance(claim, Standing(state=State.UNCERTAIN, message=message), None)

    def _deliver(self, claim: Claim, operation: Operation, school: School) -> Outcome:
        """Try as often as one delivery may; gives the last outcome, not yet noted."""
        record = claim.record
        numbers = itertools.count(len(record.attempts) + 1)
        expected = record.unread or record.accepts_existing

        def attempt() -> Outcome:
            nonlocal expected
            outcome = self._attempt(claim, operation, school, next(numbers), expected=expected)
            expected = expected or outcome.unread
            return outcome

        return retrying(self._patience, self._sleep, partial(self._note, claim))(attempt)

    def _attempt(
        self, claim: Claim, operation: Operation, school: School, number: int, *, expected: bool
    ) -> Outcome:
        """Sign, send and judge once."""
        at = self._clock()
        reply: Reply | None = None
        try:
            with self._files.opened(claim.record.id, operation, self._beat(claim)) as streams:
                at = self._clock()  # looking through a large file takes a while
                request = prepare(operation, school, int(at))
                reply = self._sender.send(request, operation.spec.call.dialect, streams)
            verdict = judge(operation, reply, expected=expected)
            code, http, message = reply.code, reply.http, reply.message or _phrase(reply.code)
            unread = verdict is Verdict.AGAIN
        except Accident as accident:
            verdict = judge_accident(operation, accident)
            code, http, message = None, None, str(accident)
            unread = isinstance(accident, Unread)
        took = round((self._clock() - at) * 1000)
        attempt = Attempt(number, int(at * 1000), took, http, code, message, verdict)
        return Outcome(attempt, reply, unread)

    def _beat(self, claim: Claim) -> Callable[[], None]:
        """Give what keeps the lease, however long it takes to read and send a file."""
        renewed = self._clock()

        def beat() -> None:
            nonlocal renewed
            if self._clock() - renewed < self._patience.lease * _BEAT:
                return
            if not self._ledger.claim(claim.record.id, claim.lease, self._patience.lease):
                raise LeaseLost(f"another worker has {claim.record.id} now")
            renewed = self._clock()

        return beat

    def _note(self, claim: Claim, outcome: Outcome) -> None:
        """Write down an attempt that will be followed by another."""
        attempt = outcome.attempt
        standing = Standing(
            state=State.RUNNING, code=attempt.code, message=attempt.message, unread=outcome.unread
        )
        self._ledger.advance(claim, standing, attempt, self._patience.lease)

    def _defer(self, claim: Claim, message: str, *, unread: bool) -> None:
        wait = deferral(self._patience, claim.record.deferrals)
        standing = Standing(
            state=State.DEFERRED, message=message, due_in=wait, counts=True, unread=unread
        )
        if self._tried_for(claim) >= self._patience.give_up_after:
            standing = replace(standing, state=State.FAILED, reason=Reason.EXHAUSTED)
        self._advance(claim, standing, None)

    def _tried_for(self, claim: Claim) -> float:
        """Give the seconds since the record's first attempt."""
        started = claim.record.started_at
        return self._clock() - started / 1000 if started is not None else 0.0


def _phrase(code: int | None) -> str:
    known = Code.known(code)
    return known.phrase if known else ""
