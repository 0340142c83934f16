"""The guard: what would be removed is counted before anything is."""

from pathlib import Path

import pytest

from ops.simulator.bundle import Size, invent
from producers.oneroster.planning.diff import Plan, difference
from producers.oneroster.planning.removal_guard import Excess, excess
from producers.oneroster.planning.target import Options
from producers.oneroster.roster import Course, Export, Kind, Roster
from tests.unit.producers.oneroster.little_school import make_plan, read, then


@pytest.fixture
def before(tmp_path: Path) -> Roster:
    """A made-up school, applied: 180 people, 40 courses, 400 enrolments."""
    return read(tmp_path / "before", invent(Size())).roster


def halved(folder: Path, before: Roster) -> Plan:
    """A plan of the same school with half of its rows missing."""
    files = invent(Size())
    for name in ("users", "classes", "enrollments"):
        files[name] = files[name][::2]
    return make_plan(read(folder, files).export, before)


def test_a_bundle_with_half_its_rows_is_stopped(before: Roster, tmp_path: Path) -> None:
    """With numbers for each kind."""
    found = excess(halved(tmp_path, before), before)
    assert [each.kind for each in found] == [Kind.PEOPLE, Kind.COURSES, Kind.ENROLMENTS]
    assert [each.of for each in found] == [180, 40, 400]
    assert str(found[1]) == "20 of 40 courses would be removed: 50%, more than 10%"


def test_kinds_are_allowed_one_by_one(before: Roster, tmp_path: Path) -> None:
    """By name, or by a limit of their own."""
    plan = halved(tmp_path, before)
    found = excess(plan, before, {Kind.COURSES: 0.5}, allowed=[Kind.PEOPLE])
    assert [each.kind for each in found] == [Kind.ENROLMENTS]


def test_a_tenth_may_go(before: Roster, tmp_path: Path) -> None:
    """One more may not."""
    for gone, stopped in ((18, False), (19, True)):
        files = invent(Size())
        del files["users"][:gone]
        plan = make_plan(read(tmp_path / f"{gone}", files).export, before)
        kinds = [each.kind for each in excess(plan, before, {Kind.ENROLMENTS: 1.0})]
        assert kinds == ([Kind.PEOPLE] if stopped else [])


def test_nothing_is_guarded_against_in_a_first_run(before: Roster, tmp_path: Path) -> None:
    """Nor in one that removes nothing."""
    export = read(tmp_path, invent(Size())).export
    assert excess(make_plan(export, Roster()), Roster()) == []
    assert excess(make_plan(export, before), before) == []


def test_the_way_back_of_a_first_run_removes_all(before: Roster) -> None:
    """Which the guard says of an undo as well."""
    plan = difference(before, Roster())
    assert Excess(Kind.PEOPLE, 180, 180, 0.1) in excess(plan, before)


def test_courses_that_have_ended_may_go(before: Roster) -> None:
    """Last year's are dropped together every summer."""
    ended = Roster(
        before.people,
        {name: Course(name, "x", ended=True) for name in before.courses},
        before.teachers,
        before.students,
    )
    export = Export(people=before.people, whole=set(Kind))
    plan = make_plan(export, ended)
    assert then(plan, ended).courses == {}
    assert excess(plan, ended) == []
    assert make_plan(export, ended, Options(removals=False)).courses == ()
