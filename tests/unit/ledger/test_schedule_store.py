"""The schedule in Redis: each tick is claimed once, each run is carried out by one at a time."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from worker.errors import NotFoundError
from worker.keyring import KeyRing
from worker.ledger.schedule_models import IfRunning, Job, Run, RunState, run_id
from worker.ledger.schedule_store import DEATHS, Carried, ScheduleStore

MINUTE = 60_000

JOB = Job(
    name="nightly",
    cron="30 2 * * *",
    tz="Asia/Shanghai",
    words=("enqueue", "create_folder", "folderId=1", "folderName=Räume"),
)


@pytest.fixture
def schedule(redis: Redis, clock: Clock) -> ScheduleStore:
    """An empty schedule that goes by the test's clock."""
    return ScheduleStore(redis, clock.millis, keyring=KeyRing.in_memory())


def claim(schedule: ScheduleStore, tick: int, name: str = "nightly") -> RunState | None:
    """Claim a tick, as whoever has just read the job."""
    return schedule.claim(schedule.find(name), tick)


def take(schedule: ScheduleStore, lease: str = "lease", *, orphans: bool = True) -> Carried | None:
    """Take what is to be carried out, for thirty seconds."""
    return schedule.take(lease, 30, orphans=orphans)


def taken(schedule: ScheduleStore, lease: str = "lease") -> Carried:
    """Take a run that is there."""
    found = take(schedule, lease)
    assert found is not None
    return found


def end(schedule: ScheduleStore, carried: Carried) -> bool:
    """Let a run end well."""
    return schedule.end(carried, RunState.SUCCEEDED, 0, "", "")


def states(schedule: ScheduleStore) -> list[str]:
    """Give where all runs stand, the first first."""
    return [run.state.value for run in reversed(schedule.runs(0, 1000))]


def test_a_job_is_found_as_it_was_added(schedule: ScheduleStore, clock: Clock) -> None:
    """Ticks count from then on; a second of the same name is none."""
    job = replace(
        JOB, if_running=IfRunning.JOIN, catch_up=90.5, time_limit=5400, file="schedule.toml"
    )

    assert schedule.add(job)
    assert not schedule.add(JOB)

    planned = schedule.find("nightly")
    assert (planned.job, planned.last, planned.paused) == (job, clock.millis(), False)
    assert schedule.jobs() == [planned]


def test_a_run_has_the_time_limit_that_its_job_had(schedule: ScheduleStore, clock: Clock) -> None:
    """Whatever becomes of the job since."""
    schedule.add(replace(JOB, time_limit=90))
    claim(schedule, clock.millis() + MINUTE)
    schedule.put(replace(JOB, time_limit=60))

    assert taken(schedule).run.time_limit == 90


def test_commands_that_are_left_alone_are_not_taken(schedule: ScheduleStore, clock: Clock) -> None:
    """However long they wait; others are taken before them."""
    for name, command in (("a", "sync"), ("b", "report"), ("c", "enqueue")):
        schedule.add(replace(JOB, name=name, words=(command, "x")))
        claim(schedule, clock.millis() + MINUTE, name)

    found = [schedule.take("l", 30, orphans=True, but={"sync", "enqueue"}) for _ in range(2)]

    assert [each.run.job if each else None for each in found] == ["b", None]
    assert taken(schedule).run.job == "a"


def test_what_is_not_there_cannot_be_changed(schedule: ScheduleStore) -> None:
    """Nor found, nor run."""
    for change in (schedule.find, schedule.pause, schedule.resume):
        with pytest.raises(NotFoundError, match="no job 'nobody'"):
            change("nobody")
    with pytest.raises(NotFoundError):
        schedule.ask("nobody", 0)
    assert not schedule.remove("nobody")


def test_a_tick_is_claimed_once(schedule: ScheduleStore, clock: Clock) -> None:
    """Of two who read the same, the second comes too late; its run is there once."""
    schedule.add(JOB)
    first, second = schedule.find("nightly"), schedule.find("nightly")
    tick = clock.millis() + MINUTE

    assert schedule.claim(first, tick) is RunState.WAITING
    assert schedule.claim(second, tick) is None
    assert schedule.claim(second, tick + MINUTE) is None

    (run,) = schedule.runs(0, 10)
    assert (run.id, run.tick, run.words) == (run_id("nightly", tick), tick, JOB.words)
    assert schedule.find("nightly").last == tick


