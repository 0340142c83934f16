"""Jobs at their times: real beats, real runs; killed, missed, and from a file."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from redis import Redis

from ops.processes.supervisor import classin as command_line
from ops.scheduling.jobs_file import job_of
from ops.simulator import SimulatorClient
from tests.acceptance.patient_beat import NOW
from tests.acceptance.test_processes import children, runs
from tests.stage import Command, Environment, WorkerProcess, until
from worker.errors import UnavailableError
from worker.ledger.redis_client import connect
from worker.ledger.schedule_models import Job, RunState
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

MINUTE = 60_000

#: A whole minute.
START = 1_795_300_200_000

WORDS = ("enqueue", "create_folder", "folderId=747759", "folderName=nightly")

BEAT = (sys.executable, "-m", "tests.acceptance.patient_beat")


@pytest.fixture
def redis_client(environment: Environment) -> Redis:
    """A client of the test's Redis."""
    return connect(environment.settings.ledger_url)


@pytest.fixture
def schedule(redis_client: Redis, environment: Environment) -> ScheduleStore:
    """The schedule in the test's Redis."""
    return ScheduleStore(redis_client, keyring=environment.settings.keyring)


@pytest.fixture
def beats(environment: Environment, tmp_path: Path) -> Iterator[list[WorkerProcess]]:
    """Two beats, not yet started; silent ones lose what they have within two seconds."""
    environment.set(lease="2s")
    both = [WorkerProcess(environment, tmp_path / f"beat{n}.log") for n in (1, 2)]
    yield both
    for beat in both:
        beat.kill()


@dataclass
class Mailbox:
    """Somebody to whom JSON is sent over HTTP."""

    url: str
    letters: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A mailbox that takes everything."""
    box = Mailbox("")

    class Slot(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            box.letters.append(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Slot) as server:
        box.url = f"json://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield box
        server.shutdown()


def plan(schedule: ScheduleStore, redis: Redis, words: tuple[str, ...] = WORDS) -> None:
    """Plan a job for each minute of the test's time, which begins now."""
    redis.set(NOW, START)
    schedule.add(Job(name="minutely", cron="* * * * *", tz="UTC", words=words))
    redis.hset("classin:job:minutely", "last", START)


