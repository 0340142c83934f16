"""When to try again."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clock import Clock
from tests.unit.stage import said
from worker.classin.response import Reply
from worker.classin.verdicts import Verdict
from worker.config.settings import RetrySettings
from worker.execution.retry_policy import (
    Outcome,
    build_retrier,
    deferral,
    next_transition,
    should_retry,
    throttled_wait,
)
from worker.ledger.record import Attempt
from worker.ledger.states import Reason, State
from worker.ledger.types import SchoolSignal

PATIENCE = RetrySettings()
PASSING = {Verdict.RETRY, Verdict.THROTTLED, Verdict.DEFER, Verdict.CLOCK_SKEW, Verdict.MISSIGNED}
GOING_ON = {*PASSING, Verdict.LOCKED_OUT}


def outcome(
    verdict: Verdict, *, code: int | None = 104, reply: Reply | None = None, unread: bool = False
) -> Outcome:
    """An attempt that came to this."""
    return Outcome(Attempt(1, 0, 5, 200, code, "said so", verdict), reply, unread)


def reporting_to(reported: list[Outcome]) -> Callable[[str, Outcome], bool]:
    """Report outcomes there; the delivery always goes on."""

    def goes_on(delivery: str, outcome: Outcome) -> bool:
        assert delivery == "a delivery"
        reported.append(outcome)
        return True

    return goes_on


def delivery(
    patience: RetrySettings, *verdicts: Verdict
) -> tuple[Outcome, list[Outcome], list[float]]:
    """Try as often as one delivery may: the last outcome, those noted, and the waits."""
    clock, reported = Clock(), list[Outcome]()
    script = iter(verdicts)
    retrier = build_retrier(patience, threading.Event(), reporting_to(reported), clock.sleep)
    return retrier(lambda _: outcome(next(script)), "a delivery"), reported, clock.waits


def test_a_passing_fault_is_repeated_until_it_passes() -> None:
    """Each outcome but the last is noted, before the wait."""
    last, noted, waits = delivery(PATIENCE, Verdict.RETRY, Verdict.RETRY, Verdict.DONE)
    assert last.verdict is Verdict.DONE
    assert [earlier.verdict for earlier in noted] == [Verdict.RETRY, Verdict.RETRY]
    assert len(waits) == 2


def test_the_attempts_of_one_delivery_are_counted() -> None:
    """The last outcome is handed back, not raised, and not noted here."""
    last, noted, waits = delivery(RetrySettings(attempts=3), *[Verdict.RETRY] * 3)
    assert last.verdict is Verdict.RETRY
    assert len(noted) == len(waits) == 2


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - GOING_ON | {Verdict.THROTTLED}))
def test_what_is_not_worth_repeating_is_tried_once(verdict: Verdict) -> None:
    """No wait, no note."""
    last, noted, waits = delivery(PATIENCE, verdict)
    assert (last.verdict, noted, waits) == (verdict, [], [])


@pytest.mark.parametrize("verdict", [Verdict.LOCKED_OUT, Verdict.CLOCK_SKEW, Verdict.MISSIGNED])
def test_a_wrong_signature_is_signed_anew_once(verdict: Verdict) -> None:
    """A second time would lock the door harder."""
    last, noted, _ = delivery(PATIENCE, verdict, verdict)
    assert (last.verdict, len(noted)) == (verdict, 1)
    assert should_retry(verdict, 1)
    assert not should_retry(verdict, 2)


def test_the_waits_have_bounds_that_grow_to_a_limit() -> None:
    """Half a second to one, to two, to four, and so on; never more than the longest."""
    patience = RetrySettings(attempts=40, first_wait=0.5, longest_wait=8)
    _, _, waits = delivery(patience, *[Verdict.RETRY] * 40)
    bounds = [min(8, 2**n) for n in range(39)]
    assert all(0.5 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))


def test_the_waits_are_not_the_same_for_all() -> None:
    """Many workers that failed together come back one by one."""
    patience = RetrySettings(attempts=40, first_wait=1, longest_wait=8)
    _, _, waits = delivery(patience, *[Verdict.RETRY] * 40)
    assert len(set(waits)) == len(waits)


def test_an_accident_of_our_own_is_not_repeated() -> None:
    """What nobody foresaw goes straight up."""
    clock = Clock()

    def failing(_: str) -> Outcome:
        raise ZeroDivisionError

    retrier = build_retrier(PATIENCE, threading.Event(), reporting_to([]), clock.sleep)
    with pytest.raises(ZeroDivisionError):
        retrier(failing, "a delivery")
    assert clock.waits == []


def test_an_attempt_that_sent_nothing_is_the_last() -> None:
    """It has no outcome: the attempts before it were reported."""
    clock, reported = Clock(), list[Outcome]()
    script = [outcome(Verdict.RETRY), None]
    retrier = build_retrier(PATIENCE, threading.Event(), reporting_to(reported), clock.sleep)
    assert retrier(lambda _: script.pop(0), "a delivery") is None
    assert (script, len(reported), len(clock.waits)) == ([], 1, 1)


def test_a_delivery_that_does_not_go_on_has_no_further_attempt() -> None:
    """It is asked before the wait; what it last came to is handed back."""
    clock = Clock()
    retrier = build_retrier(PATIENCE, threading.Event(), lambda *_: False, clock.sleep)
    last = retrier(lambda _: outcome(Verdict.RETRY), "a delivery")
    assert (last.verdict, clock.waits) == (Verdict.RETRY, [])


def test_threads_that_share_a_retrier_count_their_own_attempts() -> None:
    """One is built for a worker, and each of its threads has a delivery."""
    retrier = build_retrier(
        RetrySettings(attempts=3, first_wait=0.01, longest_wait=0.01),
        threading.Event(),
        lambda *_: True,
    )
    made: Counter[int] = Counter()

    def attempt(number: int) -> Outcome:
        made[number] += 1
        return outcome(Verdict.RETRY)

    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(lambda number: retrier(attempt, number), range(8)))
    assert [each.verdict for each in ends] == [Verdict.RETRY] * 8
    assert made == dict.fromkeys(range(8), 3)


def test_a_worker_that_is_to_end_begins_no_further_attempt() -> None:
    """It hands back what it has, without a note and without a wait."""
    clock, noted, stopping = Clock(), list[Outcome](), threading.Event()
    script = [Verdict.RETRY, Verdict.RETRY, Verdict.DONE]

    def attempt(_: str) -> Outcome:
        if len(script) == 2:
            stopping.set()
        return outcome(script.pop(0))

    retrier = build_retrier(PATIENCE, stopping, reporting_to(noted), clock.sleep)
    assert retrier(attempt, "a delivery").verdict is Verdict.RETRY
    assert (len(script), len(noted), len(clock.waits)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        (Verdict.DONE, State.SUCCEEDED, None),
        (Verdict.ALREADY, State.SUCCEEDED, None),
        (Verdict.PARTIAL, State.PARTIAL, None),
        (Verdict.REFUSED, State.FAILED, Reason.REFUSED),
        (Verdict.AMBIGUOUS, State.UNCERTAIN, None),
    ],
)
@pytest.mark.parametrize("tried_for", [0.0, 10.0**9])
def test_a_settling_verdict_settles(
    verdict: Verdict, state: State, reason: Reason | None, tried_for: float
) -> None:
    """However late it comes, with what came back."""
    told = outcome(verdict, reply=said(1, data=5))
    standing = next_transition(told, patience=PATIENCE, tried_for=tried_for, deferrals=9)
    assert (standing.state, standing.reason) == (state, reason)
    assert standing.already == (verdict is Verdict.ALREADY)
    assert standing.result == {"data": 5}
    assert (standing.code, standing.message) == (104, "said so")


@pytest.mark.parametrize("verdict", sorted(PASSING))
def test_a_passing_verdict_defers_until_time_is_up(verdict: Verdict) -> None:
    """Then the record has failed."""
    told = outcome(verdict, unread=True)
    before = next_transition(told, patience=PATIENCE, tried_for=86399, deferrals=0)
    after = next_transition(told, patience=PATIENCE, tried_for=86400, deferrals=0)
    assert (before.state, before.due_in, before.maybe_applied) == (State.DEFERRED, 1, True)
    assert (after.state, after.reason) == (State.FAILED, Reason.EXHAUSTED)


@pytest.mark.parametrize("tried_for", [0.0, 10.0**9])
def test_what_is_locked_out_waits_for_its_school(tried_for: float) -> None:
    """However long that takes: it is no fault of its own."""
    told = outcome(Verdict.LOCKED_OUT, code=102)
    standing = next_transition(told, patience=PATIENCE, tried_for=tried_for, deferrals=9)
    assert (standing.state, standing.access) == (State.QUEUED, SchoolSignal.LOCKED_OUT)
    assert (standing.probe_intervals, standing.counts) == (PATIENCE.probe_intervals, False)


@pytest.mark.parametrize(
    ("verdict", "code", "access"),
    [
        (Verdict.DONE, 1, SchoolSignal.LET_IN),
        (Verdict.REFUSED, 193, SchoolSignal.LET_IN),
        (Verdict.PARTIAL, 103, SchoolSignal.LET_IN),
        (Verdict.DONE, None, None),
        (Verdict.AMBIGUOUS, None, None),
        (Verdict.DEFER, 901, SchoolSignal.MAINTENANCE),
        (Verdict.DEFER, 253, None),
        (Verdict.RETRY, 104, None),
        (Verdict.RETRY, None, None),
        (Verdict.THROTTLED, 460, None),
        (Verdict.CLOCK_SKEW, 101002006, None),
    ],
)
def test_an_outcome_may_tell_of_the_school(
    verdict: Verdict, code: int | None, access: SchoolSignal | None
) -> None:
    """A code that settles was given by a ClassIn that let us in."""
    told = outcome(verdict, code=code)
    standing = next_transition(told, patience=PATIENCE, tried_for=0, deferrals=0)
    assert standing.access is access


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - {Verdict.LOCKED_OUT}))
def test_only_too_fast_slows_others_down(verdict: Verdict) -> None:
    """For as long as its own record waits."""
    told = outcome(verdict, reply=said(None, http=429, retry_after=9))
    standing = next_transition(told, patience=PATIENCE, tried_for=0, deferrals=0)
    assert standing.slow_down == (9 if verdict is Verdict.THROTTLED else None)


@given(
    st.sampled_from(sorted(PASSING)),
    st.floats(0, 86400, exclude_max=True),
    st.integers(0, 100),
    st.none() | st.floats(0),
)
def test_a_deferral_never_reaches_beyond_the_end(
    verdict: Verdict, tried_for: float, deferrals: int, retry_after: float | None
) -> None:
    """The last delivery comes when time is up, not later, whatever ClassIn asks for."""
    told = outcome(verdict, reply=said(None, http=429, retry_after=retry_after))
    standing = next_transition(told, patience=PATIENCE, tried_for=tried_for, deferrals=deferrals)
    assert standing.state is State.DEFERRED
    assert 0 <= standing.due_in <= 86400 - tried_for
    assert standing.counts == (verdict is not Verdict.THROTTLED)


def test_deferrals_grow_and_the_last_repeats() -> None:
    """A minute, five, a quarter, one hour, three, six, six ..."""
    waits = [deferral(PATIENCE, n) for n in range(8)]
    assert waits == [60, 300, 900, 3600, 10800, 21600, 21600, 21600]
    assert all(shorter <= longer for shorter, longer in pairwise(waits))


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (None, 5),
        (said(460), 5),
        (said(None, retry_after=0), 5),
        (said(None, retry_after=7.5), 7.5),
    ],
)
def test_throttled_means_at_least_the_usual_wait(reply: Reply | None, seconds: float) -> None:
    """And as long as ClassIn says, where that is longer."""
    assert throttled_wait(reply, PATIENCE) == seconds
