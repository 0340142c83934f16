"""What would grow for ever has an end: it goes with `prune`, or by itself."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, ENTRY, entry, settled
from tests.unit.stage import RING
from worker.broker.redis_transport import MOST_ILL_FORMED, put_aside
from worker.errors import NotFoundError
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo, DeliveryResult, Webhook
from worker.ledger.keys import Keys
from worker.ledger.pruner import DAY, Pruned, Pruner, Retention
from worker.ledger.schedule_models import Job, RunState
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.states import WebhookState
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import Source, SyncStore

KEYS = Keys()

ABOUT = BatchInfo(webhook=Webhook(url="https://sis.example/hook"))
JOB = Job(name="nightly", cron="30 2 * * *", tz="Asia/Shanghai", words=("prune",))


def prune(redis: Redis, clock: Clock, **ages: float) -> Pruned:
    """Take out what is old now."""
    return Pruner(redis, RING, clock.millis).run(Retention(**ages), clock.ms, who="ada")


def kept_for(redis: Redis, start: str) -> list[float]:
    """For how many days these keys are kept."""
    return [redis.ttl(key) / DAY for key in redis.scan_iter(f"{start}*")]


@pytest.mark.parametrize("scope", ["", "key 1"])
def test_a_dedup_key_is_known_for_so_long_after_its_record(
    redis: Redis, ledger: RedisLedger, clock: Clock, scope: str
) -> None:
    """While the record is kept, it has no end."""
    asked = replace(ENTRY, dedup_key="import-36", dedup_scope=scope)
    ledger.submit([asked])
    settled(ledger)
    assert kept_for(redis, "classin:dedup:") == [-1 / DAY]
    clock.forward(8 * DAY)

    prune(redis, clock, dedup=30 * DAY)

    for start in ("classin:dedup:", "classin:pruned:"):
        (days,) = kept_for(redis, start)
        assert 29 < days <= 30
    with pytest.raises(NotFoundError, match="a ended as succeeded"):
        ledger.find("a")
    assert ledger.submit([replace(asked, id="z")])[0].id == "a"


def test_without_a_dedup_key_nothing_is_left(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """Nobody could name it."""
    ledger.submit([entry("a")])
    settled(ledger)
    clock.forward(8 * DAY)
    prune(redis, clock)
    assert kept_for(redis, "classin:pruned") == kept_for(redis, "classin:dedup") == []


def test_runs_of_a_job_that_was_taken_out_go(redis: Redis, clock: Clock) -> None:
    """After as long as what failed; those of other jobs stay, and what is under way."""
    schedule = ScheduleStore(redis, clock.millis, keyring=KeyRing.in_memory())
    for name in ("gone", "back", "busy", "kept"):
        schedule.add(replace(JOB, name=name))
        schedule.ask(name, clock.ms)
        clock.forward(1)
    for _ in range(4):
        carried = schedule.take("lease", 30, orphans=False)
        assert carried is not None
        if carried.run.job != "busy":
            schedule.end(carried, RunState.SUCCEEDED, 0, "", "")
    for name in ("gone", "back", "busy"):
        schedule.remove(name)
    clock.forward(89 * DAY)
    assert prune(redis, clock).runs == 0
    schedule.add(replace(JOB, name="back"))
    clock.forward(2 * DAY)

    assert prune(redis, clock).runs == 1

    assert {run.job for run in schedule.runs(0, 9)} == {"back", "busy", "kept"}
    assert redis.exists(KEYS.runs_of("gone")) == 0
    assert [*redis.scan_iter("classin:run:gone:*")] == []


def test_a_sync_is_forgotten_in_the_end(redis: Redis, ledger: RedisLedger, clock: Clock) -> None:
    """But for the last of its source, and for one that goes on."""
    first, other = Source(redis, "main", "sis"), Source(redis, "main", "other")
    for source, sync, at in (
        (first, "s1", 1),
        (first, "s2", 2),
        (first, "s3", 3),
        (other, "o1", 4),
    ):
        ledger.acquire_lock(source.hold, "me", 60)
        source.claim("me")
        source.begin(sync, at, {"id": sync, "source": source.name}, "me")
    redis.hset(KEYS.source(other.name), "sync", "none")
    redis.hset(KEYS.source(first.name), "sync", "s2")

    assert prune(redis, clock, syncs=clock.ms / 1000).syncs == 0
    assert prune(redis, clock, syncs=DAY).syncs == 1

    assert [each["id"] for each in SyncStore(redis).latest(9)] == ["o1", "s3", "s2"]
    assert redis.exists(KEYS.sync("s1")) == 0


def test_of_ill_formed_messages_the_newest_are_kept(redis: Redis) -> None:
    """As many as somebody may look at."""
    for n in range(MOST_ILL_FORMED + 5):
        put_aside(redis, KEYS.ill_formed, f"message {n}")
    assert redis.llen(KEYS.ill_formed) == MOST_ILL_FORMED
    assert redis.lindex(KEYS.ill_formed, 0) == f"message {MOST_ILL_FORMED + 4}"


def test_a_batch_whose_records_went_before_it_was_told_of_goes_then(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """Nothing else would ever come across it."""
    ledger.batches.open("b", ABOUT)
    ledger.submit([replace(ENTRY, tells=True)])
    ledger.batches.close("b")
    settled(ledger, "a", DONE)
    clock.forward(8 * DAY)
    prune(redis, clock)
    call = ledger.batches.take_webhook(60)
    assert call is not None

    ledger.batches.record_delivery(call, DeliveryResult(WebhookState.DELIVERED, 1, "HTTP 200"))

    assert redis.exists(KEYS.batch_about("b")) == 0
