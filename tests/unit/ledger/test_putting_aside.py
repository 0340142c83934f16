"""Putting records aside because a worker has enough of their school in hand."""

from redis import Redis

from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import LOCKED, entry, settled
from worker.ledger.record import Priority
from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, ClaimRequest, ReadyRecord


def test_of_a_school_that_is_full_nothing_more_is_taken(ledger: RedisLedger) -> None:
    """It is put aside although its school is open, and comes back with the next look."""
    ledger.submit([entry("a")])
    assert try_claim(ledger, "a", "one", "w", 10, ["mai", "main"]) is None
    assert ledger.school_pauses() == []
    assert try_claim(ledger, "a", "one", "w", 10, ["mai"]) is not None


def test_a_worker_takes_what_it_put_aside_itself(ledger: RedisLedger, clock: Clock) -> None:
    """The oldest first; no message went, which tells nothing about the queue."""
    ledger.submit([entry("a"), entry("b")])
    ledger.submit([entry("z")])
    clock.forward(100)
    for each in "ba":
        try_claim(ledger, each, "one", "w", 10, ["main"])
    assert [due.id for due in ledger.unpark(1, "main")] == ["a"]
    assert ledger.report_and_claim(
        ClaimRequest([], {"a": "one"}, "w", 10, Capacity(), messageless=["a"])
    ).claims
    assert ledger.requeue_lost(5, 60, empty=()) == []
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


def test_parked_ids_without_a_record_hold_up_nothing(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """A backup that was cut short, or a hand in Redis: they are only taken out."""
    ledger.submit([entry("a")])
    try_claim(ledger, "a", "one", "w", 10, ["main"])
    ghosts = {f"ghost{n}": n for n in range(3)}
    redis.zadd("classin:parked:main", ghosts)

    assert [due.id for due in ledger.unpark(5, "main")] == ["a"]

    assert redis.exists("classin:parked:main", "classin:parking") == 0
    settled(ledger, "a", LOCKED)
    redis.zadd("classin:parked:main", ghosts)
    clock.forward(60)
    assert [due.id for due in ledger.unpark_some(5, 5)[0]] == ["a"]


def test_what_is_taken_directly_and_lost_is_found(ledger: RedisLedger, clock: Clock) -> None:
    """Its worker died before it had claimed it."""
    ledger.submit([entry("a")])
    try_claim(ledger, "a", "one", "w", 10, ["main"])
    ledger.unpark(1, "main")
    assert ledger.requeue_lost(5, 60, empty=(*Priority,)) == []
    clock.forward(60)
    assert ledger.requeue_lost(5, 60, empty=(*Priority,)) == [ReadyRecord("a", "create_folder")]
