"""Schools that are closed, slow or called off, through real workers and the command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.simulator import SimulatorClient, create_app, in_thread
from ops.simulator.faults import FaultRule
from producers import Submitter
from tests.stage import Command, Environment, WorkerProcess, until
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.cloud import CreateFolder
from worker.classin.operations.courses import EditCourse
from worker.classin.signing import Counting
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

SLOW, QUICK = "1000001", "1000002"


@pytest.fixture
def two_schools(environment: Environment, home: Path) -> Iterator[SimulatorClient]:
    """A ClassIn that knows two schools, named slow and quick."""
    tables = home / "schools.toml"
    tables.touch(0o600)
    tables.write_text(
        f'[slow]\nsid = "{SLOW}"\nsecret = "s"\n[quick]\nsid = "{QUICK}"\nsecret = "q"\n'
    )
    for name in ("CLASSIN_SID", "CLASSIN_SECRET"):
        del environment.variables[name]
    with in_thread(create_app(schools={SLOW: "s", QUICK: "q"})) as url:
        environment.set(schools=str(tables), base_url=url)
        yield SimulatorClient(url)


def folder(name: str) -> CreateFolder:
    """A folder to be made."""
    return CreateFolder(folder_id=747759, folder_name=name)


def test_one_schools_trouble_slows_no_other(
    worker: WorkerProcess, environment: Environment, two_schools: SimulatorClient
) -> None:
    """Requests of one take long, and there are more of them than threads; the other's go on."""
    environment.set(threads="4")
    two_schools.faults(FaultRule(operation="create_folder", school=SLOW, delay=8))
    submitter = Submitter.from_settings(environment.settings)
    slow = submitter.submit_many(
        {"operation": "create_folder", "school": "slow", "lane": name,
         "fields": folder(name).to_dict()}
        for name in map(str, range(12))
    )  # fmt: skip
    quick = submitter.submit_many(
        {"operation": "create_folder", "school": "quick", "fields": folder(name).to_dict()}
        for name in map(str, range(12))
    )

    worker.start()
    settled = {receipt.wait(300).state for receipt in quick}

    assert settled == {State.SUCCEEDED}
    waiting = [receipt for receipt in slow if not receipt.record().state.settled]
    assert len(waiting) >= 6  # three at a time, of which each takes eight seconds
    two_schools.clear_faults()
    assert {receipt.wait(300).state for receipt in slow} == {State.SUCCEEDED}
    for name in map(str, range(12)):
        assert two_schools.applied("create_folder", folderName=name) == 2


def test_a_long_text_is_signed_as_the_service_counts(
    worker: WorkerProcess, environment: Environment, ledger: RedisLedger
) -> None:
    """The first is refused and signed anew the other way; the next at once; no school is closed."""
    unit = CreateUnit(
        course_id=414193, name="0", publish_flag=Publication.DRAFT, content="长" * 400
    )
    with in_thread(create_app(counting=Counting.CHARACTERS)) as url:
        environment.set(base_url=url)
        submitter = Submitter.from_settings(environment.settings)
        worker.start()
        records = [
            submitter.submit(unit.model_copy(update={"name": name})).wait(60) for name in "ab"
        ]

        assert [record.state for record in records] == [State.SUCCEEDED] * 2
        assert [[each.code for each in record.attempts] for record in records] == [
            [101002005, 1],
            [1],
        ]
        assert ledger.school_pauses() == []


def test_a_school_that_is_locked_out_goes_on_by_itself(
    worker: WorkerProcess,
    environment: Environment,
    simulator: SimulatorClient,
    submitter: Submitter,
    ledger: RedisLedger,
    classin: Command,
) -> None:
    """One looks now and then; the others wait, without an attempt; all is done in the end."""
    environment.set(looks="0.5s")
    simulator.faults(FaultRule(operation=None, code=102))
    worker.start()
    first = submitter.submit(folder("first"))
    until(lambda: bool(ledger.school_pauses()), "the school is paused")
    others = [submitter.submit(folder(f"{n}"), lane=f"{n}") for n in range(5)]
    until(lambda: ledger.school_pauses()[0].parked >= 5, "the others wait")

    (closed,) = json.loads(classin("stats", "--json").stdout)["closed"]
    assert (closed["school"], closed["closed"], closed["code"]) == ("main", "paused", 102)
    assert "school main is paused" in classin("show", others[-1].id).stdout

    simulator.clear_faults()
    for receipt in (first, *others):
        assert receipt.wait(120).state is State.SUCCEEDED
    assert ledger.school_pauses() == []
    assert simulator.counts()["create_folder"].applied == 6


def test_a_kind_that_alone_is_locked_out_is_refused(
    worker: WorkerProcess, environment: Environment, simulator: SimulatorClient,
    submitter: Submitter,
    ledger: RedisLedger,
) -> None:  # fmt: skip
    """Others of the school are let in: it is no matter of the secret."""
    environment.set(looks="0.5s")
    simulator.faults(FaultRule(operation="edit_course", code=102))
    worker.start()
    edit = submitter.submit(EditCourse(course_id=352861, course_name="Spring"))
    until(lambda: bool(ledger.school_pauses()), "the school is paused")

    assert submitter.submit(folder("tools")).wait(120).state is State.SUCCEEDED

    record = edit.wait(120)
    assert (record.state, record.reason, record.code) == (State.FAILED, Reason.REFUSED, 102)


def test_maintenance_is_waited_for(
    worker: WorkerProcess, environment: Environment, simulator: SimulatorClient,
    submitter: Submitter, ledger: RedisLedger, classin: Command,
) -> None:  # fmt: skip
    """All of the school waits, one looks; what met it says when it is due."""
    environment.set(looks="0.5s 60s")
    simulator.maintenance(on=True)
    worker.start()
    first = submitter.submit(folder("first"))
    until(lambda: bool(ledger.school_pauses()), "the school is held")
    assert ledger.school_pauses()[0].held
    assert first.record().state in {State.DEFERRED, State.QUEUED, State.RUNNING}

    simulator.maintenance(on=False)
    resumed = classin("resume", "main")

    assert resumed.returncode == 0
    assert first.wait(120).state is State.SUCCEEDED


def test_pause_resume_and_cancel_by_hand(
    worker: WorkerProcess, submitter: Submitter, ledger: RedisLedger, classin: Command,
    simulator: SimulatorClient,
) -> None:  # fmt: skip
    """What waits is called off at once, and what waited for it fails; the rest goes on."""
    assert classin("pause", "main", "--why", "holidays").returncode == 0
    assert classin("pause", "mian").returncode == 2
    worker.start()
    unwanted, wanted = (submitter.submit(folder(name), lane=name) for name in "ab")
    follower = submitter.submit(folder("c"), after=[unwanted])
    until(lambda: ledger.school_pauses()[0].parked == 2, "both wait")
    assert f"waiting behind {unwanted.id}" in classin("ls").stdout

    cancelled = classin("cancel", unwanted.id)

    assert (cancelled.returncode, unwanted.record().state) == (0, State.CANCELLED)
    assert follower.record().reason is Reason.DEPENDENCY
    assert "school main is paused by hand" in classin("stats").stdout
    assert "is open again" in classin("resume", "main").stdout
    assert wanted.wait(120).state is State.SUCCEEDED
    assert classin("cancel", wanted.id).returncode == 1
    assert classin("cancel", "nobody").returncode == 1
    assert [entry.fields["folderName"] for entry in simulator.journal(applied=True)] == ["b"]
