"""Workers that fall silent: leases are renewed by a beat, and taken back without one."""

from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    ENTRY,
    LATER,
    attempt,
    claimed,
    entry,
    released,
    settled,
)
from worker.ledger import keys
from worker.ledger.in_redis import DEATHS, RedisLedger
from worker.ledger.ledger import Due, Standing
from worker.ledger.lifecycle import Reason, State

DUE = Due("a", "create_folder")


def test_a_lapsed_lease_is_taken_back(ledger: RedisLedger, clock: Clock) -> None:
    """Not a moment earlier, and only by who looks for silent workers."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(9.999)
    assert ledger.due(5, orphans=True) == []
    clock.forward(0.001)
    assert ledger.due(5, orphans=False) == []
    assert ledger.due(5, orphans=True) == [DUE]
    record = ledger.find("a")
    assert (record.state, record.deaths) == (State.QUEUED, 1)


def test_a_beat_renews_all_that_a_worker_has(ledger: RedisLedger, clock: Clock) -> None:
    """However long it takes."""
    ledger.submit([ENTRY, entry("b")])
    claims = [claimed(ledger, each, lease=each) for each in "ab"]
    for _ in range(5):
        clock.forward(9)
        assert ledger.beat("w", 10, claims) == []
        assert ledger.due(5, orphans=True) == []
    clock.forward(10)
    assert [due.id for due in ledger.due(5, orphans=True)] == ["a", "b"]


def test_a_beat_without_anything_tells_who_lives(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """Each until its time is over; a day later nobody remembers."""
    ledger.beat("one", 10, [])
    clock.forward(3)
    ledger.beat("two", 10, [])
    assert ledger.workers() == {"one": clock.ms + 7000, "two": clock.ms + 10_000}
    clock.forward(86400 + 8)
    ledger.beat("two", 10, [])
    assert ledger.workers() == {"two": clock.ms + 10_000}
    assert redis.zcard(keys.WORKERS) == 1


def test_a_beat_leaves_alone_what_is_over(ledger: RedisLedger, clock: Clock) -> None:
    """A deferral or an end that has just been noted is no loss, and is not undone."""
    ledger.submit([ENTRY, entry("b")])
    done, later = claimed(ledger), claimed(ledger, "b", lease="two")
    ledger.advance(done, DONE, None)
    ledger.advance(later, LATER, None)
    clock.forward(1)
    before = ledger.find_all(["a", "b"])
    assert ledger.beat("w", 10, [done, later]) == []
    assert ledger.find_all(["a", "b"]) == before


def test_what_was_announced_leaves_a_doubt(ledger: RedisLedger, clock: Clock) -> None:
    """Its request may have been carried out; nobody read the reply."""
    ledger.submit([ENTRY])
    ledger.begin(claimed(ledger))
    clock.forward(10)
    ledger.due(5, orphans=True)
    assert claimed(ledger, lease="two").record.unread is True


def test_what_was_not_announced_leaves_none(ledger: RedisLedger, clock: Clock) -> None:
    """Nothing had been sent, or it does not matter."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(10)
    ledger.due(5, orphans=True)
    assert claimed(ledger, lease="two").record.unread is False


def test_an_announced_request_whose_reply_was_noted_leaves_none(
    ledger: RedisLedger, clock: Clock
) -> None:
    """The worker fell silent in the pause after it."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.begin(claim)
    refused_connection = Standing(state=State.RUNNING, message="no connection")
    ledger.advance(claim, refused_connection, attempt(1), 10)
    clock.forward(10)
    ledger.due(5, orphans=True)
    assert claimed(ledger, lease="two").record.unread is False


def test_what_kills_its_workers_fails(ledger: RedisLedger, clock: Clock) -> None:
    """After three of them, with what is behind it going on."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    for n in range(1, DEATHS):
        claimed(ledger, lease=str(n))
        clock.forward(10)
        assert ledger.due(5, orphans=True) == [DUE]
        assert ledger.find("a").deaths == n
    claimed(ledger, lease="last")
    clock.forward(10)
    assert ledger.due(5, orphans=True) == []
    assert released(ledger) == ["b"]
    record = ledger.find("a")
    assert (record.state, record.reason) == (State.FAILED, Reason.POISON)
    assert record.message == "3 workers fell silent while they had it"


def test_deaths_are_counted_over_the_whole_life(ledger: RedisLedger, clock: Clock) -> None:
    """A delivery that goes well in between does not make up for them."""
    ledger.submit([ENTRY])
    for n in range(DEATHS):
        settled(ledger, standing=LATER)
        clock.forward(60)
        ledger.due(5, orphans=True)
        claimed(ledger, lease=str(n))
        clock.forward(10)
        ledger.due(5, orphans=True)
    assert ledger.find("a").reason is Reason.POISON


def test_a_call_takes_back_no_more_than_it_may(ledger: RedisLedger, clock: Clock) -> None:
    """The next one takes the rest."""
    ledger.submit([entry(each) for each in "abc"])
    for each in "abc":
        claimed(ledger, each, lease=each)
    clock.forward(10)
    assert [due.id for due in ledger.due(2, orphans=True)] == ["a", "b"]
    assert [due.id for due in ledger.due(2, orphans=True)] == ["c"]
