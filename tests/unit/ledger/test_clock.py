"""Redis's clock goes back: nothing waits longer for that, and people are told its time."""

from dataclasses import replace
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tests.claiming import try_claim
from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, HELD, LATER, LEASE, claimed, entry, settled
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.clock import LedgerClock
from worker.ledger.keys import Keys
from worker.ledger.queries import LedgerQueries
from worker.ledger.record import Priority
from worker.ledger.schedule_models import Job
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, ClaimRequest, ClaimUpdate

KEYS = Keys()

#: How far a machine's clock is off that is read in another time zone when the machine starts.
STEP = 2 * 3600


def due(ledger: RedisLedger, *, orphans: bool = True) -> list[str]:
    """What comes back to a worker now, or has its turn."""
    return [
        each.id for each in (*ledger.requeue_due(100, orphans=orphans), *ledger.turns(100).ready)
    ]


def noted(redis: Redis) -> dict[str, str]:
    """What is kept of the clock."""
    return {str(name): str(value) for name, value in redis.hgetall(KEYS.clock).items()}


def test_a_lease_outlives_no_step_of_the_clock(ledger: RedisLedger, clock: Clock) -> None:
    """It ends when it would have ended."""
    ledger.submit([entry("a")])
    claimed(ledger)
    clock.forward(-STEP)
    assert due(ledger) == []
    clock.forward(LEASE - 0.001)
    assert due(ledger) == []
    clock.forward(0.001)
    assert due(ledger) == ["a"]


def test_a_lease_is_renewed_over_a_step_of_the_clock(ledger: RedisLedger, clock: Clock) -> None:
    """For as long as ever."""
    ledger.submit([entry("a")])
    claim = claimed(ledger)
    clock.forward(-STEP)
    assert ledger.renew_leases("w", LEASE, [claim]) == []
    clock.forward(LEASE - 1)
    assert due(ledger) == []
    assert ledger.workers()["w"] > clock.ms
    clock.forward(2)
    assert due(ledger) == ["a"]
    assert ledger.workers()["w"] <= clock.ms


def test_a_due_time_outlives_no_step_of_the_clock(ledger: RedisLedger, clock: Clock) -> None:
    """People are told when that is by the clock that they see."""
    ledger.submit([entry("a")])
    settled(ledger, "a", LATER)
    clock.forward(-STEP)
    assert due(ledger) == []
    clock.forward(1)
    assert ledger.find("a").due_at == clock.ms + 59_000
    clock.forward(59)
    assert due(ledger) == ["a"]


def test_a_right_outlives_no_step_of_the_clock(ledger: RedisLedger, clock: Clock) -> None:
    """Somebody else looks for what must come back, as soon as who had it is silent."""
    assert ledger.acquire_lock("rescue", "one", 5)
    clock.forward(-STEP)
    assert not ledger.acquire_lock("rescue", "other", 5)
    assert ledger.holder("rescue") == "one"
    clock.forward(5)
    assert ledger.holder("rescue") is None
    assert ledger.acquire_lock("rescue", "other", 5)


def test_a_pace_outlives_no_step_of_the_clock(ledger: RedisLedger, clock: Clock) -> None:
    """What waits for its turn has it as soon as ever."""
    ledger.set_paces({"main": 1000})
    ids = [str(number) for number in range(5)]
    ledger.submit([entry(each) for each in ids])
    asked = {each: f"lease {each}" for each in ids}
    first = [
        each.record.id
        for each in ledger.report_and_claim(ClaimRequest([], asked, "w", LEASE, Capacity())).claims
    ]
    clock.forward(-STEP)
    found = []
    for _ in range(10):
        clock.forward(1)
        found += due(ledger, orphans=False)
    assert sorted(first + found) == ids


def test_a_slowdown_outlives_no_step_of_the_clock(ledger: RedisLedger, clock: Clock) -> None:
    """Nothing is sent for as long as ClassIn said, and then it is."""
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "a", replace(LATER, due_in=5, counts=False, slow_down=5))
    clock.forward(-STEP)
    assert try_claim(ledger, "b", "one", "w", LEASE) is None
    clock.forward(6)
    assert "b" in due(ledger)
    assert try_claim(ledger, "b", "two", "w", LEASE) is not None


def test_a_school_is_looked_at_in_spite_of_a_step(ledger: RedisLedger, clock: Clock) -> None:
    """When it would have been; the list of schools says when that is."""
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "a", HELD)
    assert try_claim(ledger, "b", "one", "w", LEASE) is None
    clock.forward(-STEP)
    assert [each.id for each in ledger.unpark_some(10, 10)[0]] == []
    (closure,) = ledger.school_pauses()
    assert closure.next_look == clock.ms + 60_000
    clock.forward(60)
    assert [each.id for each in ledger.unpark_some(10, 10)[0]] == ["b"]


