"""Jobs in Redis: who can write Redis makes no host carry out a command of theirs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from ops.processes.supervisor import classin as command_line
from ops.scheduling.jobs_file import differences
from ops.scheduling.runner import JobProcess, Runner
from tests.redis_server import SharedRedis
from tests.stage import Command, Environment, WorkerProcess, until
from worker.config.settings import environment_with
from worker.keyring import KeyRing
from worker.ledger.redis_client import connect
from worker.ledger.schedule_models import UNSIGNED, Job, Run, RunState
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter
from worker.scheduling.tick_claimer import Ticker

NOW = 1_798_761_600_000

REPORT = Job(name="nightly", cron="0 5 * * *", tz="UTC", words=("report",), time_limit=3600)

CANARY = "canary-of-a-file-that-only-the-beat-may-read"

#: All that tick.lua has ever written into a run.
RUN: dict[str, Any] = {
    "state": "waiting",
    "recorded_at": 1,
    "by_hand": "1",
    "late": "",
    "time_limit": "60",
}

#: All that plan.lua has ever written into a job.
JOB: dict[Any, Any] = {
    "cron": "* * * * *",
    "tz": "UTC",
    "if_running": "wait",
    "catch_up": "21600",
    "time_limit": "60",
    "file": "",
    "last": 1,
}


@pytest.fixture
def client(environment: Environment) -> Redis:
    """Redis, as whoever may write there sees it."""
    return connect(environment.settings.ledger_url)


@pytest.fixture
def classin(environment: Environment) -> Command:
    """The command."""
    return Command(environment)


@pytest.fixture
def beat(environment: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A beat, not yet started."""
    process = WorkerProcess(environment, tmp_path / "beat.log", command=command_line("beat"))
    yield process
    process.kill()


def write_run(client: Redis, name: str, words: str, **more: str) -> str:
    """Write a run into Redis that no beat has recorded; returns its id."""
    its_id = f"{name}:2027-01-01T00:00Z"
    values: dict[Any, Any] = {**RUN, "job": name, "tick": NOW, "words": words, **more}
    client.hset(f"classin:run:{its_id}", mapping=values)
    client.zadd("classin:open-runs", {its_id: 1})
    client.zadd("classin:runs", {its_id: 1})
    client.zadd(f"classin:runs:{name}", {its_id: 1})
    return its_id


def is_over(client: Redis, its_id: str) -> bool:
    """Say whether nothing more happens to a run."""
    return client.hget(f"classin:run:{its_id}", "state") in {"failed", "succeeded", "skipped"}


def test_a_job_written_into_redis_by_hand_is_not_run(
    client: Redis, classin: Command, beat: WorkerProcess, ledger: RedisLedger, tmp_path: Path
) -> None:
    """Who can write Redis would read any file of the beat's host, by an upload of their own."""
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY)
    words = json.dumps(["enqueue", "upload_file", "folderId=1", f"Filedata=@{secret}"])
    client.hset("classin:job:stolen", mapping={**JOB, "words": words})
    client.sadd("classin:jobs", "stolen")
    written = write_run(client, "other", words)
    beat.start(ready=False)
    until(lambda: is_over(client, written), "the run is over")
    added = classin("schedule", "add", "own", "--cron", "0 0 1 1 *", "--", "report")
    assert added.returncode == 0, added.stderr
    asked = classin("schedule", "run", "own", "--json")
    own = json.loads(asked.stdout)["id"]
    until(lambda: is_over(client, own), "the beat carries out what was added by the command")
    assert client.hget(f"classin:run:{own}", "state") == "succeeded"
    assert client.hget(f"classin:run:{written}", "state") == "failed"
    assert client.zcard("classin:runs:stolen") == 0
    assert not ledger.page(Filter(), 10).records
    assert not [*client.scan_iter("classin:file:*")]
    assert CANARY not in beat.said()
    shown = classin("schedule", "ls").stdout
    assert "not signed" in shown
    assert "stolen" in classin("doctor").stdout
    assert classin("schedule", "run", "stolen").returncode == 2


@pytest.fixture
def schedule(server: SharedRedis) -> ScheduleStore:
    """A schedule with one job, which an operator has added."""
    schedule = ScheduleStore(server.client(), lambda: NOW, keyring=KeyRing.in_memory())
    schedule.add(REPORT)
    return schedule


def _started(schedule: ScheduleStore) -> list[tuple[str, ...]]:
    """Let a runner take up all that waits; gives the words of what it starts."""
    started: list[tuple[str, ...]] = []

    def start(run: Run) -> JobProcess:
        started.append(run.words)
        raise OSError("nothing is started here")

    Runner(schedule, start=start, clock=lambda: 1e6).run_once()
    return started


