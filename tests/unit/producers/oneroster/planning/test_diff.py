"""Plans: what has to change, in which order, and the way back."""

from datetime import date
from pathlib import Path

import pytest

from producers.oneroster.planning.change_codec import change_as_json, change_from_json
from producers.oneroster.planning.diff import (
    Count,
    CourseChange,
    PersonChange,
    Plan,
    StudentChange,
    TeacherChange,
    applied,
    reverse,
)
from producers.oneroster.planning.target import Options
from producers.oneroster.roster import Export, Kind, Roster
from tests.unit.producers.oneroster.little_school import (
    deltas,
    in_1_2,
    make_plan,
    read,
    school,
    then,
)

AFTERWARDS = Options(end_courses=True, today=date(2027, 7, 1))


@pytest.fixture
def before(tmp_path: Path) -> Roster:
    """The little school, applied."""
    return read(tmp_path / "before", school()).roster


def kinds(plan: Plan) -> list[str]:
    """The names of the steps, in their order."""
    return [type(step).__name__ for step in plan.steps()]


def test_a_new_school_is_made_from_its_people_on(before: Roster, tmp_path: Path) -> None:
    """Whoever is to be in a course is there before the course is filled."""
    plan = make_plan(read(tmp_path, school()).export, Roster())
    assert kinds(plan) == [*["PersonChange"] * 3, "CourseChange", "TeacherChange", "StudentChange"]
    assert plan.counts == {
        Kind.PEOPLE: Count(created=3),
        Kind.COURSES: Count(created=1),
        Kind.TEACHERS: Count(created=1),
        Kind.ENROLMENTS: Count(created=2),
    }
    assert then(plan, Roster()) == before


def test_the_same_bundle_again_plans_nothing(before: Roster, tmp_path: Path) -> None:
    """In whatever order its rows come, and in the other edition as well."""
    turned = {name: rows[::-1] for name, rows in school().items()}
    for number, files in enumerate((school(), turned, in_1_2(school()))):
        plan = make_plan(read(tmp_path / f"{number}", files).export, before)
        assert not plan
        assert plan.counts[Kind.ENROLMENTS] == Count(unchanged=2)


def test_a_change_tells_before_and_after(before: Roster, tmp_path: Path) -> None:
    """Of a course's name, a person's account, and who is in a course."""
    files = school()
    files["classes"][0]["title"] = "Biology 8"
    files["users"][0]["email"] = "ann@example.org"
    files["enrollments"][1]["userSourcedId"] = "d"
    files["users"].append(files["users"][1] | {"sourcedId": "d", "email": "d@example.org"})
    plan = make_plan(read(tmp_path, files).export, before)
    assert [
        (change.before and change.before.account, change.after and change.after.account)
        for change in plan.people
    ] == [("a@example.org", "ann@example.org"), (None, "d@example.org")]
    assert [(c.before and c.before.name, c.after and c.after.name) for c in plan.courses] == [
        ("Biology 7", "Biology 8")
    ]
    assert plan.students == (StudentChange("k", added=("d",), removed=("b",)),)
    assert plan.counts[Kind.PEOPLE] == Count(created=1, changed=1, unchanged=2)


def test_what_is_missing_from_a_bulk_is_removed(before: Roster, tmp_path: Path) -> None:
    """Out of the courses first, then out of the school."""
    files = school()
    del files["users"][1], files["enrollments"][1]
    plan = make_plan(read(tmp_path, files).export, before)
    assert kinds(plan) == ["StudentChange", "PersonChange"]
    assert then(plan, before).students == {"k": ("a",)}


def test_a_course_is_emptied_before_it_goes(before: Roster, tmp_path: Path) -> None:
    """So that the way back can fill it again."""
    files = school()
    files["classes"], files["enrollments"] = [], []
    plan = make_plan(read(tmp_path, files).export, before)
    assert kinds(plan) == ["TeacherChange", "StudentChange", "CourseChange"]
    back = [reverse(change) for change in plan.steps()]
    assert applied(back, then(plan, before)) == before


def test_without_removals_all_stays(before: Roster, tmp_path: Path) -> None:
    """And what is new comes."""
    files = school()
    files["users"] = [files["users"][0] | {"sourcedId": "d", "email": "d@example.org"}]
    files["classes"], files["enrollments"] = [], []
    plan = make_plan(read(tmp_path, files).export, before, Options(removals=False))
    assert kinds(plan) == ["PersonChange"]


