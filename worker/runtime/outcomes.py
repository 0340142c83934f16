"""What became of a claim: a line in the log, and an event for hooks."""

import logging

from worker.hooks import RecordSettled
from worker.ledger.states import Reason, State
from worker.ledger.types import ClaimUpdate

log = logging.getLogger(__name__)


def log_outcome(update: ClaimUpdate, state: State) -> None:
    """Log the state in which a report left its record: no fields, no message."""
    record, transition = update.claim.record, update.transition
    code = "-" if transition.code is None else transition.code
    reason = _reason_of(update, state)
    where = f"{state}/{reason}" if reason else state
    attempts = _attempts_of(update)
    log.info("%s %s: %s, code %s, attempts %d", record.operation, record.id, where, code, attempts)


def settled_event(update: ClaimUpdate, state: State) -> RecordSettled:
    """Return the event that a report settled its record, in this state."""
    record, transition = update.claim.record, update.transition
    return RecordSettled(
        id=record.id,
        operation=record.operation,
        school=record.school,
        batch=record.batch,
        source=record.source,
        priority=record.priority,
        state=state,
        reason=_reason_of(update, state),
        code=transition.code,
        message=transition.message,
        attempts=_attempts_of(update),
        enqueued_at=record.enqueued_at,
    )


def _reason_of(update: ClaimUpdate, state: State) -> Reason | None:
    """Return the reason, unless the ledger put the record elsewhere than was reported."""
    return update.transition.reason if state is update.transition.state else None


def _attempts_of(update: ClaimUpdate) -> int:
    return update.attempt.n if update.attempt else len(update.claim.record.attempts)
