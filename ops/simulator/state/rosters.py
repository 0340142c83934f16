"""Members of one school's courses: students, auditors, teachers and groups."""

from collections.abc import Iterable, Iterator

from pydantic import ConfigDict, Field

from ops.simulator.state.drive import Held


class GroupMember(Held):
    """A student in a group."""

    student_uid: int
    is_leader: bool


class Grouping(Held):
    """The groups of a course's students."""

    group_id: int
    group_name: str
    group_list: tuple[tuple[GroupMember, ...], ...]


class Roster(Held):
    """The members of one course; unlike other entities, it is mutable."""

    model_config = ConfigDict(frozen=False)

    course_id: int
    #: Name in the course by UID.
    students: dict[int, str] = Field(default_factory=dict)
    auditors: dict[int, str] = Field(default_factory=dict)
    #: Without the head teacher.
    teachers: set[int] = Field(default_factory=set)
    head_teacher: int | None = None
    groups: Grouping | None = None

    @property
    def staff(self) -> frozenset[int]:
        """The teachers and the head teacher."""
        head = set() if self.head_teacher is None else {self.head_teacher}
        return frozenset(self.teachers | head)

    @property
    def occupied(self) -> bool:
        """Whether it has any members."""
        return bool(self.students or self.auditors or self.staff or self.groups)

    def appoint(self, head: int, *, former_stays: bool = True) -> None:
        """Set the head teacher; the former one becomes a teacher, or leaves."""
        former = self.head_teacher
        self.head_teacher = head
        if former is not None and former_stays:
            self.teachers.add(former)
        self.teachers.discard(head)

    def rename(self, uid: int, name: str) -> None:
        """Rename a student or an auditor in the course."""
        for members in (self.students, self.auditors):
            if uid in members:
                members[uid] = name

    def to_dict(self) -> dict[str, object]:
        """Return it under ClassIn's names, the teachers in the order of their UIDs."""
        return super().to_dict() | {"teachers": sorted(self.teachers)}


class Rosters:
    """The rosters of all courses of one school."""

    def __init__(self, rosters: Iterable[Roster]) -> None:
        """Take copies of the initial rosters: several schools start with the same ones."""
        self._rosters = {one.course_id: one.model_copy(deep=True) for one in rosters}

    def __iter__(self) -> Iterator[Roster]:
        """Yield the rosters with members."""
        return (one for one in self._rosters.values() if one.occupied)

    def of(self, course_id: int) -> Roster:
        """Return a course's roster; an empty one if it has none."""
        return self._rosters.setdefault(course_id, Roster(course_id=course_id))
