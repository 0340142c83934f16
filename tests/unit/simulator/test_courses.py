"""Courses: made, edited, ended, labelled."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer, answer
from ops.simulator.state.world import Institution, World
from worker.classin.catalogue import read

NOW = 1_800_000_000
DAY = 24 * 3600

HEAD, TEACHER, FORMER_TEACHER = 1001001, 1001002, 1001009
ANN, CAT, DAN = 1002001, 1002003, 1002004
COURSE, OTHER_COURSE = 352861, 414193

ONE = {"uid": CAT}
LEADER = {"studentUid": ANN, "isLeader": 1}


def ask(held: Institution, operation: str, **fields: Any) -> Answer:  # noqa: ANN401  # any field
    """Carry an operation out as of NOW."""
    return answer(held, read(operation, fields), NOW)


def entries(said: Answer, code: str = "errno") -> list[int]:
    """Give the codes of a bulk answer, which is itself a success."""
    assert said.code == 1
    assert isinstance(said.data, list)
    return [entry[code] for entry in said.data]


def foretell(held: Institution) -> None:
    """Move the seeded lesson of COURSE to tomorrow."""
    lesson = next(iter(held.lessons))
    held.lessons.change(lesson, begin_time=NOW + DAY, end_time=NOW + DAY + 3600)


def test_a_course_is_made_once_for_an_identity(held: Institution) -> None:
    """A repeat is told the earlier id, whatever its other fields; without one there are two."""
    fields = {"courseName": "Art", "courseUniqueIdentity": "art-1"}
    assert ask(held, "add_course", **fields, mainTeacherUid=HEAD) == Answer(1, 600001)
    assert ask(held, "add_course", **fields | {"courseName": "Fine arts"}) == Answer(398, 600001)
    assert ask(held, "add_course", courseName="Art") == Answer(1, 600002)
    assert held.courses[600001].course_name == "Art"
    assert held.rosters.of(600001).head_teacher == HEAD


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mainTeacherUid": 99}, 334),
        ({"mainTeacherUid": ANN}, 334),
        ({"mainTeacherUid": FORMER_TEACHER}, 389),
        ({"folderId": 99}, 160),
        ({"expiryTime": NOW + DAY - 1}, 151),
        ({"expiryTime": NOW + 2000 * DAY}, 154),
        ({"expiryTime": NOW + 1800 * DAY}, 1),
    ],
)
def test_what_a_course_cannot_have(held: Institution, fields: dict[str, object], code: int) -> None:
    """A refused course is not made."""
    before = len(held.courses)
    assert ask(held, "add_course", courseName="Art", **fields).code == code
    assert len(held.courses) - before == (code == 1)


def test_a_head_teacher_is_replaced(held: Institution) -> None:
    """The former one joins the teachers, or leaves when that is asked for."""
    roster = held.rosters.of(COURSE)
    assert ask(held, "edit_course", courseId=COURSE, mainTeacherUid=TEACHER) == Answer(1)
    assert (roster.head_teacher, roster.teachers) == (TEACHER, {HEAD})
    assert ask(held, "edit_course", courseId=COURSE, mainTeacherUid=HEAD, stamp=2) == Answer(1)
    assert (roster.head_teacher, roster.teachers) == (HEAD, set())


def test_who_cannot_take_over_a_course(held: Institution) -> None:
    """The unknown, strangers, the deactivated, and who studies or audits there."""
    held.people.admit_teacher(ANN, "Ann")
    held.people.admit_teacher(CAT, "Cat")
    held.rosters.of(COURSE).auditors[CAT] = "Cat"
    uids = (99, DAN, FORMER_TEACHER, ANN, CAT)
    said = [ask(held, "edit_course", courseId=COURSE, mainTeacherUid=uid).code for uid in uids]
    assert said == [310, 334, 389, 311, 312]


def test_a_head_teacher_with_lessons_does_not_leave(held: Institution) -> None:
    """314; nor does a course expire before its last lesson (152)."""
    foretell(held)
    leave = {"courseId": COURSE, "mainTeacherUid": TEACHER, "stamp": 2}
    assert ask(held, "edit_course", **leave) == Answer(314)
    assert ask(held, "edit_course", courseId=COURSE, expiryTime=NOW + DAY) == Answer(152)


@pytest.mark.parametrize(
    ("operation", "fields", "codes"),
    [
        ("edit_course", {}, (153, 149, 144)),
        ("end_course", {}, (153, 149, 144)),
        ("add_course_student", {"identity": 1, "studentUid": CAT}, (153, 149, 144)),
        (
            "add_course_student_multiple",
            {"identity": 1, "studentJson": [ONE]},
            (153, 149, 144),
        ),
        ("del_course_student", {"identity": 1, "studentUid": ANN}, (153, 149, 144)),
        ("del_course_student_multiple", {"identity": 1, "studentUidJson": [ANN]}, (153, 144, 144)),
        ("modify_course_teacher", {"teacherUid": TEACHER}, (146, 149, 144)),
        ("remove_course_teacher", {"teacherUid": TEACHER}, (153, 149, 144)),
        ("add_course_teacher", {"teacherUids": [TEACHER]}, (30031, 149, 144)),
        (
            "add_course_group",
            {"groupName": "Teams", "groupList": [[LEADER]]},
            (890, 890, 890),
        ),
        ("modify_group_member_nickname", {}, (153, 149, 144)),
    ],
)
def test_a_course_that_is_over_or_gone(
    operation: str, fields: dict[str, Any], codes: tuple[int, int, int], held: Institution
) -> None:
    """Each operation answers what its page lists; a course whose time is up is over, too."""
    fields = {"courseId": COURSE} | fields
    ended, deleted, gone = codes
    course = held.courses[COURSE]
    held.courses[COURSE] = course.model_copy(update={"ended": True})
    assert ask(held, operation, **fields).code == ended
    held.courses[COURSE] = course.edited({"expiryTime": NOW})
    assert ask(held, operation, **fields).code == (153 if ended == 146 else ended)
    held.courses[COURSE] = course.model_copy(update={"deleted": True})
    assert ask(held, operation, **fields).code == deleted
    assert ask(held, operation, **fields | {"courseId": 99}).code == gone


def test_a_course_of_another_school(world: World, held: Institution) -> None:
    """It is not this institution's; only some pages have a code for whose it is."""
    theirs = world.institution("2").add_course("Art", {}).course_id
    assert ask(held, "end_course", courseId=theirs) == Answer(144)
    said = ask(held, "add_course_teacher", courseId=theirs, teacherUids=[TEACHER])
    assert said == Answer(121601021)


