"""Each operation about lessons, activities, the drive and broadcasts, answered with success."""

from typing import Any

import pytest

from ops.simulator.state.world import Institution, Seed, World
from tests.unit.simulator.asking import (
    ANN,
    CAT,
    COURSE,
    HEAD,
    OTHER_COURSE,
    PAST,
    TEACHER,
    THIRD_COURSE,
    TOMORROW,
    TOMORROW_TOO,
    ask,
    classroom,
    lesson,
    past_classroom,
    task,
    unit,
)
from worker.classin.catalogue import CATALOGUE
from worker.classin.field_types import File

CHAPTERS = {
    "lessons", "lesson_rosters", "activities", "classrooms", "cloud", "broadcast", "playback",
    "double_teacher",
}  # fmt: skip

#: What the scene holds: a lesson, a classroom, a lesson of two teachers, a draft, units, a file.
LESSON, CLASSROOM_LESSON, MAIN, SUB = 900001, 900002, 900003, 900004
CLASSROOM, DRAFT, PAST_CLASSROOM = 950001, 950002, 950003
UNIT, UNIT_B = 500001, 500002
FILE = 850001
NEW = {"className": "Sums", "teacherUid": HEAD, **TOMORROW}
OF_LESSON = {"courseId": COURSE, "classId": LESSON}
OF_UNIT = {"courseId": COURSE, "unitId": UNIT}
UPLOAD = File.model_construct(name="plan.pdf", size=2048, sha256="0" * 64, at="test:nowhere")

PLAUSIBLE: dict[str, dict[str, Any]] = {
    "add_course_class": {"courseId": COURSE, **NEW, "record": 1, "live": 1, "replay": 0},
    "add_course_class_multiple": {"courseId": COURSE, "classJson": [NEW, NEW]},
    "edit_course_class": {**OF_LESSON, "className": "Tales", "teacherUid": TEACHER},
    "modify_class_seat_num": {**OF_LESSON, "seatNum": 1, "isHd": 2},
    "del_course_class": OF_LESSON,
    "del_end_course_class": {"courseId": COURSE, "classId": PAST},
    "add_class_student_multiple": {**OF_LESSON, "identity": 1, "studentJson": [{"uid": CAT}]},
    "del_class_student_multiple": {**OF_LESSON, "identity": 1, "studentUidJson": [ANN]},
    "add_course_class_student": {"courseId": COURSE, "studentUid": CAT, "classJson": [LESSON]},
    "add_class_labels": {
        "courseId": COURSE,
        "classList": [{"classId": LESSON, "classLabelId": [700001]}],
    },
    "create_unit": {"courseId": COURSE, "name": "Unit C", "publishFlag": 2},
    "update_unit": {**OF_UNIT, "name": "Unit A", "content": "first", "publishFlag": 2},
    "delete_unit": OF_UNIT,
    "move_activities": {**OF_UNIT, "toUnitId": UNIT_B},
    "create_activity_no_class": {**OF_UNIT, "activityType": 2, "name": "Essay", "teacherUid": HEAD},
    "release_activity": {"courseId": COURSE, "activityId": DRAFT},
    "delete_activity": {"courseId": COURSE, "activityId": CLASSROOM},
    "add_activity_students": {"courseId": COURSE, "activityId": CLASSROOM, "studentUids": [CAT]},
    "delete_activity_students": {"courseId": COURSE, "activityId": DRAFT, "studentUids": [ANN]},
    "create_classroom": {**OF_UNIT, "name": "Sums", "teacherUid": TEACHER, **TOMORROW_TOO},
    "update_classroom": {"courseId": COURSE, "activityId": CLASSROOM, "unitId": UNIT_B},
    "get_folder_list": {},
    "get_cloud_list": {"folderId": 123456},
    "get_top_folder_id": {},
    "upload_file": {"folderId": 123456, "Filedata": UPLOAD},
    "rename_file": {"fileId": FILE, "fileName": "plans.pdf"},
    "del_file": {"fileId": FILE},
    "create_folder": {"folderId": 123456, "folderName": "Art"},
    "rename_folder": {"folderId": 123456, "folderName": "Art"},
    "del_folder": {"folderId": 123456},
    "set_class_video_multiple": {
        "courseId": COURSE,
        "classJson": [{"classId": LESSON, "record": 1, "live": 1, "replay": 1}],
    },
    "delete_class_video": {"classId": PAST, "fileId": f"{PAST}-1"},
    "update_class_lock_status": {"classId": PAST, "isLock": 1},
    "get_webcast_url": OF_LESSON,
    "set_webcast": {
        "courseId": COURSE,
        "activityId": CLASSROOM,
        "recordState": 1,
        "recordType": 0,
        "liveState": 1,
        "openState": 0,
    },
    "add_playback_user": {"courseId": COURSE, "activityId": PAST_CLASSROOM, "uidList": [ANN]},
    "delete_playback_user": {"courseId": COURSE, "activityId": PAST_CLASSROOM, "uidList": [ANN]},
    "set_playback_all_forbidden": {"courseId": COURSE, "activityIds": [PAST_CLASSROOM]},
    "set_playback_all_viewable": {"courseId": COURSE, "activityIds": [PAST_CLASSROOM]},
    "add_double_teacher_class": {
        "mainCourseId": COURSE,
        "mainClassId": LESSON,
        "subClassJson": [{"courseId": OTHER_COURSE, "className": "Sums"}],
    },
    "edit_double_teacher_class": {"courseId": COURSE, "classId": MAIN, "teacherUid": TEACHER},
    "delete_double_teacher_class": {"courseId": OTHER_COURSE, "classId": SUB},
}


