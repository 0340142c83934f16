"""Who carries runs out: keeps what it has, notes how it ends, takes up what others let fall."""

import signal
from dataclasses import dataclass, field

import pytest
from redis import Redis

from ops.cli.job_process import line_of
from ops.scheduling.redact import last_lines, redact
from ops.scheduling.runner import GRACE, LEASE, MOST, MOST_LONG, Runner, command_of
from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from worker.errors import UnavailableError
from worker.keyring import KeyRing
from worker.ledger.schedule_models import TIME_LIMIT, Job, Run, RunState
from worker.ledger.schedule_store import ScheduleStore


@dataclass
class Actor:
    """A child that does what the test says."""

    run: Run
    code: int | None = None
    words: tuple[str, str] = ("", "")
    #: Whether it goes on when it is asked to end.
    is_deaf: bool = False
    #: How often it was asked what it printed.
    asked: int = 0

    def poll(self) -> int | None:
        """Give the code once it has one."""
        return self.code

    def terminate(self) -> None:
        """End, unless the test says otherwise."""
        self.code = None if self.is_deaf else -signal.SIGTERM

    def kill(self) -> None:
        """End in any case."""
        self.code = -signal.SIGKILL

    def wait(self) -> int:
        """Give the code; a test that would wait for good fails."""
        assert self.code is not None
        return self.code

    def told(self) -> tuple[str, str]:
        """Give what the test says."""
        self.asked += 1
        return self.words


@dataclass
class House:
    """A schedule with runners, and the children that play for them."""

    schedule: ScheduleStore
    clock: Clock
    actors: list[Actor] = field(default_factory=list)

    def runner(self) -> Runner:
        """Let another one begin its work."""
        return Runner(self.schedule, start=self.start, clock=self.clock)

    def start(self, run: Run) -> Actor:
        """Let a child begin."""
        self.actors.append(Actor(run))
        return self.actors[-1]

    def due(self, name: str, command: str = "report", time_limit: float = TIME_LIMIT) -> None:
        """Let a job be due."""
        job = Job(name=name, cron="* * * * *", tz="UTC", words=(command,), time_limit=time_limit)
        self.schedule.put(job)
        self.schedule.claim(self.schedule.find(name), self.clock.millis() + 1)

    def pass_time(self, seconds: float, runner: Runner) -> None:
        """Let time go by in which this one looks after its work."""
        for _ in range(round(seconds)):
            self.clock.forward(1)
            runner.run_once()

    def found(self) -> Run:
        """Give the last run."""
        return self.schedule.runs(0, 1)[0]


@pytest.fixture
def house(redis: Redis, clock: Clock) -> House:
    """A schedule with nothing in it."""
    return House(ScheduleStore(redis, clock.millis, keyring=KeyRing.in_memory()), clock)


def test_a_run_is_begun_kept_and_noted(house: House) -> None:
    """For as long as its child takes; its words are kept as far as discretion allows."""
    house.due("nightly")
    runner, other = house.runner(), house.runner()
    runner.run_once()
    for _ in range(40):
        house.clock.forward(LEASE / 5)
        runner.run_once()
        other.run_once()
    (actor,) = house.actors
    actor.code, actor.words = 1, ("7 of 8 done", "pupil@school.example is not there")

    runner.run_once()

    run = house.found()
    assert (run.state, run.code, run.said) == (RunState.FAILED, 1, "7 of 8 done")
    assert run.trouble == "*** is not there"
    assert run.finished_at == house.clock.millis()


def test_what_a_dead_one_had_is_taken_up(house: House) -> None:
    """Within its lease; the dead one, should it only have slept, ends its own child."""
    house.due("nightly")
    dead, other = house.runner(), house.runner()
    dead.run_once()
    house.pass_time(LEASE - 1, other)
    assert len(house.actors) == 1

    house.pass_time(2, other)
    dead.run_once()

    first, second = house.actors
    assert second.run.takes == 2
    assert (first.code, second.code) == (-signal.SIGTERM, None)
    second.code = 0
    other.run_once()
    assert house.found().state is RunState.SUCCEEDED