def test_a_job_that_an_operator_added_is_run(schedule: ScheduleStore) -> None:
    """What follows refuses nothing that is right."""
    schedule.ask("nightly", NOW)
    assert _started(schedule) == [REPORT.words]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("words", '["enqueue", "upload_file", "Filedata=@/etc/passwd"]'),
        ("cron", "* * * * *"),
        ("tz", "Asia/Shanghai"),
        ("if_running", "join"),
        ("catch_up", "2592000"),
        ("time_limit", "2592000"),
        ("file", "other.toml"),
        ("mac", ""),
        ("mac", "0" * 64),
    ],
)
def test_a_job_that_was_changed_in_redis_is_not_run(
    part: str, text: str, schedule: ScheduleStore, server: SharedRedis
) -> None:
    """Who can write Redis would change what an operator's job does, or when."""
    server.client().hset("classin:job:nightly", part, text)
    (planned,) = schedule.jobs()
    assert not planned.signed
    server.client().hset("classin:job:nightly", "last", 1)
    assert Ticker(schedule).claim_due() == 0
    schedule.ask("nightly", NOW)
    assert _started(schedule) == []
    assert schedule.runs(0, 9)[0].state is RunState.FAILED
    assert schedule.runs(0, 9)[0].trouble == UNSIGNED


def test_a_run_whose_words_were_changed_in_redis_is_not_run(
    schedule: ScheduleStore, server: SharedRedis
) -> None:
    """Who can write Redis would change a run between its tick and its beginning."""
    run = schedule.ask("nightly", NOW)
    words = '["enqueue", "upload_file", "Filedata=@/etc/passwd"]'
    server.client().hset(f"classin:run:{run.id}", "words", words)
    assert _started(schedule) == []
    assert schedule.run(run.id).trouble == UNSIGNED


@pytest.mark.parametrize(
    ("its_id", "job"),
    [("other:2027-01-01T00:00Z", "other"), ("other:2027-01-01T00:00Z", "nightly")],
)
def test_the_signature_of_a_job_signs_no_run_of_another(
    its_id: str, job: str, schedule: ScheduleStore, server: SharedRedis
) -> None:
    """Who can write Redis would copy the signature that they see there."""
    run = schedule.ask("nightly", NOW)
    values: dict[Any, Any] = server.client().hgetall(f"classin:run:{run.id}")
    server.client().delete("classin:open-runs")
    server.client().hset(f"classin:run:{its_id}", mapping={**values, "job": job})
    server.client().zadd("classin:open-runs", {its_id: 1})
    assert _started(schedule) == []


def test_a_job_signed_with_another_key_ring_is_not_run(server: SharedRedis) -> None:
    """Who can write Redis, and has a key ring of their own, would sign with that."""
    theirs = ScheduleStore(server.client(), lambda: NOW, keyring=KeyRing.in_memory())
    theirs.add(REPORT)
    theirs.ask("nightly", NOW)
    ours = ScheduleStore(server.client(), lambda: NOW, keyring=KeyRing.in_memory())
    assert _started(ours) == []
    assert not ours.find("nightly").signed


@pytest.mark.parametrize("words", ["", "[]", "{}", "[[", '[["enqueue"]]', '"enqueue"', "[" * 9999])
def test_an_unreadable_run_holds_up_no_other(
    words: str, schedule: ScheduleStore, server: SharedRedis
) -> None:
    """Who can write Redis would stop the whole schedule with a run that nobody can read."""
    write_run(server.client(), "odd", words, time_limit="nan", tick="soon")
    server.client().hset("classin:run:bare", "state", "waiting")
    server.client().zadd("classin:open-runs", {"bare": 0})
    schedule.ask("nightly", NOW)
    assert _started(schedule) == [REPORT.words]


def test_a_job_of_before_is_signed_by_applying_its_file_anew(
    schedule: ScheduleStore, server: SharedRedis
) -> None:
    """Nobody who wrote into Redis is trusted for having been there first."""
    server.client().hdel("classin:job:nightly", "mac")
    (change,) = differences([REPORT], schedule.jobs(), "")
    assert [name for name, _, _ in change.changes] == ["signature"]
    schedule.put(change.job)
    assert schedule.find("nightly").signed


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("keys", "add", "x"), "'keys' cannot be a job"),
        (("report", "--to", "json://127.0.0.1"), "--to"),
        (("enqueue", "upload_file", "Filedata=@/proc/self/environ"), "CLASSIN_FILES_FROM"),
        (("enqueue", "upload_file", "Filedata=@{root}/listed/../secret"), "CLASSIN_FILES_FROM"),
        (("enqueue", "upload_file", "Filedata=@{root}/listed/link"), "CLASSIN_FILES_FROM"),
    ],
)
def test_what_may_be_a_job_is_decided_where_it_is_run(
    words: tuple[str, ...], what: str, tmp_path: Path
) -> None:
    """Who adds jobs from another host, or an older version, would go by that one's rules."""
    (tmp_path / "listed").mkdir()
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "listed" / "link").symlink_to(tmp_path / "secret")
    variables = {"CLASSIN_HOME": str(tmp_path), "CLASSIN_FILES_FROM": str(tmp_path / "listed")}
    command = [sys.executable, "-m", "ops.cli.job_process", "run:1"]
    line, runner = os.pipe()  # what ties it to its runner
    try:
        done = subprocess.run(
            [*command, *(word.format(root=tmp_path) for word in words)],
            env=environment_with(variables),
            stdin=line,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(line)
        os.close(runner)
    assert done.returncode == 2
    assert what in done.stderr
    assert done.stderr.count("\n") == 1
