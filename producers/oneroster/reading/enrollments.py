"""Read enrollments.csv into teachers and students of courses."""

from typing import TypeVar

from producers.oneroster.reading.csv_rows import Row
from producers.oneroster.reading.row_errors import Report, Severity
from producers.oneroster.roster import Course, Export, Kind, Person, Role, Roster

_TAKEN = frozenset(Role)


class EnrollmentReader:
    """Add enrolments to an export; staff who are enrolled as teachers become teachers."""

    def __init__(
        self, export: Export, report: Report, known: Roster, staff: dict[str, Person]
    ) -> None:
        self._export, self._report, self._staff = export, report, staff
        self._people = _reachable(
            export.people,
            known.people,
            export.spared_people,
            export.gone_people,
            whole=Kind.PEOPLE in export.whole,
        )
        self._courses = _reachable(
            export.courses,
            known.courses,
            export.spared_courses,
            export.gone_courses,
            whole=Kind.COURSES in export.whole,
        )
        self._owners = {person.account for person in export.people.values()}

    def take(self, row: Row) -> None:
        """Read one enrolment."""
        pair = row["classSourcedId"], row["userSourcedId"]
        if row.fit and row.deleted:
            self._let_go(row["role"], pair)
        elif row.fit and row["role"] not in _TAKEN:
            what = f"is {row['role']}, who is neither student nor teacher: left out"
            self._report(row.fault("role", what, Severity.WARNING))
        elif row.fit and self._leaves(pair):
            pass  # it goes with its course or its person
        elif not (row.fit and self._enrolled(row, *pair)):
            self._export.spared_pairs.add(pair)

    def _let_go(self, role: str, pair: tuple[str, str]) -> None:
        gone = self._export.gone_students if role == Role.STUDENT else self._export.gone_teachers
        gone.add(pair)

    def _leaves(self, pair: tuple[str, str]) -> bool:
        return pair[0] in self._export.gone_courses or pair[1] in self._export.gone_people

    def _enrolled(self, row: Row, course_id: str, person_id: str) -> bool:
        """Enrol a person unless a check fails."""
        course = self._courses.get(course_id)
        if course is None:
            self._report(row.fault("classSourcedId", "is no class that could be read"))
        role = Role(row["role"])
        person = self._people.get(person_id) or self._of_staff(row, role)
        if person is None and person_id not in self._staff:
            self._report(row.fault("userSourcedId", "is no user who could be read"))
        if course is None or person is None or not self._agrees(row, role, person, course.id):
            return False
        here = self._export.students if role is Role.STUDENT else self._export.teachers
        here.setdefault(course.id, set()).add(person.id)
        if role is Role.TEACHER and row["primary"] == "true":
            self._primary(row, course.id, person.id)
        return True

    def _agrees(self, row: Row, role: Role, person: Person, course: str) -> bool:
        """Check that a person has one role in the school, and one in the course."""
        export = self._export
        other = export.teachers if role is Role.STUDENT else export.students
        if person.role is not role:
            what = f"is {role}; the same person is {person.role} in the school"
            self._report(row.fault("role", what))
        elif person.id in other.get(course, ()):
            what = f"is {role}; an earlier row has the same person as the other in this class"
            self._report(row.fault("role", what))
        else:
            return True
        return False

    def _of_staff(self, row: Row, role: Role) -> Person | None:
        """Make a teacher of a staff member who is enrolled as one."""
        person = self._staff.get(row["userSourcedId"])
        if person is None or role is not Role.TEACHER:
            if person is not None:
                self._report(row.fault("role", "is student; the same person is of the staff"))
            return None
        if not person.account or person.account in self._owners:
            what = "needs a phone number or an e-mail address of their own in users.csv"
            self._report(row.fault("userSourcedId", what))
            return None
        self._owners.add(person.account)
        self._people[person.id] = self._export.people[person.id] = person
        del self._staff[person.id]
        return person

    def _primary(self, row: Row, course: str, person: str) -> None:
        """Store the main teacher; of several, the one with the smallest id."""
        marked = self._export.mains.setdefault(course, person)
        if marked != person:
            self._export.mains[course] = min(marked, person)
            what = "is true of another teacher of this class, too; one is taken"
            self._report(row.fault("primary", what, Severity.WARNING))


_Entity = TypeVar("_Entity", Person, Course)


def _reachable(
    said: dict[str, _Entity],
    known: dict[str, _Entity],
    spared: set[str],
    gone: set[str],
    *,
    whole: bool,
) -> dict[str, _Entity]:
    """Return the ids that enrolments may refer to."""
    staying = (known.keys() & spared) if whole else (known.keys() - gone)
    return {name: known[name] for name in staying} | said