def test_nobody_is_called_dead_while_redis_was_away(house: House, server: SharedRedis) -> None:
    """Whoever comes back first leaves the others time to say that they live."""
    house.due("nightly")
    runner, other = house.runner(), house.runner()
    runner.run_once()
    house.clock.forward(LEASE / 2 + 1)
    server.connected = False
    house.clock.forward(LEASE)
    for each in (runner, other):
        with pytest.raises(UnavailableError):
            each.run_once()
    server.connected = True

    other.run_once()
    runner.run_once()
    house.clock.forward(LEASE / 2 + 1)
    other.run_once()

    assert len(house.actors) == 1
    assert house.actors[0].code is None


def test_nobody_is_called_dead_after_a_sleep_of_all(house: House) -> None:
    """The machine was suspended with all that ran on it: the living renew first."""
    house.due("nightly")
    runner, other = house.runner(), house.runner()
    runner.run_once()
    house.pass_time(LEASE / 2 + 1, other)
    runner.run_once()
    house.clock.forward(3600)

    other.run_once()
    runner.run_once()

    assert [each.code for each in house.actors] == [None]


def test_an_end_that_redis_did_not_hear_is_told_again(house: House, server: SharedRedis) -> None:
    """What the child printed is read once, and not lost."""
    house.due("nightly")
    runner = house.runner()
    runner.run_once()
    house.actors[0].code, house.actors[0].words = 0, ("done", "")
    server.connected = False
    with pytest.raises(UnavailableError):
        runner.run_once()
    server.connected = True

    runner.run_once()

    assert (house.found().said, house.actors[0].asked) == ("done", 1)


def test_who_is_asked_to_end_gives_back_what_it_has(house: House) -> None:
    """What had ended by then is noted; the other is begun elsewhere at once."""
    house.due("one")
    house.due("two")
    runner, other = house.runner(), house.runner()
    runner.run_once()
    house.actors[0].code = 0

    runner.stop()
    other.run_once()

    assert [actor.run.job for actor in house.actors] == ["one", "two", "two"]
    states = {run.job: run.state for run in house.schedule.runs(0, 9)}
    assert states == {"one": RunState.SUCCEEDED, "two": RunState.RUNNING}
    assert house.actors[1].code == -signal.SIGTERM


@pytest.mark.parametrize(("command", "most"), [("report", MOST), ("sync", MOST_LONG)])
def test_so_many_run_side_by_side(house: House, command: str, most: int) -> None:
    """The next begins when one has ended."""
    for n in range(most + 1):
        house.due(f"job-{n}", command)
    runner = house.runner()
    runner.run_once()
    assert len(house.actors) == most
    house.actors[0].code = 0
    runner.run_once()
    assert len(house.actors) == most + 1


def test_short_duties_have_room_while_long_ones_hang(house: House) -> None:
    """However many wait for ClassIn, and though they were due before."""
    for n in range(2 * MOST):
        house.due(f"long-{n}", ("sync", "enqueue")[n % 2])
    runner = house.runner()
    runner.run_once()
    for n, command in enumerate(("report", "prune", "retry")):
        house.due(f"short-{n}", command)

        house.pass_time(1, runner)

        assert house.actors[-1].run.job == f"short-{n}"
        house.actors[-1].code = 0
    assert len([actor for actor in house.actors if actor.code is None]) == MOST_LONG


def test_a_run_that_exceeds_its_time_limit_is_ended_and_failed(house: House) -> None:
    """With that reason; its job's next run can begin."""
    house.due("nightly", time_limit=60)
    runner = house.runner()
    runner.run_once()
    house.pass_time(59, runner)
    (actor,) = house.actors
    assert actor.code is None
    actor.words = ("7 of 8 done", "Stop")

    house.pass_time(2, runner)

    run = house.found()
    assert (run.state, run.code, run.said) == (RunState.FAILED, -signal.SIGTERM, "7 of 8 done")
    assert run.trouble == "it was ended after 1m, its time limit\nStop"
    house.due("nightly")
    runner.run_once()
    assert len(house.actors) == 2


