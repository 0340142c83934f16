"""A night and the morning after it: what was planned, what failed, who brought it through."""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from ops.processes.supervisor import classin as command_line
from ops.simulator import FaultRule, SimulatorClient
from ops.simulator.bundle import Size, invent, write_bundle
from tests.acceptance.patient_beat import NOW
from tests.acceptance.test_schedule import BEAT
from tests.in_step import differences
from tests.pages import ROOT, blocks
from tests.stage import Command, Environment, WorkerProcess, until
from worker.config.settings import environment_with
from worker.ledger.redis_client import connect
from worker.ledger.schedule_models import Run, RunState
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

SHANGHAI = ZoneInfo("Asia/Shanghai")

#: A course that there is, and one that there is not.
COURSE, NO_COURSE = 352861, 5

REFUSED, EXHAUSTED = 20, 10

TIMETABLE = """
[nightly-sync]
cron = "30 2 * * *"
tz = "Asia/Shanghai"
run = "sync oneroster {folder}/export.zip"

[nightly-file]
cron = "30 3 * * *"
tz = "Asia/Shanghai"
run = "enqueue --file {folder}/night.jsonl"

[nightly-retry]
cron = "30 4 * * *"
tz = "Asia/Shanghai"
run = "retry --nightly"

[morning]
cron = "0 7 * * *"
tz = "Asia/Shanghai"
run = "report --tz Asia/Shanghai"

[nightly-prune]
cron = "0 5 * * *"
tz = "Asia/Shanghai"
run = "prune --yes"
"""


class Night:
    """The coming night in Shanghai, as the beat's clock tells it, and what runs in it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._schedule = ScheduleStore(redis)
        now = datetime.now(SHANGHAI)
        self._day = now if now.hour < 2 else now + timedelta(days=1)

    def strikes(self, hour: int, minute: int = 0) -> None:
        """Let it be that late."""
        then = self._day.replace(hour=hour, minute=minute, second=0, microsecond=0)
        self._redis.set(NOW, round(then.timestamp() * 1000))

    def run_of(self, job: str) -> Run | None:
        """Give the run of a job, once there is one."""
        return next(iter(self._schedule.runs(0, 1, job)), None)

    def has_ended(self, job: str) -> bool:
        """Say whether the run of a job is over."""
        run = self.run_of(job)
        return run is not None and run.state.over

    def ended(self, job: str) -> Run:
        """Wait until the run of a job is over."""
        until(partial(self.has_ended, job), f"{job} has run")
        run = self.run_of(job)
        assert run is not None
        return run


@pytest.fixture
def night(environment: Environment) -> Night:
    """The coming night; it is five to half past two."""
    night = Night(connect(environment.settings.ledger_url))
    night.strikes(2, 25)
    return night


@pytest.fixture
def beat(environment: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A beat by the night's clock, not yet started."""
    process = WorkerProcess(environment, tmp_path / "beat.log")
    yield process
    process.kill()


@pytest.fixture
def planned(classin: Command, tmp_path: Path) -> Path:
    """A school's export, a file of operations, and their timetable, applied; gives the export."""
    export = write_bundle(tmp_path / "export.zip", invent(Size(30, 4, 6, 60)))
    asked = [
        ("edit_course", {"courseId": NO_COURSE, "courseName": f"Physics {n}"})
        for n in range(REFUSED)
    ] + [("add_course", {"courseName": f"Club {n}"}) for n in range(EXHAUSTED)]
    lines = (json.dumps({"operation": name, "fields": fields}) for name, fields in asked)
    (tmp_path / "night.jsonl").write_text("\n".join(lines))
    timetable = tmp_path / "schedule.toml"
    timetable.write_text(TIMETABLE.format(folder=tmp_path))
    applied = classin("schedule", "apply", str(timetable), "--yes", "--why", "a new term")
    assert applied.returncode == 0, applied.stderr
    return export


