"""Removal guard: stop a plan that would remove too much."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from producers.oneroster.planning.diff import Plan
from producers.oneroster.roster import Kind, Roster

#: Default maximum share of removals by kind. Teachers count as enrolments.
LIMITS: Mapping[Kind, float] = {Kind.PEOPLE: 0.1, Kind.COURSES: 0.1, Kind.ENROLMENTS: 0.1}


@dataclass(frozen=True, slots=True)
class Excess:
    """A kind of which a plan removes too much."""

    kind: Kind
    removed: int
    #: The total.
    of: int
    #: The allowed share, from 0 to 1.
    limit: float

    def __str__(self) -> str:
        return (
            f"{self.removed} of {self.of} {self.kind} would be removed: "
            f"{self.removed / self.of:.0%}, more than {self.limit:.0%}"
        )


def excess(
    plan: Plan,
    snapshot: Roster,
    limits: Mapping[Kind, float] | None = None,
    allowed: Collection[Kind] = (),
) -> list[Excess]:
    """Return the kinds of which a plan removes more than allowed.

    Ended courses and their members do not count.
    """
    told = {**LIMITS, **(limits or {})}
    return [
        Excess(kind, removed, there, told[kind])
        for kind, removed, there in _removals(plan, snapshot)
        if kind not in allowed and removed > there * told[kind]
    ]


def _removals(plan: Plan, snapshot: Roster) -> Iterator[tuple[Kind, int, int]]:
    """Return the number of removals and the total of each kind."""
    going = sum(change.after is None for change in plan.people)
    yield Kind.PEOPLE, going, len(snapshot.people)
    under_way = {name for name, course in snapshot.courses.items() if not course.ended}
    going = sum(
        change.after is None and change.before is not None and change.before.id in under_way
        for change in plan.courses
    )
    yield Kind.COURSES, going, len(under_way)
    leaving = sum(len(each.removed) for each in plan.students if each.course in under_way)
    leaving += sum(
        len(set(each.before) - set(each.after))
        for each in plan.teachers
        if each.course in under_way
    )
    there = sum(
        len(people)
        for courses in (snapshot.students, snapshot.teachers)
        for course, people in courses.items()
        if course in under_way
    )
    yield Kind.ENROLMENTS, leaving, there
