"""What holds of plans for every school, however it was and whatever is said of it."""

import json
from datetime import date
from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ops.simulator.bundle import Files, Size, delta, invent
from producers.oneroster.planning.diff import (
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
    applied,
    apply,
    reverse,
)
from producers.oneroster.planning.target import Options, intended
from producers.oneroster.reading.schema import Version
from producers.oneroster.roster import Course, Export, Kind, Person, Role, Roster
from tests.unit.producers.oneroster.little_school import make_plan, read, then

PEOPLE, COURSES = "abcdefg", "klm"
YEAR = ("2026-06-30", "2027-06-30")

few = hypothesis_settings(max_examples=hypothesis_settings().max_examples // 2)

persons = st.builds(
    Person,
    st.just(""),
    st.sampled_from([f"{name}@example.org" for name in PEOPLE]),
    st.sampled_from(["Ann", "Bo"]),
    st.sampled_from(Role),
)
courses = st.builds(Course, st.just(""), st.sampled_from(["Art", "Music"]), st.just(("y",)))


@st.composite
def exports(draw: st.DrawFn, *, whole: bool | None = None) -> Export:
    """What a bundle may say of a small school: people and courses by single letters."""
    kinds = set(Kind) if whole else draw(st.sets(st.sampled_from(Kind)))
    people: dict[str, Person] = {}
    for name in draw(st.sets(st.sampled_from(PEOPLE))):
        person = draw(persons)
        if person.account not in {each.account for each in people.values()}:
            people[name] = Person(name, person.account, person.name, person.role)
    there = {
        name: Course(name, course.name, course.terms, draw(st.sampled_from(YEAR)))
        for name, course in draw(st.dictionaries(st.sampled_from(COURSES), courses)).items()
    }
    export = Export(people, there, whole=kinds)
    for course in there:
        for name in draw(st.sets(st.sampled_from(PEOPLE))) & people.keys():
            role = people[name].role
            here = export.teachers if role is Role.TEACHER else export.students
            here.setdefault(course, set()).add(name)
    pairs = st.tuples(st.sampled_from(COURSES), st.sampled_from(PEOPLE))
    export.gone_people = draw(st.sets(st.sampled_from(PEOPLE))) - people.keys()
    export.gone_courses = draw(st.sets(st.sampled_from(COURSES))) - there.keys()
    said = {(course, name) for course in there for name in people}
    export.gone_teachers = draw(st.sets(pairs)) - said
    export.gone_students = draw(st.sets(pairs)) - said
    export.spared_people = draw(st.sets(st.sampled_from(PEOPLE))) - people.keys()
    return export


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A school that some bundle left behind."""
    return intended(draw(exports(whole=True)), Roster(), Options())[0]


options = st.builds(
    Options,
    removals=st.booleans(),
    end_courses=st.booleans(),
    today=st.sampled_from([date(2026, 1, 1), date(2026, 9, 1)]),
)


@few
@given(exports(), rosters(), options)
def test_a_plan_leads_to_what_was_intended(export: Export, before: Roster, how: Options) -> None:
    """Neither more nor less, and the same again plans nothing."""
    plan = make_plan(export, before, how)
    after = then(plan, before)
    assert after == intended(export, before, how)[0]
    assert bool(plan) == (after != before)
    assert not make_plan(export, after, how)


@few
@given(exports(), rosters(), options)
def test_the_way_back_undoes(export: Export, before: Roster, how: Options) -> None:
    """Change by change."""
    plan = make_plan(export, before, how)
    assert applied(map(reverse, plan.steps()), then(plan, before)) == before


@few
@given(exports(), rosters(), options)
def test_every_step_finds_what_it_needs(export: Export, before: Roster, how: Options) -> None:
    """People and courses are there when somebody is added, and unused when they go."""
    plan = make_plan(export, before, how)
    roster = applied((), before)
    for step in plan.steps():
        match step:
            case TeacherChange() | StudentChange():
                new = step.after if isinstance(step, TeacherChange) else step.added
                assert set(new) <= roster.people.keys()
                assert step.course in roster.courses
            case CourseChange(after=None) if step.before:
                assert step.before.id not in roster.teachers
                assert step.before.id not in roster.students
            case PersonChange(after=None) if step.before:
                assert step.before.id not in _in_courses_under_way(roster)
        apply(step, roster)


@few
@given(exports(), rosters(), options)
def test_no_course_loses_its_last_teacher(export: Export, before: Roster, how: Options) -> None:
    """While it stays."""
    after = then(make_plan(export, before, how), before)
    assert before.teachers.keys() & after.courses.keys() <= after.teachers.keys()


@few
@given(exports(), rosters(), options)
def test_no_account_is_two_persons(export: Export, before: Roster, how: Options) -> None:
    """But for a teacher who is held back."""
    after, warnings = intended(export, before, how)
    accounts = [person.account for person in after.people.values()]
    held = sum("would be left without a teacher" in warning for warning in warnings)
    assert len(accounts) - len(set(accounts)) <= held


@few
@given(rosters())
def test_a_roster_can_be_kept_as_json(roster: Roster) -> None:
    """And is the same when it is read back."""
    assert Roster.from_json(json.loads(json.dumps(roster.as_json()))) == roster


def _in_courses_under_way(roster: Roster) -> set[str]:
    return {
        name
        for courses in (roster.teachers, roster.students)
        for course, people in courses.items()
        if not roster.courses[course].ended
        for name in people
    }


@st.composite
def edits(draw: st.DrawFn) -> tuple[Files, Files]:
    """A made-up school, and the same some months later."""
    seed = draw(st.integers(0, 5))
    now, later = (invent(Size(12, 3, 4, 30), seed) for _ in range(2))
    for name in ("users", "classes", "enrollments"):
        rows = later[name]
        for number in draw(st.sets(st.integers(0, len(rows) - 1), max_size=3)):
            match draw(st.sampled_from(["dropped", "renamed"])):
                case "dropped":
                    rows[number] = {}
                case _ if name != "enrollments":
                    rows[number]["title" if name == "classes" else "givenName"] = "Other"
        later[name] = [row for row in rows if row]
    gone = {row["sourcedId"] for row in now["users"]} - {r["sourcedId"] for r in later["users"]}
    left = {row["sourcedId"] for row in later["classes"]}
    later["enrollments"] = [
        row
        for row in later["enrollments"]
        if row["userSourcedId"] not in gone and row["classSourcedId"] in left
    ]
    return now, later


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=hypothesis_settings().max_examples // 4,
)
@given(edits())
def test_bulk_and_delta_lead_to_the_same_school(tmp_path: Path, both: tuple[Files, Files]) -> None:
    """Whichever way a SIS tells what changed; and a bundle's own snapshot is no change."""
    now, later = both
    before = read(tmp_path / "now", now).roster
    whole = read(tmp_path / "later", later, before)
    assert whole.faults == []
    after = then(make_plan(whole.export, before), before)
    assert not make_plan(read(tmp_path / "later", later, after).export, after)
    change = delta(now, later, "2026-10-01T08:00:00.000Z")
    modes = dict.fromkeys(change, "delta")
    partial = read(tmp_path / "change", change, before, version=Version.V1_1, modes=modes)
    assert partial.faults == []
    assert then(make_plan(partial.export, before), before) == after
