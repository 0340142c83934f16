"""What a worker process has in hand, and keeps by its beat."""

import pytest

from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, GIVEN_BACK, claimed, entry
from worker.boottime import boottime
from worker.errors import LeaseLostError, UnavailableError
from worker.execution.leases import BEATS, SURE_FOR, LeaseTable
from worker.ledger.store import RedisLedger

LEASE = 10.0
STUCK_AFTER = 60.0


@pytest.fixture
def in_hand(clock: Clock) -> LeaseTable:
    """An empty hand."""
    return LeaseTable("w", lasts=LEASE, stuck_after=STUCK_AFTER, clock=clock, awake=clock)


def orphans(ledger: RedisLedger) -> list[str]:
    """What is taken back now."""
    return [due.id for due in ledger.requeue_due(5, orphans=True)]


def beat_for(in_hand: LeaseTable, ledger: RedisLedger, clock: Clock, seconds: float) -> None:
    """Beat as often as a worker does."""
    for _ in range(round(seconds / LEASE * BEATS)):
        clock.forward(LEASE / BEATS)
        in_hand.renew(ledger)


def test_what_is_in_hand_is_kept(ledger: RedisLedger, clock: Clock, in_hand: LeaseTable) -> None:
    """Much longer than a lease lasts, as long as it gets on."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    for _ in range(5):
        beat_for(in_hand, ledger, clock, STUCK_AFTER / 2)
        in_hand.touch(claim)
    assert orphans(ledger) == []


def test_what_is_no_longer_in_hand_is_not_renewed(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """Whether or not anything came of it."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    in_hand.remove([claim])
    beat_for(in_hand, ledger, clock, LEASE)
    assert orphans(ledger) == ["a"]


def test_a_lease_lasts_from_the_moment_it_was_asked_for(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """The answer may have taken long."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock() - LEASE)
    with pytest.raises(LeaseLostError):
        in_hand.touch(claim)


def test_a_beat_tells_that_the_worker_lives(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """Also with an empty hand."""
    in_hand.renew(ledger)
    assert ledger.workers() == {"w": clock.ms + 10_000}


def test_what_is_stuck_is_left_to_others(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """The worker lives, but that thread does not get on; it learns of it."""
    ledger.submit([entry("a"), entry("b")])
    stuck, other = claimed(ledger), claimed(ledger, "b", lease="two")
    in_hand.add([stuck, other], clock())
    for _ in range(3):
        in_hand.touch(other)
        beat_for(in_hand, ledger, clock, STUCK_AFTER / 2)
    assert orphans(ledger) == ["a"]
    in_hand.touch(other)
    with pytest.raises(LeaseLostError, match="the lease on a ran out"):
        in_hand.touch(stuck)


def test_without_a_beat_nothing_is_sent_any_more(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """Once the lease has run out, another may have it: the ledger need not be asked."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    clock.forward(LEASE - 0.001)
    in_hand.touch(claim)
    clock.forward(0.001)
    with pytest.raises(LeaseLostError):
        in_hand.touch(claim)


def test_a_ledger_that_is_away_renews_nothing(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable, server: SharedRedis
) -> None:
    """When it is back in time, the beat goes on."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    clock.forward(LEASE - 1)
    server.connected = False
    with pytest.raises(UnavailableError):
        in_hand.renew(ledger)
    server.connected = True
    in_hand.renew(ledger)
    clock.forward(LEASE - 1)
    in_hand.touch(claim)


def test_a_lost_lease_is_learnt_from_the_beat(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """Another has the record: nothing more is sent."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    clock.forward(LEASE)
    assert orphans(ledger) == ["a"]
    claimed(ledger, lease="another")
    in_hand.renew(ledger)
    with pytest.raises(LeaseLostError):
        in_hand.touch(claim)


def test_the_same_record_twice_in_one_hand(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """One thread has given it back and is about to let go, another has taken it already."""
    ledger.submit([entry("a")])
    first = claimed(ledger)
    in_hand.add([first], clock())
    ledger.advance(first, GIVEN_BACK, None)
    second = claimed(ledger, lease="two")
    in_hand.add([second], clock())
    in_hand.renew(ledger)
    in_hand.touch(second)
    with pytest.raises(LeaseLostError):
        in_hand.touch(first)


def test_what_has_just_settled_is_not_lost(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """The beat came between the last word and letting go."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    ledger.advance(claim, DONE, None)
    in_hand.renew(ledger)
    in_hand.touch(claim)


def test_leases_go_by_a_clock_that_counts_the_time_asleep() -> None:
    """Those of a worker; whether it is stuck does not."""
    assert LeaseTable("w", lasts=LEASE, stuck_after=STUCK_AFTER).clock is boottime


def test_the_ledger_is_asked_after_a_wait(ledger: RedisLedger, clock: Clock) -> None:
    """However short it was by the clocks of a machine that was paused: another has the record."""
    still = Clock()
    in_hand = LeaseTable("w", lasts=LEASE, stuck_after=STUCK_AFTER, clock=still, awake=still)
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], still())
    clock.forward(LEASE)
    assert orphans(ledger) == ["a"]
    in_hand.confirm(claim, ledger)
    in_hand.waited(claim)
    with pytest.raises(LeaseLostError):
        in_hand.confirm(claim, ledger)


def test_a_word_of_the_ledger_is_enough_for_a_moment(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable, server: SharedRedis
) -> None:
    """So that what is claimed and sent at once costs no further question."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    server.connected = False
    clock.forward(SURE_FOR - 0.001)
    in_hand.confirm(claim, ledger)
    clock.forward(0.001)
    with pytest.raises(UnavailableError):
        in_hand.confirm(claim, ledger)
    in_hand.told(claim, clock())
    in_hand.confirm(claim, ledger)


def test_a_lease_that_nobody_took_is_taken_up_again(
    ledger: RedisLedger, clock: Clock, in_hand: LeaseTable
) -> None:
    """All machines slept, that of the ledger as well."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    in_hand.add([claim], clock())
    clock.forward(3600)
    in_hand.confirm(claim, ledger)
    assert orphans(ledger) == []