def test_a_row_with_a_fault_removes_nothing(before: Roster, tmp_path: Path) -> None:
    """Whoever's address is misspelt today was not expelled."""
    for number, (file, row, column) in enumerate(
        [
            ("users", 0, "email"),
            ("users", 0, "familyName"),
            ("classes", 0, "title"),
            ("enrollments", 0, "schoolSourcedId"),
        ]
    ):
        files = school()
        files[file][row][column] = ""
        reading = read(tmp_path / f"{number}", files, before)
        assert len(reading.left_out) == 1
        assert not make_plan(reading.export, before)


def test_a_delta_removes_only_what_it_names(before: Roster, tmp_path: Path) -> None:
    """A person, and with the person the enrolment."""
    files = school()
    files["users"] = [{"sourcedId": "b", "status": "tobedeleted"}]
    plan = make_plan(read(tmp_path, files, before, modes=deltas("users")).export, before)
    assert kinds(plan) == ["StudentChange", "PersonChange"]
    assert sorted(then(plan, before).people) == ["a", "t"]


def test_a_delta_may_end_an_enrolment(before: Roster, tmp_path: Path) -> None:
    """The person stays."""
    files = school()
    files["enrollments"] = [files["enrollments"][1] | {"status": "tobedeleted"}]
    plan = make_plan(read(tmp_path, files, before, modes=deltas("enrollments")).export, before)
    assert list(plan.steps()) == [StudentChange("k", (), ("b",))]


def test_who_is_enrolled_anew_stays(before: Roster, tmp_path: Path) -> None:
    """One enrolment ends, another of the same person in the same class begins."""
    files = school()
    gone = files["enrollments"][1] | {"status": "tobedeleted"}
    anew = gone | {"sourcedId": "9", "status": "active"}
    files["enrollments"] = [anew, gone]
    export = read(tmp_path, files, before, modes=deltas("enrollments")).export
    assert not make_plan(export, before)


def test_a_course_keeps_its_last_teacher(before: Roster, tmp_path: Path) -> None:
    """Whether the enrolment is gone, or the person."""
    without = school()
    del without["enrollments"][2]
    departed = school()
    del departed["users"][2], departed["enrollments"][2]
    for number, files in enumerate((without, departed)):
        plan = make_plan(read(tmp_path / f"{number}", files).export, before)
        assert not plan
        assert plan.warnings == ("course k: would be left without a teacher; t stays",)


def test_a_teacher_may_be_replaced(before: Roster, tmp_path: Path) -> None:
    """The last one goes when there is another."""
    files = school()
    files["users"][2] |= {"sourcedId": "s", "email": "s@example.org"}
    files["enrollments"][2]["userSourcedId"] = "s"
    plan = make_plan(read(tmp_path, files).export, before)
    assert plan.teachers == (TeacherChange("k", ("t",), ("s",)),)
    assert plan.warnings == ()


def test_the_main_teacher_stays_unless_another_is_marked(tmp_path: Path) -> None:
    """A second teacher whose id comes first does not take the place."""
    files = school()
    files["enrollments"][2]["primary"] = ""
    before = read(tmp_path / "1", files).roster
    files["users"].append(files["users"][2] | {"sourcedId": "s", "email": "s@example.org"})
    second = files["enrollments"][2] | {"sourcedId": "9", "userSourcedId": "s"}
    files["enrollments"].append(second)
    plan = make_plan(read(tmp_path / "2", files).export, before)
    assert plan.teachers == (TeacherChange("k", ("t",), ("t", "s")),)
    second["primary"] = "true"
    after = then(plan, before)
    plan = make_plan(read(tmp_path / "3", files).export, after)
    assert plan.teachers == (TeacherChange("k", ("t", "s"), ("s", "t")),)
    assert plan.counts[Kind.TEACHERS] == Count(changed=1, unchanged=1)


def test_a_person_moves_between_the_roles_of_a_course(tmp_path: Path) -> None:
    """Even where the bundle does not say that the old enrolment is gone."""
    files = school()
    before = read(tmp_path / "1", files).roster
    user = files["users"][1] | {"role": "teacher", "status": "active"}
    row = files["enrollments"][1] | {"sourcedId": "9", "role": "teacher", "status": "active"}
    change = files | {"users": [user], "enrollments": [row]}
    export = read(tmp_path / "2", change, before, modes=deltas("users", "enrollments")).export
    after = then(make_plan(export, before), before)
    assert after.teachers == {"k": ("t", "b")}
    assert after.students == {"k": ("a",)}


