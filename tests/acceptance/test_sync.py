"""A school's roster is brought into ClassIn and kept in step, whatever befalls it on the way."""

import csv
import json
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from ops.processes.supervisor import classin as command_line
from ops.simulator import FaultRule, SimulatorClient
from ops.simulator.bundle import Files, Size, invent, write_bundle
from ops.simulator.faults import When
from tests.in_step import differences
from tests.stage import Command, Environment, WorkerProcess, until
from worker.config.settings import environment_with
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

#: Replies lost after the work was done, and "unknown error", each for one request in twenty.
TROUBLE = (
    FaultRule(drop=True, when=When.AFTER, chance=0.05, seed=1),
    FaultRule(code=104, when=When.AFTER, chance=0.05, seed=2),
)


@pytest.fixture
def school() -> Files:
    """A made-up school: 180 people, 40 courses, 400 enrolments."""
    return invent(Size())


@pytest.fixture
def export(tmp_path: Path, school: Files) -> Path:
    """Its first export."""
    return write_bundle(tmp_path / "export.zip", school)


def submitted(ledger: RedisLedger, batches: list[str]) -> Counter[str]:
    """Count the operations of a sync by their names."""
    pages = (ledger.page(Filter(batch=batch), 1000).records for batch in batches)
    return Counter(record.operation for records in pages for record in records)


def test_a_school_comes_in_whole_through_trouble(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    export: Path,
    environment: Environment,
) -> None:
    """Replies get lost, a worker is killed; then each is there once, and nothing is left to do."""
    environment.set(lease="4s", threads="4")
    simulator.faults(*TROUBLE)
    worker.start()
    syncing = subprocess.Popen(
        command_line("sync", "oneroster", str(export), "--json"),
        env=environment_with(environment.variables),
        stdout=subprocess.PIPE,
    )
    until(lambda: simulator.applied("add_course") > 5, "courses are being made")
    worker.kill()
    worker.start()

    told = json.loads(syncing.communicate()[0])

    assert (syncing.returncode, told["state"], told["failures"]) == (0, "done", [])
    assert told["counts"]["people"]["created"] == 180
    assert differences(export, simulator.state()) == []

    simulator.clear_faults()
    again = json.loads(classin("sync", "oneroster", str(export), "--json").stdout)
    assert (again["state"], again["operations"]) == ("done", 0)


def test_only_what_changed_is_submitted(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    ledger: RedisLedger,
    school: Files,
    tmp_path: Path,
) -> None:
    """One class has another title, one student comes into a class, one leaves, one moves."""
    worker.start()
    first = write_bundle(tmp_path / "first.zip", school)
    assert classin("sync", "oneroster", str(first)).returncode == 0
    places = [row for row in school["enrollments"] if row["role"] == "student"]
    school["classes"][7]["title"] = "Astronomy"
    school["enrollments"].remove(places[0])
    inside = {row["userSourcedId"] for row in places if row["classSourcedId"] == "class-9"}
    newcomer = next(row for row in school["users"] if row["sourcedId"] not in inside)["sourcedId"]
    school["enrollments"].append(
        places[0] | {"sourcedId": "new", "classSourcedId": "class-9", "userSourcedId": newcomer}
    )
    moved = next(row for row in places if row["classSourcedId"] == "class-5")
    school["enrollments"].remove(moved)

    second = write_bundle(tmp_path / "second.zip", school)
    plan = classin("sync", "oneroster", str(second), "--dry-run", "--json").stdout.splitlines()
    done = json.loads(classin("sync", "oneroster", str(second), "--json").stdout)

    assert len(plan) == 4
    assert submitted(ledger, done["batches"]) == {
        "edit_course": 1,
        "del_course_student_multiple": 2,
        "add_course_student_multiple": 1,
    }
    assert differences(second, simulator.state()) == []


def test_half_an_export_is_stopped(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    export: Path,
    school: Files,
    tmp_path: Path,
) -> None:
    """An export that lost half of its rows would throw half of the school out."""
    worker.start()
    assert classin("sync", "oneroster", str(export)).returncode == 0
    before = simulator.state()
    for name in ("users", "classes", "enrollments"):
        del school[name][::2]

    halved = classin("sync", "oneroster", str(write_bundle(tmp_path / "half.zip", school)))

    assert halved.returncode == 2
    assert "90 of 180 people would be removed: 50%, more than 10%" in halved.stderr
    assert simulator.state() == before


def test_a_sync_that_is_killed_is_taken_up(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    export: Path,
    environment: Environment,
    tmp_path: Path,
) -> None:
    """The next one waits until the source is free, learns what was done, and does the rest."""
    syncing = subprocess.Popen(
        command_line("sync", "oneroster", str(export)),
        env=environment_with(environment.variables),
    )
    until(lambda: "succeeded" not in classin("stats").stdout and _queued(classin) > 10, "submitted")
    syncing.send_signal(signal.SIGKILL)
    syncing.wait()
    worker.start()
    passwords = tmp_path / "passwords.csv"

    done = classin("sync", "oneroster", str(export), "--passwords", str(passwords))

    assert done.returncode == 0
    assert differences(export, simulator.state()) == []
    assert simulator.applied("add_course") == 40
    assert passwords.stat().st_mode & 0o777 == 0o600
    with passwords.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 180
    states = [
        json.loads(line)["state"] for line in classin("sync", "runs", "--json").stdout.splitlines()
    ]
    assert states == ["done", "interrupted"]


def _queued(classin: Command) -> int:
    told = json.loads(classin("stats", "--json").stdout)
    return int(sum(told["states"].values()))


def test_what_a_person_allows_is_in_the_audit_trail(
    classin: Command, worker: WorkerProcess, tmp_path: Path
) -> None:
    """To let many go, and to take a sync back; who, what and why, and nobody's name."""
    worker.start()
    school = invent(Size(12, 2, 3, 24))
    first = write_bundle(tmp_path / "first.zip", school)
    assert classin("sync", "oneroster", str(first)).returncode == 0
    gone = [row for row in school["enrollments"] if row["role"] == "student"][:8]
    school["enrollments"] = [row for row in school["enrollments"] if row not in gone]
    second = write_bundle(tmp_path / "second.zip", school)
    assert classin("sync", "oneroster", str(second)).returncode == 2
    assert classin("audit", "--json").stdout == ""

    words = ("--allow-removals", "enrolments", "--why", "a class was closed", "--json")
    done = json.loads(classin("sync", "oneroster", str(second), *words).stdout)
    undone = classin("sync", "undo", done["id"], "--yes", "--why", "it was not", "--json")

    assert undone.returncode == 0, undone.stderr
    deeds = [json.loads(line) for line in classin("audit", "--json").stdout.splitlines()]
    assert [(deed["what"], deed["about"], deed["why"]) for deed in deeds] == [
        ("sync", f"undo {done['id']} of main:sis", "it was not"),
        ("sync", "main:sis of second.zip, allowing removals of enrolments", "a class was closed"),
    ]
