"""Putting records aside because a worker has enough of their school in hand."""

from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import LOCKED, claimed, entry, settled
from worker.ledger.in_redis import RedisLedger
from worker.ledger.ledger import Due


def test_of_a_school_that_is_full_nothing_more_is_taken(ledger: RedisLedger) -> None:
    """It is put aside although its school is open, and comes back with the next look."""
    ledger.submit([entry("a")])
    assert ledger.claim("a", "one", "w", 10, ["mai", "main"]) is None
    assert ledger.closures() == []
    assert ledger.claim("a", "one", "w", 10, ["mai"]) is not None


def test_a_worker_takes_what_it_put_aside_itself(ledger: RedisLedger, clock: Clock) -> None:
    """The oldest first; no message went, which tells nothing about the queue."""
    ledger.submit([entry("a"), entry("b")])
    ledger.submit([entry("z")])
    clock.forward(100)
    for each in "ba":
        ledger.claim(each, "one", "w", 10, ["main"])
    assert [due.id for due in ledger.unpark(1, "main")] == ["a"]
    claimed(ledger)
    assert ledger.adrift(5, 60, queue_empty=False) == []
    assert [due.id for due in ledger.unpark(1, "main")] == ["b"]
    assert ledger.unpark(1, "main") == []


def test_a_worker_takes_nothing_of_a_closed_school_by_itself(
    ledger: RedisLedger, clock: Clock
) -> None:
    """A look at it is for the one that brings messages back."""
    ledger.submit([entry("a")])
    settled(ledger, "a", LOCKED)
    clock.forward(60)
    assert ledger.unpark(1, "main") == []


def test_what_is_taken_directly_and_lost_is_found(ledger: RedisLedger, redis: Redis) -> None:
    """Its worker died before it had claimed it."""
    ledger.submit([entry("a")])
    ledger.claim("a", "one", "w", 10, ["main"])
    ledger.unpark(1, "main")
    assert redis.zscore("classin:queued", "a") == 0
    assert ledger.adrift(5, 60, queue_empty=True) == [Due("a", "create_folder")]
