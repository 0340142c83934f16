"""Who is in a single lesson, and which labels it carries."""

from collections.abc import Callable

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution, World
from tests.unit.simulator.asking import (
    ANN,
    BEN,
    CAT,
    COURSE,
    DAN,
    DAY,
    FORMER_TEACHER,
    HEAD,
    HOUR,
    NOW,
    OTHER_COURSE,
    PAST,
    TEACHER,
    ask,
    classroom,
    entries,
    items,
    lesson,
)

OVER = NOW + DAY + HOUR


def add(held: Institution, class_id: int, *uids: int, at: float = NOW) -> Answer:
    """Add students to a lesson of COURSE, each marked with the UID."""
    given = [{"uid": uid, "customColumn": f"{uid}"} for uid in uids]
    fields = {"courseId": COURSE, "classId": class_id, "identity": 1, "studentJson": given}
    return ask(held, "add_class_student_multiple", at, **fields)


def remove(held: Institution, class_id: int, *uids: int, at: float = NOW) -> Answer:
    """Remove students from a lesson of COURSE."""
    fields = {"courseId": COURSE, "classId": class_id, "identity": 1, "studentUidJson": [*uids]}
    return ask(held, "del_class_student_multiple", at, **fields)


def label(held: Institution, *lessons: dict[str, object]) -> list[int]:
    """Label lessons of COURSE: the codes."""
    return entries(ask(held, "add_class_labels", courseId=COURSE, classList=[*lessons]))


def test_each_student_is_told_of(held: Institution) -> None:
    """By the mark; those of the course are in the lesson already, as is who is listed twice."""
    said = add(
        held, lesson(held, assistantUid=TEACHER), CAT, ANN, CAT, 99, HEAD, TEACHER, FORMER_TEACHER
    )
    assert entries(said) == [1, 166, 166, 400, 129, 329, 228]
    assert items(said)[0] == {"customColumn": f"{CAT}", "errno": 1, "error": "carried out"}


def test_who_has_another_part_in_the_course(held: Institution) -> None:
    """Its teachers and auditors are no students of single lessons."""
    roster = held.rosters.of(COURSE)
    roster.head_teacher, roster.auditors[DAN] = TEACHER, "Dan"
    assert entries(add(held, lesson(held), TEACHER, DAN)) == [333, 164]


def test_a_student_leaves_one_lesson(held: Institution) -> None:
    """The others of the course stay; a drop-in is gone for good, and may come again."""
    one, other = lesson(held), lesson(held)
    add(held, one, CAT)
    assert entries(remove(held, one, ANN, CAT, CAT, DAN)) == [1, 1, 167, 167]
    assert entries(add(held, one, ANN, BEN, CAT)) == [1, 166, 1]
    assert entries(add(held, other, ANN)) == [166]


@pytest.mark.parametrize("change", [add, remove])
def test_a_lesson_that_is_over_keeps_its_students(
    change: Callable[..., Answer], held: Institution
) -> None:
    """While it is being held they come and go."""
    class_id = lesson(held)
    assert change(held, class_id, ANN, at=OVER - 1).code == 1
    assert change(held, class_id, ANN, at=OVER).code == 145
    assert change(held, 99, ANN).code == 143
    assert change(held, classroom(held)["classId"], ANN).code == 466


def test_one_student_joins_several_lessons(held: Institution) -> None:
    """Each lesson is told of; what is wrong with the student is told once."""
    there, elsewhere = lesson(held), lesson(held, courseId=OTHER_COURSE)
    given = {"courseId": COURSE, "classJson": [there, elsewhere, PAST, 99, there]}
    said = ask(held, "add_course_class_student", studentUid=CAT, **given)
    assert entries(said) == [1, 142, 145, 142, 166]
    assert ask(held, "add_course_class_student", studentUid=99, **given).code == 400
    assert ask(held, "add_course_class_student", studentUid=HEAD, **given).code == 333


def test_labels_take_the_place_of_those_there_are(world: World, held: Institution) -> None:
    """An empty list removes them; unknown ones, and those of others, are refused."""
    class_id = lesson(held)
    mine, theirs = (
        held.labels.add("spring").label_id,
        world.institution("2").labels.add("autumn").label_id,
    )
    assert label(held, {"classId": class_id, "classLabelId": [mine]}) == [1]
    assert label(
        held,
        {"classId": class_id, "classLabelId": [99]},
        {"classId": class_id, "classLabelId": [theirs]},
        {"classId": 99, "classLabelId": [mine]},
        {"classId": class_id},
    ) == [358, 359, 143, 1]
    assert held.lessons[class_id].label_ids == (mine,)
    assert label(held, {"classId": class_id, "classLabelId": []}) == [1]
    assert held.lessons[class_id].label_ids == ()
