"""Execute one claimed operation: check it, attempt it, and decide where that leaves its record."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from worker.classin.catalogue import find, read
from worker.classin.classify import minds_repeats
from worker.classin.operation import Idempotency, Operation
from worker.classin.references import Source, referenced, resolve
from worker.classin.school import School
from worker.classin.time_limits import untimely
from worker.config.settings import RetrySettings
from worker.encryption import FieldCipher
from worker.errors import (
    ClassinError,
    DecryptionError,
    FileChangedError,
    InvalidOperationError,
    ScriptError,
    UnavailableError,
)
from worker.execution.attempt import AttemptRunner, Delivery, Sender
from worker.execution.file_streams import Files
from worker.execution.leases import LeaseTable
from worker.execution.retry_policy import (
    Outcome,
    build_retrier,
    deferral,
    next_transition,
    should_retry,
)
from worker.hooks import AttemptMade, Hook, on_attempt
from worker.ledger.record import Record
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim, ClaimUpdate, ReadyRecord, Transition, UpdateResult
from worker.trouble_log import TroubleLog

#: Seconds between two tries to report to a ledger that is away.
REPORT_AGAIN = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What came of executing a claim."""

    claim: Claim
    #: What is still to be reported to the ledger, if anything.
    update: ClaimUpdate | None
    #: Records that became ready because of what was reported meanwhile.
    released: list[ReadyRecord]