def test_a_webhook_is_called_in_spite_of_a_step(ledger: RedisLedger, clock: Clock) -> None:
    """Also where who had taken it to call it is dead."""
    ledger.batches.open("b", BatchInfo(webhook=Webhook(url="https://sis.example")))
    ledger.submit([replace(entry("a"), tells=True)])
    ledger.batches.close("b")
    settled(ledger, "a", DONE)
    clock.forward(-STEP)
    assert ledger.batches.take_webhook(30) is not None
    clock.forward(-STEP)
    assert ledger.batches.take_webhook(30) is None
    clock.forward(30)
    assert ledger.batches.take_webhook(30) is not None


def test_a_lost_message_is_found_in_spite_of_a_step(ledger: RedisLedger, clock: Clock) -> None:
    """After a minute, and not after two hours and a minute."""
    ledger.submit([entry("a")])
    clock.forward(-STEP)
    assert ledger.requeue_lost(5, 60, empty=(*Priority,)) == []
    clock.forward(60)
    assert [each.id for each in ledger.requeue_lost(5, 60, empty=(*Priority,))] == ["a"]


def test_a_run_is_taken_over_in_spite_of_a_step(redis: Redis, clock: Clock) -> None:
    """Whoever carried it out is dead."""
    schedule = ScheduleStore(redis, clock.millis, keyring=KeyRing.in_memory())
    schedule.add(Job(name="nightly", cron="* * * * *", tz="UTC", words=("report",)))
    schedule.ask("nightly", clock.ms)
    assert schedule.take("one", 30, orphans=True) is not None
    clock.forward(-STEP)
    assert schedule.take("other", 30, orphans=True) is None
    clock.forward(30)
    assert schedule.take("other", 30, orphans=True) is not None


def test_people_are_told_the_time_that_they_see(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """When something was asked, begun and done, for how long, and since when a message went."""
    ledger.submit([entry("a")])
    clock.forward(-STEP)
    ledger.submit([entry("b"), entry("c")])
    clock.forward(10)
    claim = claimed(ledger, "b")
    ledger.report_and_claim(ClaimRequest([ClaimUpdate(claim, DONE)], {}, "w", LEASE, Capacity()))
    b, where = ledger.find("b"), LedgerQueries(redis).position(ledger.find("c"))
    assert (b.started_at, b.finished_at) == (clock.ms, clock.ms)
    assert (b.enqueued_at, where.sent_at) == (clock.ms - 10_000, clock.ms - 10_000)
    assert ledger.find("a").sequence < b.sequence
    assert (claim.at, claim.record.enqueued_at) == (clock.ms, clock.ms - 10_000)


def test_what_is_known_of_the_last_step(ledger: RedisLedger, redis: Redis, clock: Clock) -> None:
    """Small ones, as of clocks that are kept right, are told to nobody."""
    ledger.acquire_lock("anything", "anybody", 1)
    clock.forward(-0.5)
    ledger.acquire_lock("anything", "anybody", 1)
    assert LedgerClock.of(noted(redis)) == LedgerClock(500)
    clock.forward(-STEP)
    ledger.acquire_lock("anything", "anybody", 1)
    seen = LedgerClock.of(noted(redis))
    assert seen == LedgerClock(STEP * 1000 + 500, clock.ms, STEP * 1000)


def test_a_step_that_no_script_has_met_is_seen(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """Redis has just begun anew, with no worker about."""
    ledger.acquire_lock("anything", "anybody", 1)
    seen = LedgerClock.of(noted(redis), clock.ms - 5000)
    assert seen == LedgerClock(5000, clock.ms - 5000, 5000)
    assert seen.told(clock.ms) == clock.ms - 5000


@given(spans=st.lists(st.integers(-10_000_000, 10_000_000) | st.integers(-300, 300), max_size=30))
def test_the_ledgers_time_never_goes_back(shared_redis: SharedRedis, spans: list[int]) -> None:
    """Whatever the clock does: by no more than it takes to note it; and forward as fast as that."""
    shared_redis.empty()
    redis, clock = shared_redis.client(), Clock()
    ledger, times = RedisLedger(redis, clock.millis), list[int]()
    for ms in accumulate(spans, initial=clock.ms):
        clock.ms = ms
        ledger.acquire_lock("anything", "anybody", 1)
        times.append(int(noted(redis)["seen"]) + int(noted(redis)["offset"]))
    for span, before, after in zip(spans, times, times[1:], strict=False):
        assert after >= before
        assert after - before >= span - 100
