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

#: The least of which a change consists: a kind; a person or a course; the person in the course.
Atom: TypeAlias = tuple[Kind, str, str]


def atoms(change: Change) -> Iterator[Atom]:
    """Take a change apart."""
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
