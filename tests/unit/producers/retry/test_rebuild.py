"""What failed, or the part of it that did, once more."""

from typing import Any

import pytest

from producers.retry.rebuild import again, mending
from worker.classin.operations.rosters import AddCourseStudentMultiple
from worker.errors import InvalidInputError
from worker.ledger.record import Record
from worker.ledger.states import Reason, State

STUDENTS = {
    "courseId": 352861,
    "identity": 1,
    "studentJson": [{"uid": 11}, {"uid": 12}, {"uid": 13}],
}


def record(operation: str, fields: dict[str, Any], state: State, **more: Any) -> Record:  # noqa: ANN401
    """A settled record, or one under way."""
    return Record(
        id="abcdefghijklmnop",
        operation=operation,
        school="main",
        fields=fields,
        state=state,
        sequence=1,
        enqueued_at=0,
        **more,
    )


def test_what_failed_goes_again_as_it_was() -> None:
    """With the same fields."""
    fields = {"folderId": 5, "folderName": "tools"}
    failed = record("create_folder", fields, State.FAILED, reason=Reason.EXHAUSTED)

    assert again(failed)[0].to_dict() == fields


def test_what_has_an_identity_keeps_it() -> None:
    """So that ClassIn can tell the repeat, though the new record has an id of its own."""
    fields = {"courseName": "Physics"}
    failed = record("add_course", fields, State.FAILED, reason=Reason.EXHAUSTED)

    assert again(failed)[0].to_dict()["courseUniqueIdentity"] == "abcdefghijklmnop"


def test_of_a_partial_bulk_operation_the_failed_items_go_again() -> None:
    """Those that were enrolled are left out."""
    result = {"data": [{"errno": 1}, {"errno": 144}, {"errno": 104}]}
    partial = record("add_course_student_multiple", STUDENTS, State.PARTIAL, code=1, result=result)

    operation, _ = again(partial)

    assert isinstance(operation, AddCourseStudentMultiple)
    assert [student.uid for student in operation.student_json] == [12, 13]


@pytest.mark.parametrize("name", ["activityIds", "classIds"])
def test_of_classrooms_named_either_way_those_that_failed_go_again(name: str) -> None:
    """As activities, or as lessons; the answer tells by id who succeeded."""
    key = name.removesuffix("s")
    failed = [{key: 11, "code": 121609005, "msg": "not over"}]
    result = {"data": {"successList": [12, 13], "failedList": failed}}
    fields = {"courseId": 352861, name: [12, 11, 13]}
    partial = record("set_playback_all_viewable", fields, State.PARTIAL, code=1, result=result)

    assert again(partial)[0].to_dict() == {"courseId": 352861, name: [11]}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.SUCCEEDED, "succeeded"),
        (State.QUEUED, "wait until it is settled"),
        (State.DEFERRED, "wait until it is settled"),
    ],
)
def test_there_is_nothing_to_try_again(state: State, said: str) -> None:
    """The refusal names the record and says why."""
    with pytest.raises(InvalidInputError, match=said):
        again(record("create_folder", {"folderId": 5, "folderName": "a"}, state))


def test_what_is_done_in_the_main_is_not_done_again() -> None:
    """A lesson without its recording would become two."""
    partial = record("register", REGISTERED, State.PARTIAL, code=820, result={"data": 4711})

    with pytest.raises(InvalidInputError, match="--mend"):
        again(partial)


REGISTERED = {"telephone": "13800138000", "password": "secret-word", "addToSchoolMember": 1}


def test_what_is_left_is_done_by_the_follow_up() -> None:
    """Registered, but no student of the institution: made one."""
    partial = record("register", REGISTERED, State.PARTIAL, code=820, result={"data": 4711})

    (operation,) = mending(partial)

    assert operation.spec.name == "add_school_student"
    assert operation.to_dict()["studentAccount"] == "13800138000"


def test_a_classroom_without_its_live_is_mended_with_all_that_might_fall_back() -> None:
    """No page tells whether co-teachers, folder and AI stay when an edit leaves them out."""
    stays = {"assistantUids": [7], "cloudFolderId": 8, "aiRiskMonitor": 1}
    film = {"recordType": 0, "recordState": 1, "liveState": 1, "openState": 0}
    fields = {
        "courseId": 5,
        "name": "Sets",
        "teacherUid": 6,
        "startTime": 1,
        "endTime": 2,
        **stays,
        **film,
        "aiSummaryConfig": {"subtitle": 1},
    }
    result = {"data": {"activityId": 9}}
    partial = record("create_classroom", fields, State.PARTIAL, code=267, result=result)

    (operation,) = mending(partial)

    assert operation.to_dict() == {
        "courseId": 5,
        "activityId": 9,
        **stays,
        **film,
        "aiSummaryConfig": {"chapter": 0, "subtitle": 1},
    }


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [(State.FAILED, 144, "only a partial one"), (State.PARTIAL, 340, "a person must look")],
)
def test_not_everything_can_be_mended(state: State, code: int, said: str) -> None:
    """A refused one is not; one whose page names no follow-up is not."""
    with pytest.raises(InvalidInputError, match=said):
        mending(record("register", REGISTERED, state, code=code, result={"data": 4711}))
