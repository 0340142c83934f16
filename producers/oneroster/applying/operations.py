"""Steps: the operations that carry out a plan, in an order in which they can be submitted."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias, TypeVar

from producers.oneroster.id_map import IdMap, KnownPerson
from producers.oneroster.planning.change_codec import change_as_json, change_from_json
from producers.oneroster.planning.change_keys import Atom, atoms
from producers.oneroster.planning.diff import (
    Change,
    CourseChange,
    PersonChange,
    Plan,
    StudentChange,
    TeacherChange,
)
from producers.oneroster.roster import Course, Kind, Person, Role
from worker.classin.operations.courses import FormerHeadTeacher
from worker.classin.operations.rosters import Role as CourseRole
from worker.classin.operations.users import Membership

_T = TypeVar("_T")

#: A UID or course id, or a reference to the result that will hold it.
Name: TypeAlias = int | Mapping[str, str]

#: People per call.
REGISTERED_AT_ONCE, ENROLLED_AT_ONCE = 10, 30

_MEMBERSHIPS = {Role.STUDENT: Membership.STUDENT, Role.TEACHER: Membership.TEACHER}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, and the effects that its success has on the plan."""

    #: Its dedup key, by which others refer to its result.
    key: str
    #: Empty: ClassIn is not involved.
    operation: str
    #: As in a line of JSONL; new passwords are added on submission.
    fields: Mapping[str, Any] = field(repr=False)
    #: For a bulk operation, one per item.
    effects: tuple[Change, ...]
    #: Keys of steps that must succeed first, besides those it refers to.
    after: tuple[str, ...] = ()

    def as_json(self) -> list[Any]:
        """Return it as a list."""
        effects = [change_as_json(effect) for effect in self.effects]
        return [self.key, self.operation, dict(self.fields), effects, list(self.after)]

    @classmethod
    def from_json(cls, said: Sequence[Any]) -> Self:
        """Decode what `as_json` returned."""
        key, operation, fields, effects, after = said
        return cls(key, operation, fields, tuple(map(change_from_json, effects)), tuple(after))


@dataclass(frozen=True, slots=True)
class Ground:
    """The inputs of a plan's steps."""

    directory: IdMap
    #: Current teachers by course, the main teacher first.
    teachers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Keys of changes that failed before: they and what depends on them are left out.
    tried: Collection[Atom] = ()


def steps(
    plan: Plan, ground: Ground, prefix: str, identity: Callable[[str, int], str]
) -> Iterator[Step]:
    """Return the steps of a plan.

    `prefix` begins their dedup keys; `identity` returns the course identity of a class for a
    counter.
    """
    return _OperationBuilder(plan, ground, prefix, identity).steps()


