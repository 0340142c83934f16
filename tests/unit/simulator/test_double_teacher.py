"""Online double-teacher lessons."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution, World
from tests.unit.simulator.asking import (
    ANN,
    CAT,
    COURSE,
    DAY,
    HEAD,
    HOUR,
    MINUTE,
    NOW,
    OTHER_COURSE,
    PAST,
    TEACHER,
    THIRD_COURSE,
    ask,
    classroom,
    data,
    entries,
    lesson,
)

SUB: dict[str, Any] = {"courseId": OTHER_COURSE, "className": "Sums"}
THIRD: dict[str, Any] = {"courseId": THIRD_COURSE, "className": "Sums"}
VIDEO = {"useCoMainRecord": 0, "recordState": 1, "recordType": 0, "liveState": 1, "openState": 0}


def add(held: Institution, main: int, *subs: dict[str, Any], at: float = NOW) -> Answer:
    """Give a lesson of COURSE sub-lessons."""
    fields = {"mainCourseId": COURSE, "mainClassId": main, "subClassJson": [*subs]}
    return ask(held, "add_double_teacher_class", at, **fields)


def subs_of(said: Answer) -> list[dict[str, Any]]:
    """Give the entries of the sub-lessons."""
    told: list[dict[str, Any]] = data(said)["subClassData"]
    return told


def edit(
    held: Institution, course_id: int, class_id: int, at: float = NOW, **fields: object
) -> Answer:
    """Edit a lesson of two teachers."""
    return ask(
        held, "edit_double_teacher_class", at, courseId=course_id, classId=class_id, **fields
    )


def delete(held: Institution, course_id: int, class_id: int, at: float = NOW) -> Answer:
    """Delete a lesson of two teachers."""
    return ask(held, "delete_double_teacher_class", at, courseId=course_id, classId=class_id)


def test_a_sub_lesson_follows_the_main_one(held: Institution) -> None:
    """Its teacher and times; the answer names both, with the sub-lesson's addresses."""
    main = lesson(held)
    said = add(held, main, {**SUB, **VIDEO, "uniqueIdentity": "n1", "seatNum": 7})
    assert (data(said)["mainClassId"], data(said)["mainCourseId"]) == (main, COURSE)
    (told,) = subs_of(said)
    assert {name: told[name] for name in ("courseId", "className", "uniqueIdentity", "code")} == {
        "courseId": OTHER_COURSE,
        "className": "Sums",
        "uniqueIdentity": "n1",
        "code": 1,
    }
    assert told["liveUrl"]
    assert set(told["liveInfo"]) == {"RTMP", "HLS", "FLV"}
    made = held.lessons[told["classId"]]
    assert (made.teacher_uid, made.begin_time, made.seat_num) == (HEAD, NOW + DAY, 6)


def test_each_sub_lesson_is_told_of(held: Institution) -> None:
    """Those that fail stop no other; an identity that is known brings the earlier id."""
    main = lesson(held)
    (first,) = subs_of(add(held, main, {**SUB, "uniqueIdentity": "n1"}))
    told = subs_of(
        add(
            held,
            main,
            {**SUB, "uniqueIdentity": "n1"},
            SUB,
            {**THIRD, "courseId": COURSE},
            {**THIRD, "courseId": 99},
            {**THIRD, "assistantUids": [HEAD]},
            {**THIRD, "assistantUids": [CAT]},
            {**THIRD, **VIDEO, "recordState": 0},
            {**THIRD, **VIDEO, "useCoMainRecord": 1},
            THIRD,
        )
    )
    codes = [121601020, 122301036, 122301036, 144, 110100073, 318, 121601014, 121601014, 1]
    assert [entry["code"] for entry in told] == codes
    assert told[0]["classId"] == first["classId"]
    assert ["classId" in entry for entry in told[1:]] == [False] * 7 + [True]


def test_a_student_of_the_sub_course_cannot_teach_it(held: Institution) -> None:
    """The main lesson's teacher is the sub-lesson's as well."""
    held.rosters.of(OTHER_COURSE).students[HEAD] = "Head"
    assert [entry["code"] for entry in subs_of(add(held, lesson(held), SUB))] == [172]


@pytest.mark.parametrize(("at", "code"), [(NOW, 1), (NOW + DAY, 140), (NOW + DAY + HOUR, 145)])
def test_the_main_lesson_must_be_ahead(at: float, code: int, held: Institution) -> None:
    """Running or over, it takes no sub-lessons."""
    assert add(held, lesson(held), SUB, at=at).code == code


def test_what_cannot_be_a_main_lesson(world: World, held: Institution) -> None:
    """What is not there, of others, elsewhere, deleted, or follows another."""
    main = lesson(held)
    (told,) = subs_of(add(held, main, SUB))
    theirs, there, gone = (
        lesson(world.institution("2")),
        lesson(held, courseId=OTHER_COURSE),
        lesson(held),
    )
    ask(held, "del_course_class", courseId=COURSE, classId=gone)
    refused = {99: 121601037, theirs: 121601031, there: 142, gone: 212}
    assert {one: add(held, one, THIRD).code for one in refused} == refused
    fields = {"mainCourseId": OTHER_COURSE, "mainClassId": told["classId"], "subClassJson": [THIRD]}
    assert ask(held, "add_double_teacher_class", **fields).code == 121601037


