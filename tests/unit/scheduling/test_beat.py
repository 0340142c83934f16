"""Celery's beat, as far as it is ours: it looks, and comes back whatever happened."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.redis_server import SharedRedis
from worker.broker.queue import build_queues
from worker.config.settings import Settings
from worker.keyring import KeyRing
from worker.ledger.schedule_models import Job
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.scheduling import beat
from worker.scheduling.beat import INTERVAL, TickScheduler
from worker.scheduling.tick_claimer import BEAT

RING = KeyRing.in_memory()


@pytest.fixture
def scheduler(
    server: SharedRedis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TickScheduler:
    """A scheduler on the test's Redis."""
    monkeypatch.setattr(beat, "connect", lambda *_: server.client())
    return TickScheduler(build_queues(Settings(home=tmp_path, ring=RING)))


def test_it_shows_that_it_is_about(scheduler: TickScheduler, server: SharedRedis) -> None:
    """And claims what is due."""
    redis = server.client()
    schedule = ScheduleStore(redis, keyring=RING)
    schedule.add(Job(name="minutely", cron="* * * * *", tz="UTC", words=("report",)))
    redis.hset("classin:job:minutely", "last", schedule.now() - 60_000)

    assert scheduler.tick() == INTERVAL

    assert len(schedule.runs(0, 9)) == 1
    assert RedisLedger(redis).holder(BEAT) is not None


def _break(_: object) -> int:
    raise RuntimeError("this should not happen")


@pytest.mark.parametrize("mishap", ["Redis away", "bug"])
def test_it_comes_back(
    scheduler: TickScheduler,
    server: SharedRedis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mishap: str,
) -> None:
    """It is said, and the next look comes all the same."""
    server.connected = mishap != "Redis away"
    look: Callable[[object], int] = _break
    if mishap == "bug":
        monkeypatch.setattr(type(scheduler.ticker), "claim_due", look)
    with caplog.at_level(logging.WARNING):
        assert scheduler.tick() == INTERVAL
    assert caplog.records


def test_celery_finds_it_by_itself(settings: Settings) -> None:
    """As `celery -A worker.app beat` does."""
    assert build_queues(settings).conf.beat_scheduler == "worker.scheduling.beat:TickScheduler"