class Executor:
    """Executes claims, in any number of threads. `clock` returns seconds since 1970.

    Once `stopping` is set, no attempt begins.
    """

    def __init__(  # noqa: PLR0913  # all that a worker works with
        self,
        *,
        ledger: RedisLedger,
        sender: Sender,
        files: Files,
        schools: Mapping[str, School],
        cipher: FieldCipher,
        retry: RetrySettings,
        leases: LeaseTable,
        stopping: threading.Event,
        on_attempt: Hook[AttemptMade] = on_attempt,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._schools = schools
        self._cipher = cipher
        self._retry = retry
        self._leases = leases
        self._stopping = stopping
        self._on_attempt = on_attempt
        #: By default the end of the worker ends every wait.
        self._sleep = sleep or stopping.wait
        self._attempts = AttemptRunner(sender, files, clock)
        self._retrier = build_retrier(retry, stopping, self._goes_on, sleep)
        self._troubles = TroubleLog(log)

    def execute(self, claim: Claim) -> ExecutionResult:
        """Execute one claim as far as it goes now; an error is part of the result."""
        released: list[ReadyRecord] = []
        update: ClaimUpdate | None = None
        try:
            update = self._execute(claim, released)
        except ScriptError as error:
            # Should its last report fail as well, it is set aside with that one.
            log.warning("%s: %s", claim.record.id, error)
            update = self._deferred(claim, "its ledger failed", maybe_applied=True)
        except ClassinError as error:
            # Nothing more can be reported: its lease is another's, or runs out.
            log.warning("%s: %s", claim.record.id, error)
        except Exception:
            # Whatever went wrong here may have gone wrong after sending.
            log.exception("%s %s", claim.record.operation, claim.record.id)
            message = "an error in the worker; its log says which"
            update = self._deferred(claim, message, maybe_applied=True)
        return ExecutionResult(claim, update, released)

    def _execute(self, claim: Claim, released: list[ReadyRecord]) -> ClaimUpdate | None:
        """Check, attempt, decide; return what is to be reported. None: nothing."""
        record = claim.record
        try:
            operation, unsaved_fields = self._operation_of(record)
        except InvalidOperationError as error:
            return refusal(claim, "; ".join(map(str, error.faults)))
        except DecryptionError as error:
            return self._not_sendable(claim, str(error))
        if late := untimely(operation, self._attempts.now()):
            return self._not_sendable(claim, "; ".join(map(str, late)))
        school = self._schools.get(record.school)
        if school is None:
            return self._deferred(claim, f"this worker has no school {record.school!r}")
        if record.unread and operation.spec.idempotency is Idempotency.UNSAFE:
            doubt = "a worker fell silent after it may have been sent"
            return ClaimUpdate(claim, Transition(state=State.UNCERTAIN, message=doubt))
        if claim.wait:
            self._leases.waited(claim)  # it is confirmed after that
            self._sleep(claim.wait)
        delivery = Delivery(claim, operation, school, unsaved_fields, released)
        try:
            outcome = self._retrier(self._attempt, delivery)
        except FileChangedError as error:
            return self._not_sendable(claim, str(error))
        if delivery.is_over:
            return None
        return self._decided(delivery, outcome) if outcome else _given_back(delivery)

    def _operation_of(self, record: Record) -> tuple[Operation, Mapping[str, Any] | None]:
        """Build the operation from the record's fields, results of earlier ones filled in.

        Return with it the filled-in fields as the record is to keep them; None: as they are.
        Raises InvalidOperationError and DecryptionError.
        """
        fields, named = record.fields, referenced(record.fields)
        if named:
            found = self._ledger.find_all(sorted(named))
            sources = {each.id: Source(each.result, each.shown_result()) for each in found}
            fields = resolve(fields, sources.get, find(record.operation).hides)
        decrypted = self._cipher.decrypt_fields(record.operation, fields, record.school, record.id)
        operation = read(record.operation, decrypted).identified(record.id)
        if not named:
            return operation, None
        return operation, self._cipher.encrypt_fields(operation, record.school, record.id)

    def _attempt(self, delivery: Delivery) -> Outcome | None:
        """Make one attempt, unless the worker is to end; None: nothing was sent."""
        if self._stopping.is_set():
            return None
        touch = partial(self._leases.touch, delivery.claim)
        outcome = self._attempts.run(delivery, self._may_send, touch)
        if outcome is not None and self._on_attempt:
            record = delivery.claim.record
            self._on_attempt.tell(
                AttemptMade(
                    record.id, record.operation, record.school, record.batch, outcome.attempt
                )
            )
        return outcome

    def _may_send(self, delivery: Delivery) -> bool:
        """Confirm, right before a request, that the record is still ours.

        While the ledger cannot say so nothing is sent, and others may try. Raises LeaseLostError.
        """
        try:
            self._announce(delivery)
            self._leases.confirm(delivery.claim, self._ledger)
        except UnavailableError:
            self._leases.touch(delivery.claim)
            return False
        return True

    def _announce(self, delivery: Delivery) -> None:
        """Record that a request goes out, where that matters should this worker die."""
        operation = delivery.operation
        # The fields must be known to whoever repeats it, and a file may be gone by then.
        if delivery.unsaved_fields is None and not (
            minds_repeats(operation.spec) or operation.files()
        ):
            return
        asked = self._leases.clock()
        self._ledger.mark_sending(delivery.claim, delivery.unsaved_fields)
        self._leases.told(delivery.claim, asked)
        delivery.unsaved_fields = None

    def _goes_on(self, delivery: Delivery, outcome: Outcome) -> bool:
        """Report an attempt that should be repeated; return whether the ledger lets it go on."""
        claim, attempt = delivery.claim, outcome.attempt
        transition = Transition(
            state=State.RUNNING,
            code=attempt.code,
            message=attempt.message,
            maybe_applied=outcome.unread,
            late=outcome.late,
        )
        result = self._reported(ClaimUpdate(claim, transition, attempt, self._leases.lasts))
        delivery.reported = attempt
        delivery.released += result.released
        if result.state is not State.RUNNING:
            delivery.is_over = True
            return False
        self._leases.waited(claim)  # tenacity sleeps next, and others may take the record meanwhile
        if result.wait:
            self._sleep(result.wait)
        return True

    def _reported(self, update: ClaimUpdate) -> UpdateResult:
        """Report an update as soon as the ledger answers."""
        while True:
            try:
                result = self._ledger.advance(*update)
            except UnavailableError as error:
                if self._stopping.is_set():
                    raise
                self._troubles.trouble("attempts are reported when the ledger is back", error)
                self._sleep(REPORT_AGAIN)
            else:
                self._troubles.over("attempts are reported again")
                return result

    def _decided(self, delivery: Delivery, outcome: Outcome) -> ClaimUpdate:
        """Decide where the last outcome of a delivery leaves its record."""
        claim = delivery.claim
        transition = next_transition(
            outcome,
            patience=self._retry,
            tried_for=_tried_for(claim),
            deferrals=claim.record.deferrals,
        )
        if self._stopping.is_set() and should_retry(outcome.verdict, delivery.attempts):
            # Another worker goes on; that this one ends is no reason to put it off.
            transition = replace(transition, state=State.QUEUED, reason=None, access=None)
        return ClaimUpdate(claim, transition, outcome.attempt)

    def _not_sendable(self, claim: Claim, message: str) -> ClaimUpdate:
        """Refuse what cannot be sent; uncertain if an earlier attempt may have been carried out."""
        if not self._ledger.find(claim.record.id).unread:
            return refusal(claim, message)
        message += "; an earlier attempt may have been carried out"
        return ClaimUpdate(claim, Transition(state=State.UNCERTAIN, message=message))

    def _deferred(self, claim: Claim, message: str, *, maybe_applied: bool = False) -> ClaimUpdate:
        transition = Transition(
            state=State.DEFERRED,
            message=message,
            due_in=deferral(self._retry, claim.record.deferrals),
            counts=True,
            maybe_applied=maybe_applied,
            late=maybe_applied,
        )
        if _tried_for(claim) >= self._retry.give_up_after:
            transition = replace(transition, state=State.FAILED, reason=Reason.EXHAUSTED)
        return ClaimUpdate(claim, transition)


def refusal(claim: Claim, why: str) -> ClaimUpdate:
    """Return the update that refuses a record of which nothing was sent."""
    return ClaimUpdate(claim, Transition(state=State.FAILED, reason=Reason.REFUSED, message=why))


def _given_back(delivery: Delivery) -> ClaimUpdate:
    """Return the update that lets another worker go on: nothing was sent since the last report."""
    last = delivery.reported or delivery.claim.record
    transition = Transition(state=State.QUEUED, code=last.code, message=last.message or "")
    return ClaimUpdate(delivery.claim, transition)


def _tried_for(claim: Claim) -> float:
    """Return the seconds since the record's first attempt, by the ledger's clock."""
    started = claim.record.started_at
    return (claim.at - started) / 1000 if started is not None else 0.0
