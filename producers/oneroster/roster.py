"""Roster: a school's people and courses, and who teaches and studies in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Role(StrEnum):
    """What a person is in the school."""

    STUDENT = "student"
    TEACHER = "teacher"


class Kind(StrEnum):
    """What a roster consists of."""

    PEOPLE = "people"
    COURSES = "courses"
    TEACHERS = "teachers"
    ENROLMENTS = "enrolments"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who learns or teaches; the id is the sourcedId."""

    id: str
    #: A phone number as ClassIn has it, or else an e-mail address; not shown.
    account: str = field(repr=False)
    #: At most 24 characters; not shown. Nothing: which name there is in ClassIn is not known.
    name: str = field(repr=False)
    role: Role


@dataclass(frozen=True, slots=True)
class Course:
    """What ClassIn calls a course: a class of the school; the id is the class's sourcedId."""

    id: str
    #: At most 40 characters. Nothing: which name there is in ClassIn is not known.
    name: str
    #: The sourcedIds of its academic sessions.
    terms: tuple[str, ...] = ()
    #: The last day of the last of them, as 2026-06-30; nothing if that is not known.
    last_day: str = ""
    #: Whether it has been ended in ClassIn, which cannot be taken back.
    ended: bool = False


@dataclass(slots=True)
class Roster:
    """A school as it is, or as it shall be; as last applied it is the snapshot of a source."""

    people: dict[str, Person] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    #: By course, the main teacher first; no course without any.
    teachers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: By course, sorted; no course without any.
    students: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Put it as plain lists and texts."""
        return {
            "people": [person_as_json(person) for person in self.people.values()],
            "courses": [course_as_json(course) for course in self.courses.values()],
            "teachers": {course: list(them) for course, them in self.teachers.items()},
            "students": {course: list(them) for course, them in self.students.items()},
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Read what `as_json` wrote."""
        people = {person.id: person for person in map(person_from_json, said["people"])}
        courses = {course.id: course for course in map(course_from_json, said["courses"])}
        one = {name: name for name in people}  # of each id one text, however many name it
        return cls(
            people,
            courses,
            {name: _shared(them, one) for name, them in said["teachers"].items()},
            {name: _shared(them, one) for name, them in said["students"].items()},
        )


def _shared(names: Iterable[str], one: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(one.get(name, name) for name in names)


def person_as_json(person: Person) -> list[Any]:
    """Put a person as a list."""
    return [person.id, person.account, person.name, str(person.role)]


def person_from_json(said: list[Any]) -> Person:
    """Read what `person_as_json` wrote."""
    name, account, called, role = said
    return Person(name, account, called, Role(role))


def course_as_json(course: Course) -> list[Any]:
    """Put a course as a list."""
    return [course.id, course.name, list(course.terms), course.last_day, course.ended]


def course_from_json(said: list[Any]) -> Course:
    """Read what `course_as_json` wrote."""
    name, called, terms, last_day, ended = said
    return Course(name, called, tuple(terms), last_day, ended)


#: A course and a person in it.
Pair = tuple[str, str]


@dataclass(slots=True)
class Export:
    """What a bundle says: what there is, what is to go, and of what it could not be read."""

    people: dict[str, Person] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    teachers: dict[str, set[str]] = field(default_factory=dict)
    students: dict[str, set[str]] = field(default_factory=dict)
    #: The teachers who are marked as primary, by course.
    mains: dict[str, str] = field(default_factory=dict)
    #: The last days of its academic sessions.
    last_days: dict[str, str] = field(default_factory=dict)
    #: The kinds of which it has all there is: what is missing is to go.
    whole: set[Kind] = field(default_factory=set)
    gone_people: set[str] = field(default_factory=set)
    gone_courses: set[str] = field(default_factory=set)
    gone_teachers: set[Pair] = field(default_factory=set)
    gone_students: set[Pair] = field(default_factory=set)
    #: What its rows were left out of, for their faults: that does not make it missing.
    spared_people: set[str] = field(default_factory=set)
    spared_courses: set[str] = field(default_factory=set)
    spared_pairs: set[Pair] = field(default_factory=set)
