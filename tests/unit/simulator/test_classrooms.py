"""Classrooms, the lessons of the newer half of the API."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution, World
from tests.unit.simulator.asking import (
    BEN,
    COURSE,
    DAY,
    FORMER_TEACHER,
    HEAD,
    HOUR,
    MINUTE,
    NOW,
    OTHER_COURSE,
    TEACHER,
    TOMORROW_TOO,
    ask,
    classroom,
    data,
    lesson,
    task,
    unit,
)

NEW = {"courseId": COURSE, "name": "Sums", "teacherUid": HEAD, **TOMORROW_TOO}
BEGIN = NOW + DAY
FILMED = {"recordType": 0, "recordState": 1, "liveState": 1, "openState": 0}


def create(held: Institution, **fields: object) -> Answer:
    """Create a classroom of COURSE tomorrow."""
    return ask(held, "create_classroom", **{**NEW, **fields})


def update(held: Institution, activity_id: int, at: float = NOW, **fields: object) -> Answer:
    """Edit a classroom of COURSE."""
    return ask(held, "update_classroom", at, courseId=COURSE, activityId=activity_id, **fields)


def test_a_classroom_is_a_lesson_and_an_activity(held: Institution) -> None:
    """The answer has both ids, and the addresses."""
    told = data(create(held, **FILMED, seatNum=7))
    assert (told["activityId"], told["classId"], told["name"]) == (950001, 900001, "Sums")
    assert told["live_url"]
    assert set(told["live_info"]) == {"RTMP", "HLS", "FLV"}
    # There the teacher counts as well.
    assert held.lessons[900001].seat_num == 6
    assert held.activities.find(950001) == held.lessons[900001]


def test_an_identity_makes_one_classroom(held: Institution) -> None:
    """A repeat is refused with the earlier ids, until these are deleted; lessons share it."""
    first = data(create(held, uniqueIdentity="n1"))
    assert create(held, uniqueIdentity="n1") == Answer(121601020, first)
    again = ask(
        held,
        "add_course_class",
        courseId=COURSE,
        className="x",
        teacherUid=HEAD,
        beginTime=BEGIN,
        endTime=BEGIN + HOUR,
        courseUniqueIdentity="n1",
    )
    assert (again.code, again.data) == (398, first["classId"])
    ask(held, "delete_activity", courseId=COURSE, activityId=first["activityId"])
    assert create(held, uniqueIdentity="n1").code == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"courseId": 99}, 147),
        ({"unitId": 99}, 121601020),
        ({"unitId": 400001}, 121601020),  # another course's
        ({"endTime": BEGIN - 1}, 119),
        ({"startTime": NOW, "endTime": NOW + HOUR}, 120),
        ({"endTime": BEGIN + MINUTE}, 165),
        ({"startTime": NOW + 2 * 366 * DAY + 1, "endTime": NOW + 2 * 366 * DAY + HOUR}, 268),
        ({"teacherUid": 99}, 136),
        ({"teacherUid": FORMER_TEACHER}, 387),
        ({"assistantUids": [BEN]}, 319),
        ({"assistantUids": [HEAD]}, 322),
        ({"assistantUids": [TEACHER, TEACHER]}, 121601020),
        ({"seatNum": 6, "isDc": 3}, 110100066),
        ({"seatNum": 6, "isHd": 1}, 121601020),
        ({"seatNum": 99}, 1),
        ({**FILMED, "recordState": 0}, 121601020),
    ],
)
def test_a_classroom_has_to_be_possible(
    fields: dict[str, Any], code: int, held: Institution
) -> None:
    """What is refused makes nothing; too many seats are cut to as many as there may be."""
    assert create(held, **fields).code == code
    assert len(held.lessons.of(COURSE)) == 1 + (code == 1)


def test_a_course_of_others_is_told_apart(world: World, held: Institution) -> None:
    """It belongs to another institution; one that is over is told as well."""
    theirs = world.institution("2").add_course("Art", {}).course_id
    assert create(held, courseId=theirs).code == 121601021
    ask(held, "end_course", courseId=OTHER_COURSE)
    assert create(held, courseId=OTHER_COURSE).code == 121601023


def test_a_unit_holds_a_hundred_activities(held: Institution) -> None:
    """One more is refused, of any kind; the unit for what has no topic holds them all."""
    full, other = unit(held), unit(held, "Unit B")
    for _ in range(100):
        held.activities.add_classroom(held.lessons[880001].model_copy(update={"unit_id": full}))
    assert create(held, unitId=full).code == 40031
    made = {"courseId": COURSE, "unitId": full, "activityType": 2, "name": "x", "teacherUid": HEAD}
    assert ask(held, "create_activity_no_class", **made).code == 40031
    assert create(held).code == 1
    moved = classroom(held, unitId=other)["activityId"]
    assert update(held, moved, unitId=full).code == 450
    move = {"courseId": COURSE, "unitId": other, "toUnitId": full}
    assert ask(held, "move_activities", **move).code == 29138


def test_an_edit_changes_what_it_gives(held: Institution) -> None:
    """Other fields stay, the co-teachers too; the answer has the new name and addresses."""
    there, here = unit(held), unit(held, "Unit B")
    made = classroom(held, unitId=there, assistantUids=[TEACHER], isAllowCheck=1)
    told = data(update(held, made["activityId"], name="Tales", unitId=here, **FILMED))
    assert (told["activityId"], told["name"]) == (made["activityId"], "Tales")
    assert told["live_url"]
    changed = held.lessons[made["classId"]]
    assert (changed.assistant_uids, changed.to_dict()["isAllowCheck"]) == ((TEACHER,), 1)
    assert (held.activities.of(there), held.activities.of(here)) == ([], [changed])


def test_what_cannot_be_edited(held: Institution) -> None:
    """Activities that are not there, elsewhere, deleted, or no classrooms."""
    there = classroom(held, courseId=OTHER_COURSE)["activityId"]
    gone = classroom(held)["activityId"]
    ask(held, "delete_activity", courseId=COURSE, activityId=gone)
    refused = {99: 143, there: 142, gone: 212, task(held, unit(held)): 143, lesson(held): 143}
    assert {one: update(held, one, name="x").code for one in refused} == refused
    assert ask(held, "update_classroom", courseId=99, activityId=there, name="x").code == 144


@pytest.mark.parametrize(
    ("at", "fields", "code"),
    [
        (NOW, {"recordType": 0, "recordState": 0, "liveState": 1, "openState": 0}, 226),
        (NOW, {"unitId": 99}, 121601020),
        (NOW, {"startTime": NOW - 1}, 100),
        (NOW, {"endTime": BEGIN}, 165),
        (NOW, {"teacherUid": TEACHER}, 1),
        (BEGIN - 20 * MINUTE, {"name": "x"}, 1),
        (BEGIN - 20 * MINUTE + 1, {"name": "x"}, 350),
        (BEGIN - 20 * MINUTE + 1, FILMED, 350),
        (BEGIN - 5 * MINUTE + 1, {"name": "x"}, 875),
        (BEGIN - 30, {"endTime": BEGIN + 2 * HOUR}, 124),
        (BEGIN, {"name": "x"}, 140),
        (BEGIN, {"teacherUid": TEACHER}, 1),
        (BEGIN + HOUR, {"name": "x"}, 145),
        (BEGIN + HOUR, {"teacherUid": TEACHER}, 385),
    ],
)
def test_a_classroom_can_be_edited_until_a_time(
    at: float, fields: dict[str, Any], code: int, held: Institution
) -> None:
    """The nearer the start, the less."""
    assert update(held, classroom(held)["activityId"], at, **fields).code == code


def test_a_co_teacher_becomes_teacher_only_when_replaced(held: Institution) -> None:
    """In the same edit, at least."""
    made = classroom(held, assistantUids=[TEACHER])["activityId"]
    assert update(held, made, teacherUid=TEACHER).code == 328
    assert update(held, made, teacherUid=TEACHER, assistantUids=[HEAD]).code == 1
