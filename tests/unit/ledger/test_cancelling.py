"""Calling a record off: where it waits at once, under way as soon as its attempt ends."""

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    AGAIN,
    DONE,
    ENTRY,
    GIVEN_BACK,
    LATER,
    LOCKED,
    REFUSED,
    attempt,
    claimed,
    entry,
    released,
    settled,
)
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import ReadyRecord, Transition

DUE_B = ReadyRecord("b", "create_folder")


def test_a_queued_record_is_cancelled_at_once(ledger: RedisLedger, clock: Clock) -> None:
    """Its message finds nothing to do."""
    ledger.submit([ENTRY])
    assert ledger.cancel("a") == (State.CANCELLED, [])
    record = ledger.find("a")
    assert (record.state, record.finished_at) == (State.CANCELLED, clock.ms)
    assert try_claim(ledger, "a", "one", "w", 10) is None
    assert ledger.requeue_lost(5, 0, empty=(*Priority,)) == []


def test_a_deferred_record_is_cancelled_at_once(ledger: RedisLedger, clock: Clock) -> None:
    """It does not come back."""
    ledger.submit([ENTRY])
    settled(ledger, standing=LATER)
    assert ledger.cancel("a") == (State.CANCELLED, [])
    clock.forward(60)
    assert ledger.requeue_due(5, orphans=True) == []
    assert ledger.find("a").due_at is None


def test_a_parked_record_is_cancelled_at_once(ledger: RedisLedger, redis: Redis) -> None:
    """It does not wait for its school any more."""
    ledger.submit([ENTRY])
    settled(ledger, standing=LOCKED)
    assert ledger.school_pauses()[0].parked == 1
    assert ledger.cancel("a") == (State.CANCELLED, [])
    assert ledger.school_pauses()[0].parked == 0
    ledger.resume("main")
    assert ledger.unpark_some(5, 5) == ([], "0")
    assert redis.exists("classin:parking") == 0


def test_a_blocked_record_is_cancelled_at_once(ledger: RedisLedger) -> None:
    """Those that wait for it fail; who it waited for does not notice."""
    ledger.submit([ENTRY, entry("b", after="a"), entry("c", after="b")])
    assert ledger.cancel("b") == (State.CANCELLED, [])
    assert ledger.find("c").reason is Reason.DEPENDENCY
    assert settled(ledger).released == []


def test_the_first_of_a_lane_makes_room(ledger: RedisLedger) -> None:
    """Who cancels it is told that a message is needed for the next."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    assert ledger.cancel("a") == (State.CANCELLED, [DUE_B])


def test_a_lane_that_was_to_stop_stops(ledger: RedisLedger) -> None:
    """What is called off did not succeed."""
    ledger.submit([entry("a", lane="l", stops=True), entry("b", lane="l")])
    assert ledger.cancel("a") == (State.CANCELLED, [])
    assert ledger.find("b").reason is Reason.DEPENDENCY


def test_a_running_record_goes_on_until_its_attempt_ends(ledger: RedisLedger) -> None:
    """What is out cannot be called back."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    assert ledger.cancel("a") == (State.RUNNING, [])
    assert ledger.renew_leases("w", 10, [claim]) == []


@pytest.mark.parametrize("standing", [AGAIN, LATER, GIVEN_BACK, LOCKED])
def test_a_running_record_that_did_not_settle_is_cancelled(
    ledger: RedisLedger, standing: Transition
) -> None:
    """It is not tried again, and those behind it go on."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    claim = claimed(ledger)
    ledger.cancel("a")
    advanced = ledger.advance(claim, standing, attempt(1), 10)
    assert (advanced.state, advanced.released) == (State.CANCELLED, [DUE_B])
    record = ledger.find("a")
    assert record.state is State.CANCELLED
    assert (record.attempts, record.code) == ((attempt(1),), standing.code)


@pytest.mark.parametrize("standing", [DONE, REFUSED])
def test_a_running_record_that_settles_is_what_it_is(
    ledger: RedisLedger, standing: Transition
) -> None:
    """ClassIn was faster."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.cancel("a")
    assert ledger.advance(claim, standing, None).state is standing.state
    assert ledger.find("a").state is standing.state


def test_a_running_record_whose_worker_fell_silent_is_cancelled(
    ledger: RedisLedger, clock: Clock
) -> None:
    """It does not come back."""
    ledger.submit([ENTRY, entry("b", after="a")])
    claimed(ledger)
    ledger.cancel("a")
    clock.forward(10)
    assert ledger.requeue_due(5, orphans=True) == []
    assert released(ledger) == []
    assert ledger.find("a").state is State.CANCELLED
    assert ledger.find("b").reason is Reason.DEPENDENCY


def test_a_settled_record_cannot_be_cancelled(ledger: RedisLedger) -> None:
    """It stays as it is, also when it was cancelled before."""
    ledger.submit([ENTRY, entry("b")])
    settled(ledger)
    ledger.cancel("b")
    before = ledger.find_all(["a", "b"])
    assert ledger.cancel("a") == (State.SUCCEEDED, [])
    assert ledger.cancel("b") == (State.CANCELLED, [])
    assert ledger.find_all(["a", "b"]) == before