def test_sub_lessons_are_so_many_and_no_more(held: Institution) -> None:
    """Twenty in a call, a hundred in all."""
    main = lesson(held)
    courses = [held.add_course(f"Course {n}", {}).course_id for n in range(101)]
    subs = [{"courseId": course_id, "className": "Sums"} for course_id in courses]
    assert add(held, main, *subs[:21]).code == 121601030
    for n in range(0, 100, 20):
        assert add(held, main, *subs[n : n + 20]).code == 1
    assert add(held, main, subs[100]).code == 121601038


def test_an_edit_of_the_main_lesson_reaches_the_others(held: Institution) -> None:
    """Teacher and times, not the rest; each lesson is told of, the main one first."""
    main = lesson(held)
    subs = [entry["classId"] for entry in subs_of(add(held, main, SUB, THIRD))]
    held.rosters.of(THIRD_COURSE).students[TEACHER] = "Teacher 2"
    said = edit(held, COURSE, main, teacherUid=TEACHER, className="Tales")
    assert entries(said, "code") == [1, 1, 172]
    assert isinstance(said.data, list)
    assert [(one["isMainClass"], one["classId"]) for one in said.data] == [
        (1, main),
        (0, subs[0]),
        (0, subs[1]),
    ]
    changed = held.lessons[subs[0]]
    assert (changed.teacher_uid, changed.class_name) == (TEACHER, "Sums")
    assert held.lessons[subs[1]].teacher_uid == HEAD


def test_a_sub_lesson_is_edited_alone(held: Institution) -> None:
    """But for what it has from the main lesson."""
    (told,) = subs_of(add(held, lesson(held), SUB))
    said = edit(held, OTHER_COURSE, told["classId"], className="Tales", assistantUids=[TEACHER])
    assert entries(said, "code") == [1]
    for field, value in (
        ("teacherUid", TEACHER),
        ("startTime", NOW + HOUR),
        ("endTime", NOW + DAY),
    ):
        assert edit(held, OTHER_COURSE, told["classId"], **{field: value}).code == 121601036


@pytest.mark.parametrize(
    ("at", "fields", "code"),
    [
        (NOW, {"startTime": NOW - 1}, 268),
        (NOW, {"endTime": NOW + DAY}, 165),
        (NOW, {"recordType": 0, "recordState": 0, "liveState": 1, "openState": 0}, 122301037),
        (NOW + DAY - 20 * MINUTE + 1, {"className": "x"}, 350),
        (
            NOW + DAY - MINUTE,
            {"recordType": 0, "recordState": 1, "liveState": 1, "openState": 0},
            350,
        ),
        (NOW + DAY - 5 * MINUTE + 1, {"className": "x"}, 875),
        (NOW + DAY, {"className": "x"}, 140),
        (NOW + DAY + HOUR, {"className": "x"}, 145),
    ],
)
def test_an_edit_has_to_be_possible(
    at: float, fields: dict[str, Any], code: int, held: Institution
) -> None:
    """In itself, and at its time."""
    main = lesson(held)
    add(held, main, SUB)
    assert edit(held, COURSE, main, at, **fields).code == code


def test_a_main_lesson_is_deleted_with_the_others(held: Institution) -> None:
    """Each is told of; then they are gone."""
    main = lesson(held)
    subs = [entry["classId"] for entry in subs_of(add(held, main, SUB, THIRD))]
    said = delete(held, COURSE, main)
    assert isinstance(said.data, list)
    assert [(one["classId"], one["code"]) for one in said.data] == [
        (one, 1) for one in (main, *subs)
    ]
    assert delete(held, COURSE, main).code == 121601042
    assert delete(held, OTHER_COURSE, subs[0]).code == 121601042


def test_a_lesson_without_sub_lessons_is_an_ordinary_one(held: Institution) -> None:
    """While it has them, the other chapters' operations do not touch it; its students may."""
    main = lesson(held)
    assert (
        delete(held, COURSE, main).code == edit(held, COURSE, main, className="x").code == 121601034
    )
    (told,) = subs_of(add(held, main, SUB))
    given = {"courseId": COURSE, "classId": main}
    assert ask(held, "del_course_class", **given).code == 369
    assert ask(held, "edit_course_class", **given, className="x").code == 369
    students = {"identity": 1, "studentJson": [{"uid": CAT}, {"uid": ANN}]}
    assert entries(ask(held, "add_class_student_multiple", **given, **students)) == [1, 166]
    assert entries(delete(held, OTHER_COURSE, told["classId"]), "code") == [1]
    assert ask(held, "del_course_class", **given).code == 1


def test_a_classroom_can_be_a_main_lesson(held: Institution) -> None:
    """Then the operations for classrooms do not touch it either."""
    room = classroom(held)
    assert add(held, room["classId"], SUB).code == 1
    given = {"courseId": COURSE, "activityId": room["activityId"]}
    assert ask(held, "update_classroom", **given, name="x").code == 121601020
    assert ask(held, "delete_activity", **given).code == 121601020


def test_what_began_is_not_deleted(held: Institution) -> None:
    """Nor what never was of this kind."""
    main = lesson(held)
    add(held, main, SUB)
    for at in (NOW + DAY, NOW + DAY + HOUR):
        assert delete(held, COURSE, main, at).code == 121601042
    assert delete(held, COURSE, PAST).code == 121601034
    assert delete(held, COURSE, 99).code == 143
