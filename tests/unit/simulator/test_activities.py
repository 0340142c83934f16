"""Activities: drafted, published, deleted, and who takes part."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution
from tests.unit.simulator.asking import (
    ANN,
    CAT,
    COURSE,
    DAN,
    DAY,
    HOUR,
    NOW,
    OTHER_COURSE,
    TEACHER,
    ask,
    classroom,
    entries,
    items,
    task,
    unit,
)

HOMEWORK, QUIZ, DISCUSSION = 2, 3, 6


def release(held: Institution, activity_id: int) -> Answer:
    """Publish an activity of COURSE."""
    return ask(held, "release_activity", courseId=COURSE, activityId=activity_id)


def delete(held: Institution, activity_id: int, at: float = NOW) -> Answer:
    """Delete an activity of COURSE."""
    return ask(held, "delete_activity", at, courseId=COURSE, activityId=activity_id)


def add(held: Institution, activity_id: int, *uids: int, at: float = NOW) -> Answer:
    """Add students to an activity of COURSE."""
    fields = {"courseId": COURSE, "activityId": activity_id, "studentUids": [*uids]}
    return ask(held, "add_activity_students", at, **fields)


def remove(held: Institution, activity_id: int, *uids: int, at: float = NOW) -> Answer:
    """Remove students from an activity of COURSE."""
    fields = {"courseId": COURSE, "activityId": activity_id, "studentUids": [*uids]}
    return ask(held, "delete_activity_students", at, **fields)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, 1),
        ({"startTime": NOW, "endTime": NOW + 1}, 1),
        ({"startTime": NOW, "endTime": NOW}, 121601020),
        ({"startTime": NOW + 3 * 366 * DAY + 1}, 121601020),
        ({"teacherUid": ANN}, 121601020),
        ({"unitId": 99}, 40020),
        ({"courseId": 99}, 147),
    ],
)
def test_a_draft_has_to_be_possible(fields: dict[str, Any], code: int, held: Institution) -> None:
    """Its unit, teacher and times; the teacher joins the class."""
    given = {"courseId": COURSE, "unitId": unit(held), "activityType": 2, "name": "Essay"}
    said = ask(held, "create_activity_no_class", **{**given, "teacherUid": TEACHER, **fields})
    assert said.code == code
    assert held.rosters.of(COURSE).teachers == ({TEACHER} if code == 1 else set())
    if code == 1:
        assert said.data == {"name": "Essay", "activityId": 950001}


def test_a_draft_is_published_once(held: Institution) -> None:
    """A classroom is published from the start."""
    draft = task(held, unit(held))
    assert release(held, draft) == Answer(1, {"activityId": draft, "name": "Talk"})
    assert release(held, draft).code == 29184
    assert release(held, classroom(held)["activityId"]).code == 29184


def test_what_is_not_there_is_not_published(held: Institution) -> None:
    """Unknown, deleted, or of another course."""
    gone = task(held, unit(held))
    delete(held, gone)
    elsewhere = task(held, unit(held, course_id=OTHER_COURSE), courseId=OTHER_COURSE)
    assert [release(held, one).code for one in (99, gone, elsewhere)] == [30002, 29149, 30002]


def test_homework_without_content_is_not_published(held: Institution) -> None:
    """The API makes it empty, and has no way to fill it."""
    assert release(held, task(held, unit(held), HOMEWORK)).code == 29601
    assert release(held, task(held, unit(held, "Unit B"), QUIZ)).code == 1


def test_an_activity_is_deleted_once(held: Institution) -> None:
    """The answer has its name; a second time it is gone."""
    draft, room = task(held, unit(held)), classroom(held)["activityId"]
    assert delete(held, draft) == Answer(1, {"activityId": draft, "name": "Talk"})
    assert delete(held, room) == Answer(1, {"activityId": room, "name": "Letters"})
    assert [delete(held, one).code for one in (draft, room, 99)] == [29149, 29149, 30002]


@pytest.mark.parametrize(("after", "code"), [(0, 40005), (HOUR, 40006)])
def test_a_classroom_that_began_stays(after: int, code: int, held: Institution) -> None:
    """Whether it is being held or over."""
    assert delete(held, classroom(held)["activityId"], NOW + DAY + after).code == code


def test_a_classroom_takes_any_student(held: Institution) -> None:
    """Of the institution; who is there already is added as well, each told of by UID."""
    room = classroom(held)
    said = add(held, room["activityId"], ANN, CAT, CAT, 99)
    assert entries(said, "code") == [1, 1, 1, 121601020]
    assert items(said)[1] == {"studentUid": CAT, "code": 1, "msg": "carried out"}
    assert held.lessons[room["classId"]].drop_ins == (CAT,)
    assert remove(held, room["activityId"], CAT, ANN, DAN) == Answer(1)
    assert held.lessons[room["classId"]].absent == (ANN,)
    assert held.lessons[room["classId"]].drop_ins == ()


def test_another_activity_takes_members_of_the_class(held: Institution) -> None:
    """Students and auditors, who can be taken off and come again."""
    held.rosters.of(COURSE).auditors[DAN] = "Dan"
    draft = task(held, unit(held))
    assert entries(add(held, draft, ANN, DAN, CAT), "code") == [1, 1, 40030]
    assert remove(held, draft, ANN, ANN) == Answer(1)
    assert next(iter(held.activities)).absent == (ANN,)
    assert entries(add(held, draft, ANN), "code") == [1]
    assert next(iter(held.activities)).absent == ()


@pytest.mark.parametrize("kind", [HOMEWORK, QUIZ])
def test_homework_and_quizzes_keep_their_students(kind: int, held: Institution) -> None:
    """All members of the class, always."""
    draft = task(held, unit(held), kind)
    assert (add(held, draft, ANN).code, remove(held, draft, ANN).code) == (110100070, 30008)


def test_what_is_over_or_gone_keeps_its_students(held: Institution) -> None:
    """As does what never was."""
    draft = task(held, unit(held), DISCUSSION, endTime=NOW + DAY)
    room = classroom(held)["activityId"]
    over = NOW + DAY + HOUR
    for one in (draft, room):
        assert (
            add(held, one, ANN, at=over).code == remove(held, one, ANN, at=over).code == 110100069
        )
        delete(held, one)
        assert add(held, one, ANN).code == remove(held, one, ANN).code == 29149
    assert add(held, 99, ANN).code == remove(held, 99, ANN).code == 30002
