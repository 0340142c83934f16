"""The night in one page: what happened, what is to be done, and nobody's name."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis import Redis

from ops.insight.lanes_and_schools import STUCK_AFTER
from ops.reports.markdown import page_of, title_of
from ops.reports.report import Report, gather
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    ENTRY,
    HELD,
    PARTLY,
    REFUSED,
    UNSURE,
    claimed,
    entry,
    settled,
)
from worker.keyring import KeyRing
from worker.ledger.queries import LedgerQueries
from worker.ledger.report_store import KEPT, ReportStore
from worker.ledger.schedule_models import Job, RunState
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Transition

EXHAUSTED = Transition(
    state=State.FAILED, reason=Reason.EXHAUSTED, code=104, message="unknown error"
)


@pytest.fixture
def reports(redis: Redis) -> ReportStore:
    """No reports yet."""
    return ReportStore(redis)


@pytest.fixture
def queries(redis: Redis) -> LedgerQueries:
    """What reads for the report."""
    return LedgerQueries(redis)


@pytest.fixture
def schedule(redis: Redis, clock: Clock) -> ScheduleStore:
    """No jobs yet."""
    return ScheduleStore(redis, clock.millis, keyring=KeyRing.in_memory())


def told(
    queries: LedgerQueries, schedule: ScheduleStore, reports: ReportStore, clock: Clock
) -> Report:
    """Gather all that ever was."""
    return gather(queries, schedule, reports, 0, clock.millis())


def at(ms: int) -> str:
    """Write a moment."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M")


def retried(ledger: RedisLedger, origin: str, record_id: str) -> None:
    """Submit one that tries another again."""
    ledger.submit([replace(ENTRY, id=record_id, retry_of=origin)])


def test_a_quiet_night(
    queries: LedgerQueries,
    schedule: ScheduleStore,
    reports: ReportStore,
    clock: Clock,
) -> None:
    """There is nothing to look at."""
    report = told(queries, schedule, reports, clock)
    assert title_of(report) == "ClassIn: 0 done, nothing to look at"
    assert "settled: none" in page_of(report, at)


def test_failures_are_put_together_by_cause(
    ledger: RedisLedger,
    queries: LedgerQueries,
    schedule: ScheduleStore,
    reports: ReportStore,
    clock: Clock,
) -> None:
    """The most first, each with what to do and some to look at."""
    endings = {"a": DONE, "b": REFUSED, "c": REFUSED, "d": EXHAUSTED, "e": UNSURE, "f": PARTLY}
    for name, standing in endings.items():
        ledger.submit([entry(name)])
        settled(ledger, name, standing)

    report = told(queries, schedule, reports, clock)

    groups = [(group.number, group.cause.stands, group.cause.code) for group in report.groups]
    assert groups[0] == (2, "failed/refused", 193)
    assert set(groups[1:]) == {
        (1, "failed/exhausted", 104),
        (1, "uncertain", None),
        (1, "partial", 103),
    }
    assert report.groups[0].examples == ("b", "c")
    assert all(group.todo for group in report.groups)
    assert report.settled[State.SUCCEEDED] == 1
    page = page_of(report, at)
    assert "**2** create_folder failed/refused, 193: " in page
    assert title_of(report) == "ClassIn: 1 done, 5 to look at"
    assert "课程1" not in page + str(report.to_dict())


def test_what_a_retry_brought_through_is_no_failure(
    ledger: RedisLedger,
    queries: LedgerQueries,
    schedule: ScheduleStore,
    reports: ReportStore,
    clock: Clock,
) -> None:
    """It counts as mended; one whose retry failed counts there, once."""
    for name in "abc":
        ledger.submit([entry(name)])
        settled(ledger, name, EXHAUSTED)
    retried(ledger, "a", "a2")
    settled(ledger, "a2", DONE)
    retried(ledger, "b", "b2")
    settled(ledger, "b2", REFUSED)
    retried(ledger, "b2", "b3")
    settled(ledger, "b3", DONE)
    retried(ledger, "c", "c2")
    settled(ledger, "c2", REFUSED)

    report = told(queries, schedule, reports, clock)

    numbers = {group.cause.stands: (group.number, group.mended) for group in report.groups}
    assert numbers == {"failed/refused": (1, 1), "failed/exhausted": (0, 2)}
    assert (report.failures, report.mended) == (1, 3)
    assert "brought through by a retry: 3" in page_of(report, at)


