"""Roster: a school's people and courses, and who teaches and studies in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Role(StrEnum):
    """A person's role in the school."""

    STUDENT = "student"
    TEACHER = "teacher"


class Kind(StrEnum):
    """The kinds of entries in a roster."""

    PEOPLE = "people"
    COURSES = "courses"
    TEACHERS = "teachers"
    ENROLMENTS = "enrolments"


@dataclass(frozen=True, slots=True)
class Person:
    """A student or teacher; the id is the sourcedId."""

    id: str
    #: A phone number in ClassIn's form, or an e-mail address. Not shown.
    account: str = field(repr=False)
    #: At most 24 characters. Not shown. Empty: the name in ClassIn is unknown.
    name: str = field(repr=False)
    role: Role


@dataclass(frozen=True, slots=True)
class Course:
    """ClassIn's course: a class of the school; the id is the class's sourcedId."""

    id: str
    #: At most 40 characters. Empty: the name in ClassIn is unknown.
    name: str
    #: sourcedIds of its academic sessions.
    terms: tuple[str, ...] = ()
    #: Last day of its last session, such as 2026-06-30; empty if unknown.
    last_day: str = ""
    #: Whether it was ended in ClassIn, which cannot be undone.
    ended: bool = False


@dataclass(slots=True)
class Roster:
    """A school as it is or as wanted; as last applied it is the snapshot of a source."""

    people: dict[str, Person] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    #: By course, the main teacher first; courses without teachers are omitted.
    teachers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: By course, sorted; courses without students are omitted.
    students: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain lists and texts."""
        return {
            "people": [person_as_json(person) for person in self.people.values()],
            "courses": [course_as_json(course) for course in self.courses.values()],
            "teachers": {course: list(them) for course, them in self.teachers.items()},
            "students": {course: list(them) for course, them in self.students.items()},
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Decode what `as_json` returned."""
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


# Rosters are kept in the forms below: a field that is added later needs a default where a list that
# was kept before lacks it.


def person_as_json(person: Person) -> list[Any]:
    """Return a person as a list."""
    return [person.id, person.account, person.name, str(person.role)]


def person_from_json(said: list[Any]) -> Person:
    """Decode what `person_as_json` returned."""
    name, account, called, role = said
    return Person(name, account, called, Role(role))


def course_as_json(course: Course) -> list[Any]:
    """Return a course as a list."""
    return [course.id, course.name, list(course.terms), course.last_day, course.ended]


def course_from_json(said: list[Any]) -> Course:
    """Decode what `course_as_json` returned."""
    name, called, terms, last_day, ended = said
    return Course(name, called, tuple(terms), last_day, ended)


#: A course and a person in it.
Pair = tuple[str, str]


@dataclass(slots=True)
class Export:
    """The content of a bundle: entries, deletions, and entries that could not be read."""

    people: dict[str, Person] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    teachers: dict[str, set[str]] = field(default_factory=dict)
    students: dict[str, set[str]] = field(default_factory=dict)
    #: Teachers marked as primary, by course.
    mains: dict[str, str] = field(default_factory=dict)
    #: Last days of the academic sessions.
    last_days: dict[str, str] = field(default_factory=dict)
    #: Kinds of which the export holds everything: what is missing is removed.
    whole: set[Kind] = field(default_factory=set)
    gone_people: set[str] = field(default_factory=set)
    gone_courses: set[str] = field(default_factory=set)
    gone_teachers: set[Pair] = field(default_factory=set)
    gone_students: set[Pair] = field(default_factory=set)
    #: Entries whose rows were left out for their faults: they do not count as missing.
    spared_people: set[str] = field(default_factory=set)
    spared_courses: set[str] = field(default_factory=set)
    spared_pairs: set[Pair] = field(default_factory=set)
