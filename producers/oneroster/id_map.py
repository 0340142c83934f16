"""Map of sourcedIds to ClassIn's UIDs and course ids, learnt from replies."""

import hashlib
import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from producers.oneroster.roster import Role


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person who is registered with ClassIn."""

    uid: int
    #: The person's role in the institution.
    roles: frozenset[Role] = frozenset()
    #: Whether the teacher was deactivated.
    stopped: bool = False
    #: Whether the account may have existed before it was registered here.
    older: bool = False
    #: The account that was registered; later changes do not affect it. Not shown.
    account: str = field(default="", repr=False)

    @property
    def active_teacher(self) -> bool:
        """Whether the person can teach."""
        return Role.TEACHER in self.roles and not self.stopped


@dataclass(frozen=True, slots=True)
class KnownCourse:
    """A course that exists in ClassIn."""

    course_id: int
    #: Its number for this class, from 0: a class that returns after its course ended needs a new
    #: one.
    number: int = 0
    ended: bool = False


@dataclass(slots=True)
class IdMap:
    """People and courses by sourcedId. It is kept without end: ClassIn cannot be asked again."""

    people: dict[str, KnownPerson] = field(default_factory=dict)
    courses: dict[str, KnownCourse] = field(default_factory=dict)

    def owners(self, here: Container[str]) -> dict[int, str]:
        """Return the sourcedIds of current people by UID.

        An account passes from a removed person to its present owner: people get new sourcedIds.
        """
        return {known.uid: name for name, known in self.people.items() if name in here}

    def running(self, name: str) -> KnownCourse | None:
        """Return the course of a class unless it has ended; None if there is none."""
        known = self.courses.get(name)
        return None if known is None or known.ended else known

    def entries(self) -> Iterator[tuple[str, str]]:
        """Encode each entry as a name and a text."""
        for name, person in self.people.items():
            said = [person.uid, sorted(person.roles), *_marks(person)]
            yield f"person {name}", json.dumps(said)
        for name, course in self.courses.items():
            said = [course.course_id, course.number, course.ended]
            yield f"course {name}", json.dumps(said)

    @classmethod
    def read(cls, entries: Mapping[str, str]) -> Self:
        """Decode what `entries` returned."""
        directory = cls()
        for entry, text in entries.items():
            kind, _, name = entry.partition(" ")
            number, *more = json.loads(text)
            if kind == "person":
                roles, *marks = more
                directory.people[name] = KnownPerson(number, frozenset(map(Role, roles)), *marks)
            else:
                directory.courses[name] = KnownCourse(number, *more)
        return directory


def _marks(person: KnownPerson) -> list[Any]:
    return [person.stopped, person.older, person.account]


#: Length of ClassIn's unique course identity.
_LONGEST_IDENTITY = 32


def identity_of(source: str, name: str, number: int) -> str:
    """Return the stable identity by which ClassIn knows the course of a class."""
    said = f"{source}\n{name}\n{number}".encode()
    return hashlib.sha256(said).hexdigest()[:_LONGEST_IDENTITY]