@given(
    looks=st.lists(st.tuples(st.sampled_from("AB"), st.booleans(), st.integers(0, 90)), max_size=40)
)
def test_two_who_look_in_any_order_claim_each_tick_once(
    shared_redis: SharedRedis, looks: list[tuple[str, bool, int]]
) -> None:
    """Between reading and claiming anything may happen; whoever reads last still finds its tick."""
    shared_redis.empty()
    clock = Clock()
    schedule = ScheduleStore(
        shared_redis.client(),
        clock.millis,
        keyring=KeyRing.in_memory(),
    )
    schedule.add(replace(JOB, cron="* * * * *"))
    read = {"A": schedule.find("nightly"), "B": schedule.find("nightly")}
    claimed = []
    for who, reads, seconds in looks:
        clock.forward(seconds)
        if reads:
            read[who] = schedule.find("nightly")
            continue
        tick = clock.millis() // MINUTE * MINUTE
        if tick > read[who].last and schedule.claim(read[who], tick) is not None:
            claimed.append(tick)

    assert claimed == sorted(set(claimed))
    assert sorted(run.tick for run in schedule.runs(0, 1000)) == claimed


def test_a_job_that_pauses_claims_nothing(schedule: ScheduleStore, clock: Clock) -> None:
    """What came meanwhile is not caught up with; whoever had read it before claims nothing."""
    schedule.add(JOB)
    before = schedule.find("nightly")

    assert schedule.pause("nightly")
    assert not schedule.pause("nightly")
    assert schedule.claim(before, clock.millis() + 1) is None
    clock.forward(3600)
    assert schedule.resume("nightly")
    assert not schedule.resume("nightly")

    planned = schedule.find("nightly")
    assert (planned.last, planned.paused) == (clock.millis(), False)
    assert schedule.runs(0, 10) == []


def test_other_times_count_from_now_on(schedule: ScheduleStore, clock: Clock) -> None:
    """Other words do not change what ticked last; pausing outlives both."""
    schedule.add(JOB)
    added = clock.millis()
    schedule.pause("nightly")
    clock.forward(60)

    schedule.put(replace(JOB, words=("report",)))
    assert schedule.find("nightly").last == added
    schedule.put(replace(JOB, cron="0 3 * * *"))

    planned = schedule.find("nightly")
    assert (planned.last, planned.paused, planned.job.words) == (
        clock.millis(),
        True,
        JOB.words,
    )


def test_a_run_is_carried_out_by_one(schedule: ScheduleStore, clock: Clock) -> None:
    """From its begin to its end nobody else gets it; how it ended stays."""
    schedule.add(JOB)
    claim(schedule, clock.millis() + 1)
    mine = taken(schedule, "mine")

    assert take(schedule, "other") is None
    clock.forward(20)
    assert schedule.renew(mine, 30)
    clock.forward(20)
    assert take(schedule, "other") is None
    assert schedule.end(mine, RunState.FAILED, 1, "7 of 8", "one was refused\nü")
    assert take(schedule, "other") is None

    run = schedule.run(mine.run.id)
    assert (run.state, run.code, run.takes) == (RunState.FAILED, 1, 1)
    assert (run.said, run.trouble) == ("7 of 8", "one was refused\nü")
    assert (run.started_at, run.finished_at) == (clock.millis() - 40_000, clock.millis())


def test_who_falls_silent_loses_its_run(schedule: ScheduleStore, clock: Clock) -> None:
    """Another takes it up; the first learns that, and changes nothing any more."""
    schedule.add(JOB)
    claim(schedule, clock.millis() + 1)
    mine = taken(schedule, "mine")
    clock.forward(31)

    assert take(schedule, "other", orphans=False) is None
    other = taken(schedule, "other")

    assert (other.run.id, other.run.takes) == (mine.run.id, 2)
    assert not schedule.renew(mine, 30)
    assert not end(schedule, mine)
    assert not schedule.give_back(mine)
    assert end(schedule, other)


def test_a_run_that_ends_whoever_takes_it_has_failed(schedule: ScheduleStore, clock: Clock) -> None:
    """After the third who fell silent."""
    schedule.add(JOB)
    claim(schedule, clock.millis() + 1)
    for lease in range(DEATHS):
        taken(schedule, str(lease))
        clock.forward(31)

    assert take(schedule) is None
    (run,) = schedule.runs(0, 1)
    assert run.state is RunState.FAILED
    assert run.trouble == "whoever carried it out fell silent, 3 times"