def lines(done: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # a process that has ended
    """What a command printed as JSON."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_night_and_its_morning(  # noqa: PLR0913, PLR0917  # all play
    night: Night,
    planned: Path,
    beat: WorkerProcess,
    worker: WorkerProcess,
    environment: Environment,
    simulator: SimulatorClient,
    ledger: RedisLedger,
    classin: Command,
) -> None:
    """Maintenance is waited out; ten come through at night, and twenty by hand in the morning."""
    environment.set(looks="0.2s")
    worker.start()
    beat.start(BEAT, ready=False)
    wait_out_the_maintenance(night, simulator, ledger)
    assert differences(planned, simulator.state()) == []

    worker.stop()
    environment.set(attempts="1", deferrals="0.1s", give_up_after="0.5s")
    worker.start()
    let_thirty_fail(night, simulator, ledger)
    simulator.clear_faults()
    night.strikes(4, 30)
    retry = night.ended("nightly-retry")
    assert retry.said.endswith(f"{EXHAUSTED} add_course 104"), retry
    until(lambda: standing(ledger) == {"succeeded": EXHAUSTED}, "the ten come through")
    night.strikes(5)
    assert night.ended("nightly-prune").said == "nothing is old enough"

    night.strikes(7)
    tells_of_the_twenty(night.ended("morning"), classin)
    mend_by_hand(classin, ledger)
    tells_who_did_what(classin)


def wait_out_the_maintenance(night: Night, simulator: SimulatorClient, ledger: RedisLedger) -> None:
    """From half past two to ten past three; the sync begins, waits, and finishes."""
    simulator.maintenance(on=True)
    night.strikes(2, 30)
    until(lambda: bool(ledger.school_pauses()), "the school is closed")
    night.strikes(3, 9)
    waiting = night.run_of("nightly-sync")
    assert waiting is not None
    assert waiting.state is RunState.RUNNING
    assert ledger.counts().by_state()[State.SUCCEEDED] == 0

    night.strikes(3, 10)
    simulator.maintenance(on=False)
    done = night.ended("nightly-sync")
    assert (done.state, done.code) == (RunState.SUCCEEDED, 0), done


def standing(ledger: RedisLedger) -> Counter[str]:
    """Count the retries by where they stand."""
    records = ledger.page(Filter(), 1000).records
    return Counter(each.state.value for each in records if each.retry_of)


def let_thirty_fail(night: Night, simulator: SimulatorClient, ledger: RedisLedger) -> None:
    """ClassIn has no such course for twenty; of ten it knows no better than "unknown error"."""
    simulator.faults(FaultRule(operation="add_course", code=104))
    night.strikes(3, 30)
    assert night.ended("nightly-file").state is RunState.SUCCEEDED

    def failed() -> Counter[str]:
        found = ledger.page(Filter(state="failed"), 1000).records
        return Counter(f"{each.operation} {each.reason}" for each in found)

    expected = {"edit_course refused": REFUSED, "add_course exhausted": EXHAUSTED}
    until(lambda: failed() == expected, "thirty fail")


def tells_of_the_twenty(run: Run, classin: Command) -> None:
    """In one line for the list of jobs, and on the page that is kept, grouped."""
    assert run.state is RunState.SUCCEEDED, run
    assert run.said.endswith(f"{REFUSED} to look at"), run.said
    report = json.loads(classin("report", "--last", "--json").stdout)
    groups = [(each["operation"], each["stands"], each["number"]) for each in report["groups"]]
    assert groups == [
        ("edit_course", "failed/refused", REFUSED),
        ("add_course", "failed/exhausted", 0),
    ]
    assert report["mended"] == EXHAUSTED
    assert [each["id"].partition(":")[0] for each in report["runs"]] == [
        "nightly-sync",
        "nightly-file",
        "nightly-retry",
        "nightly-prune",
    ]
    page = classin("report", "--last").stdout
    assert (
        f"**{REFUSED}** edit_course failed/refused, 144: the institution has no such course" in page
    )
    causes = json.loads(classin("stats", "--json").stdout)["window"]["failures"]
    (mine,) = [each for each in causes if each["operations"] == {"edit_course": REFUSED}]
    assert (mine["means"], mine["todo"]) == (
        report["groups"][0]["means"],
        report["groups"][0]["to_do"],
    )


def mend_by_hand(classin: Command, ledger: RedisLedger) -> None:
    """A look at what would come of it, then the twenty with another course."""
    wanted = ("retry", "--state", "failed", "--code", "144", "--set", f"courseId={COURSE}")
    preview = classin(*wanted, "--dry-run").stdout
    assert f"courseId: {NO_COURSE} -> {COURSE}" in preview
    assert preview.endswith("nothing was submitted\n")

    told = lines(classin(*wanted, "--why", "the course is another one now", "--json"))

    ids = [str(each["id"]) for each in told]
    assert len(ids) == REFUSED
    until(lambda: all(each.state.settled for each in ledger.find_all(ids)), "all are settled")
    for record in ledger.find_all(ids):
        assert record.state is State.SUCCEEDED
        assert [edit.to_dict() for edit in record.edits] == [
            {"field": "courseId", "before": NO_COURSE, "after": COURSE}
        ]
        old = ledger.find(str(record.retry_of))
        assert (old.state, old.retried_by) == (State.FAILED, record.id)
    assert json.loads(classin("report", "--json").stdout)["failures"] == 0


def tells_who_did_what(classin: Command) -> None:
    """The trail names the person, and the jobs for what they did by themselves."""
    me = pwd.getpwuid(os.getuid()).pw_name
    deeds = lines(classin("audit", "--json"))[::-1]
    assert [(each["who"], each["what"], each["about"]) for each in deeds[:5]] == [
        (me, "schedule", f"add {name}")
        for name in ("nightly-sync", "nightly-file", "nightly-retry", "morning", "nightly-prune")
    ]
    assert {each["why"] for each in deeds[:5]} == {"a new term"}
    retries = [each for each in deeds if each["what"] == "retry"]
    assert [(each["who"], len(each["ids"]), each["why"]) for each in retries] == [
        ("job nightly-retry", EXHAUSTED, ""),
        (me, REFUSED, "the course is another one now"),
    ]
    assert "set courseId" in retries[1]["about"]
    assert str(COURSE) not in json.dumps(deeds)


#: Where the night is told.
PAGE, SECTION = ROOT / "docs" / "schedule.md", "Try a night in one minute"


def typed(text: str) -> list[str]:
    """Return the blocks of commands of the night that a page tells of."""
    return [block.text for block in blocks(text, "sh") if block.section == SECTION]


@pytest.mark.usefixtures("curl")
def test_the_page_tells_it_as_commands(
    environment: Environment, worker: WorkerProcess, ledger: RedisLedger, tmp_path: Path
) -> None:
    """Typed one after the other, each when the jobs of the one before are over."""
    (first, *later) = typed(PAGE.read_text(encoding="utf-8"))
    short = dict(re.findall(r"CLASSIN_([A-Z_]+)=(\S+)", first))
    environment.set(redis_url=environment.settings.ledger_url)
    environment.set(**{name.lower(): text for name, text in short.items()})
    worker.start(command_line("up"))
    command = tmp_path / "bin" / "classin"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ops.cli "$@"\n')
    command.chmod(0o755)
    search = f"{command.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    place = {"HOME": str(tmp_path), "PATH": search, "PYTHONPATH": str(ROOT)}
    schedule = ScheduleStore(
        connect(environment.settings.ledger_url), keyring=environment.settings.keyring
    )

    def is_quiet() -> bool:
        unsettled = sum(n for state, n in ledger.counts().by_state().items() if not state.settled)
        return not unsettled and all(run.state.over for run in schedule.runs(0, 9))

    shell = [shutil.which("bash") or "sh", "-ec"]
    for block in later:
        done = subprocess.run(
            [*shell, f"cd ~; test -d classin-night && cd classin-night; {block}"],
            env=environment_with(environment.variables) | place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (block, done.stderr)
        until(is_quiet, "what it asked for is done")
    states = {run.job: run.state.value for run in schedule.runs(0, 9)}
    assert states == dict.fromkeys(("nightly-sync", "nightly-file", "nightly-retry"), "succeeded")
    assert all(word in done.stdout for word in ("edit_course", "job nightly-retry", "a new term"))
    found = ledger.page(Filter(state="succeeded"), 1000).records
    retried = Counter(each.operation for each in found if each.retry_of)
    assert retried == {"add_course": EXHAUSTED, "edit_course": REFUSED}
