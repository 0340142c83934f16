"""What comes in is claimed, set to work and noted, many at a time."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from tests.claiming import try_claim
from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.stage import SCHOOL, ClassIn, Stage, said
from worker.classin.operations.cloud import CreateFolder
from worker.classin.operations.courses import EditCourse
from worker.config.settings import RetrySettings
from worker.errors import UnavailableError
from worker.ledger.record import Priority
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import ClaimRequest, ClaimResult
from worker.runtime.backlog import Backlog
from worker.runtime.dispatcher import MOST_TOGETHER, Dispatcher, QueuedRecord
from worker.runtime.fair_share import FairShare

#: Seconds that a lease lasts by default.
LEASE = RetrySettings().lease

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


@dataclass
class Floor:
    """A worker whose threads are played by the test."""

    stage: Stage
    classin: ClassIn = field(default_factory=lambda: ClassIn([said(1)]))
    threads: int = 4

    def __post_init__(self) -> None:
        self.dispatch: Dispatcher = self.stage.dispatch(self.classin, self.threads)

    def take(self, *records: str) -> list[str]:
        """Let a message come in; gives who heard that more may come."""
        heard: list[str] = []
        self.dispatch.enqueue(
            [QueuedRecord(each) for each in records], lambda: heard.append("more")
        )
        return heard

    def go_round(self) -> None:
        """Take in what there is, and speak with the ledger."""
        self.dispatch.drain_inbox(wait=False)
        self.dispatch.run_once()

    def work(self, jobs: int = 1) -> None:
        """Let threads do so many jobs."""
        for _ in range(jobs):
            job = self.dispatch.jobs.get_nowait()
            assert job is not None
            job()

    def let_go(self, record: str) -> None:
        """Do the next job, which is about this record, and renew its lease no more."""
        job = self.dispatch.jobs.get_nowait()
        assert isinstance(job, partial)
        (claim,) = job.args
        assert claim.record.id == record
        job()
        self.stage.hands[0].remove([claim])

    def states(self, *records: str) -> list[State]:
        """Where these stand."""
        return [each.state for each in self.stage.ledger.find_all(records)]


@pytest.fixture
def floor(stage: Stage) -> Floor:
    """A worker with four threads."""
    return Floor(stage)


def orphaned(stage: Stage, number: int) -> list[str]:
    """Submit so many whose worker dies."""
    records = courses(stage, number)
    for each in records:
        try_claim(stage.ledger, each, f"dead {each}", "dead", LEASE)
    stage.clock.forward(LEASE)
    stage.ledger.requeue_due(number, orphans=True)
    return records


def courses(stage: Stage, number: int) -> list[str]:
    """Submit so many that need not wait for each other."""
    return [stage.submit(COURSE) for _ in range(number)]


def test_no_more_is_claimed_than_there_are_threads_for(stage: Stage, floor: Floor) -> None:
    """What others could do meanwhile stays theirs."""
    records = courses(stage, 6)
    floor.take(*records)
    floor.go_round()
    assert floor.states(*records) == [State.RUNNING] * 4 + [State.QUEUED] * 2
    floor.go_round()
    assert floor.states(*records[4:]) == [State.QUEUED] * 2

    floor.work(3)
    floor.go_round()
    assert floor.states(*records) == [State.SUCCEEDED] * 3 + [State.RUNNING] * 3


def test_a_thread_that_ends_finds_its_next_at_hand(stage: Stage) -> None:
    """Beyond the free threads two are claimed for each that ended: at most a quarter of all."""
    floor = Floor(stage, threads=12)
    records = courses(stage, 30)
    floor.take(*records)
    floor.go_round()
    assert floor.states(*records).count(State.RUNNING) == 12

    floor.work()
    floor.go_round()
    assert floor.states(*records).count(State.RUNNING) == 11 + 1 + 2

    floor.work(6)
    floor.go_round()
    assert floor.states(*records).count(State.RUNNING) == 12 + 3


def test_where_no_thread_ends_nothing_is_claimed_ahead(stage: Stage) -> None:
    """ClassIn is slow: other workers may have free threads for what waits here."""
    floor = Floor(stage, threads=12)
    records = courses(stage, 30)
    floor.take(*records)
    for _ in range(3):
        floor.go_round()
    assert floor.states(*records).count(State.RUNNING) == 12


def test_what_is_done_is_noted_and_the_next_claimed_at_once(stage: Stage, floor: Floor) -> None:
    """In one exchange with the ledger, however many there are."""
    records = courses(stage, 8)
    floor.take(*records)
    floor.go_round()
    floor.work(4)
    floor.go_round()
    assert floor.states(*records) == [State.SUCCEEDED] * 4 + [State.RUNNING] * 4
    floor.work(4)
    floor.go_round()
    assert floor.states(*records) == [State.SUCCEEDED] * 8
    assert floor.dispatch.is_idle


def test_a_record_named_twice_is_carried_out_once(stage: Stage, floor: Floor) -> None:
    """By one message, or by two."""
    (record,) = courses(stage, 1)
    floor.take(record, record)
    floor.take(record)
    floor.go_round()
    floor.work()
    floor.take(record)
    floor.go_round()
    assert floor.states(record) == [State.SUCCEEDED]
    assert len(floor.classin.sent) == 1
    assert floor.dispatch.jobs.empty()
    floor.go_round()
    assert floor.dispatch.is_idle


def test_one_that_lost_its_lease_disturbs_no_other(
    stage: Stage, floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """Its own news count for nothing."""
    lost, other = courses(stage, 2)
    floor.take(lost, other)
    floor.go_round()
    floor.let_go(lost)
    floor.work()
    stage.pass_time(stage.patience.lease)
    assert [due.id for due in stage.ledger.requeue_due(5, orphans=True)] == [lost]
    stage.perform(lost, said(193))
    floor.go_round()
    assert floor.states(lost, other) == [State.FAILED, State.SUCCEEDED]
    assert lost in caplog.text
    assert floor.dispatch.is_idle


def test_leases_are_kept_until_their_news_are_noted(stage: Stage, floor: Floor) -> None:
    """However long that takes; then nothing is kept any more."""
    (record,) = courses(stage, 1)
    floor.take(record)
    floor.go_round()
    floor.work()
    stage.pass_time(10 * stage.patience.lease)
    assert stage.ledger.requeue_due(5, orphans=True) == []
    floor.go_round()
    assert floor.states(record) == [State.SUCCEEDED]


def test_news_wait_for_a_ledger_that_is_away(
    stage: Stage, floor: Floor, server: SharedRedis
) -> None:
    """And so does what is to be claimed."""
    done, waiting = courses(stage, 2)
    floor.take(done)
    floor.go_round()
    floor.work()
    floor.take(waiting)
    server.connected = False

    def come_back() -> None:
        server.connected = len(stage.clock.waits) == 3

    stage.asleep = come_back
    for _ in range(4):
        floor.go_round()
    assert floor.states(done, waiting) == [State.SUCCEEDED, State.RUNNING]


class Full(RedisLedger):
    """A ledger without room for claims."""

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Take notes alone."""
        return super().report_and_claim(replace(request, leases={}))._replace(full=True)


