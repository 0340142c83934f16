"""The difference between the roster as applied and the roster as wanted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from producers.oneroster.roster import Course, Kind, Person, Roster


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person is added, changed or removed."""

    before: Person | None
    after: Person | None

    @property
    def id(self) -> str:
        """The person's sourcedId."""
        return _id_of(self.before, self.after)


@dataclass(frozen=True, slots=True)
class CourseChange:
    """A course is created, changed, ended or removed."""

    before: Course | None
    after: Course | None

    @property
    def id(self) -> str:
        """The class's sourcedId."""
        return _id_of(self.before, self.after)

    @property
    def closes(self) -> bool:
        """Whether the course cannot be changed afterwards."""
        return self.after is None or (
            self.after.ended and not (self.before is not None and self.before.ended)
        )


@dataclass(frozen=True, slots=True)
class TeacherChange:
    """A course's teachers change; the first is the main teacher."""

    course: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudentChange:
    """Students enter and leave a course."""

    course: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


_Entity = TypeVar("_Entity", Person, Course)


def _id_of(*states: Person | Course | None) -> str:
    """Return the id that the states before and after share."""
    return next(state.id for state in states if state is not None)


Change: TypeAlias = PersonChange | CourseChange | TeacherChange | StudentChange


@dataclass(slots=True)
class Count:
    """Numbers of one kind: created, changed, removed and unchanged."""

    created: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes by kind, each with its states before and after."""

    people: tuple[PersonChange, ...] = ()
    courses: tuple[CourseChange, ...] = ()
    teachers: tuple[TeacherChange, ...] = ()
    students: tuple[StudentChange, ...] = ()
    #: Teachers and students are counted one by one; a new main teacher is a change.
    counts: Mapping[Kind, Count] = field(default_factory=dict)
    #: What was held back, and why; without personal data.
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.courses or self.teachers or self.students)

    def steps(self) -> Iterator[Change]:
        """Return all changes in an order in which they can be applied.

        Leavers are removed from courses first; what ends or is removed comes after that.
        """
        yield from (change for change in self.people if change.after is not None)
        yield from (change for change in self.courses if not change.closes)
        yield from self.teachers
        yield from self.students
        yield from (change for change in self.courses if change.closes)
        yield from (change for change in self.people if change.after is None)


def difference(before: Roster, after: Roster, warnings: Iterable[str] = ()) -> Plan:
    """Compare two rosters."""
    counts = {kind: Count() for kind in Kind}
    people = tuple(
        PersonChange(before.people.get(name), after.people.get(name))
        for name in _differing(before.people, after.people, counts[Kind.PEOPLE])
    )
    courses = tuple(
        CourseChange(before.courses.get(name), after.courses.get(name))
        for name in _differing(before.courses, after.courses, counts[Kind.COURSES])
    )
    return Plan(
        people,
        courses,
        tuple(_teacher_changes(before.teachers, after.teachers, counts[Kind.TEACHERS])),
        tuple(_student_changes(before.students, after.students, counts[Kind.ENROLMENTS])),
        counts,
        tuple(warnings),
    )


def reverse(change: Change) -> Change:
    """Return the opposite of a change.

    Some opposites, as of the end of a course, cannot be carried out in ClassIn.
    """
    match change:
        case PersonChange(before, after):
            return PersonChange(after, before)
        case CourseChange(before=was, after=now):
            return CourseChange(now, was)
        case TeacherChange(course, before, after):
            return TeacherChange(course, after, before)
        case StudentChange(course, added, removed):
            return StudentChange(course, removed, added)


def applied(changes: Iterable[Change], snapshot: Roster) -> Roster:
    """Return the roster after some changes; the argument is not modified."""
    roster = Roster(
        dict(snapshot.people),
        dict(snapshot.courses),
        dict(snapshot.teachers),
        dict(snapshot.students),
    )
    for change in changes:
        apply(change, roster)
    return roster


def apply(change: Change, roster: Roster) -> None:
    """Apply a change to a roster."""
    match change:
        case PersonChange():
            _set(roster.people, change.before, change.after)
        case CourseChange():
            _set(roster.courses, change.before, change.after)
        case TeacherChange():
            _fill(roster.teachers, change.course, _taught(change, roster.teachers))
        case StudentChange():
            here = set(roster.students.get(change.course, ()))
            there = (here - set(change.removed)) | set(change.added)
            _fill(roster.students, change.course, tuple(sorted(there)))


def _taught(change: TeacherChange, teachers: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the teachers after a change, which may be a part of a larger one."""
    here = teachers.get(change.course, ())
    gone, come = set(change.before) - set(change.after), set(change.after) - set(change.before)
    there = (set(here) - gone) | come
    main = change.after[:1] if change.before[:1] != change.after[:1] else here[:1]
    return (*main, *sorted(there - set(main)))


def _set(here: dict[str, _Entity], before: _Entity | None, after: _Entity | None) -> None:
    """Set or remove one person or course."""
    if after is not None:
        here[after.id] = after
    elif before is not None:
        here.pop(before.id, None)


def _fill(here: dict[str, tuple[str, ...]], course: str, people: tuple[str, ...]) -> None:
    """Set a course's members; an empty list removes the entry."""
    if people:
        here[course] = people
    else:
        here.pop(course, None)


def _differing(
    before: Mapping[str, _Entity], after: Mapping[str, _Entity], count: Count
) -> Iterator[str]:
    """Return the ids that are added, changed or removed, and the counts."""
    for name, now in after.items():
        was = before.get(name)
        if was == now:
            count.unchanged += 1
            continue
        if was is None:
            count.created += 1
        else:
            count.changed += 1
        yield name
    for name in before:
        if name not in after:
            count.removed += 1
            yield name


def _teacher_changes(
    before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]], count: Count
) -> Iterator[TeacherChange]:
    """Compare the teachers of each course."""
    for course in {**after, **before}:
        was, now = before.get(course, ()), after.get(course, ())
        count.created += len(set(now) - set(was))
        count.removed += len(set(was) - set(now))
        staying = len(set(was) & set(now))
        raised = bool(was and now and was[0] != now[0] and now[0] in was)
        count.changed += raised
        count.unchanged += staying - raised
        if was != now:
            yield TeacherChange(course, was, now)


def _student_changes(
    before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]], count: Count
) -> Iterator[StudentChange]:
    """Compare the students of each course."""
    for course in {**after, **before}:
        was, now = before.get(course, ()), after.get(course, ())
        if was == now:
            count.unchanged += len(now)
            continue
        old, new = set(was), set(now)
        added, removed = tuple(sorted(new - old)), tuple(sorted(old - new))
        count.created += len(added)
        count.removed += len(removed)
        count.unchanged += len(now) - len(added)
        if added or removed:
            yield StudentChange(course, added, removed)
