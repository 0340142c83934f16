"""Lessons of the older half of the API: made, edited, deleted."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution, World
from tests.unit.simulator.asking import (
    ANN,
    BEN,
    COURSE,
    DAY,
    FORMER_TEACHER,
    HEAD,
    HOUR,
    MINUTE,
    NOW,
    OTHER_COURSE,
    PAST,
    TEACHER,
    TOMORROW,
    ask,
    classroom,
    data,
    entries,
    items,
    lesson,
)

NEW = {"className": "Sums", "teacherUid": HEAD, **TOMORROW}
DARK = {"live_url": "", "live_info": {}}
BEGIN = NOW + DAY


def edit(held: Institution, class_id: int, at: float = NOW, **fields: object) -> Answer:
    """Edit a lesson of COURSE."""
    return ask(held, "edit_course_class", at, courseId=COURSE, classId=class_id, **fields)


def test_a_lesson_is_made_and_told_with_its_addresses(held: Institution) -> None:
    """They stand beside the id, and are empty where nothing is recorded."""
    said = ask(held, "add_course_class", courseId=COURSE, **NEW)
    assert said == Answer(1, 900001, beside={"more_data": DARK})
    filmed = ask(held, "add_course_class", courseId=COURSE, **NEW, record=1, live=1)
    more: Any = (filmed.beside or {})["more_data"]
    assert "900002" in more["live_url"]
    assert set(more["live_info"]) == {"RTMP", "HLS", "FLV"}


def test_an_identity_makes_one_lesson(held: Institution) -> None:
    """A repeat is told the earlier id, whatever else it says; a deletion frees the identity."""
    first = lesson(held, courseUniqueIdentity="n1")
    again = ask(held, "add_course_class", courseId=OTHER_COURSE, **NEW, courseUniqueIdentity="n1")
    assert (again.code, again.data) == (398, first)
    assert "more_data" in (again.beside or {})
    assert ask(held, "del_course_class", courseId=COURSE, classId=first) == Answer(1)
    assert lesson(held, courseUniqueIdentity="n1") != first


def test_several_lessons_are_told_of_one_by_one(held: Institution) -> None:
    """Each entry has its own code, the name and the mark; those that fail stop no other."""
    known = lesson(held, courseUniqueIdentity="n0")
    said = ask(
        held,
        "add_course_class_multiple",
        courseId=COURSE,
        classJson=[
            {**NEW, "customColumn": "a", "courseUniqueIdentity": "n1"},
            {**NEW, "customColumn": "b", "teacherUid": 99},
            {**NEW, "courseUniqueIdentity": "n0"},
            {**NEW, "courseUniqueIdentity": "n1"},
        ],
    )
    made, unmade, earlier, twice = items(said)
    assert made == {
        "data": 900002,
        "className": "Sums",
        "customColumn": "a",
        "more_data": DARK,
        "errno": 1,
        "error": "carried out",
    }
    assert (unmade["errno"], unmade["customColumn"], "data" in unmade) == (136, "b", False)
    assert (earlier["errno"], earlier["data"]) == (398, known)
    assert (twice["errno"], "data" in twice) == (133, False)
    assert len(held.lessons.of(COURSE)) == 3


def test_several_lessons_need_a_course(held: Institution) -> None:
    """Otherwise nothing is told of single ones."""
    assert ask(held, "add_course_class_multiple", courseId=99, classJson=[NEW]).code == 144


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"courseId": 99}, 144),
        ({"endTime": BEGIN}, 119),
        ({"beginTime": NOW + MINUTE - 1, "endTime": NOW + HOUR}, 120),
        ({"beginTime": NOW + MINUTE, "endTime": NOW + HOUR}, 1),
        ({"endTime": BEGIN + 15 * MINUTE - 1}, 165),
        ({"endTime": BEGIN + 15 * MINUTE}, 1),
        ({"endTime": BEGIN + DAY + 1}, 165),
        ({"beginTime": NOW + 3 * 366 * DAY + 1, "endTime": NOW + 3 * 366 * DAY + HOUR}, 268),
        ({"teacherUid": 99}, 136),
        ({"teacherUid": BEN}, 136),
        ({"teacherUid": FORMER_TEACHER}, 387),
        ({"assistantUid": BEN}, 319),
        ({"assistantUid": 99}, 318),
        ({"assistantUid": FORMER_TEACHER}, 388),
        ({"assistantUid": HEAD}, 322),
        ({"assistantUids": [TEACHER, TEACHER]}, 21316),
        ({"assistantUids": [TEACHER]}, 1),
        ({"seatNum": 13}, 259),
        ({"seatNum": 12, "isHd": 1}, 368),
        ({"seatNum": 6, "isDc": 3}, 808),
        ({"seatNum": 1, "isDc": 3}, 1),
        ({"folderId": 99}, 160),
        ({"folderId": 123456}, 1),
    ],
)
def test_a_lesson_has_to_be_possible(fields: dict[str, Any], code: int, held: Institution) -> None:
    """Its course, times, people, stage and folder; what is refused makes nothing."""
    said = ask(held, "add_course_class", **{"courseId": COURSE, **NEW, **fields})
    assert said.code == code
    assert len(held.lessons.of(COURSE)) == 1 + (code == 1)


def test_who_studies_in_the_course_does_not_teach_it(held: Institution) -> None:
    """Not even a teacher of the institution who is its student, or its auditor."""
    roster = held.rosters.of(COURSE)
    roster.students[TEACHER] = "Teacher 2"
    assert (
        ask(held, "add_course_class", courseId=COURSE, **NEW | {"teacherUid": TEACHER}).code == 172
    )
    roster.auditors[TEACHER] = roster.students.pop(TEACHER)
    assert (
        ask(held, "add_course_class", courseId=COURSE, **NEW | {"teacherUid": TEACHER}).code == 173
    )


def test_the_teachers_of_a_lesson_join_those_of_its_course(held: Institution) -> None:
    """Once, and the head teacher stays what she is."""
    lesson(held, teacherUid=HEAD, assistantUid=TEACHER)
    assert held.rosters.of(COURSE).teachers == {TEACHER}


def test_live_without_recording_leaves_both_off(held: Institution) -> None:
    """The lesson is made or edited all the same, and a code tells what is missing."""
    said = ask(held, "add_course_class", courseId=COURSE, **NEW, record=0, live=1)
    assert (said.code, said.data) == (280, 900001)
    assert not held.lessons[900001].live
    edited = edit(held, 900001, className="Tales", record=0, live=1, replay=0)
    assert edited.code == 282
    assert (held.lessons[900001].class_name, held.lessons[900001].live) == ("Tales", False)


def test_an_edit_changes_what_it_gives(held: Institution) -> None:
    """Other fields stay; what the simulator does not understand is kept as it came."""
    class_id = lesson(held, classIntroduce="Bring a pencil")
    said = edit(held, class_id, className="Tales", record=1, live=0, replay=1, teachMode=2)
    assert said.code == 1
    assert said.beside is not None
    shown = held.lessons[class_id].to_dict()
    assert shown["className"] == "Tales"
    assert (shown["classIntroduce"], shown["teachMode"], shown["replay"]) == (
        "Bring a pencil",
        2,
        True,
    )


def test_what_cannot_be_edited(world: World, held: Institution) -> None:
    """Lessons that are not there, elsewhere, deleted, or not of this kind."""
    there, theirs = lesson(held, courseId=OTHER_COURSE), lesson(world.institution("2"))
    gone = lesson(held)
    ask(held, "del_course_class", courseId=COURSE, classId=gone)
    refused = {there: 142, theirs: 143, 99: 143, gone: 212, classroom(held)["classId"]: 466}
    said = {class_id: edit(held, class_id, className="x").code for class_id in refused}
    assert said == refused
    assert ask(held, "edit_course_class", courseId=99, classId=there, className="x").code == 144


@pytest.mark.parametrize(
    ("at", "fields", "code"),
    [
        (BEGIN - 20 * MINUTE, {"className": "x"}, 1),
        (BEGIN - 20 * MINUTE + 1, {"className": "x"}, 350),
        (BEGIN - 1, {"teacherUid": TEACHER}, 1),
        (BEGIN - 1, {"record": 1, "live": 0, "replay": 0}, 283),
        (BEGIN, {"className": "x"}, 140),
        (BEGIN, {"teacherUid": TEACHER}, 1),
        (BEGIN + HOUR, {"className": "x"}, 145),
        (BEGIN + HOUR, {"teacherUid": TEACHER}, 385),
    ],
)
def test_a_lesson_can_be_edited_until_a_time(
    at: float, fields: dict[str, Any], code: int, held: Institution
) -> None:
    """Most of it until 20 minutes before, its teachers until the end."""
    assert edit(held, lesson(held), at, **fields).code == code


@pytest.mark.parametrize(
    ("at", "fields", "code"),
    [
        (NOW, {"seatNum": 1, "isHd": 1}, 1),
        (NOW, {"seatNum": 13}, 259),
        (NOW, {"seatNum": 3, "isHd": 1}, 368),
        (NOW, {"seatNum": 3, "isDc": 3}, 808),
        (BEGIN - 20 * MINUTE + 1, {"seatNum": 1}, 348),
        (BEGIN, {"seatNum": 1}, 140),
        (BEGIN + HOUR, {"seatNum": 1}, 145),
    ],
)
def test_the_stage_can_be_set_until_a_time(
    at: float, fields: dict[str, Any], code: int, held: Institution
) -> None:
    """Twenty minutes before the start it is fixed."""
    given = {"courseId": COURSE, "classId": lesson(held), **fields}
    assert ask(held, "modify_class_seat_num", at, **given).code == code


@pytest.mark.parametrize(("at", "code"), [(NOW, 1), (BEGIN, 140), (BEGIN + HOUR, 145)])
def test_a_lesson_is_deleted_before_it_begins(at: float, code: int, held: Institution) -> None:
    """Later it is not; deleting it once more tells that it is gone."""
    given = {"courseId": COURSE, "classId": lesson(held)}
    assert ask(held, "del_course_class", at, **given).code == code
    if code == 1:
        assert ask(held, "del_course_class", at, **given).code == 212


@pytest.mark.parametrize(("at", "code"), [(NOW, 369), (BEGIN, 140), (BEGIN + HOUR, 1)])
def test_a_past_lesson_has_its_own_deletion(at: float, code: int, held: Institution) -> None:
    """Only when it has ended."""
    given = {"courseId": COURSE, "classId": lesson(held)}
    assert ask(held, "del_end_course_class", at, **given).code == code


def test_a_deleted_lesson_is_out_of_its_course(held: Institution) -> None:
    """It is still known, as deleted."""
    ask(held, "del_end_course_class", courseId=COURSE, classId=PAST)
    assert held.lessons.of(COURSE) == []
    assert held.lessons[PAST].deleted
    assert PAST in held.lessons
    assert ANN in held.rosters.of(COURSE).students


def test_an_ended_course_takes_no_lessons(held: Institution) -> None:
    """It has run out, as far as the pages tell."""
    ask(held, "end_course", courseId=COURSE)
    assert ask(held, "add_course_class", courseId=COURSE, **NEW).code == 153
    said = ask(held, "add_course_class_multiple", courseId=COURSE, classJson=[NEW])
    assert said.code == 153
    assert entries(
        ask(held, "add_course_class_multiple", courseId=OTHER_COURSE, classJson=[NEW])
    ) == [1]
    assert "classId" in data(
        ask(
            held,
            "create_classroom",
            courseId=OTHER_COURSE,
            name="x",
            teacherUid=HEAD,
            startTime=BEGIN,
            endTime=BEGIN + HOUR,
        )
    )