def ticks(schedule: ScheduleStore) -> list[int]:
    """Give the minutes of all runs, the first first."""
    return sorted((run.tick - START) // MINUTE for run in schedule.runs(0, 1000))


def has_run(schedule: ScheduleStore, minute: int) -> bool:
    """Say whether a minute has its run."""
    return minute in ticks(schedule)


def pass_minutes(schedule: ScheduleStore, redis: Redis, first: int, last: int) -> None:
    """Let minutes go by, each as soon as the tick of the one before has its run."""
    for minute in range(first, last + 1):
        redis.set(NOW, START + minute * MINUTE)
        until(partial(has_run, schedule, minute), f"minute {minute} has its run")


def errands_of(beat: WorkerProcess) -> list[int]:
    """Give the process ids of what a beat carries out; any of its threads may have begun it."""
    assert beat.process is not None
    tasks = Path(f"/proc/{beat.process.pid}/task").glob("*/children")
    return [int(text) for task in tasks for text in task.read_text().split()]


def test_two_beats_and_one_is_killed(
    beats: list[WorkerProcess],
    schedule: ScheduleStore,
    redis_client: Redis,
    ledger: RedisLedger,
) -> None:
    """Each tick is run once, by whoever was first; no tick waits for the dead one."""
    plan(schedule, redis_client)
    for beat in beats:
        beat.start(BEAT, ready=False)
    pass_minutes(schedule, redis_client, 1, 10)

    beats[0].kill()
    pass_minutes(schedule, redis_client, 11, 20)
    beats[0].start(BEAT, ready=False)
    pass_minutes(schedule, redis_client, 21, 25)

    assert ticks(schedule) == list(range(1, 26))
    until(lambda: all(run.state.over for run in schedule.runs(0, 99)), "all runs are over")
    done = [run for run in schedule.runs(0, 99) if run.state is RunState.SUCCEEDED]
    records = ledger.page(Filter(operation="create_folder"), 100).records
    assert sorted(record.dedup_key or "" for record in records) == sorted(
        f"{run.id}:1" for run in done
    )


def test_what_was_missed_runs_once(
    beats: list[WorkerProcess], schedule: ScheduleStore, redis_client: Redis
) -> None:
    """All was down for an hour: the last tick of it is caught up with, and no other."""
    plan(schedule, redis_client)
    redis_client.set(NOW, START + 60 * MINUTE + 1)

    for beat in beats:
        beat.start(BEAT, ready=False)

    until(lambda: bool(schedule.runs(0, 9)), "the missed one is run")
    pass_minutes(schedule, redis_client, 61, 61)
    assert ticks(schedule) == [60, 61]


def test_a_run_outlives_who_carried_it_out(  # noqa: PLR0913, PLR0917  # all play
    beats: list[WorkerProcess],
    schedule: ScheduleStore,
    redis_client: Redis,
    classin: Command,
    worker: WorkerProcess,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """Its beat is killed while it waits for its operation: another takes it up, nothing doubles."""
    plan(schedule, redis_client, (*WORDS, "--wait"))
    beats[0].start(BEAT, ready=False)
    pass_minutes(schedule, redis_client, 1, 1)
    until(lambda: ledger.counts().by_state().total() == 1, "its operation is recorded")
    (errand,) = errands_of(beats[0])

    beats[0].kill()
    until(lambda: not runs(errand), "its child ends, too")
    beats[1].start(BEAT, ready=False)
    until(lambda: schedule.runs(0, 1)[0].takes == 2, "the other takes it up")
    worker.start()
    until(lambda: schedule.runs(0, 1)[0].state.over, "it is over")

    (run,) = schedule.runs(0, 9)
    assert (run.state, run.code) == (RunState.SUCCEEDED, 0)
    (record,) = ledger.page(Filter(), 9).records
    assert run.said == f"create_folder {record.id}: succeeded"
    assert (record.dedup_key, record.source) == (f"{run.id}:1", "schedule")
    assert simulator.applied("create_folder", folderName="nightly") == 1
    shown = json.loads(classin("schedule", "show", "minutely", "--json").stdout)
    assert [each["state"] for each in shown["runs"]] == ["succeeded"]


def test_who_is_asked_to_end_leaves_its_run_to_others(
    beats: list[WorkerProcess], schedule: ScheduleStore, redis_client: Redis, ledger: RedisLedger
) -> None:
    """At once, and it counts for nothing; its child ends with it."""
    plan(schedule, redis_client, (*WORDS, "--wait"))
    beats[0].start(BEAT, ready=False)
    pass_minutes(schedule, redis_client, 1, 1)
    until(lambda: ledger.counts().by_state().total() == 1, "its operation is recorded")
    (errand,) = errands_of(beats[0])

    beats[0].stop()

    assert not runs(errand)
    (run,) = schedule.runs(0, 9)
    assert (run.state, run.takes) == (RunState.WAITING, 0)


def ask(schedule: ScheduleStore, name: str, words: tuple[str, ...], time_limit: str) -> str:
    """Put a job into the schedule that is run now; gives its run."""
    asked = {"run": words, "cron": "0 0 1 1 *", "time_limit": time_limit}
    schedule.add(job_of(name, asked, lambda _: []))
    return schedule.ask(name, schedule.now()).id


def test_four_runs_that_hang_do_not_stop_short_ones(
    beats: list[WorkerProcess], schedule: ScheduleStore, ledger: RedisLedger
) -> None:
    """They wait for a worker that never comes, and a fifth for its turn; what prunes is done."""
    hanging = [ask(schedule, f"hangs-{n}", (*WORDS, "--wait"), "12h") for n in range(5)]
    beats[0].start(BEAT, ready=False)
    until(lambda: ledger.counts().by_state().total() == 4, "four of them wait for a worker")

    short = ask(schedule, "prunes", ("prune", "--succeeded-after", "7d", "--yes"), "1h")
    until(lambda: schedule.run(short).state.over, "the short one is done")

    assert schedule.run(short).state is RunState.SUCCEEDED
    states = [schedule.run(each).state for each in hanging]
    assert states == [RunState.RUNNING] * 4 + [RunState.WAITING]


def test_a_run_that_hangs_is_ended_when_its_time_is_up(
    beats: list[WorkerProcess], schedule: ScheduleStore, classin: Command
) -> None:
    """It has failed, says why, and nothing of it is left; the job says how long it may take."""
    run_id = ask(schedule, "hangs", (*WORDS, "--wait"), "3s")
    beats[0].start(BEAT, ready=False)

    until(lambda: schedule.run(run_id).state.over, "its time is up")

    run = schedule.run(run_id)
    assert (run.state, run.code) == (RunState.FAILED, -signal.SIGTERM)
    assert run.trouble.startswith("it was ended after 3s, its time limit")
    assert errands_of(beats[0]) == []
    shown = classin("schedule", "show", "hangs").stdout
    assert "time_limit" in shown
    assert "it was ended after 3s, its time limit" in " ".join(shown.split())
    assert json.loads(classin("schedule", "ls", "--json").stdout)["time_limit"] == 3


def test_the_doctor_misses_a_beat(classin: Command) -> None:
    """As soon as there is something for it to do."""
    before = classin("doctor", "--json").stdout
    added = classin("schedule", "add", "x", "--cron", "@daily", "--", "report")
    assert "No beat runs" in " ".join(added.stderr.split())
    after = classin("doctor", "--json").stdout
    assert ("no beat runs" in before, "no beat runs" in after) == (False, True)


def test_up_brings_a_beat_along(
    environment: Environment, classin: Command, worker: WorkerProcess, ledger: RedisLedger
) -> None:
    """And another, should it be killed; what somebody asks for by hand is done at once."""
    environment.set(redis_url=environment.settings.ledger_url, lease="2s")
    worker.start(command_line("up"))
    until(lambda: ledger.holder("beat") is not None, "the beat is about")
    (beat,) = [pid for pid in children(worker) if "beat" in command_of(pid)]

    os.kill(beat, signal.SIGKILL)
    until(lambda: "the beat ended (SIGKILL); it is started again" in worker.said(), "it is missed")
    added = classin("schedule", "add", "by-hand", "--cron", "0 0 1 1 *", "--", *WORDS)
    asked = classin("schedule", "run", "by-hand", "--json")

    assert (added.returncode, asked.returncode) == (0, 0)
    until(lambda: ledger.counts().by_state().total() == 1, "it is done")
    listed = json.loads(classin("schedule", "ls", "--json").stdout)
    assert listed["last_run"]["id"] == json.loads(asked.stdout)["id"]
    assert listed["last_run"]["by_hand"]


def command_of(pid: int) -> str:
    """Give the words of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@pytest.mark.parametrize("what", ["run", "pause", "rm"])
def test_a_dry_run_changes_nothing(what: str, classin: Command, schedule: ScheduleStore) -> None:
    """Whatever it is about; and of what is not there it says so."""
    assert classin("schedule", "add", "mine", "--cron", "0 * * * *", "--", *WORDS).returncode == 0
    before = schedule.find("mine")

    dry = classin("schedule", what, "mine", "--dry-run")

    assert dry.stdout == f"{what} mine: could be done; nothing was changed\n"
    assert (schedule.find("mine"), list(schedule.runs(0, 5))) == (before, [])
    assert classin("schedule", what, "nobodys", "--dry-run").returncode == 1


def test_a_file_says_what_the_schedule_is(
    classin: Command, schedule: ScheduleStore, tmp_path: Path
) -> None:
    """It is shown what would change; then it is changed, and what the file has no more goes."""
    file = tmp_path / "schedule.toml"
    file.write_text(
        '[one]\ncron = "30 2 * * *"\ntz = "Asia/Shanghai"\n'
        "run = \"enqueue edit_course courseId=1 courseName='Physics 8a'\"\n"
        '[two]\ncron = "0 7 * * *"\nrun = ["report", "--since", "12h"]\nif_running = "skip"\n'
    )
    by_hand = classin("schedule", "add", "mine", "--cron", "0 * * * *", "--", *WORDS)
    assert by_hand.returncode == 0

    dry = classin("schedule", "apply", str(file), "--dry-run")
    asking = classin("schedule", "apply", str(file))
    assert [job.job.name for job in schedule.jobs()] == ["mine"]
    assert (dry.returncode, asking.returncode) == (0, 2)
    assert "+ one" in dry.stdout
    assert "Asia/Shanghai" in dry.stdout
    assert "--yes" in asking.stderr

    assert classin("schedule", "apply", str(file), "--yes").returncode == 0
    assert [job.job.name for job in schedule.jobs()] == ["mine", "one", "two"]
    assert schedule.find("one").job.words[-1] == "courseName=Physics 8a"
    assert "is so already" in classin("schedule", "apply", str(file), "--yes").stdout

    file.write_text('[two]\ncron = "0 8 * * *"\nrun = "report --since 12h"\n')
    changed = classin("schedule", "apply", str(file), "--yes", "--json")
    found = [json.loads(line) for line in changed.stdout.splitlines()]
    assert [(each["change"], each["job"]["name"]) for each in found] == [
        ("change", "two"),
        ("remove", "one"),
    ]
    assert [job.job.name for job in schedule.jobs()] == ["mine", "two"]
    assert schedule.find("two").job.cron == "0 8 * * *"


def test_a_report_is_made_kept_and_sent(
    environment: Environment, classin: Command, mailbox: Mailbox
) -> None:
    """What could not be sent is told; what is kept says so, too, and no address is shown."""
    environment.set(report_to=f"{mailbox.url}?secret=word, nonsense://word")
    assert classin("enqueue", *WORDS[1:]).returncode == 0

    made = classin("report", "--tz", "Asia/Shanghai", "--json")
    shown = json.loads(made.stdout)

    assert made.returncode == 1
    assert shown["waiting"] == {"queued": 1}
    assert [(each["to"], each["sent"]) for each in shown["sent"]] == [
        ("json://***", True),
        ("nonsense://***", False),
    ]
    (letter,) = mailbox.letters
    assert letter["title"] == shown["title"] == "ClassIn: 0 done, nothing to look at"
    assert "not settled yet: 1 queued" in letter["message"]
    last = classin("report", "--last")
    assert last.stdout == shown["page"]
    assert " CST" in last.stdout
    listed = classin("report", "ls")
    assert "json://***, nonsense://*** (not taken)" in " ".join(listed.stdout.split())
    assert "word" not in made.stdout + made.stderr + listed.stdout


def test_what_cannot_be_a_job_is_refused(classin: Command, schedule: ScheduleStore) -> None:
    """With every fault at once, and nothing is changed."""
    refused = classin(
        *("schedule", "add", "x", "--cron", "61 2 * * *", "--tz", "Mars/Olympus"),
        *("--", "enqueue", "register", "telephone=13800138000", "password=a-word", "nick=x"),
    )
    assert refused.returncode == 2
    told = refused.stderr
    assert "cron: " in told
    assert "tz: there is no time zone" in told
    assert "nick" in told
    assert "13800138000" not in told
    assert "a-word" not in told
    assert schedule.jobs() == []


def test_a_run_is_noted_where_redis_is_full(schedule: ScheduleStore, redis_client: Redis) -> None:
    """Nothing new begins; what is under way keeps its lease, and its end is written down."""
    schedule.add(Job(name="full", cron="@daily", tz="UTC", words=WORDS))
    schedule.ask("full", START)
    carried = schedule.take("lease", 30, orphans=True)
    assert carried is not None
    redis_client.config_set("maxmemory", 1)

    with pytest.raises(UnavailableError, match="is full"):
        schedule.ask("full", START + MINUTE)
    assert schedule.renew(carried, 30)
    assert schedule.end(carried, RunState.SUCCEEDED, 0, "done", "")

    assert schedule.run(carried.run.id).said == "done"
