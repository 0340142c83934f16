"""Undo a sync: the roster without that sync's changes."""

from collections.abc import Iterable

from producers.oneroster.planning.diff import (
    Change,
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
    applied,
    apply,
    reverse,
)
from producers.oneroster.roster import Roster


def undone(changes: Iterable[Change], now: Roster) -> Roster:
    """Return the roster without some changes; later changes of the same entries stay.

    An ended course stays ended; a running one keeps its teachers rather than have none.
    """
    roster = applied((), now)
    for change in changes:
        if _stands(change, now):
            apply(reverse(change), roster)
    for places in (roster.teachers, roster.students):
        for course in [name for name in places if name not in roster.courses]:
            del places[course]
    for places in (roster.teachers, roster.students):
        for course, people in [*places.items()]:
            places[course] = tuple(each for each in people if each in roster.people)
            if not places[course]:
                del places[course]
    _keep_taught(roster, now)
    return roster


def _keep_taught(roster: Roster, now: Roster) -> None:
    """Keep the teachers of courses that would have none."""
    for course, teachers in now.teachers.items():
        if course not in roster.courses or course in roster.teachers:
            continue
        roster.teachers[course] = teachers
        roster.people |= {each: now.people[each] for each in teachers if each in now.people}
        learning = [each for each in roster.students.pop(course, ()) if each not in teachers]
        if learning:
            roster.students[course] = tuple(learning)


def _stands(change: Change, now: Roster) -> bool:
    """Return whether a change can be undone: nothing has changed it since."""
    match change:
        case PersonChange(before=before, after=after):
            return now.people.get(change.id) == after and not (before and not before.name)
        case CourseChange(before=was, after=there):
            known = now.courses.get(change.id) == there and not (was and not was.name)
            return known and not (there and there.ended)
        case TeacherChange(course=course) | StudentChange(course=course):
            return course not in now.courses or not now.courses[course].ended
