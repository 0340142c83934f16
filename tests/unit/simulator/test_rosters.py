"""Who is in a course, as what, and under which name."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer, answer
from ops.simulator.handlers.rosters import MOST_AUDITORS
from ops.simulator.state.people import Student
from ops.simulator.state.world import Institution
from worker.classin.catalogue import read

NOW = 1_800_000_000
DAY = 24 * 3600

HEAD, TEACHER, FORMER_TEACHER = 1001001, 1001002, 1001009
ANN, BEN, CAT, DAN = 1002001, 1002002, 1002003, 1002004
COURSE = 352861


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


@pytest.mark.parametrize(("identity", "code"), [(1, 163), (2, 164)])
def test_a_member_is_added_once(held: Institution, identity: int, code: int) -> None:
    """What somebody is already is told, whichever identity a second call has."""
    add = {"courseId": COURSE, "studentUid": CAT}
    assert ask(held, "add_course_student", **add, identity=identity) == Answer(1)
    for again in (1, 2):
        assert ask(held, "add_course_student", **add, identity=again) == Answer(code)


@pytest.mark.parametrize(
    ("uid", "as_student", "as_auditor"),
    [(99, 400, 400), (HEAD, 333, 174), (TEACHER, 129, 174), (FORMER_TEACHER, 228, 228)],
)
def test_who_cannot_join_a_course(
    uid: int, as_student: int, as_auditor: int, held: Institution
) -> None:
    """The unknown, its teachers, and who is no student of the institution."""
    held.rosters.of(COURSE).teachers.add(TEACHER)
    add = {"courseId": COURSE, "studentUid": uid}
    assert ask(held, "add_course_student", **add, identity=1).code == as_student
    assert ask(held, "add_course_student", **add, identity=2).code == as_auditor


def test_a_co_teacher_of_a_lesson_cannot_join_its_course(held: Institution) -> None:
    """332, though not among the course's teachers."""
    held.lessons.change(next(iter(held.lessons)), assistant_uids=(CAT,))
    said = ask(held, "add_course_student", courseId=COURSE, studentUid=CAT, identity=1)
    assert said == Answer(332)


def test_a_member_bears_the_name_given_or_that_of_the_institution(held: Institution) -> None:
    """Copying the institution's names over undoes the difference."""
    people = [{"uid": CAT, "name": "Kitty"}, {"uid": DAN}]
    ask(held, "add_course_student_multiple", courseId=COURSE, identity=1, studentJson=people)
    students = held.rosters.of(COURSE).students
    assert (students[CAT], students[DAN]) == ("Kitty", "Student 4")
    assert ask(held, "modify_group_member_nickname", courseId=COURSE) == Answer(1)
    assert students[CAT] == "Student 3"


def test_several_are_added_each_with_a_code(held: Institution) -> None:
    """The entries name nobody; the mark comes back where one was given."""
    people = [
        {"uid": CAT, "customColumn": "row 2"},
        {"uid": ANN},
        {"uid": CAT, "customColumn": "row 4"},
        {"uid": HEAD},
    ]
    add = {"courseId": COURSE, "identity": 1}
    said = ask(held, "add_course_student_multiple", **add, studentJson=people)
    assert entries(said) == [1, 163, 133, 333]
    assert isinstance(said.data, list)
    assert [entry.get("customColumn") for entry in said.data] == ["row 2", None, "row 4", None]
    assert ask(held, "add_course_student_multiple", **add, studentJson=[]) == Answer(155)


def test_a_course_takes_so_many_auditors(held: Institution) -> None:
    """Twenty, not one more."""
    uids = range(2_000_000, 2_000_000 + MOST_AUDITORS + 1)
    for uid in uids:
        user = held.people.users.find(ANN)
        assert user is not None
        held.people.users.keep(user.model_copy(update={"uid": uid, "account": f"{uid}@x.example"}))
        held.people.students[uid] = Student(uid=uid, name=f"{uid}")
    said = ask(
        held,
        "add_course_student_multiple",
        courseId=COURSE,
        identity=2,
        studentJson=[{"uid": uid} for uid in uids],
    )
    assert entries(said) == [1] * MOST_AUDITORS + [130]


def test_a_member_is_removed_once(held: Institution) -> None:
    """162 for who is not there under this identity, 400 for nobody's UID."""
    remove = {"courseId": COURSE, "studentUid": ANN}
    assert ask(held, "del_course_student", **remove, identity=2) == Answer(162)
    assert ask(held, "del_course_student", **remove, identity=1) == Answer(1)
    assert ask(held, "del_course_student", **remove, identity=1) == Answer(162)
    several = {"courseId": COURSE, "identity": 1, "studentUidJson": [ANN, BEN, 99]}
    said = ask(held, "del_course_student_multiple", **several)
    assert entries(said) == [162, 1, 400]
    assert isinstance(said.data, list)
    assert said.data[1] == {"errno": 1, "error": "carried out"}
    assert held.rosters.of(COURSE).students == {}


