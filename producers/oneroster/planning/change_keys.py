"""Keys of single changes, by which failed ones are recognised later."""

from collections.abc import Iterator
from typing import TypeAlias

from producers.oneroster.planning.diff import (
    Change,
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
)
from producers.oneroster.roster import Kind

#: Key of the smallest part of a change: kind; person or course; person in the course.
Atom: TypeAlias = tuple[Kind, str, str]


def atoms(change: Change) -> Iterator[Atom]:
    """Return the keys of a change's parts."""
    match change:
        case PersonChange():
            yield Kind.PEOPLE, change.id, ""
        case CourseChange():
            yield Kind.COURSES, change.id, ""
        case TeacherChange(course, before, after):
            moved = set(before) ^ set(after)
            raised = after[:1] if before[:1] != after[:1] else ()
            yield from ((Kind.TEACHERS, course, name) for name in sorted(moved.union(raised)))
        case StudentChange(course, added, removed):
            yield from ((Kind.ENROLMENTS, course, name) for name in (*added, *removed))