@pytest.fixture
def scene(held: Institution) -> Institution:
    """A school that holds what the plausible fields speak of."""
    ask(held, "add_school_label", labelName="spring")
    assert (unit(held), unit(held, "Unit B")) == (UNIT, UNIT_B)
    assert lesson(held) == LESSON
    assert classroom(held, unitId=UNIT) == {"classId": CLASSROOM_LESSON, "activityId": CLASSROOM}
    assert task(held, UNIT) == DRAFT
    assert ask(held, "upload_file", folderId=123456, Filedata=UPLOAD).data == str(FILE)
    assert lesson(held) == MAIN
    subs = [
        {"courseId": OTHER_COURSE, "className": "Sums"},
        {"courseId": THIRD_COURSE, "className": "Sums"},
    ]
    ask(held, "add_double_teacher_class", mainCourseId=COURSE, mainClassId=MAIN, subClassJson=subs)
    assert past_classroom(held)["activityId"] == PAST_CLASSROOM
    return held


@pytest.mark.parametrize("operation", PLAUSIBLE)
def test_each_operation_can_succeed(operation: str, scene: Institution) -> None:
    """Plausible fields are answered with 1, for every item as well."""
    said = ask(scene, operation, **PLAUSIBLE[operation])
    assert said.code == 1
    assert [code for code in _codes(said.data) if code != 1] == []


def test_what_the_school_then_holds_is_a_seed(scene: Institution) -> None:
    """Another simulator can begin with it, ids and all."""
    seed = Seed.model_validate(scene.snapshot())
    again = World(["1"], seed).institution("1")
    assert again.snapshot() == scene.snapshot()
    assert lesson(again) == SUB + 3
    assert [one.activity_id for one in again.activities.of(UNIT)] == [CLASSROOM, DRAFT]


def _codes(told: object) -> list[object]:
    """Find the codes that stand anywhere in what was told."""
    if isinstance(told, list):
        return [code for each in told for code in _codes(each)]
    if not isinstance(told, dict):
        return []
    own = [told[name] for name in ("errno", "code") if name in told]
    return own + [code for each in told.values() for code in _codes(each)]


def test_no_operation_of_these_chapters_is_left_out() -> None:
    """The table has every operation that these chapters declare."""
    assert set(PLAUSIBLE) == {n for n, kind in CATALOGUE.items() if kind.spec.chapter in CHAPTERS}
