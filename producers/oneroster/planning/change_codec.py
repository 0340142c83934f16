"""Encode changes as lists and text, for keeping."""

from collections.abc import Sequence
from typing import Any

from producers.oneroster.planning.diff import (
    Change,
    CourseChange,
    PersonChange,
    StudentChange,
    TeacherChange,
)
from producers.oneroster.roster import (
    course_as_json,
    course_from_json,
    person_as_json,
    person_from_json,
)


def change_as_json(change: Change) -> list[Any]:
    """Return a change as a list whose first item is its kind."""
    match change:
        case PersonChange(before, after):
            return ["person", before and person_as_json(before), after and person_as_json(after)]
        case CourseChange(before=was, after=now):
            return ["course", was and course_as_json(was), now and course_as_json(now)]
        case TeacherChange():
            return ["teachers", change.course, list(change.before), list(change.after)]
        case StudentChange():
            return ["students", change.course, list(change.added), list(change.removed)]


def change_from_json(said: Sequence[Any]) -> Change:
    """Decode what `change_as_json` returned. Raises ValueError for anything else."""
    match said:
        case ["person", before, after]:
            return PersonChange(
                before and person_from_json(before), after and person_from_json(after)
            )
        case ["course", before, after]:
            return CourseChange(
                before and course_from_json(before), after and course_from_json(after)
            )
        case ["teachers", course, before, after]:
            return TeacherChange(course, tuple(before), tuple(after))
        case ["students", course, added, removed]:
            return StudentChange(course, tuple(added), tuple(removed))
        case _:
            raise ValueError("is no change of a plan")