def test_what_does_not_end_when_its_time_is_up_is_killed(house: House) -> None:
    """After its grace; nothing else waits for that, and all leases are kept meanwhile."""
    house.due("nightly", time_limit=60)
    house.due("other", time_limit=3600)
    runner, other = house.runner(), house.runner()
    runner.run_once()
    house.actors[0].is_deaf = True
    for _ in range(60 + round(GRACE) + 2):
        house.pass_time(1, runner)
        house.pass_time(0, other)
        other.run_once()

    assert [actor.code for actor in house.actors] == [-signal.SIGKILL, None]
    states = {run.job: run.state for run in house.schedule.runs(0, 9)}
    assert states == {"nightly": RunState.FAILED, "other": RunState.RUNNING}


def test_a_run_that_ends_well_just_then_has_succeeded(house: House) -> None:
    """What it was to do is done."""
    house.due("nightly", time_limit=60)
    runner = house.runner()
    runner.run_once()
    house.actors[0].is_deaf = True
    house.pass_time(61, runner)
    house.actors[0].code = 0

    runner.run_once()

    assert (house.found().state, house.found().trouble) == (RunState.SUCCEEDED, "")


def test_while_all_sleep_no_time_limit_runs(house: House) -> None:
    """A suspended machine does nothing; its jobs go on when it wakes."""
    house.due("nightly", time_limit=60)
    runner = house.runner()
    runner.run_once()
    house.clock.forward(3600)

    house.pass_time(58, runner)
    assert house.actors[0].code is None
    house.pass_time(3, runner)

    assert house.actors[0].code == -signal.SIGTERM


def test_a_time_limit_holds_while_redis_is_away(house: House, server: SharedRedis) -> None:
    """The child is ended all the same, and its end noted later."""
    house.due("nightly", time_limit=60)
    runner = house.runner()
    runner.run_once()
    server.connected = False
    for _ in range(61):
        house.clock.forward(1)
        with pytest.raises(UnavailableError):
            runner.run_once()
    server.connected = True
    assert house.actors[0].code == -signal.SIGTERM

    runner.run_once()

    assert house.found().state is RunState.FAILED


def test_what_cannot_begin_has_failed(house: House) -> None:
    """And says why."""

    def start(run: Run) -> Actor:
        raise OSError(12, f"Cannot allocate memory for {run.job}")

    house.due("nightly")
    Runner(house.schedule, start=start, clock=house.clock).run_once()

    assert house.found().state is RunState.FAILED
    assert "Cannot allocate memory" in house.found().trouble


def test_what_a_run_submits_it_submits_once(house: House) -> None:
    """Of its words only those that submit take a key."""
    house.due("nightly")
    run = house.found()
    assert command_of(run)[1:] == ["-m", "ops.cli.job_process", run.id, "report"]
    assert line_of(run.id, ["report"]) == ["report"]
    words = ("enqueue", "--file", "x.jsonl")
    assert line_of(run.id, words) == ["enqueue", "--once", run.id, "--file", "x.jsonl"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a.b+c@school.example: no such", "***: no such"),
        ("call 13800138000, 001-8006437676 or +86 138 0013 8000", "call ***, *** or ***"),
        ("https://user:word@host/x?sig=abc", "https://***@host/x?***"),
        ("created 1795300200123 of 8,000 in batch ui73whtmqvabw6f7", None),
        ("\x1b[31mred\x1b[0m\x07", "red"),
    ],
)
def test_discretion(text: str, kept: str | None) -> None:
    """Who somebody is, and what opens a door, is left out; numbers of ours stay."""
    assert redact(text) == (text if kept is None else kept)


def test_the_end_of_a_text() -> None:
    """Lines with something in them."""
    assert last_lines("a\n\nb \n\n  \nc\n\n", 2, 100) == "b\nc"
    assert last_lines("abcdef", 2, 3) == "def"
    assert last_lines("", 2, 3) == ""
