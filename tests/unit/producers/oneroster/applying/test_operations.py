"""Steps: which operations carry a plan out, what each achieves, and what must come before it."""

from collections.abc import Iterable

import pytest

from producers.oneroster.applying.operations import Ground, Step, steps
from producers.oneroster.id_map import IdMap, KnownCourse, KnownPerson
from producers.oneroster.planning.change_keys import Atom, atoms
from producers.oneroster.planning.diff import (
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
    applied,
    difference,
)
from producers.oneroster.roster import Course, Kind, Person, Role, Roster

STUDENT, TEACHER = Role.STUDENT, Role.TEACHER


def person(name: str, role: Role = STUDENT, called: str = "Ann") -> Person:
    """Somebody."""
    return Person(name, f"{name}@example.org", called, role)


def people(students: str = "", teachers: str = "") -> dict[str, Person]:
    """Some people, a letter each."""
    here = [*(person(one) for one in students), *(person(one, TEACHER) for one in teachers)]
    return {one.id: one for one in here}


def school(students: str = "", teachers: str = "", *, taught: str = "", learnt: str = "") -> Roster:
    """A school with a class, `k`, unless nobody is in it."""
    roster = Roster(people(students, teachers))
    if taught or learnt:
        roster.courses["k"] = Course("k", "Art")
    if taught:
        roster.teachers["k"] = tuple(taught)
    if learnt:
        roster.students["k"] = tuple(learnt)
    return roster


def known(roster: Roster) -> IdMap:
    """What is known of a school that ClassIn has."""
    ordered = sorted(roster.people.values(), key=lambda one: one.id)
    return IdMap(
        {one.id: KnownPerson(ord(one.id), frozenset({one.role})) for one in ordered},
        {name: KnownCourse(5) for name in roster.courses},
    )


def way(
    before: Roster, after: Roster, directory: IdMap | None = None, tried: Iterable[Atom] = ()
) -> list[Step]:
    """The steps from one school to another."""
    plan = difference(before, after)
    ground = Ground(directory or known(before), before.teachers, [*tried])
    return [*steps(plan, ground, "s", lambda name, number: f"{name}-{number}")]


def named(found: Iterable[Step]) -> list[str]:
    """Their operations."""
    return [step.operation for step in found]


def of(found: Iterable[Step], operation: str) -> Step:
    """The only one of an operation."""
    (step,) = [each for each in found if each.operation == operation]
    return step


def test_a_new_school_is_made_from_its_people_on() -> None:
    """What is not there yet is referred to."""
    register, course, co, students = way(Roster(), school("ab", "fg", taught="fg", learnt="ab"))
    assert register.operation == "register_multiple"
    assert register.fields["userJson"][2] == {
        "email": "f@example.org",
        "nickname": "Ann",
        "addToSchoolMember": 2,
        "customColumn": "2",
    }
    uid = {"$result": "s:1", "path": "data.customColumn=2.data"}
    assert (course.operation, course.key) == ("add_course", "s:2")
    assert course.fields == {
        "courseName": "Art",
        "courseUniqueIdentity": "k-0",
        "mainTeacherUid": uid,
    }
    assert co.fields["courseId"] == {"$result": "s:2", "path": "data"}
    assert co.effects == (TeacherChange("k", ("f",), ("f", "g")),)
    assert students.operation == "add_course_student_multiple"
    assert [each["customColumn"] for each in students.fields["studentJson"]] == ["0", "1"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Roster(), school("ab", "fg", taught="fg", learnt="ab")),
        (school("ab", "fg", taught="fg", learnt="ab"), Roster()),
        (school("ab", "fg", taught="fg", learnt="a"), school("ab", "fg", taught="gf", learnt="b")),
        (school("", "fg", taught="f"), school("", "fg", taught="g")),
        (school("", "fgh", taught="fgh"), school("", "fh", taught="hf")),
    ],
)
def test_the_steps_achieve_the_plan(before: Roster, after: Roster) -> None:
    """All of it, and no more."""
    effects = [effect for step in way(before, after) for effect in step.effects]
    assert applied(effects, before) == after