def test_what_a_person_decided_counts_as_decided(
    ledger: RedisLedger,
    queries: LedgerQueries,
    schedule: ScheduleStore,
    reports: ReportStore,
    clock: Clock,
) -> None:
    """Not as uncertain any more: what was done is no failure, what was not is one."""
    for name in "ab":
        ledger.submit([entry(name)])
        settled(ledger, name, UNSURE)
    ledger.resolve("a", State.SUCCEEDED, "it is there", "ada")
    ledger.resolve("b", State.FAILED, "it is not", "ada")

    report = told(queries, schedule, reports, clock)

    (group,) = report.groups
    assert (group.cause.stands, group.number, group.examples) == ("failed/decided", 1, ("b",))
    assert group.words == "a person found that it was not done"


def test_who_waits_is_told(
    ledger: RedisLedger,
    queries: LedgerQueries,
    schedule: ScheduleStore,
    reports: ReportStore,
    clock: Clock,
) -> None:
    """A closed school, the lane behind it once it has waited for long, and the oldest of all."""
    ledger.submit([entry("a", lane="L"), entry("b", lane="L"), entry("c", lane="L")])
    ledger.advance(claimed(ledger, "a"), HELD, None)
    assert told(queries, schedule, reports, clock).lanes == []
    clock.forward(STUCK_AFTER / 1000)

    report = told(queries, schedule, reports, clock)

    (lane,) = report.lanes
    assert (lane.name, lane.waiting, lane.head) == ("L", 2, "a")
    assert report.oldest is not None
    assert report.oldest.id == "a"
    assert [closure.school for closure in report.closures] == ["main"]
    page = page_of(report, at)
    assert "2 wait behind a" in page
    assert "school main is held" in page
    assert title_of(report).endswith("main closed")


def test_the_jobs_of_the_night(
    queries: LedgerQueries,
    schedule: ScheduleStore,
    reports: ReportStore,
    clock: Clock,
) -> None:
    """One by one, or how many ended how; that which makes the report is left out."""
    for name, words in (("sync", ("sync",)), ("often", ("retry",)), ("morning", ("report",))):
        schedule.add(Job(name=name, cron="* * * * *", tz="UTC", words=words))
    for n in range(1, 5):
        clock.forward(60)
        schedule.claim(schedule.find("often"), clock.millis() + n)
        carried = schedule.take("l", 30, orphans=False)
        assert carried is not None
        schedule.end(carried, RunState.SUCCEEDED, 0, f"{n} retried", "")
    schedule.claim(schedule.find("sync"), clock.millis() + 9)
    carried = schedule.take("l", 30, orphans=False)
    assert carried is not None
    schedule.end(carried, RunState.FAILED, 2, "", "first\nno such file")
    schedule.claim(schedule.find("morning"), clock.millis() + 9)
    schedule.take("l", 30, orphans=False)

    page = page_of(told(queries, schedule, reports, clock), at)

    assert "- **often**: 4 succeeded; the last succeeded: 4 retried" in page
    assert "failed: exit code 2; no such file" in page
    assert "morning" not in page
    assert "1 job failed" in page.splitlines()[0]


def test_reports_are_kept_for_a_while(reports: ReportStore, redis: Redis) -> None:
    """The last hundred; one that is kept again takes its own place."""
    for n in range(KEPT + 5):
        reports.keep(f"r{n}", n, f"text {n}")
    reports.keep("r104", 104, "sent")

    assert [kept.text for kept in reports.last(2)] == ["sent", "text 103"]
    assert len(reports.last(1000)) <= KEPT + 1
    assert len(redis.keys("classin:report:*")) == len(reports.last(1000))


def test_nothing_is_known_of_what_was_forgotten(reports: ReportStore, redis: Redis) -> None:
    """As long as all events are there, nothing was."""
    assert reports.forgotten_until() == 0
    redis.xadd("classin:events", {"id": "a"}, id="5-0")
    assert reports.forgotten_until() == 0
