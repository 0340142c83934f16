"""Each operation about people, courses, rosters and the school, answered with success."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer, answer
from ops.simulator.state.world import Institution
from worker.classin.catalogue import CATALOGUE, read

NOW = 1_800_000_000
DAY = 24 * 3600

HEAD, TEACHER, FORMER_TEACHER = 1001001, 1001002, 1001009
ANN, BEN, CAT = 1002001, 1002002, 1002003
COURSE, OTHER_COURSE = 352861, 414193

MD5 = "a" * 32

#: What each operation of these chapters can be asked of a fresh school.
PLAUSIBLE: dict[str, dict[str, Any]] = {
    "register": {"telephone": "13912345678", "md5pass": MD5, "addToSchoolMember": 1},
    "register_multiple": {"userJson": [{"email": "a@b.example", "password": "secret1"}]},
    "modify_password": {"uid": ANN, "oldMd5pass": MD5, "password": "secret1"},
    "modify_password_by_telephone": {"uid": ANN, "md5pass": MD5},
    "add_school_student": {"studentAccount": "13800000002", "studentName": "Two"},
    "edit_school_student": {"studentUid": ANN, "studentName": "Ann"},
    "modify_course_student_nick_name": {"studentUids": [ANN, BEN]},
    "add_teacher": {"teacherAccount": "13800000011", "teacherName": "Ann"},
    "edit_teacher": {"teacherUid": HEAD, "teacherName": "Ms. Head"},
    "stop_using_teacher": {"teacherUid": TEACHER},
    "restart_using_teacher": {"teacherUid": FORMER_TEACHER},
    "update_class_student_comment": {
        "classId": 880001,
        "commentJson": [{"studentUid": ANN, "starNum": 5, "comment": ""}],
    },
    "add_course": {"courseName": "Art", "mainTeacherUid": HEAD, "folderId": 123456},
    "edit_course": {"courseId": COURSE, "mainTeacherUid": TEACHER, "stamp": 1},
    "end_course": {"courseId": COURSE},
    "add_course_labels": {"courseList": [{"courseId": COURSE, "labelIds": []}]},
    "add_course_student": {"courseId": COURSE, "identity": 1, "studentUid": CAT},
    "del_course_student": {"courseId": COURSE, "identity": 1, "studentUid": ANN},
    "add_course_student_multiple": {
        "courseId": COURSE,
        "identity": 2,
        "studentJson": [{"uid": CAT, "name": "Cat"}],
    },
    "del_course_student_multiple": {"courseId": COURSE, "identity": 1, "studentUidJson": [ANN]},
    "modify_course_teacher": {"courseId": COURSE, "teacherUid": TEACHER},
    "remove_course_teacher": {"courseId": COURSE, "teacherUid": TEACHER},
    "add_course_teacher": {"courseId": OTHER_COURSE, "teacherUids": [TEACHER]},
    "add_course_group": {
        "courseId": COURSE,
        "groupName": "Teams",
        "groupList": [[{"studentUid": ANN, "isLeader": 1}]],
    },
    "edit_course_group": {
        "courseId": COURSE,
        "groupId": 710001,
        "groupName": "Teams",
        "groupList": [[{"studentUid": BEN, "isLeader": 1}]],
    },
    "del_course_group": {"courseId": COURSE, "groupId": 710001},
    "modify_group_member_nickname": {"courseId": COURSE},
    "add_school_label": {"labelName": "spring"},
    "update_school_label": {"labelId": 700001, "labelName": "summer"},
    "delete_school_label": {"labelId": 700001},
    "delete_sub_school_account": {"UID": 1000002},
    "modify_school_conf": {"allowViewReplay": 1},
    "get_login_linked": {"uid": ANN, "courseId": COURSE, "classId": 880001},
}


def ask(held: Institution, operation: str, **fields: Any) -> Answer:  # noqa: ANN401  # any field
    """Carry an operation out as of NOW."""
    return answer(held, read(operation, fields), NOW)


def prepare(held: Institution) -> None:
    """Make what the plausible fields speak of: a label, a grouping, a lesson ahead, a teacher."""
    ask(held, "add_school_label", labelName="autumn")
    ask(held, "add_course_teacher", courseId=COURSE, teacherUids=[TEACHER])
    lesson = next(iter(held.lessons))
    held.lessons.change(lesson, begin_time=NOW + DAY, end_time=NOW + DAY + 3600)


@pytest.mark.parametrize("operation", PLAUSIBLE)
def test_each_operation_can_succeed(operation: str, held: Institution) -> None:
    """Plausible fields are answered with 1, for every item as well."""
    prepare(held)
    if operation in {"edit_course_group", "del_course_group"}:
        ask(held, "add_course_group", **PLAUSIBLE["add_course_group"])
    if operation == "stop_using_teacher":
        ask(held, "remove_course_teacher", courseId=COURSE, teacherUid=TEACHER)
    said = ask(held, operation, **PLAUSIBLE[operation])
    assert said.code == 1
    items = said.data if isinstance(said.data, list) else []
    assert all(1 in (item.get("errno"), item.get("code")) for item in items)


def test_no_operation_of_these_chapters_is_left_out() -> None:
    """The table has every operation that these chapters declare."""
    chapters = {"users", "courses", "rosters", "schools"}
    assert set(PLAUSIBLE) == {n for n, kind in CATALOGUE.items() if kind.spec.chapter in chapters}