def test_so_many_go_into_one_call() -> None:
    """People by tens, students of a course by thirties."""
    names = [f"s{number:02}" for number in range(31)]
    roster = Roster({name: person(name) for name in names}, {"k": Course("k", "Art")})
    roster.students["k"] = tuple(names)
    found = way(Roster(), roster)
    sizes = [len(each.effects) for each in found]
    assert sizes == [10, 10, 10, 1, 1, 30, 1]


def test_phone_numbers_are_no_e_mail_addresses() -> None:
    """An account is one or the other."""
    roster = Roster({"a": Person("a", "13800000001", "Ann", STUDENT)})
    (step,) = way(Roster(), roster)
    assert step.fields["userJson"][0]["telephone"] == "13800000001"


def test_who_comes_back_is_not_registered_again() -> None:
    """But called as now, in courses as well; a teacher is reactivated first."""
    gone = IdMap(
        {
            "a": KnownPerson(1, frozenset({STUDENT})),
            "f": KnownPerson(2, frozenset({TEACHER}), stopped=True),
        }
    )
    edit, names, restart = way(Roster(), school("a", "f"), gone)
    assert named([edit, names, restart]) == [
        "edit_school_student",
        "modify_course_student_nick_name",
        "restart_using_teacher",
    ]
    assert edit.effects == (PersonChange(None, person("a", called="")),)
    assert (names.effects, names.after) == ((PersonChange(None, person("a")),), (edit.key,))
    assert restart.effects == (PersonChange(None, person("f", TEACHER, "")),)


def test_whoever_becomes_a_member_does_so_before_courses() -> None:
    """Nothing else would keep ClassIn from taking them the other way round."""
    gone = IdMap(
        {
            "f": KnownPerson(1, frozenset({TEACHER}), stopped=True),
            "g": KnownPerson(2, frozenset({STUDENT}), account="old@example.org"),
            "a": KnownPerson(3),
        }
    )
    found = way(Roster(), school("a", "fg", taught="fg", learnt="a"), gone)
    assert of(found, "add_course").after == (of(found, "restart_using_teacher").key,)
    teacher = of(found, "add_teacher")
    assert of(found, "add_course_teacher").after == (teacher.key,)
    assert of(found, "add_course_student_multiple").after == (of(found, "add_school_student").key,)
    assert teacher.fields["teacherAccount"] == "old@example.org"


def test_a_teacher_who_becomes_a_student_teaches_no_more() -> None:
    """As soon as the student is there, and out of the courses."""
    before, after = school("", "fg", taught="gf"), school("f", "g", taught="g", learnt="f")
    found = way(before, after)
    assert named(found) == [
        "add_school_student",
        "remove_course_teacher",
        "add_course_student_multiple",
    ]
    (still,) = of(found, "add_school_student").effects
    assert still == PersonChange(person("f", TEACHER), person("f", TEACHER, ""))
    both = known(before)
    both.people["f"] = KnownPerson(9, frozenset({STUDENT, TEACHER}))
    stop = of(way(before, after, both), "stop_using_teacher")
    assert stop.fields == {"teacherUid": 9}
    assert stop.after == (of(way(before, after, both), "remove_course_teacher").key,)


def test_a_student_who_becomes_a_teacher_again_gets_the_name() -> None:
    """The name borne as a teacher is another one."""
    before, after = school("f"), school("", "f")
    directory = IdMap({"f": KnownPerson(9, frozenset({STUDENT, TEACHER}))})
    assert named(way(before, after, directory)) == ["edit_teacher"]


@pytest.mark.parametrize(
    ("change", "operations"),
    [
        (Person("a", "a@example.org", "Bo", STUDENT), 2),
        (Person("a", "other@example.org", "Ann", STUDENT), 1),
    ],
)
def test_a_changed_person(change: Person, operations: int) -> None:
    """A new name is told; a new account ClassIn does not take."""
    found = way(Roster({"a": person("a")}), Roster({"a": change}), known(school("a")))
    assert len(found) == operations
    assert [bool(name) for name in named(found)] == [change.name == "Bo"] * operations


