"""When to try again: by tenacity (imported only here) within a delivery, by due times beyond it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    sleep_using_event,
    stop_after_attempt,
    stop_any,
    stop_when_event_set,
    wait_random_exponential,
)
from tenacity.stop import stop_base

from worker.classin.codes import Code
from worker.classin.response import Reply
from worker.classin.verdicts import Verdict
from worker.config.settings import RetrySettings
from worker.ledger.record import Attempt
from worker.ledger.states import Reason, State, settlement
from worker.ledger.types import SchoolSignal, Transition

_AGAIN_AT_ONCE = frozenset({Verdict.LOCKED_OUT, Verdict.CLOCK_SKEW, Verdict.MISSIGNED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt brought: the attempt as recorded, and the reply, if one was read."""

    attempt: Attempt
    reply: Reply | None
    #: It may have been carried out, and nobody knows.
    unread: bool
    #: It may still be carried out, later than what is sent next.
    late: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the attempt means."""
        return self.attempt.verdict


def should_retry(verdict: Verdict, attempt_number: int) -> bool:
    """Return whether to try again within this delivery.

    A wrong signature or time is signed anew once: the moment of signing may have been at fault, or
    the way in which a long text was counted.
    """
    return verdict is Verdict.RETRY or (verdict in _AGAIN_AT_ONCE and attempt_number == 1)


def build_retrier(
    settings: RetrySettings,
    stopping: threading.Event,
    goes_on: Callable[[Any, Outcome], bool],
    sleep: Callable[[float], None] | None = None,
) -> Retrying:
    """Build what makes the attempts of deliveries, in any number of threads.

    Call it with a function that makes one attempt and with that one's argument, the delivery; it
    returns what the last call returned. An attempt returns an Outcome, or None if it sent nothing,
    which ends the delivery. `goes_on` takes the delivery and an outcome that another attempt should
    follow, reports it, and returns whether the delivery goes on. Once `stopping` is set, no
    further attempt begins, and every wait ends, unless `sleep` does otherwise.
    """
    return Retrying(
        retry=_is_to_be_repeated,
        # In this order: what is the last attempt anyway is not reported here.
        stop=stop_any(
            stop_after_attempt(settings.attempts),
            stop_when_event_set(stopping),
            _StopUnless(goes_on),
        ),
        wait=wait_random_exponential(
            multiplier=2 * settings.first_wait, min=settings.first_wait, max=settings.longest_wait
        ),
        sleep=sleep or sleep_using_event(stopping),
        retry_error_callback=_last,
    )


class _StopUnless(stop_base):
    """Stop unless a delivery goes on, which is told of its last outcome."""

    def __init__(self, goes_on: Callable[[Any, Outcome], bool]) -> None:
        self._goes_on = goes_on

    def __call__(self, retry_state: RetryCallState) -> bool:
        return not self._goes_on(retry_state.args[0], _last(retry_state))


def _is_to_be_repeated(state: RetryCallState) -> bool:
    if state.outcome is None or state.outcome.failed:
        return False  # tenacity raises what the attempt raised
    outcome: Outcome | None = state.outcome.result()
    return outcome is not None and should_retry(outcome.verdict, state.attempt_number)


def _last(state: RetryCallState) -> Outcome:
    assert state.outcome is not None  # noqa: S101  # tenacity calls back after an attempt only
    outcome: Outcome = state.outcome.result()
    return outcome


def next_transition(
    outcome: Outcome, *, patience: RetrySettings, tried_for: float, deferrals: int
) -> Transition:
    """Decide where a delivery's last outcome leaves the record.

    `tried_for`: seconds since the first attempt; `deferrals`: how many of them counted.
    """
    attempt, verdict = outcome.attempt, outcome.verdict
    settled = settlement(verdict)
    transition = partial(
        Transition,
        code=attempt.code,
        message=attempt.message,
        maybe_applied=outcome.unread,
        late=outcome.late,
        access=_access(outcome, settles=settled is not None),
        probe_intervals=patience.probe_intervals,
    )
    if settled is not None:
        state, reason = settled
        result = outcome.reply.result if outcome.reply else None
        already = verdict is Verdict.ALREADY
        return transition(state=state, reason=reason, result=result, already=already)
    if verdict is Verdict.LOCKED_OUT:
        return transition(state=State.QUEUED)  # until its school is open again
    if tried_for >= patience.give_up_after:
        return transition(state=State.FAILED, reason=Reason.EXHAUSTED)
    throttled = verdict is Verdict.THROTTLED
    wait = throttled_wait(outcome.reply, patience) if throttled else deferral(patience, deferrals)
    return transition(
        state=State.DEFERRED,
        due_in=min(wait, patience.give_up_after - tried_for),
        counts=not throttled,
        slow_down=wait if throttled else None,
    )


def _access(outcome: Outcome, *, settles: bool) -> SchoolSignal | None:
    """Return what an outcome tells of the school."""
    code = outcome.attempt.code
    if outcome.verdict is Verdict.LOCKED_OUT:
        return SchoolSignal.LOCKED_OUT
    if code == Code.MAINTENANCE:
        return SchoolSignal.MAINTENANCE
    return SchoolSignal.LET_IN if settles and code is not None else None


def deferral(patience: RetrySettings, deferrals: int) -> float:
    """Return the seconds until the next delivery, after so many earlier ones that counted."""
    return patience.defer_delays[min(deferrals, len(patience.defer_delays) - 1)]


def throttled_wait(reply: Reply | None, patience: RetrySettings) -> float:
    """Return the seconds to wait when told to slow down: as told, else the usual."""
    told = reply.retry_after if reply else None
    return patience.throttled_wait if told is None else max(told, patience.throttled_wait)


def retry_until_true(
    do: Callable[[], bool], attempts: int, first_wait: float, sleep: Callable[[float], None]
) -> bool:
    """Do something until it works, so often at most, with longer and longer waits between.

    Return whether it worked. For what has no record: operations are retried by `build_retrier`'s.
    """
    retrier = Retrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=2 * first_wait, min=first_wait),
        retry=retry_if_result(lambda worked: not worked),
        retry_error_callback=lambda _: False,
    )
    return bool(retrier(do))
