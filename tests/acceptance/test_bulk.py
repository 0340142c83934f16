"""Operations on many things, and those that a repeat would do twice."""

import json
from pathlib import Path

from ops.simulator import FaultRule, SimulatorClient, When
from producers import Submitter
from tests.stage import Command, Environment, WorkerProcess, until
from worker.classin.operations.courses import AddCourse
from worker.ledger.states import State

NOBODY = 9_999_999


def enrolment(*uids: int) -> str:
    """The students as typed into a shell."""
    return json.dumps([{"uid": uid, "customColumn": f"row {uid}"} for uid in uids])


def test_what_failed_goes_again_and_nothing_else(classin: Command, worker: WorkerProcess) -> None:
    """Two of three are enrolled; the third follows when it is known to ClassIn."""
    worker.start()
    words = ("enqueue", "add_course_student_multiple", "courseId=414193", "identity=1")
    students = f"studentJson={enrolment(1002001, NOBODY, 1002002)}"

    done = classin(*words, students, "--wait", "--json")

    record = json.loads(done.stdout)
    assert (done.returncode, record["state"]) == (1, "partial")
    assert [item["code"] == 1 for item in record["items"]] == [True, False, True]
    assert f"classin retry {record['id']}" in classin("show", record["id"]).stdout
    retried = json.loads(classin("retry", record["id"], "--json").stdout)
    again = json.loads(classin("show", retried["id"], "--json").stdout)
    assert again["retry_of"] == record["id"]
    assert [student["uid"] for student in again["fields"]["studentJson"]] == [NOBODY]
    old = json.loads(classin("show", record["id"], "--json").stdout)
    assert (old["state"], old["retried_by"]) == ("partial", retried["id"])


def test_forty_students_take_two_calls(
    worker: WorkerProcess, submitter: Submitter, simulator: SimulatorClient
) -> None:
    """A call carries thirty; the batch carries all."""
    worker.start()
    fields = {
        "courseId": 414193,
        "identity": 1,
        "studentJson": [{"uid": NOBODY + n} for n in range(40)],
    }

    receipts = submitter.submit_many(
        [{"operation": "add_course_student_multiple", "fields": fields}]
    )
    for receipt in receipts:
        receipt.wait(60)

    sent = simulator.journal("add_course_student_multiple")
    assert sorted(len(json.loads(str(entry.fields["studentJson"]))) for entry in sent) == [10, 30]


def test_what_was_left_out_is_mended(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient
) -> None:
    """Registered, but not made a student: `retry --mend` does that, and no second registration."""
    simulator.faults(FaultRule(operation="register", first=1, code=820, when=When.AFTER))
    worker.start()
    account = ("telephone=13912345678", "password=secret-word", "nickname=Ada")

    done = classin("enqueue", "register", *account, "--wait", "--json")

    record = json.loads(done.stdout)
    assert (done.returncode, record["state"], record["code"]) == (1, "partial", 820)
    assert "secret-word" not in done.stdout
    assert "13912345678" not in done.stdout
    assert "secret-word" in classin("show", record["id"], "--reveal").stdout
    assert classin("retry", record["id"]).returncode == 2
    (mend,) = classin("retry", record["id"], "--mend", "--json").stdout.splitlines()
    mended = classin("show", json.loads(mend)["id"], "--json").stdout
    assert json.loads(mended)["operation"] == "add_school_student"
    assert simulator.applied("register") == 1


def test_a_lost_reply_makes_no_second_course(
    worker: WorkerProcess, submitter: Submitter, simulator: SimulatorClient
) -> None:
    """The identity, derived from the record's id, goes with every attempt."""
    simulator.faults(FaultRule(operation="add_course", first=1, drop=True, when=When.AFTER))
    worker.start()

    record = submitter.submit(AddCourse(course_name="Physics 8a")).wait(60)

    assert (record.state, record.already, record.code) == (State.SUCCEEDED, True, 398)
    courses = simulator.state()["schools"]["1000082"]["courses"]
    assert [course["courseName"] for course in courses].count("Physics 8a") == 1
    identities = {entry.fields["courseUniqueIdentity"] for entry in simulator.journal("add_course")}
    assert identities == {record.id}


def test_a_killed_worker_uploads_nothing_twice(
    worker: WorkerProcess,
    submitter: Submitter,
    simulator: SimulatorClient,
    environment: Environment,
    tmp_path: Path,
) -> None:
    """Nothing tells a repeat of an upload: after the kill a person decides."""
    environment.set(lease="4s", reply_timeout="3s", connect_timeout="0.5s")
    simulator.faults(FaultRule(operation="upload_file", first=1, delay=600, when=When.AFTER))
    sheet = tmp_path / "sheet.pdf"
    sheet.write_bytes(b"pdf")
    worker.start()
    receipt = submitter.submit("upload_file", {"folderId": 747759, "Filedata": f"@{sheet}"})
    until(lambda: simulator.applied("upload_file") == 1, "the file is there")

    worker.kill()
    worker.start()

    assert receipt.wait(60).state is State.UNCERTAIN
    assert simulator.applied("upload_file") == 1
