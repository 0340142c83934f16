"""The main job: from submission to settled record, by a real worker."""

import json
from pathlib import Path

import pytest

from ops.simulator import FaultRule, SimulatorClient, When
from producers import Submitter
from tests.stage import Command, Environment, WorkerProcess, until
from worker.classin.operation import Operation
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.cloud import CreateFolder, RenameFolder
from worker.classin.operations.courses import EditCourse
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

TOOLS = ("create_folder", "folderId=747759", "folderName=tools")


def test_a_folder_is_made_and_the_new_id_comes_back(
    classin: Command, worker: WorkerProcess
) -> None:
    """What the README's first line promises."""
    worker.start()

    done = classin("enqueue", *TOOLS, "--wait", "--json")

    record = json.loads(done.stdout)
    assert done.returncode == 0
    assert (record["state"], record["code"]) == ("succeeded", 1)
    assert record["result"] == {"data": "800001"}


def test_104_twice_costs_two_attempts_more(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient
) -> None:
    """Each attempt is signed with the time of its own sending."""
    simulator.faults(FaultRule(operation="create_folder", code=104, first=2, delay=1.1))
    worker.start()

    done = classin("enqueue", *TOOLS, "--wait", "--json")

    record = json.loads(done.stdout)
    assert (done.returncode, record["state"]) == (0, "succeeded")
    assert [attempt["code"] for attempt in record["attempts"]] == [104, 104, 1]
    stamps = [entry.timestamp for entry in simulator.journal("create_folder")]
    assert len(set(stamps)) == 3


def test_104_on_every_call_defers_and_in_the_end_exhausts(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    environment: Environment,
    submitter: Submitter,
) -> None:
    """Attempts, deferrals, and an end when the time is up."""
    environment.set(attempts="2", deferrals="0.3s", give_up_after="2s")
    simulator.faults(FaultRule(code=104))
    worker.start()
    receipt = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools"))

    until(lambda: receipt.record().state is State.DEFERRED, "deferred")
    record = receipt.wait(60)

    assert (record.state, record.reason, record.code) == (State.FAILED, Reason.EXHAUSTED, 104)
    assert len(record.attempts) >= 4
    assert classin("show", record.id).returncode == 0


def test_193_is_refused_after_one_attempt(classin: Command, worker: WorkerProcess) -> None:
    """A permanent code is not tried again."""
    worker.start()

    done = classin("enqueue", "rename_folder", "folderId=5", "folderName=x", "--wait", "--json")

    record = json.loads(done.stdout)
    assert done.returncode == 1
    assert (record["state"], record["reason"], record["code"]) == ("failed", "refused", 193)
    assert len(record["attempts"]) == 1


@pytest.mark.parametrize(
    "operation",
    [
        CreateFolder(folder_id=747759, folder_name="tools"),
        CreateUnit(course_id=414193, name="Week 1", publish_flag=Publication.DRAFT),
        RenameFolder(folder_id=747759, folder_name="hello"),
        EditCourse(course_id=352861, course_name="Today is a good day"),
    ],
    ids=lambda operation: operation.spec.name,
)
@pytest.mark.parametrize(
    "fault",
    [
        FaultRule(first=1, drop=True, when=When.AFTER),
        FaultRule(first=1, code=104, when=When.AFTER),
        FaultRule(first=1, garble=True, when=When.AFTER),
        FaultRule(first=1, status=502, when=When.AFTER),
    ],
    ids=["dropped", "104", "garbled", "502"],
)
def test_done_but_told_otherwise(
    operation: Operation,
    fault: FaultRule,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    submitter: Submitter,
) -> None:
    """ClassIn did it and then failed to say so: the repeat does no harm, and succeeds."""
    simulator.faults(fault)
    worker.start()

    record = submitter.submit(operation).wait(60)

    assert record.state is State.SUCCEEDED
    assert len(record.attempts) == 2
    held = simulator.state()["schools"]["1000082"]
    made = [folder["folderName"] for folder in held["folders"]] + [u["name"] for u in held["units"]]
    assert made.count("tools") <= 1
    assert made.count("Week 1") <= 1


def test_a_worker_killed_before_it_read_the_reply(
    worker: WorkerProcess,
    simulator: SimulatorClient,
    environment: Environment,
    submitter: Submitter,
) -> None:
    """The next worker repeats it, and takes "exists already" for its own work."""
    environment.set(lease="4s", reply_timeout="3s", connect_timeout="0.5s")
    simulator.faults(FaultRule(operation="create_folder", first=1, delay=600, when=When.AFTER))
    worker.start()
    receipt = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools"))
    until(lambda: simulator.applied("create_folder") == 1, "the folder is made")

    worker.kill()
    worker.start()
    record = receipt.wait(60)

    assert (record.state, record.already, record.code) == (State.SUCCEEDED, True, 206)
    assert simulator.applied("create_folder") == 1


def test_ten_thousand_from_one_file(
    classin: Command, worker: WorkerProcess, ledger: RedisLedger, tmp_path: Path
) -> None:
    """All of a large file is settled, and `ls` pages through all of it."""
    lines = tmp_path / "ten-thousand.jsonl"
    fields = [{"courseId": 352861, "courseName": f"Course {n}"} for n in range(10_000)]
    # In lanes of their own: by default operations on one course go one by one.
    lines.write_text(
        "".join(
            json.dumps({"operation": "edit_course", "fields": each, "lane": f"{n % 500}"}) + "\n"
            for n, each in enumerate(fields)
        )
    )
    worker.start()

    submitted = classin("enqueue", "--file", str(lines), "--json")
    ids = [json.loads(line)["id"] for line in submitted.stdout.splitlines()]
    batch = str(ledger.find(ids[0]).batch)
    watched = classin("watch", batch)
    assert (submitted.returncode, watched.returncode) == (0, 0)
    assert watched.stdout.splitlines()[-1] == "10,000 succeeded"

    listed: list[str] = []
    cursor: tuple[str, ...] = ()
    while True:
        page = classin("ls", "--batch", batch, "--limit", "2500", "--json", *cursor)
        records = [json.loads(line) for line in page.stdout.splitlines()]
        if not records:
            break
        listed += [record["id"] for record in records]
        cursor = ("--cursor", records[-1]["cursor"])
    assert listed == ids[::-1]