def test_ending_a_course_deletes_the_lessons_ahead(held: Institution) -> None:
    """One that is held hinders it; one that is over stays."""
    lesson = next(iter(held.lessons))
    held.lessons.change(lesson, begin_time=NOW, end_time=NOW + 3600)
    assert ask(held, "end_course", courseId=COURSE) == Answer(394)
    foretell(held)
    assert ask(held, "end_course", courseId=COURSE) == Answer(1)
    assert held.courses[COURSE].ended
    assert held.lessons.of(COURSE) == []


def test_courses_carry_the_labels_listed(world: World, held: Institution) -> None:
    """The list takes the place of what there was; a deleted label comes off."""
    theirs = world.institution("2").labels.add("theirs").label_id
    one, two = (held.labels.add(name).label_id for name in ("one", "two"))
    said = ask(
        held,
        "add_course_labels",
        courseList=[
            {"courseId": COURSE, "labelIds": [one, two], "customColumn": "a"},
            {"courseId": OTHER_COURSE, "labelIds": [99]},
            {"courseId": OTHER_COURSE, "labelIds": [theirs]},
            {"courseId": 99, "labelIds": [one]},
        ],
    )
    assert entries(said) == [1, 358, 359, 144]
    assert isinstance(said.data, list)
    assert said.data[0] == {
        "customColumn": "a",
        "courseId": COURSE,
        "errno": 1,
        "error": "carried out",
    }
    assert held.courses[COURSE].label_ids == (one, two)
    ask(held, "delete_school_label", labelId=one)
    assert held.courses[COURSE].to_dict()["labelIds"] == [two]
    assert ask(held, "add_course_labels", courseList=[]) == Answer(155)


def test_what_comes_empty_stays_as_it_is(held: Institution) -> None:
    """The expiry, and the head teacher."""
    ask(held, "edit_course", courseId=COURSE, expiryTime=NOW + 30 * DAY)
    before = held.courses[COURSE], held.rosters.of(COURSE).head_teacher
    said = ask(held, "edit_course", courseId=COURSE, expiryTime="", mainTeacherUid="")
    assert said == Answer(1)
    assert (held.courses[COURSE], held.rosters.of(COURSE).head_teacher) == before


def test_a_course_is_made_with_empty_fields(held: Institution) -> None:
    """Without a head teacher, and never to expire."""
    made = ask(held, "add_course", courseName="Art", expiryTime="", mainTeacherUid="").data
    assert isinstance(made, int)
    assert held.rosters.of(made).head_teacher is None
    assert not held.courses[made].expired(NOW + 9000 * DAY)
