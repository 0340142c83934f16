"""When to try again: tenacity (imported only here) within a delivery, due times beyond it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    stop_when_event_set,
    wait_random_exponential,
)

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
    """What one attempt brought: the attempt as noted, and the reply, if one was read."""

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
    """Say whether to try again within this delivery.

    A wrong signature or time is signed anew once: the moment of signing may have been at fault, or
    the way in which a long text was counted.
    """
    return verdict is Verdict.RETRY or (verdict in _AGAIN_AT_ONCE and attempt_number == 1)


def retrying(
    patience: RetrySettings,
    sleep: Callable[[float], None],
    note: Callable[[Outcome], None],
    stopping: threading.Event,
) -> Callable[..., Outcome]:
    """Build the retrier of one delivery: it hands back the last outcome, whatever that is.

    It is called with what makes an attempt, and with that one's arguments. `note` is told each
    outcome that will be followed by another attempt. Once `stopping` is set, no further attempt
    begins.
    """

    def deliver(attempt: Callable[..., Outcome], *args: object) -> Outcome:
        first = attempt(*args)
        if not should_retry(first.verdict, 1):  # nearly always
            return first
        made = iter([first])
        retrier = _retrier(patience, sleep, note, stopping)
        return retrier(lambda: next(made, None) or attempt(*args))

    return deliver


def _retrier(
    patience: RetrySettings,
    sleep: Callable[[float], None],
    note: Callable[[Outcome], None],
    stopping: threading.Event,
) -> Retrying:
    """Build tenacity's part, which begins with the outcome of the first attempt."""

    def outcome(state: RetryCallState) -> Outcome:
        assert state.outcome is not None  # noqa: S101  # tenacity calls back after an attempt only
        result: Outcome = state.outcome.result()
        return result

    def again(state: RetryCallState) -> bool:
        return should_retry(outcome(state).verdict, state.attempt_number)

    return Retrying(
        sleep=sleep,
        stop=stop_after_attempt(patience.attempts) | stop_when_event_set(stopping),
        wait=wait_random_exponential(
            multiplier=2 * patience.first_wait, min=patience.first_wait, max=patience.longest_wait
        ),
        retry=again,
        before_sleep=lambda state: note(outcome(state)),
        retry_error_callback=outcome,
    )


def next_transition(
    outcome: Outcome, *, patience: RetrySettings, tried_for: float, deferrals: int
) -> Transition:
    """Decide where a delivery's last outcome leaves the record.

    `tried_for`: seconds since the first attempt; `deferrals`: how many of them counted.
    """
    attempt, verdict = outcome.attempt, outcome.verdict
    settled = settlement(verdict)
    standing = partial(
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
        return standing(state=state, reason=reason, result=result, already=already)
    if verdict is Verdict.LOCKED_OUT:
        return standing(state=State.QUEUED)  # until its school is open again
    if tried_for >= patience.give_up_after:
        return standing(state=State.FAILED, reason=Reason.EXHAUSTED)
    throttled = verdict is Verdict.THROTTLED
    wait = throttled_wait(outcome.reply, patience) if throttled else deferral(patience, deferrals)
    return standing(
        state=State.DEFERRED,
        due_in=min(wait, patience.give_up_after - tried_for),
        counts=not throttled,
        slow_down=wait if throttled else None,
    )


def _access(outcome: Outcome, *, settles: bool) -> SchoolSignal | None:
    """Say what an outcome tells of the school."""
    code = outcome.attempt.code
    if outcome.verdict is Verdict.LOCKED_OUT:
        return SchoolSignal.LOCKED_OUT
    if code == Code.MAINTENANCE:
        return SchoolSignal.MAINTENANCE
    return SchoolSignal.LET_IN if settles and code is not None else None


def deferral(patience: RetrySettings, deferrals: int) -> float:
    """Give the seconds until the next delivery, after so many earlier ones that counted."""
    return patience.defer_delays[min(deferrals, len(patience.defer_delays) - 1)]


def throttled_wait(reply: Reply | None, patience: RetrySettings) -> float:
    """Give the seconds to wait when told to slow down: as told, else the usual."""
    told = reply.retry_after if reply else None
    return patience.throttled_wait if told is None else max(told, patience.throttled_wait)


def retry_until_true(
    do: Callable[[], bool], attempts: int, first_wait: float, sleep: Callable[[float], None]
) -> bool:
    """Do something until it works, so often at most, with longer and longer waits between.

    Gives whether it worked. For what has no record: an operation's attempts are `retrying`'s.
    """
    retrier = Retrying(
        sleep=sleep,
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=2 * first_wait, min=first_wait),
        retry=retry_if_result(lambda worked: not worked),
        retry_error_callback=lambda _: False,
    )
    return bool(retrier(do))