def test_a_full_ledger_takes_news_and_lets_nothing_begin(stage: Stage) -> None:
    """What waits is asked for again, until there is room."""
    done, waiting = courses(stage, 2)
    floor = Floor(stage, threads=1)
    floor.take(done, waiting)
    floor.go_round()
    floor.work()
    real = stage.ledger
    full = Full(real._redis, stage.clock.millis)  # noqa: SLF001  # the same one
    floor.dispatch._ledger = full  # noqa: SLF001  # it has got full meanwhile
    floor.go_round()
    assert floor.states(done, waiting) == [State.SUCCEEDED, State.QUEUED]
    assert stage.clock.waits == [1.0]
    floor.go_round()
    floor.dispatch._ledger = real  # noqa: SLF001  # there is room again
    floor.go_round()
    assert floor.states(waiting) == [State.RUNNING]


class LostAnswer(RedisLedger):
    """A ledger whose first answer gets lost."""

    lost = False

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Do it; say that it could not be done."""
        found = super().report_and_claim(request)
        if not self.lost:
            self.lost = True
            raise UnavailableError("the connection was lost")
        return found


def test_what_was_claimed_though_the_answer_got_lost_is_begun(stage: Stage) -> None:
    """It is asked for again under the same lease, with what has come since."""
    first, second = courses(stage, 2)
    stage.ledger = LostAnswer(stage.ledger._redis, stage.clock.millis)  # noqa: SLF001  # the same
    floor = Floor(stage)
    floor.take(first)
    floor.go_round()
    floor.take(second)
    floor.go_round()
    floor.work(2)
    floor.go_round()
    assert floor.states(first, second) == [State.SUCCEEDED] * 2
    assert [len(each.attempts) for each in stage.ledger.find_all([first, second])] == [1, 1]


class Slow(RedisLedger):
    """A ledger that is away for a while before it answers."""

    clock: Clock

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Take longer than a lease lasts."""
        self.clock.forward(LEASE + 1)
        return super().report_and_claim(request)


