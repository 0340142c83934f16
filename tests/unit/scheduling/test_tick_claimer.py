"""Two beats look through one schedule: each tick is run once, whoever finds it."""

import logging

import pytest
from redis import Redis

from tests.unit.clock import Clock
from worker.keyring import KeyRing
from worker.ledger.schedule_models import Job
from worker.ledger.schedule_store import ScheduleStore
from worker.scheduling.tick_claimer import Ticker

MINUTE = 60.0


@pytest.fixture
def schedule(redis: Redis, clock: Clock) -> ScheduleStore:
    """An empty schedule that goes by the test's clock."""
    return ScheduleStore(redis, clock.millis, keyring=KeyRing.in_memory())


def job(name: str, cron: str = "* * * * *", tz: str = "UTC", catch_up: float = 3600) -> Job:
    """Describe a job."""
    return Job(name=name, cron=cron, tz=tz, words=("report",), catch_up=catch_up)


def test_two_beats_run_each_tick_once(schedule: ScheduleStore, clock: Clock) -> None:
    """Whichever of them looks first; one that is gone for a while is not missed."""
    schedule.add(job("minutely"))
    beats = [Ticker(schedule), Ticker(schedule)]
    start = clock.millis()

    claimed = 0
    for second in range(0, 900, 7):
        clock.forward(7)
        looking = beats if second < 300 or second > 600 else beats[1:]
        claimed += sum(beat.claim_due() for beat in reversed(looking))

    ticks = [run.tick for run in schedule.runs(0, 100)]
    expected = list(range(start - start % 60_000 + 60_000, clock.millis() + 1, 60_000))
    assert sorted(ticks) == expected
    assert claimed == len(expected)


def test_after_a_night_in_the_dark_each_job_runs_once(
    schedule: ScheduleStore, clock: Clock
) -> None:
    """If its last tick is not too old; it is said that it was missed."""
    schedule.add(job("minutely"))
    schedule.add(job("daily", "0 0 * * *", catch_up=60))
    clock.forward(3 * 86400 + 1800)

    assert Ticker(schedule).claim_due() == 1

    (run,) = schedule.runs(0, 10)
    assert run.job == "minutely"
    assert not run.late  # its tick of this minute
    schedule.add(job("hourly", "0 * * * *"))
    clock.forward(5000)
    Ticker(schedule).claim_due()
    assert schedule.last_runs(["hourly"])["hourly"].late


def test_one_that_means_nothing_stops_no_other(
    schedule: ScheduleStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A zone that this machine does not know is told of once."""
    schedule.add(job("nowhere", tz="Mars/Olympus"))
    schedule.add(job("there"))
    ticker = Ticker(schedule)

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            clock.forward(MINUTE)
            assert ticker.claim_due() == 1

    assert len(caplog.records) == 1
    assert "nowhere cannot run" in caplog.text
    assert "Mars/Olympus" in caplog.text


def test_who_pauses_is_passed_over(schedule: ScheduleStore, clock: Clock) -> None:
    """Until it goes on."""
    schedule.add(job("minutely"))
    schedule.pause("minutely")
    ticker = Ticker(schedule)
    clock.forward(MINUTE)
    assert ticker.claim_due() == 0
    schedule.resume("minutely")
    assert ticker.claim_due() == 0
    clock.forward(MINUTE)
    assert ticker.claim_due() == 1


def test_a_clock_that_was_far_ahead_stops_no_job(schedule: ScheduleStore, clock: Clock) -> None:
    """Its last tick lies a year ahead: ticks count anew, for a beat that knew the job as well."""
    schedule.add(job("minutely"))
    beat = Ticker(schedule)
    clock.forward(365 * 86400)
    assert beat.claim_due() == 1
    clock.forward(-365 * 86400)
    assert (beat.claim_due(), Ticker(schedule).claim_due()) == (0, 0)
    clock.forward(60)
    assert (beat.claim_due(), beat.claim_due()) == (1, 0)
    assert schedule.find("minutely").last <= clock.millis()


def test_a_clock_that_is_put_back_repeats_no_tick(schedule: ScheduleStore, clock: Clock) -> None:
    """For as long as that is no more than some hours."""
    schedule.add(job("minutely"))
    clock.forward(7200)
    assert Ticker(schedule).claim_due() == 1
    clock.forward(-3600)
    beat = Ticker(schedule)
    clock.forward(60)
    assert beat.claim_due() == 0
    clock.forward(3600)
    assert beat.claim_due() == 1