def test_what_is_given_back_waits_for_another(schedule: ScheduleStore, clock: Clock) -> None:
    """At once, and without counting."""
    schedule.add(JOB)
    claim(schedule, clock.millis() + 1)
    assert schedule.give_back(taken(schedule))
    assert taken(schedule, "other").run.takes == 1


@pytest.mark.parametrize(
    ("policy", "after", "at_the_end"),
    [
        (IfRunning.WAIT, ["running", "waiting", "joined"], ["succeeded", "succeeded", "joined"]),
        (IfRunning.SKIP, ["running", "skipped", "skipped"], ["succeeded", "skipped", "skipped"]),
        (IfRunning.JOIN, ["running", "joined", "joined"], ["succeeded", "joined", "joined"]),
    ],
)
def test_the_next_run_does_as_its_job_says(
    schedule: ScheduleStore,
    clock: Clock,
    policy: IfRunning,
    after: list[str],
    at_the_end: list[str],
) -> None:
    """While one is under way it waits for that, is skipped, or joins it; only one ever waits."""
    schedule.add(replace(JOB, if_running=policy))
    claim(schedule, clock.millis() + 1)
    first = taken(schedule)
    for minute in (1, 2):
        clock.forward(1)
        claim(schedule, clock.millis() + minute * MINUTE)

    assert states(schedule) == after
    assert take(schedule, "other") is None
    end(schedule, first)
    if (second := take(schedule, "other")) is not None:
        end(schedule, second)
    assert states(schedule) == at_the_end

    last = schedule.runs(0, 1)[0]
    waited = schedule.runs(0, 3)[1].id if policy is IfRunning.WAIT else first.run.id
    assert last.joined == (None if policy is IfRunning.SKIP else waited)
    assert last.trouble == (f"{first.run.id} was not over" if policy is IfRunning.SKIP else "")


def test_jobs_do_not_wait_for_each_other(schedule: ScheduleStore, clock: Clock) -> None:
    """Whoever takes runs gets one of each."""
    for name in ("one", "two"):
        schedule.add(replace(JOB, name=name))
        claim(schedule, clock.millis() + 1, name)
    assert {taken(schedule).run.job, taken(schedule).run.job} == {"one", "two"}


def test_a_run_by_hand_is_a_run_like_any(schedule: ScheduleStore, clock: Clock) -> None:
    """Also while the job pauses; no tick is used up; twice in a moment is once."""
    schedule.add(JOB)
    schedule.pause("nightly")
    before = schedule.find("nightly")

    run = schedule.ask("nightly", clock.millis())
    again = schedule.ask("nightly", clock.millis())

    assert (run.by_hand, run.state, again.id) == (True, RunState.WAITING, run.id)
    assert schedule.find("nightly") == before
    assert taken(schedule).run.id == run.id


def test_who_is_taken_out_leaves_what_runs(schedule: ScheduleStore, clock: Clock) -> None:
    """What waits is over; what was is remembered."""
    schedule.add(JOB)
    claim(schedule, clock.millis() + 1)
    running = taken(schedule)
    clock.forward(1)
    claim(schedule, clock.millis() + MINUTE)

    assert schedule.remove("nightly")

    assert states(schedule) == ["running", "skipped"]
    assert end(schedule, running)
    assert schedule.jobs() == []


def test_the_oldest_runs_are_forgotten(schedule: ScheduleStore, redis: Redis, clock: Clock) -> None:
    """Of each job a thousand stay; one that is not over stays, too."""
    schedule.add(replace(JOB, if_running=IfRunning.SKIP))
    claim(schedule, clock.millis() + 1)
    for n in range(1, 1004):
        clock.forward(1)
        claim(schedule, clock.millis() + n)

    runs: list[Run] = list(schedule.runs(0, 5000, "nightly"))
    assert len(runs) == 1001
    assert runs[-1].state is RunState.WAITING
    assert redis.zcard("classin:runs") == 1001
    assert len(redis.keys("classin:run:*")) == 1001
    assert schedule.last_runs(["nightly", "nobody"]) == {"nightly": runs[0]}
