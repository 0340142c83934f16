"""Order: whom a line waits for, by id or by name."""

import json
from typing import Any

import pytest

from producers import Receipt, result_of
from producers.files.jsonl import check_lines
from producers.intake.checked import Checked
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from tests.unit.published import taken_from
from tests.unit.stage import Stage, said
from worker.broker.queue import Queues
from worker.classin.operations.cloud import CreateFolder, RenameFolder
from worker.errors import InvalidInputError
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.store import CHUNK, RedisLedger

FOLDER = {"folderId": 747759, "folderName": "tools"}


def create(key: str | None = None, *after: str, **more: object) -> dict[str, Any]:
    """A line that makes a folder."""
    return {"operation": "create_folder", "fields": FOLDER, "dedup_key": key, "after": after} | more


def rename(name: str, **more: object) -> dict[str, Any]:
    """A line that renames the folder that another line makes."""
    fields = {"folderId": {"$result": name}, "folderName": "toys"}
    return {"operation": "rename_folder", "fields": fields} | more


def check(submitter: Submitter, *lines: dict[str, Any]) -> Checked:
    """Check a file of these lines."""
    return check_lines((json.dumps(line).encode() for line in lines), submitter, "test.jsonl")


def faults(submitter: Submitter, *lines: dict[str, Any]) -> list[str]:
    """What is wrong with them."""
    return [str(fault) for fault in check(submitter, *lines).faults]


def test_a_line_waits_for_an_earlier_one_by_its_key(submitter: Submitter, stage: Stage) -> None:
    """It has no message until then, and gets one when the other went well."""
    first, second = submitter.submit_many([create("a"), create(None, "a", lane="another")])

    assert second.record().after == (first.id,)
    assert [r.record().state for r in (first, second)] == [State.QUEUED, State.BLOCKED]
    stage.perform(first.id, said(1, data="800001"))
    assert second.record().state is State.QUEUED
    assert [due.id for due in stage.published] == [second.id]


def test_messages_go_out_for_what_is_ready_only(submitter: Submitter, queues: Queues) -> None:
    """What waits gets its own when its time comes."""
    first, _ = submitter.submit_many([create("a"), rename("a", priority="low")])

    assert [message["headers"]["id"] for message in taken_from(queues)] == [first.id]


def test_a_record_of_before_is_named_by_id_key_or_receipt(submitter: Submitter) -> None:
    """In any mixture; who is named twice is waited for once."""
    first = submitter.submit("create_folder", FOLDER, dedup_key="a")
    second = submitter.submit("get_top_folder_id")

    waiting = submitter.submit("get_top_folder_id", after=["a", second.id, second, first.id])

    assert waiting.record().after == (first.id, second.id)


def test_an_id_wins_over_a_key(submitter: Submitter) -> None:
    """Whoever calls something by the id of something else is not heard."""
    first = submitter.submit("get_top_folder_id")
    submitter.submit("create_folder", FOLDER, dedup_key=first.id)

    waiting = submitter.submit("get_top_folder_id", after=[first.id])

    assert waiting.record().after == (first.id,)


def test_a_key_belongs_to_its_school(submitter: Submitter, two_schools: Submitter) -> None:
    """Another school's is unknown, though its id is not."""
    first = submitter.submit("create_folder", FOLDER, dedup_key="a", school="main")

    with pytest.raises(InvalidInputError, match="there is no record 'a'"):
        two_schools.submit("get_top_folder_id", after=["a"], school="north")
    waiting = two_schools.submit("get_top_folder_id", after=[first.id], school="north")
    assert waiting.record().after == (first.id,)


def test_a_result_that_is_not_there_yet_is_referred_to(submitter: Submitter, stage: Stage) -> None:
    """By key in a file; the record has the id, waits for it, and is sent with the result."""
    first, second = submitter.submit_many([create("a"), rename("a", after=["a"])])

    record = second.record()
    assert record.fields["folderId"] == {"$result": first.id, "path": "data"}
    assert record.after == (first.id,)
    assert record.lane == f"main:folder_id:$result:{first.id}:data"
    stage.perform(first.id, said(1, data="800001"))
    classin = stage.perform(second.id, said(1))
    assert classin.sent[0].form is not None
    assert classin.sent[0].form["folderId"] == "800001"