class _OperationBuilder:
    """Build the steps of one plan."""

    def __init__(
        self, plan: Plan, ground: Ground, prefix: str, identity: Callable[[str, int], str]
    ) -> None:
        self._plan, self._directory, self._tried = plan, ground.directory, ground.tried
        self._prefix, self._identity = prefix, identity
        self._taught = ground.teachers
        self._count = 0
        known = self._directory.people
        self._uids: dict[str, Name] = {name: person.uid for name, person in known.items()}
        #: The steps that prepare registered people for their courses.
        self._joining: dict[str, str] = {}
        self._teachers = {change.course: change for change in plan.teachers}
        self._students = {change.course: change for change in plan.students}
        #: Accounts of people who arrive or remain.
        self._accounts = {each.after.account for each in plan.people if each.after is not None}
        #: The steps that remove a teacher from courses.
        self._freeing: dict[str, list[str]] = defaultdict(list)

    def steps(self) -> Iterator[Step]:
        """Return all steps."""
        here = [
            (change, change.after)
            for change in self._plan.people
            if change.after is not None and not self._is_tried(change)
        ]
        known = self._directory.people
        coming = [each for each in here if each[1].id not in known]
        for some in _parts(coming, REGISTERED_AT_ONCE):
            yield self._registering(some)
        for change, after in here:
            if after.id in known:
                yield from self._changing(change, after, known[after.id])
        yield from self._courses()
        for change in self._plan.people:
            if not self._is_tried(change):
                yield from self._leaving(change)

    def _courses(self) -> Iterator[Step]:
        """Return the steps of each course; courses that end come last."""
        closing = {each.id: each for each in self._plan.courses if each.closes}
        changed = {each.id: each for each in self._plan.courses if not each.closes}
        for name in {**changed, **self._teachers, **self._students}:
            if name not in closing:
                yield from self._course(name, changed.get(name))
        for change in closing.values():
            if not self._is_tried(change):
                yield self._closing(change)

    def _step(
        self,
        operation: str,
        fields: Mapping[str, Any],
        effects: Iterable[Change] = (),
        after: Iterable[str] = (),
    ) -> Step:
        self._count += 1
        key = f"{self._prefix}:{self._count}"
        return Step(key, operation, fields, tuple(effects), tuple(after))

    def _quiet(self, *effects: Change) -> Step:
        return self._step("", {}, effects)

    def _is_tried(self, change: Change) -> bool:
        return any(atom in self._tried for atom in atoms(change))

    def _registering(self, coming: Sequence[tuple[PersonChange, Person]]) -> Step:
        """Register people, and add them to the institution."""
        users = [_user(person, number) for number, (_, person) in enumerate(coming)]
        changes = [change for change, _ in coming]
        step = self._step("register_multiple", {"userJson": users}, changes)
        for number, (_, person) in enumerate(coming):
            self._uids[person.id] = _result(step.key, f"data.customColumn={number}.data")
        return step

    def _changing(self, change: PersonChange, after: Person, known: KnownPerson) -> Iterator[Step]:
        """Change a registered person."""
        before, teaches = change.before, after.role is Role.TEACHER
        same_role = before is not None and before.role is after.role
        if after.role not in known.roles:
            yield self._admitting(change, after, known)
        elif teaches and known.stopped:
            step = self._step(
                "restart_using_teacher", {"teacherUid": known.uid}, [_nameless(change)]
            )
            self._joining[after.id] = step.key
            yield step
        elif not teaches and known.active_teacher:
            return  # who leaves the courses first is no teacher any more
        elif before is not None and same_role and before.name == after.name:
            yield self._quiet(change)
        elif teaches:
            fields = {"teacherUid": known.uid, "teacherName": after.name}
            yield self._step("edit_teacher", fields, [change])
        else:
            fields = {"studentUid": known.uid, "studentName": after.name}
            step = self._step("edit_school_student", fields, [_nameless(change)])
            yield step
            courses = {"studentUids": [known.uid]}  # names there do not follow by themselves
            yield self._step("modify_course_student_nick_name", courses, [change], [step.key])

    def _admitting(self, change: PersonChange, after: Person, known: KnownPerson) -> Step:
        """Add a registered person to the institution; a teacher remains one for now."""
        kind, operation = _JOINING[after.role]
        fields = {
            f"{kind}Account": known.account or after.account,
            f"{kind}Name": after.name,
        }
        if known.active_teacher:
            change = PersonChange(change.before, replace(after, role=Role.TEACHER, name=""))
        step = self._step(operation, fields, [change])
        self._joining[after.id] = step.key
        return step

    def _course(self, name: str, change: CourseChange | None) -> Iterator[Step]:
        """Create or change a course, then remove and add members, in a valid order."""
        known = self._directory.running(name)
        teachers = self._teachers.get(name, TeacherChange(name, (), ()))
        students = self._students.get(name, StudentChange(name, (), ()))
        after = None if change is None or self._is_tried(change) else change.after
        main = self._main(teachers)
        course: Name
        headed = teachers.before[:1]
        if known is not None:
            course = known.course_id
            if change is not None and after is not None:
                yield self._editing(course, change, after)
        elif change is None or after is None:
            return  # there is no such course, and will be none
        else:
            step = self._making(change, after, main)
            yield step
            course, headed = _result(step.key, "data"), () if main is None else (main,)
        yield from self._letting_out(course, students)
        if main is not None:
            appointed = None
            if headed != (main,):
                yield (appointed := self._appointing(course, teachers, main))
            needed = [] if headed or appointed is None else [appointed.key]
            yield from self._teaching(course, teachers, main, needed)
        yield from self._letting_in(course, students)

    def _making(self, change: CourseChange, after: Course, main: str | None) -> Step:
        """Create a course, with a main teacher if there is one."""
        earlier = self._directory.courses.get(after.id)
        number = 0 if earlier is None else earlier.number + 1
        fields: dict[str, Any] = {
            "courseName": after.name,
            "courseUniqueIdentity": self._identity(after.id, number),
        }
        effects: list[Change] = [change]
        if main is None:
            return self._step("add_course", fields, effects)
        fields["mainTeacherUid"] = self._uids[main]
        effects.append(TeacherChange(after.id, (), (main,)))
        return self._step("add_course", fields, effects, self._joins([main]))

    def _editing(self, course: Name, change: CourseChange, after: Course) -> Step:
        if change.before is not None and change.before.name == after.name:
            return self._quiet(change)
        return self._step("edit_course", {"courseId": course, "courseName": after.name}, [change])

    def _main(self, change: TeacherChange) -> str | None:
        """Return the main teacher: the wanted one, or another teacher rather than none."""
        before, after = change.before, change.after
        able = self._able(change.course, after)
        if before and (before[0] in after or not able) and after[:1] != tuple(able[:1]):
            return before[0]
        return able[0] if able else None

    def _appointing(self, course: Name, change: TeacherChange, main: str) -> Step:
        """Replace the main teacher; the former one stays if listed as a teacher."""
        name, former = change.course, change.before[:1]
        fields: dict[str, Any] = {"courseId": course, "mainTeacherUid": self._uids[main]}
        stays = not former or former[0] in change.after
        if not stays:
            fields["stamp"] = int(FormerHeadTeacher.LEAVES)
        there = (main, *former) if stays else (main,)
        effects = [TeacherChange(name, former, there)]
        step = self._step("edit_course", fields, effects, self._joins([main]))
        self._note_freed(step, () if stays else former)
        return step

    def _teaching(
        self, course: Name, change: TeacherChange, main: str, after: Iterable[str]
    ) -> Iterator[Step]:
        """Add teachers to a course, and remove others."""
        name, before = change.course, change.before
        coming = [each for each in change.after if each not in {*before, main}]
        if come := self._able(name, coming):
            fields = {"courseId": course, "teacherUids": [self._uids[each] for each in come]}
            effects = [TeacherChange(name, (main,), (main, each)) for each in come]
            needed = (*self._joins(come), *after)
            yield self._step("add_course_teacher", fields, effects, needed)
        replaced = before[:1] if before[:1] != (main,) else ()
        going = [each for each in before if each not in {*change.after, main, *replaced}]
        for person in self._able(name, going):
            fields = {"courseId": course, "teacherUid": self._uids[person]}
            effect = TeacherChange(name, (main, person), (main,))
            step = self._step("remove_course_teacher", fields, [effect])
            self._note_freed(step, [person])
            yield step

    def _letting_out(self, course: Name, change: StudentChange) -> Iterator[Step]:
        name = change.course
        for some in _parts(self._able(name, change.removed, Kind.ENROLMENTS), ENROLLED_AT_ONCE):
            fields = {
                "courseId": course,
                "identity": int(CourseRole.STUDENT),
                "studentUidJson": [self._uids[each] for each in some],
            }
            effects = [StudentChange(name, (), (each,)) for each in some]
            yield self._step("del_course_student_multiple", fields, effects)

    def _letting_in(self, course: Name, change: StudentChange) -> Iterator[Step]:
        name = change.course
        for some in _parts(self._able(name, change.added, Kind.ENROLMENTS), ENROLLED_AT_ONCE):
            fields = {
                "courseId": course,
                "identity": int(CourseRole.STUDENT),
                "studentJson": [
                    {"uid": self._uids[each], "customColumn": str(number)}
                    for number, each in enumerate(some)
                ],
            }
            effects = [StudentChange(name, (each,), ()) for each in some]
            joins = self._joins(some)
            yield self._step("add_course_student_multiple", fields, effects, joins)

    def _closing(self, change: CourseChange) -> Step:
        """End a course, which removes all its members."""
        name = change.id
        teachers, students = self._teachers.get(name), self._students.get(name)
        effects = [each for each in (change, teachers, students) if each is not None]
        known = self._directory.running(name)
        if known is None:
            return self._quiet(*effects)
        step = self._step("end_course", {"courseId": known.course_id}, effects)
        self._note_freed(step, self._taught.get(name, ()))
        return step

    def _goes_on(self, change: PersonChange) -> bool:
        """Return whether only the sourcedId changes: the account has a new owner."""
        before, after = change.before, change.after
        return after is None and before is not None and before.account in self._accounts

    def _leaving(self, change: PersonChange) -> Iterator[Step]:
        """Remove a leaver.

        Teachers are deactivated; ClassIn has no equivalent for students.
        """
        after, known = change.after, self._directory.people.get(change.id)
        teaches = known is not None and known.active_teacher and not self._goes_on(change)
        if after is None and not teaches:
            yield self._quiet(change)
        elif known is not None and teaches and (after is None or _steps_down(after, known)):
            effect, freeing = (
                change if after is None else _nameless(change),
                self._freeing[change.id],
            )
            fields = {"teacherUid": known.uid}
            yield self._step("stop_using_teacher", fields, [effect], freeing)

    def _note_freed(self, step: Step, people: Iterable[str]) -> None:
        for person in people:
            self._freeing[person].append(step.key)

    def _joins(self, people: Iterable[str]) -> list[str]:
        """Return the steps that first make people members of the institution."""
        return [self._joining[each] for each in people if each in self._joining]

    def _able(self, course: str, people: Iterable[str], kind: Kind = Kind.TEACHERS) -> list[str]:
        """Return those with a UID, known or coming, whose enrolment has not failed before."""
        return [
            each
            for each in people
            if each in self._uids and (kind, course, each) not in self._tried
        ]


_JOINING = {
    Role.STUDENT: ("student", "add_school_student"),
    Role.TEACHER: ("teacher", "add_teacher"),
}


def _steps_down(after: Person, known: KnownPerson) -> bool:
    """Return whether a teacher becomes only a student, and is one already."""
    return after.role is Role.STUDENT and Role.STUDENT in known.roles


def _nameless(change: PersonChange) -> PersonChange:
    """Return a change whose name is left to another step."""
    after = change.after and replace(change.after, name="")
    return PersonChange(change.before, after)


def _user(person: Person, number: int) -> dict[str, Any]:
    """Return a person as a user of register_multiple, without password."""
    account = "email" if "@" in person.account else "telephone"
    return {
        account: person.account,
        "nickname": person.name,
        "addToSchoolMember": int(_MEMBERSHIPS[person.role]),
        "customColumn": str(number),
    }


def _result(key: str, path: str) -> dict[str, str]:
    return {"$result": key, "path": path}


def _parts(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Split a list into chunks of at most that size."""
    return (items[start : start + size] for start in range(0, len(items), size))