def test_a_lease_that_came_late_is_asked_after(stage: Stage) -> None:
    """It is as old as the question; the ledger says that it holds, so that all goes on."""
    (record,) = courses(stage, 1)
    stage.ledger = slow = Slow(stage.ledger._redis, stage.clock.millis)  # noqa: SLF001  # the same
    slow.clock = stage.clock
    floor = Floor(stage)
    floor.take(record)
    floor.go_round()
    floor.work()
    assert len(floor.classin.sent) == 1


class Broken(RedisLedger):
    """A ledger that fails in a way nobody thought of."""

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Fail."""
        del request
        raise ZeroDivisionError


def test_an_error_of_ours_ends_no_worker(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """What it was about comes back when its lease runs out."""
    (record,) = courses(stage, 1)
    floor = Floor(stage)
    floor.take(record)
    floor.go_round()
    floor.work()
    real, stage.ledger = stage.ledger, Broken(stage.ledger._redis)  # noqa: SLF001  # to break it
    broken = Floor(stage)
    broken.take(record)
    broken.go_round()
    assert "ZeroDivisionError" in caplog.text
    assert broken.dispatch.is_idle
    stage.ledger = real
    floor.go_round()
    assert floor.states(record) == [State.SUCCEEDED]


def test_what_goes_on_here_needs_no_message(stage: Stage) -> None:
    """The others are told by a job, so that a broker that is away holds up nothing."""
    stage.in_a_row = 2
    floor = Floor(stage)
    first = stage.submit(FOLDER)
    followers = [
        stage.submit_raw("edit_course", COURSE.to_dict(), after=(first,)) for _ in range(3)
    ]
    floor.take(first)
    floor.go_round()
    floor.work()
    floor.go_round()
    assert sorted(floor.states(*followers)) == [State.QUEUED] * 3
    assert stage.published == []
    floor.work()
    assert len(stage.published) == 2
    floor.go_round()
    assert floor.states(*followers).count(State.RUNNING) == 1


def test_what_waits_is_given_back_when_the_worker_is_to_end(stage: Stage, floor: Floor) -> None:
    """With its priority; what is under way is noted first."""
    records = courses(stage, 6)
    floor.take(*records)
    floor.go_round()
    floor.dispatch.enqueue([QueuedRecord(stage.submit(COURSE), Priority.LOW)], lambda: None)
    stage.stopping.set()
    floor.work(4)
    floor.go_round()
    floor.work(2)
    given_back = {(due.id, due.priority) for due in stage.published}
    assert given_back == {
        *((each, Priority.NORMAL) for each in records[4:]),
        (stage.published[-1].id, Priority.LOW),
    }
    floor.go_round()
    assert floor.dispatch.is_idle


def test_a_broker_that_is_away_is_told_of(
    stage: Stage, floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    """Rescue finds what waits for a message."""
    floor.take(*courses(stage, 1))
    stage.broker_away = True
    stage.stopping.set()
    floor.go_round()
    floor.work()
    assert "sent a little later" in caplog.text


def test_a_school_has_no_more_than_its_share(stage: Stage) -> None:
    """Also of what is claimed together; the rest goes on as soon as there is room."""
    stage.shares = FairShare(2)
    stage.schools = {"main": SCHOOL, "other": replace(SCHOOL, name="other")}
    floor = Floor(stage)
    mine = courses(stage, 4)
    other = stage.submit_raw("edit_course", COURSE.to_dict(), school="other")
    floor.take(*mine)
    floor.take(other)
    floor.go_round()
    assert floor.states(*mine).count(State.RUNNING) == 2
    floor.go_round()
    assert floor.states(other) == [State.RUNNING]
    floor.work(3)
    floor.go_round()
    assert floor.states(*mine) == [State.SUCCEEDED] * 2 + [State.RUNNING] * 2


def test_a_ledger_that_is_away_lets_a_school_wait(
    stage: Stage, server: SharedRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """What was put aside stays there until rescue looks."""
    stage.shares = FairShare(1)
    floor = Floor(stage)
    records = courses(stage, 2)
    floor.take(*records)
    floor.go_round()
    floor.work()
    server.connected = False

    def come_back() -> None:
        server.connected = True

    stage.asleep = come_back
    floor.go_round()
    assert "waits a little longer" in caplog.text
    floor.go_round()
    assert floor.states(*records) == [State.SUCCEEDED, State.QUEUED]


def test_suspects_go_out_one_at_a_time_and_hold_nobody_up(stage: Stage, floor: Floor) -> None:
    """Those whose worker died are tried alone among their like, beside all others."""
    suspects = orphaned(stage, 3)
    others = courses(stage, 3)
    heard = floor.take(*suspects, *others)
    for number in range(3):
        floor.go_round()
        assert floor.states(*suspects).count(State.RUNNING) == 1
        assert floor.states(*suspects).count(State.SUCCEEDED) == number
        floor.work(floor.dispatch.jobs.qsize())
    floor.go_round()
    assert floor.states(*suspects, *others) == [State.SUCCEEDED] * 6
    assert heard == ["more"]
    assert floor.dispatch.is_idle


def test_a_suspect_that_waits_is_not_asked_for_again_and_again(stage: Stage, floor: Floor) -> None:
    """Also where a second message for it came."""
    suspects = orphaned(stage, 2)
    floor.take(*suspects)
    floor.go_round()
    floor.take(suspects[1])
    floor.go_round()
    assert not floor.dispatch.is_due
    floor.work()
    floor.go_round()
    assert floor.states(*suspects) == [State.SUCCEEDED, State.RUNNING]
    floor.work()
    floor.go_round()
    assert floor.states(*suspects) == [State.SUCCEEDED] * 2
    assert floor.dispatch.is_idle


def test_suspects_that_wait_are_given_back_one_by_one(stage: Stage, floor: Floor) -> None:
    """When the worker is to end, for others to take."""
    suspects = orphaned(stage, 3)
    floor.take(*suspects)
    floor.go_round()
    stage.stopping.set()
    floor.go_round()
    floor.work(3)
    assert [due.id for due in stage.published] == suspects[1:]


def test_a_suspect_that_lost_its_lease_makes_room(stage: Stage, floor: Floor) -> None:
    """What came of it counts no more, so that nothing is to be noted of it."""
    suspects = orphaned(stage, 2)
    floor.take(*suspects)
    floor.go_round()
    stage.clock.forward(LEASE)
    assert [due.id for due in stage.ledger.requeue_due(5, orphans=True)] == suspects[:1]
    floor.let_go(suspects[0])
    floor.go_round()
    floor.go_round()
    assert floor.states(*suspects) == [State.QUEUED, State.RUNNING]


def put_off(stage: Stage, number: int) -> list[str]:
    """Submit so many that wait for their turn, of whom one a second may go."""
    stage.ledger.set_paces({"main edit_course": 1000})
    records = courses(stage, number + 2)
    for each in records:
        try_claim(stage.ledger, each, each, "another", LEASE)
    return records[2:]


def test_whose_turn_it_is_goes_without_a_message(stage: Stage) -> None:
    """Within a second, though this worker has never heard of it."""
    records = put_off(stage, 3)
    floor = Floor(stage)
    for _ in range(3):
        stage.clock.forward(1)
        floor.go_round()
    assert floor.states(*records) == [State.RUNNING] * 3
    assert stage.published == []


def test_nobody_is_asked_whose_turn_it_is_without_a_free_thread(stage: Stage) -> None:
    """Others may have one."""
    floor = Floor(stage, threads=1)
    floor.take(*courses(stage, 1))
    floor.go_round()
    records = put_off(stage, 1)
    stage.clock.forward(9)
    floor.go_round()
    assert not floor.dispatch.is_due
    assert floor.states(*records) == [State.DEFERRED]


def test_those_whose_turn_it_is_leave_threads_to_others(stage: Stage) -> None:
    """While others wait here they have half of what is free."""
    records = put_off(stage, 9)
    stage.clock.forward(1)
    stage.ledger.set_paces({})
    floor = Floor(stage, threads=4)
    others = [stage.submit(FOLDER) for _ in range(9)]
    floor.take(*others)
    floor.go_round()
    assert floor.states(*records).count(State.RUNNING) == 2
    assert floor.states(*others).count(State.RUNNING) == 2


def test_a_worker_that_is_to_end_gives_turns_to_others(stage: Stage) -> None:
    """It asks for none any more."""
    records = put_off(stage, 1)
    floor = Floor(stage)
    stage.clock.forward(9)
    stage.stopping.set()
    floor.go_round()
    assert floor.states(*records) == [State.DEFERRED]


def test_a_ledger_that_is_away_is_asked_again_whose_turn_it_is(
    stage: Stage, server: SharedRedis
) -> None:
    """A second later."""
    records = put_off(stage, 1)
    floor = Floor(stage)
    stage.clock.forward(9)
    server.connected = False
    floor.go_round()
    server.connected = True
    assert not floor.dispatch.is_due
    stage.clock.forward(1)
    assert floor.dispatch.is_due
    floor.go_round()
    assert floor.states(*records) == [State.RUNNING]


def test_an_idle_worker_wakes_to_look_whose_turn_it_is(stage: Stage) -> None:
    """Though nothing comes in."""
    floor = Floor(stage)
    floor.go_round()
    stage.clock.forward(0.999)
    floor.dispatch.drain_inbox(wait=True)
    assert not floor.dispatch.is_due
    stage.clock.forward(0.001)
    assert floor.dispatch.is_due


def test_messages_are_accepted_while_little_waits() -> None:
    """From a certain number on they are held, until less waits."""
    backlog, heard = Backlog(3), list[int]()
    backlog.add(2, lambda: heard.append(1))
    backlog.add(2, lambda: heard.append(2))
    backlog.add(1, lambda: heard.append(3))
    assert heard == [1]
    backlog.remove(2)
    assert heard == [1]
    backlog.remove(1)
    assert heard == [1, 2, 3]


def test_a_worker_hears_when_there_is_room(stage: Stage, floor: Floor) -> None:
    """Little may wait: what it could not begin soon, others may."""
    held = floor.take(*courses(stage, 6))
    floor.go_round()
    assert held == []
    floor.work(2)
    floor.go_round()
    assert held == ["more"]


def test_unavailable_is_what_a_ledger_away_raises(stage: Stage, server: SharedRedis) -> None:
    """So that these stories tell of what happens."""
    server.connected = False
    with pytest.raises(UnavailableError):
        stage.ledger.find("a")


class Counting(RedisLedger):
    """A ledger that remembers of how many notes and records each exchange was."""

    def __init__(self, *given: Any) -> None:  # noqa: ANN401  # as a ledger takes it
        super().__init__(*given)
        self.told: list[tuple[int, int]] = []

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Count, and do it."""
        self.told.append((len(request.updates), len(request.leases)))
        return super().report_and_claim(request)


def test_one_exchange_is_told_of_so_many_at_most(stage: Stage) -> None:
    """Redis does nothing else meanwhile; the rest goes with the next rounds."""
    ledger = Counting(stage.ledger._redis, stage.clock.millis)  # noqa: SLF001  # the same
    stage.ledger = ledger
    floor = Floor(stage, threads=2 * MOST_TOGETHER)
    records = [stage.submit(FOLDER) for _ in range(MOST_TOGETHER + 5)]
    floor.take(*records)

    for _ in range(2):
        floor.go_round()
    floor.work(len(records))
    for _ in range(2):
        floor.go_round()

    assert ledger.told == [(0, MOST_TOGETHER), (0, 5), (MOST_TOGETHER, 0), (5, 0)]
    assert {stage.ledger.find(each).state for each in records} == {State.SUCCEEDED}
    assert floor.dispatch.is_idle