def test_who_leaves_is_let_out_of_courses_first() -> None:
    """Then a teacher is deactivated; for a student ClassIn has nothing."""
    found = way(school("a", "fg", taught="fg", learnt="a"), school("", "g", taught="g"))
    assert named(found) == [
        "del_course_student_multiple",
        "edit_course",
        "",
        "stop_using_teacher",
    ]
    edit = of(found, "edit_course")
    assert edit.fields == {"courseId": 5, "mainTeacherUid": ord("g"), "stamp": 2}
    assert of(found, "stop_using_teacher").after == (edit.key,)


def test_a_teacher_leaves_after_the_courses_that_end() -> None:
    """Also if the course keeps its teachers in our books."""
    before = school("", "f", taught="f")
    after = Roster({}, {"k": Course("k", "Art", ended=True)}, dict(before.teachers))
    end, stop = way(before, after)
    assert (end.operation, stop.operation) == ("end_course", "stop_using_teacher")
    assert stop.after == (end.key,)


def test_the_former_main_teacher_may_stay() -> None:
    """As one of the others."""
    (step,) = way(school("", "fg", taught="fg"), school("", "fg", taught="gf"))
    assert step.fields == {"courseId": 5, "mainTeacherUid": ord("g")}
    assert step.effects == (TeacherChange("k", ("f",), ("g", "f")),)


def test_a_class_that_comes_back_is_another_course() -> None:
    """What ended in ClassIn has ended."""
    gone = IdMap(courses={"k": KnownCourse(5, ended=True)})
    (step,) = way(Roster(), Roster(courses={"k": Course("k", "Art")}), gone)
    assert step.fields["courseUniqueIdentity"] == "k-1"


def test_what_never_came_about_can_go() -> None:
    """ClassIn has no part in it."""
    found = way(school("a", taught="", learnt="a"), Roster(), IdMap())
    assert named(found) == ["", ""]


def test_a_course_without_its_main_teacher_gets_another() -> None:
    """Rather than have none, or wait."""
    after = school("", "fg", taught="fg")
    tried = list(atoms(PersonChange(None, after.people["f"])))
    found = way(Roster(), after, tried=tried)
    assert named(found) == ["register_multiple", "add_course"]
    assert of(found, "add_course").effects[1] == TeacherChange("k", (), ("g",))
    nobody = [*tried, *atoms(PersonChange(None, after.people["g"]))]
    assert len(of(way(Roster(), after, tried=nobody), "add_course").effects) == 1


def test_the_main_teacher_stays_while_the_new_one_cannot_be() -> None:
    """Nobody is taken off for whom nobody comes."""
    before, after = school("", "fg", taught="f"), school("", "fg", taught="g")
    assert way(before, after, tried=[(Kind.TEACHERS, "k", "g")]) == []


def test_what_was_tried_in_vain_is_left_out() -> None:
    """And what needs it, but nothing else."""
    after = school("ab", "f", taught="f", learnt="ab")
    found = way(Roster(), after, tried=[(Kind.PEOPLE, "a", "")])
    (student,) = of(found, "add_course_student_multiple").effects
    assert student == StudentChange("k", ("b",), ())
    assert named(way(Roster(), after, tried=[(Kind.COURSES, "k", "")])) == ["register_multiple"]


def test_a_step_can_be_kept_and_read_back() -> None:
    """As JSON."""
    for step in way(Roster(), school("ab", "fg", taught="fg", learnt="ab")):
        assert Step.from_json(step.as_json()) == step


def test_a_change_has_atoms() -> None:
    """By which what failed is known."""
    course = CourseChange(None, Course("k", "Art"))
    assert list(atoms(course)) == [(Kind.COURSES, "k", "")]
    assert list(atoms(TeacherChange("k", ("f", "g"), ("g", "h")))) == [
        (Kind.TEACHERS, "k", "f"),
        (Kind.TEACHERS, "k", "g"),
        (Kind.TEACHERS, "k", "h"),
    ]
    assert len(list(atoms(StudentChange("k", ("a",), ("b",))))) == 2
