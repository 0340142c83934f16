"""Retrying: what waits for what failed, and what stays as it was."""

from typing import Any

import pytest

from producers import Receipt, result_of
from producers.intake.submitter import Submitter
from producers.retry.service import retry
from tests.unit.stage import Stage, said
from worker.errors import InvalidInputError
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State

FOLDER = {"folderId": 747759, "folderName": "tools"}
LESSON = {
    "className": "Physics",
    "beginTime": 1_900_000_000,
    "endTime": 1_900_003_600,
    "teacherUid": 1,
}


def test_what_waits_for_a_failed_one_waits_for_its_retry(
    submitter: Submitter, stage: Stage
) -> None:
    """Both are tried again, the first one first; reference and order lead to the new record."""
    first, second = submitter.submit_many(
        [
            {"operation": "create_folder", "fields": FOLDER, "dedup_key": "a"},
            {
                "operation": "rename_folder",
                "fields": {"folderId": result_of("a"), "folderName": "toys"},
            },
        ]
    )
    stage.perform(first.id, said(193))
    failed = second.record()
    assert (failed.state, failed.reason) == (State.FAILED, Reason.DEPENDENCY)
    (repeated,) = retry(submitter, first.id)

    (waiting,) = retry(submitter, second.id)

    record = waiting.record()
    assert record.state is State.BLOCKED
    assert record.after == (repeated.id,)
    assert record.fields["folderId"] == {"$result": repeated.id, "path": "data"}
    stage.perform(repeated.id, said(1, data="800001"))
    classin = stage.perform(waiting.id, said(1))
    assert waiting.record().state is State.SUCCEEDED
    assert classin.sent[0].form is not None
    assert classin.sent[0].form["folderId"] == "800001"
    assert second.record().retried_by == waiting.id


def test_the_last_of_several_retries_counts(submitter: Submitter, stage: Stage) -> None:
    """A chain of them is followed to its end."""
    first = submitter.submit("create_folder", FOLDER)
    second = submitter.submit("get_top_folder_id", after=[first])
    stage.perform(first.id, said(193))
    (repeated,) = retry(submitter, first.id)
    stage.perform(repeated.id, said(193))
    (last,) = retry(submitter, repeated.id)

    (waiting,) = retry(submitter, second.id)

    assert waiting.record().after == (last.id,)


def test_without_a_retry_of_those_it_waits_for_it_is_refused(
    submitter: Submitter, stage: Stage
) -> None:
    """Each that must come first is named: the last one that failed."""
    first, other = (submitter.submit("create_folder", FOLDER | {"folderId": n}) for n in (1, 2))
    second = submitter.submit("get_top_folder_id", after=[first, other])
    for receipt in (first, other):
        stage.perform(receipt.id, said(193))
    (repeated,) = retry(submitter, first.id)
    stage.perform(repeated.id, said(193))

    with pytest.raises(InvalidInputError) as refused:
        retry(submitter, second.id)

    assert [str(fault) for fault in refused.value.faults] == [
        f"{second.id}: waits for {each.id}, which is failed: retry that one first"
        for each in (repeated, other)
    ]


def test_what_went_well_is_not_waited_for_elsewhere(submitter: Submitter, stage: Stage) -> None:
    """A cancelled one waits for the same again."""
    first = submitter.submit("get_top_folder_id")
    stage.perform(first.id, said(1, data="5"))
    second = submitter.submit("rename_folder", {"folderId": result_of(first), "folderName": "toys"})
    stage.ledger.cancel(second.id)

    (again,) = retry(submitter, second.id)

    record = again.record()
    assert (record.state, record.after) == (State.QUEUED, (first.id,))
    assert record.fields == second.record().fields


def test_a_retry_keeps_lane_and_priority(submitter: Submitter, stage: Stage) -> None:
    """And what becomes of those behind it; the key stays with the first."""
    first = submitter.submit(
        "create_folder",
        FOLDER,
        lane="import",
        priority="high",
        lane_on_failure="stop",
        dedup_key="a",
    )
    stage.perform(first.id, said(193))

    record = retry(submitter, first.id)[0].record()

    assert (record.lane, record.priority) == ("main:lane:import", Priority.HIGH)
    assert record.stops_lane
    assert record.dedup_key is None
    assert submitter.submit("create_folder", FOLDER, dedup_key="a").id == first.id


def test_what_was_never_sent_is_surprised_by_what_exists(
    submitter: Submitter, stage: Stage
) -> None:
    """Of what was sent, "it is so already" may be its own work."""
    sent = submitter.submit("create_folder", FOLDER, lane="import", lane_on_failure="stop")
    behind = submitter.submit("create_folder", FOLDER, lane="import")
    stage.perform(sent.id, said(193))

    accepts = [retry(submitter, each.id)[0].record().accepts_existing for each in (sent, behind)]

    assert accepts == [True, False]


@pytest.mark.parametrize(
    ("name", "fields", "place"),
    [
        ("add_course", {"courseName": "Physics"}, ("courseUniqueIdentity",)),
        (
            "add_course_class_multiple",
            {"courseId": 1, "classJson": [LESSON, LESSON]},
            ("classJson", 1, "courseUniqueIdentity"),
        ),
    ],
)
def test_an_identity_is_stored_and_stays(
    submitter: Submitter,
    stage: Stage,
    name: str,
    fields: dict[str, Any],
    place: tuple[str | int, ...],
) -> None:
    """From the first submission to the last retry, of items too; ClassIn sees no other."""

    def identity(receipt: Receipt) -> object:
        found: Any = receipt.record().fields
        for step in place:
            found = found[step]
        return found

    first = submitter.submit(name, fields)
    stage.perform(first.id, said(340))
    (second,) = retry(submitter, first.id)
    stage.perform(second.id, said(340))
    (third,) = retry(submitter, second.id)

    assert str(identity(first)).startswith(first.id)
    assert identity(third) == identity(second) == identity(first)
    form = stage.perform(third.id, said(1)).sent[0].form
    assert form is not None
    assert any(str(identity(first)) in str(value) for value in form.values())


@pytest.mark.parametrize(
    ("lane", "kept"), [("import", "main:lane:import"), (None, "main:student_account:")]
)
def test_what_mends_stays_in_a_lane_of_one_s_own(
    submitter: Submitter, stage: Stage, lane: str | None, kept: str
) -> None:
    """Else it has the lane of what it is about; it is as urgent as what it mends."""
    fields = {"telephone": "13800138000", "password": "secret-word", "addToSchoolMember": 1}
    partial = submitter.submit("register", fields, lane=lane, priority="low")
    stage.perform(partial.id, said(820, data=4711))
    assert partial.record().state is State.PARTIAL

    (mend,) = retry(submitter, partial.id, mend=True)

    record = mend.record()
    assert str(record.lane).startswith(kept)
    assert record.priority is Priority.LOW