def test_courses_end_after_their_last_day_if_asked(before: Roster, tmp_path: Path) -> None:
    """Once; later bundles change nothing in them, and one that drops them lets them go."""
    files = school()
    export = read(tmp_path / "1", files).export
    assert not make_plan(export, before, Options(end_courses=True, today=date(2027, 6, 30)))
    assert not make_plan(export, before, Options(today=date(2027, 7, 1)))
    plan = make_plan(export, before, AFTERWARDS)
    (step,) = plan.steps()
    assert isinstance(step, CourseChange)
    assert step.closes
    ended = then(plan, before)
    assert ended.courses["k"].ended
    del files["enrollments"][:2]
    files["classes"][0]["title"] = "Biology 9"
    assert not make_plan(read(tmp_path / "2", files).export, ended, Options())
    files["classes"], files["enrollments"] = [], []
    assert then(make_plan(read(tmp_path / "3", files).export, ended), ended).courses == {}


def test_a_course_that_ends_holds_nobody_back(before: Roster, tmp_path: Path) -> None:
    """Its teacher may leave the school with it; who was in it stays noted."""
    files = school()
    del files["users"][2], files["enrollments"][2]
    plan = make_plan(read(tmp_path, files).export, before, AFTERWARDS)
    assert kinds(plan) == ["CourseChange", "PersonChange"]
    assert plan.warnings == ()
    assert then(plan, before).teachers == {"k": ("t",)}


def test_a_course_that_is_over_is_not_made_to_be_ended(tmp_path: Path) -> None:
    """A first run in the holidays starts with nothing old."""
    plan = make_plan(read(tmp_path, school()).export, Roster(), AFTERWARDS)
    assert set(kinds(plan)) == {"PersonChange"}
    assert plan.warnings == ("course k: is over already; not made",)


def test_a_delta_of_sessions_moves_the_last_day(before: Roster, tmp_path: Path) -> None:
    """Of courses that it does not mention."""
    files = school()
    files["academicSessions"][0] |= {"endDate": "2027-07-15", "status": "active"}
    modes = deltas("academicSessions")
    plan = make_plan(read(tmp_path, files, before, modes=modes).export, before)
    assert [change.after and change.after.last_day for change in plan.courses] == ["2027-07-15"]


def test_an_account_is_one_persons(before: Roster, tmp_path: Path) -> None:
    """A delta cannot give somebody the account of another who stays."""
    files = school()
    new = files["users"][0] | {"sourcedId": "d", "status": "active"}
    taken = files["users"][1] | {"email": "t@example.org", "status": "active"}
    change = files | {"users": [new, taken]}
    plan = make_plan(read(tmp_path, change, before, modes=deltas("users")).export, before)
    assert not plan
    assert sorted(plan.warnings) == [
        "person b: the account is another person's; not taken",
        "person d: the account is another person's; not taken",
    ]


def test_two_people_may_exchange_their_accounts(before: Roster, tmp_path: Path) -> None:
    """What the school says of both counts."""
    files = school()
    files["users"][0]["email"], files["users"][1]["email"] = "b@example.org", "a@example.org"
    plan = make_plan(read(tmp_path, files, before).export, before)
    assert len(plan.people) == 2
    assert plan.warnings == ()


def test_an_export_of_nothing_in_delta_plans_nothing(before: Roster) -> None:
    """What is not mentioned stays."""
    assert not make_plan(Export(), before)


def test_changes_can_be_kept_and_read_back(before: Roster, tmp_path: Path) -> None:
    """Each kind, in both directions; and nothing else is taken for one."""
    plan = make_plan(read(tmp_path, school()).export, Roster())
    steps = [*plan.steps(), *map(reverse, plan.steps())]
    assert [change_from_json(change_as_json(step)) for step in steps] == steps
    assert Roster.from_json(before.as_json()) == before
    with pytest.raises(ValueError, match="is no change"):
        change_from_json(["lesson", "k"])


def test_a_change_of_a_person_shows_no_name(before: Roster) -> None:
    """Whoever logs one logs an id."""
    shown = repr(PersonChange(None, before.people["a"]))
    assert "Ann" not in shown
    assert "example.org" not in shown