@pytest.mark.parametrize("by_id", [True, False], ids=["id", "receipt"])
def test_python_refers_to_a_result(submitter: Submitter, *, by_id: bool) -> None:
    """In a field of any type, of an object or of fields by name."""
    first = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools"))
    folder = result_of(first.id if by_id else first)

    receipts = [
        submitter.submit(RenameFolder(folder_id=folder, folder_name="toys")),
        submitter.submit("rename_folder", {"folderId": folder, "folderName": "toys"}),
        *submitter.submit_many([RenameFolder(folder_id=folder, folder_name="toys")]),
    ]

    for receipt in receipts:
        assert receipt.record().fields["folderId"] == {"$result": first.id, "path": "data"}
        assert receipt.record().after == (first.id,)


def test_a_result_within_a_list_is_referred_to(submitter: Submitter) -> None:
    """And at a place of its own within the result."""
    first = submitter.submit("get_top_folder_id")
    students = [{"uid": 1}, {"uid": result_of(first, "data.uid")}]
    fields = {"courseId": 1, "identity": 1, "studentJson": students}

    record = submitter.submit("add_course_student_multiple", fields).record()

    assert record.fields["studentJson"][1]["uid"] == {"$result": first.id, "path": "data.uid"}
    assert record.after == (first.id,)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([create("lesson-1"), create(None, "leson-1")],
         ["line 2: after: there is no record 'leson-1'; did you mean lesson-1?"]),
        ([create(), create(None, "nobody"), rename("nothing")],
         ["line 2: after: there is no record 'nobody'",
          "line 3: $result: there is no record 'nothing'"]),
        ([create(None, "b"), create("b")],
         ["line 1: after: 'b' (line 2) comes later: put it before this one"]),
        ([rename("b"), create("b")],
         ["line 1: $result: 'b' (line 2) comes later: put it before this one"]),
        ([create("a", "a")],
         ["line 1: after: 'a' is its own dedup key: it would wait for itself"]),
        ([create("z"), create("a", "c", "z"), create("b", "a"), create("c", "b")],
         ["line 2: after: 'c' makes a cycle: line 2 -> line 4 -> line 3 -> line 2",
          "line 3: after: 'a' (line 2) has faults",
          "line 4: after: 'b' (line 3) has faults"]),
        ([create("a", "b"), create("b", "a"), create("c", "d"), create("d", "c"), create("e", "f"),
          create("f")],
         ["line 1: after: 'b' makes a cycle: line 1 -> line 2 -> line 1",
          "line 2: after: 'a' (line 1) has faults",
          "line 3: after: 'd' makes a cycle: line 3 -> line 4 -> line 3",
          "line 4: after: 'c' (line 3) has faults",
          "line 5: after: 'f' (line 6) comes later: put it before this one"]),
        ([create("a", fields={}), create("b", "a"), create(None, "b")],
         ["line 1: folderId: is required",
          "line 1: folderName: is required",
          "line 2: after: 'a' (line 1) has faults",
          "line 3: after: 'b' (line 2) has faults"]),
        ([create("a", "b", "c"), create("c", "a")],
         ["line 1: after: there is no record 'b'",
          "line 1: after: 'c' makes a cycle: line 1 -> line 2 -> line 1",
          "line 2: after: 'a' (line 1) has faults"]),
    ],
    ids=["near", "unknown", "later", "later-result", "itself", "circle", "circles", "bad", "both"],
)  # fmt: skip
def test_a_name_that_cannot_be_waited_for_is_explained(
    submitter: Submitter, ledger: RedisLedger, lines: list[dict[str, Any]], told: list[str]
) -> None:
    """Each by its line, and nothing is submitted."""
    assert faults(submitter, *lines) == told
    with pytest.raises(InvalidInputError, match="nothing was submitted"):
        submitter.submit_many(lines)
    assert ledger.counts().by_state() == {}


