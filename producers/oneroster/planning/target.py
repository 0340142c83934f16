"""The target roster: an export joined with the roster as applied last."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from producers.oneroster.roster import Course, Export, Kind, Pair, Person, Roster

_Entity = TypeVar("_Entity", Person, Course)


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a sync."""

    #: Whether anything may be removed.
    removals: bool = True
    #: Whether courses whose last day is past are ended; new ones of that kind are not created.
    end_courses: bool = False
    today: date = date.min


def intended(export: Export, snapshot: Roster, options: Options) -> tuple[Roster, list[str]]:
    """Return the target roster, and what is held back and why."""
    intention = _Intention(export, snapshot, options)
    return intention.roster, intention.warnings


class _Intention:
    """Join one export with one snapshot."""

    def __init__(self, export: Export, snapshot: Roster, options: Options) -> None:
        self._export, self._snapshot, self._options = export, snapshot, options
        self.warnings: list[str] = []
        self.roster = Roster(people=self._people(), courses=self._courses())
        for course in self.roster.courses.values():
            self._fill(course)

    def _people(self) -> dict[str, Person]:
        export = self._export
        stays = self._rule(Kind.PEOPLE, export.gone_people, export.spared_people)
        people = _joined(self._snapshot.people, export.people, stays)
        self._part_accounts(people)
        return people

    def _part_accounts(self, people: dict[str, Person]) -> None:
        """Assign each account to one person.

        A person who would take another's account stays as before, or is left out.
        """
        while clashing := self._clashing(people):
            for name in clashing:
                what = "the account is another person's; not taken"
                self.warnings.append(f"person {name}: {what}")
                if name in self._snapshot.people:
                    people[name] = self._snapshot.people[name]
                else:
                    del people[name]

    def _clashing(self, people: dict[str, Person]) -> list[str]:
        """Return people whose account belongs to somebody else, by the snapshot or by order."""
        before, owners = self._snapshot.people, dict[str, str]()
        settled = sorted(people, key=lambda name: before.get(name) != people[name])
        return [
            name
            for name in settled
            if owners.setdefault(people[name].account, name) != name
            and before.get(name) != people[name]
        ]

    def _courses(self) -> dict[str, Course]:
        export = self._export
        stays = self._rule(Kind.COURSES, export.gone_courses, export.spared_courses)
        joined = _joined(self._snapshot.courses, export.courses, stays)
        courses = {}
        for name, course in joined.items():
            before = self._snapshot.courses.get(name)
            there = self._dated(course, before)
            over = self._options.end_courses and self._is_over(there)
            if before is None and over:
                self.warnings.append(f"course {name}: is over already; not made")
            elif before is not None and before.ended:
                courses[name] = before  # nothing in it can be changed any more
            else:
                courses[name] = replace(there, ended=True) if over else there
        return courses

    def _dated(self, course: Course, before: Course | None) -> Course:
        """Return a course with its last day, as far as export and snapshot tell."""
        days = [self._export.last_days.get(term, "") for term in course.terms]
        if not any(days):
            known = before.last_day if before and before.terms == course.terms else ""
            return replace(course, last_day=course.last_day or known)
        if not all(days):
            days.append(before.last_day if before and before.terms == course.terms else "")
        return replace(course, last_day=max(days))

    def _is_over(self, course: Course) -> bool:
        return bool(course.last_day) and course.last_day < self._options.today.isoformat()

    def _fill(self, course: Course) -> None:
        """Return the teachers and students of a course."""
        name, before, export = course.id, self._snapshot, self._export
        taught, learnt = before.teachers.get(name, ()), before.students.get(name, ())
        if course.ended:  # or is about to be: it stays as it is
            self._put(name, taught, learnt)
            return
        teaching, learning = export.teachers.get(name, set()), export.students.get(name, set())
        stays = self._pair_rule(export.gone_teachers)
        teachers = teaching | {p for p in taught if p not in learning and stays((name, p))}
        stays = self._pair_rule(export.gone_students)
        students = learning | {p for p in learnt if p not in teaching and stays((name, p))}
        teachers &= self.roster.people.keys()
        students &= self.roster.people.keys()
        if not teachers and taught and taught[0] in self._snapshot.people:
            teachers = self._held_back(name, taught[0])
            students -= teachers
        self._put(name, self._main_first(name, teachers, taught), tuple(sorted(students)))

    def _held_back(self, course: str, teacher: str) -> set[str]:
        """Keep the last teacher of a course, who then stays in the school as well."""
        what = f"would be left without a teacher; {teacher} stays"
        self.warnings.append(f"course {course}: {what}")
        self.roster.people.setdefault(teacher, self._snapshot.people[teacher])
        return {teacher}

    def _main_first(
        self, course: str, teachers: set[str], before: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Order teachers: the marked one, else the former main teacher, else the smallest id."""
        if not teachers:
            return ()
        marked = self._export.mains.get(course)
        was = before[0] if before and before[0] in teachers else min(teachers)
        main = marked if marked in teachers else was
        return (main, *sorted(teachers - {main}))

    def _put(self, course: str, teachers: tuple[str, ...], students: tuple[str, ...]) -> None:
        if teachers:
            self.roster.teachers[course] = teachers
        if students:
            self.roster.students[course] = students

    def _rule(self, kind: Kind, gone: set[str], spared: set[str]) -> Callable[[str], bool]:
        """Return which entries stay although the export lacks them."""
        if not self._options.removals:
            return lambda _: True
        if kind in self._export.whole:
            return lambda name: name in spared and name not in gone
        return lambda name: name not in gone

    def _pair_rule(self, gone: set[Pair]) -> Callable[[Pair], bool]:
        """Return which members stay in a course although the export lacks them."""
        export, whole = self._export, Kind.ENROLMENTS in self._export.whole
        if not self._options.removals:
            return lambda _: True

        def stays(pair: Pair) -> bool:
            if pair in gone:
                return False
            spared = (
                pair in export.spared_pairs
                or pair[0] in export.spared_courses
                or pair[1] in export.spared_people
            )
            return spared or not whole

        return stays


def _joined(
    before: Mapping[str, _Entity], said: Mapping[str, _Entity], stays: Callable[[str], bool]
) -> dict[str, _Entity]:
    """Merge the snapshot with the export."""
    staying = {name: it for name, it in before.items() if name not in said and stays(name)}
    return staying | dict(said)
