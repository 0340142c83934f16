"""What ended badly, mended by hand: shown before, done once, and told afterwards."""

import json
import os
import pwd
from typing import Any

from ops.simulator import FaultRule, SimulatorClient, When
from producers import Submitter, result_of
from tests.stage import Command, Environment, WorkerProcess, until
from worker.classin.operations.activities import ActivityType, CreateActivityNoClass
from worker.classin.operations.cloud import CreateFolder
from worker.classin.operations.courses import EditCourse
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

TOP = 747759


def lines(done: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # a process that has ended
    """What a command printed as JSON."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_morning_with_what_was_refused(
    classin: Command, worker: WorkerProcess, submitter: Submitter, ledger: RedisLedger
) -> None:
    """A wrong id: a look, a change with its before and after, and the trail of it."""
    worker.start()
    good = submitter.submit(CreateFolder(folder_id=TOP, folder_name="a"))
    refused = [
        submitter.submit(EditCourse(course_id=5, course_name=f"Physics {n}")) for n in range(3)
    ]
    for receipt in (good, *refused):
        receipt.wait(60)

    preview = classin("retry", "--operation", "edit_course", "--since", "1h", "--dry-run").stdout
    set_id = ("--state", "failed", "--set", "course_id=352861", "--why", "the id was old")
    shown = lines(classin("retry", *set_id, "--dry-run", "--json"))
    refusal = classin("retry", "--state", "failed", "--set", "courseNme=x")
    told = lines(classin("retry", *set_id, "--json"))

    assert "left out: in vain" in preview
    assert "the institution has no such course" in preview
    assert preview.endswith("nothing was submitted\n")
    edit = {"field": "courseId", "before": 5, "after": 352861}
    assert [each["edits"] for each in shown] == [[edit]] * 3
    assert (refusal.returncode, refusal.stderr.count("did you mean courseName?")) == (2, 3)
    new = [str(each["id"]) for each in told]
    until(lambda: all(each.state.settled for each in ledger.find_all(new)), "settled")
    for old, record in zip(refused, ledger.find_all(new), strict=True):
        assert (record.state, record.retry_of) == (State.SUCCEEDED, old.id)
        assert record.to_dict()["edits"] == [edit]
        assert (old.record().state, old.record().retried_by) == (State.FAILED, record.id)
    assert lines(classin("retry", "--state", "failed", "--json"))[0]["outlook"] == "done since"
    (deed,) = lines(classin("audit", "--json"))
    assert deed["who"] == pwd.getpwuid(os.getuid()).pw_name
    assert deed["about"] == "state=failed set course_id"
    assert (deed["ids"], deed["why"]) == ([each.id for each in refused], "the id was old")


def test_what_may_have_been_done_is_settled_by_a_person(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    submitter: Submitter,
    ledger: RedisLedger,
) -> None:
    """ClassIn did it, and the reply was lost: what waited for it goes on with what it made."""
    simulator.faults(
        FaultRule(operation="create_activity_no_class", first=1, when=When.AFTER, drop=True)
    )
    worker.start()
    lesson = submitter.submit(
        CreateActivityNoClass(
            course_id=414193,
            unit_id=400001,
            activity_type=ActivityType.HOMEWORK,
            name="once or not",
            teacher_uid=1001001,
        )
    )
    waiting = submitter.submit("rename_folder", {"folderId": result_of(lesson), "folderName": "b"})
    assert lesson.wait(60).state is State.UNCERTAIN
    waiting.wait(60)

    words = ("settle", lesson.id, "--succeeded", "--result", f'{{"data": {TOP}}}')
    assert classin(*words).returncode == 2
    (looked,) = lines(classin(*words, "--reason", "a look", "--dry-run", "--json"))
    assert looked["let_down"] == [waiting.id]
    assert lesson.record().state is State.UNCERTAIN
    settled = classin(*words, "--reason", "the lesson is there", "--json")

    (told,) = lines(settled)
    assert told == {"id": lesson.id, "state": "succeeded", "let_down": [waiting.id]}
    assert classin(*words, "--reason", "again").returncode == 2
    assert "a person found it done: the lesson is there" in classin("show", lesson.id).stdout
    (again,) = lines(classin("retry", waiting.id, "--json"))
    until(lambda: ledger.find(again["id"]).state.settled, "settled")
    assert ledger.find(again["id"]).fields["folderId"] == TOP
    assert [each["what"] for each in lines(classin("audit", "--json"))] == ["retry", "settle"]


def test_many_want_a_yes(classin: Command, submitter: Submitter, ledger: RedisLedger) -> None:
    """Without a terminal nobody can be asked: then nothing is done."""
    receipts = submitter.submit_many(
        [CreateFolder(folder_id=TOP, folder_name=f"f{n}") for n in range(101)]
    )
    for receipt in receipts:
        submitter.cancel(receipt.id)

    refused = classin("retry", "--state", "cancelled")
    assert (refused.returncode, "101" in refused.stderr) == (2, True)
    assert len(ledger.page(Filter(), 1000).records) == 101
    done = classin("retry", "--state", "cancelled", "--yes")
    assert "101 operations submitted as batch" in done.stdout
    assert len(ledger.page(Filter(), 1000).records) == 202
    assert classin("retry").returncode == 2
    assert classin("retry", receipts[0].id, "--state", "failed").returncode == 2
    assert classin("retry", "--state", "queued").returncode == 2


def test_what_is_old_is_pruned(
    classin: Command, environment: Environment, submitter: Submitter
) -> None:
    """After a look; a dedup key is known all the same."""
    fields = ("create_folder", f"folderId={TOP}", "folderName=a", "--dedup-key", "a")
    (first,) = lines(classin("enqueue", *fields, "--json"))
    submitter.cancel(first["id"])
    kept = submitter.submit(CreateFolder(folder_id=TOP, folder_name="b"))
    old = ("prune", "--others-after", "0s", "--succeeded-after", "0s")

    assert classin(*old).returncode == 2
    assert lines(classin(*old, "--dry-run", "--json"))[0]["pruned"] == {"cancelled": 1}
    assert lines(classin(*old, "--yes", "--json"))[0]["pruned"] == {"cancelled": 1}

    assert [each["id"] for each in lines(classin("ls", "--json"))] == [kept.id]
    shown = classin("show", first["id"])
    assert (shown.returncode, "its record was pruned" in shown.stderr) == (1, True)
    again = classin("enqueue", *fields)
    assert f"this was submitted before, as {first['id']}" in again.stdout
    (line,) = lines(classin("enqueue", *fields, "--json"))
    assert (line["id"], line["state"], line["new"]) == (first["id"], None, False)
    assert classin("prune", "--succeeded-after", "soon").returncode == 2
    assert [each["what"] for each in lines(classin("audit", "--json"))] == ["prune"]
    del environment


def test_what_else_is_changed_by_hand(classin: Command, submitter: Submitter) -> None:
    """Pausing, calling off and keys are in the trail as well, and why."""
    receipt = submitter.submit(CreateFolder(folder_id=TOP, folder_name="a"))
    assert lines(classin("pause", "main", "--dry-run", "--json"))[0]["paused"] is False
    assert "would be called off" in classin("cancel", receipt.id, "--dry-run").stdout
    classin("pause", "main", "--why", "holidays")
    classin("cancel", receipt.id, "--why", "not wanted")
    assert "is closed" in classin("resume", "main", "--dry-run").stdout
    classin("resume", "main")
    key = classin("keys", "add", "sis", "--read").stdout.strip()
    classin("keys", "revoke", "sis")
    assert classin("keys", "revoke", "nobody").returncode == 1

    deeds = lines(classin("audit", "--json"))

    assert [(each["what"], each["about"], each["why"]) for each in deeds] == [
        ("keys", "revoke sis", ""),
        ("keys", "add sis", ""),
        ("resume", "main", ""),
        ("cancel", "", "not wanted"),
        ("pause", "main", "holidays"),
    ]
    assert key not in json.dumps(deeds)
    assert "not wanted" in classin("audit", "--what", "cancel").stdout