def test_a_large_circle_is_drawn_in_short(submitter: Submitter) -> None:
    """Where it begins, and how it comes back."""
    lines = [create(f"k{n}", f"k{(n - 1) % 500}") for n in range(500)]

    assert faults(submitter, *lines)[0] == (
        "line 1: after: 'k499' makes a cycle: line 1 -> line 500 -> line 499 -> line 498"
        " -> line 497 -> ... -> line 3 -> line 2 -> line 1"
    )


def test_what_depends_on_a_bad_line_is_skipped_with_it(submitter: Submitter) -> None:
    """The good lines remain."""
    checked = check(submitter, create("a", fields={}), create("b"), create(None, "a"), rename("b"))

    assert [each.operation for each in checked.submissions] == ["create_folder", "rename_folder"]


def test_one_that_was_submitted_before_may_come_later_in_the_file(submitter: Submitter) -> None:
    """There is nothing to wait for in the file, then."""
    known = submitter.submit("create_folder", FOLDER, dedup_key="b")

    waiting, again = submitter.submit_many([create(None, "b"), create("b")])

    assert waiting.record().after == (known.id,)
    assert (again.id, again.new) == (known.id, False)


def test_names_in_a_file_of_several_chunks(submitter: Submitter) -> None:
    """The last waits for the first."""
    lines = [create(str(n), fields=FOLDER | {"folderId": 1 + n}) for n in range(CHUNK + 1)]

    receipts = submitter.submit_many([*lines, rename("0")])

    assert receipts[-1].record().after == (receipts[0].id,)


def test_a_lane_of_one_s_own(submitter: Submitter, stage: Stage) -> None:
    """What names it keeps its order, whatever it is about; no default lane is like it."""
    one, other = (
        submitter.submit("create_folder", FOLDER | {"folderId": n}, lane="import") for n in (1, 2)
    )

    assert one.record().lane == other.record().lane == "main:lane:import"
    assert other.record().state is State.BLOCKED
    stage.perform(one.id, said(193))
    assert other.record().state is State.QUEUED


def test_a_lane_can_be_stopped(submitter: Submitter, stage: Stage) -> None:
    """By what fails in it; those behind it are told which."""
    lines = [create(lane="import", lane_on_failure="stop"), create(lane="import")]
    first, second = submitter.submit_many(lines)

    stage.perform(first.id, said(193))

    record = second.record()
    assert (record.state, record.reason) == (State.FAILED, Reason.DEPENDENCY)
    assert first.id in str(record.message)


def test_without_a_lane_there_is_none_to_stop(submitter: Submitter) -> None:
    """Whoever asks for it should name one."""
    with pytest.raises(
        InvalidInputError, match="lane_on_failure: there is no lane to stop: name one"
    ):
        submitter.submit("get_top_folder_id", lane_on_failure="stop")
    assert submitter.submit("get_top_folder_id", lane_on_failure="stop", lane="a").new


@pytest.mark.parametrize("priority", [*Priority, None])
def test_a_priority_is_kept_and_goes_with_the_message(
    submitter: Submitter, queues: Queues, priority: Priority | None
) -> None:
    """Normal unless another is said."""
    record = submitter.submit("create_folder", FOLDER, priority=priority).record()

    assert record.priority is (priority or Priority.NORMAL)
    (message,) = taken_from(queues)
    assert message["properties"]["priority"] == {"high": 0, "normal": 3, "low": 6}[record.priority]


def test_a_line_may_wait_for_a_receipt(submitter: Submitter) -> None:
    """In Python, where lines are mappings or lines."""
    first: Receipt = submitter.submit("get_top_folder_id")
    line = {"operation": "get_top_folder_id", "fields": {}, "after": [first]}

    for receipt in submitter.submit_many([line, SubmitRequest.read(line)]):
        assert receipt.record().after == (first.id,)


def test_many_unknown_names_are_told_without_delay(submitter: Submitter) -> None:
    """A thousand lines that all wait for nobody, among a thousand keys."""
    lines = [create(f"lesson {n}", f"leson {n}") for n in range(1000)]

    told = faults(submitter, *lines)

    assert len(told) == 1000
    assert told[0].endswith("there is no record 'leson 0'; did you mean lesson 0?")
    assert told[-1].endswith("there is no record 'leson 999'")