def test_teachers_are_put_on_a_course(held: Institution) -> None:
    """Each has an entry, and the answer is a success though some were refused."""
    for uid in (ANN, CAT):
        held.people.admit_teacher(uid, "Also a teacher")
    held.rosters.of(COURSE).auditors[CAT] = "Cat"
    uids = [TEACHER, TEACHER, HEAD, FORMER_TEACHER, DAN, ANN, CAT]
    said = ask(held, "add_course_teacher", courseId=COURSE, teacherUids=uids)
    assert entries(said, "code") == [1, 133, 30022, 387, 136, 172, 173]
    assert isinstance(said.data, list)
    assert said.data[0] == {"teacherUid": TEACHER, "code": 1, "msg": "carried out"}
    assert held.rosters.of(COURSE).teachers == {TEACHER}


def test_a_teacher_is_taken_off_a_course_once(held: Institution) -> None:
    """316 for who is not on the list, as the head teacher; 317 while lessons are ahead."""
    held.rosters.of(COURSE).teachers.add(TEACHER)
    foretell(held)
    held.lessons.change(next(iter(held.lessons)), teacher_uid=TEACHER)
    uids = (99, ANN, HEAD, TEACHER)
    ways = [
        ask(held, "remove_course_teacher", courseId=COURSE, teacherUid=uid).code for uid in uids
    ]
    assert ways == [400, 136, 316, 317]
    held.lessons.change(next(iter(held.lessons)), teacher_uid=HEAD)
    remove = {"courseId": COURSE, "teacherUid": TEACHER}
    assert ask(held, "remove_course_teacher", **remove) == Answer(1)
    assert ask(held, "remove_course_teacher", **remove) == Answer(316)


def test_the_lessons_ahead_get_another_teacher(held: Institution) -> None:
    """An entry for each of them; a lesson that has begun keeps its teacher."""
    change = {"courseId": COURSE, "teacherUid": TEACHER}
    assert ask(held, "modify_course_teacher", **change) == Answer(188)
    foretell(held)
    said = ask(held, "modify_course_teacher", **change)
    assert said.data == [{"classId": 880001, "errno": 1, "error": "carried out"}]
    assert next(iter(held.lessons)).teacher_uid == TEACHER
    assert held.rosters.of(COURSE).teachers == {TEACHER}


def test_who_cannot_get_the_lessons(held: Institution) -> None:
    """Strangers and the deactivated at once; a co-teacher or drop-in lesson by lesson."""
    foretell(held)
    codes = [
        ask(held, "modify_course_teacher", courseId=COURSE, teacherUid=uid).code
        for uid in (99, DAN, FORMER_TEACHER)
    ]
    assert codes == [400, 136, 387]
    held.people.admit_teacher(CAT, "Cat")
    lesson = next(iter(held.lessons))
    held.lessons.change(lesson, drop_ins=(CAT,), assistant_uids=(TEACHER,))
    for uid, code in ((CAT, 187), (TEACHER, 328)):
        said = ask(held, "modify_course_teacher", courseId=COURSE, teacherUid=uid)
        assert entries(said) == [code]
    held.lessons.change(lesson, activity_id=7)
    assert entries(ask(held, "modify_course_teacher", courseId=COURSE, teacherUid=HEAD)) == [466]


def grouped(*groups: list[int]) -> dict[str, Any]:
    """Give the fields of a grouping; the first of each group leads it."""
    listed = [
        [{"studentUid": uid, "isLeader": int(uid == group[0])} for uid in group] for group in groups
    ]
    return {"courseId": COURSE, "groupName": "Teams", "groupList": listed}


def test_a_course_has_one_grouping(held: Institution) -> None:
    """It is made once, edited and deleted by its id, and can then be made anew."""
    made = ask(held, "add_course_group", **grouped([ANN], [BEN]))
    assert made == Answer(1, 710001)
    assert ask(held, "add_course_group", **grouped([ANN])) == Answer(892)
    edit = grouped([BEN, ANN]) | {"groupId": 710001, "groupName": "Pairs"}
    assert ask(held, "edit_course_group", **edit) == Answer(1)
    assert ask(held, "edit_course_group", **edit | {"groupId": 9}) == Answer(893)
    groups = held.rosters.of(COURSE).groups
    assert groups is not None
    assert (groups.group_name, [len(group) for group in groups.group_list]) == ("Pairs", [2])
    for code in (1, 893):
        assert ask(held, "del_course_group", courseId=COURSE, groupId=710001) == Answer(code)
    assert ask(held, "add_course_group", **grouped([ANN])) == Answer(1, 710002)


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ([[99]], 896),
        ([[CAT]], 897),
        ([[CAT, ANN]], 895),
        ([[ANN, CAT]], 898),
    ],
)
def test_strangers_in_a_grouping(held: Institution, groups: list[list[int]], code: int) -> None:
    """Nobody of the school, of the course, a leader not in it; others are left out."""
    assert ask(held, "add_course_group", **grouped(*groups)).code == code
    made = held.rosters.of(COURSE).groups
    assert (made is not None) == (code == 898)
    if made is not None:
        assert [[one.student_uid for one in group] for group in made.group_list] == [[ANN]]
