"""State of the simulated ClassIn: people, courses, lessons and folders of every school."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from ops.simulator.state.activities import Activities, Task
from ops.simulator.state.drive import Drive, Folder, Held, StoredFile
from ops.simulator.state.labels import Label, Labels
from ops.simulator.state.lessons import Lesson, Lessons
from ops.simulator.state.people import People, Student, Teacher, User, Users
from ops.simulator.state.rosters import Roster, Rosters
from ops.simulator.state.units import Unit, Units

#: First ids of new entities, unless the seed has higher ones.
FIRST_FOLDER_ID = 800_001
FIRST_UNIT_ID = 500_001
FIRST_COURSE_ID = 600_001
FIRST_LABEL_ID = 700_001
FIRST_GROUPING_ID = 710_001
FIRST_RELATION_ID = 720_001
FIRST_UID = 1_100_001
FIRST_LESSON_ID = 900_001
FIRST_ACTIVITY_ID = 950_001
FIRST_FILE_ID = 850_001


class Course(Held):
    """A course; fields besides its name are kept as given."""

    model_config = ConfigDict(extra="allow")

    course_id: int
    course_name: str
    ended: bool = False
    deleted: bool = False
    label_ids: tuple[int, ...] = ()

    @property
    def identity(self) -> str | None:
        """The course's unique identity."""
        given = (self.model_extra or {}).get("courseUniqueIdentity")
        return None if given is None else str(given)

    def expired(self, now: float) -> bool:
        """Return whether the course has expired; 0 is never."""
        expiry = (self.model_extra or {}).get("expiryTime")
        return bool(expiry) and int(str(expiry)) <= now

    def goes_on(self, now: float) -> bool:
        """Return whether the course is neither ended nor deleted."""
        return not (self.ended or self.deleted or self.expired(now))

    def to_dict(self) -> dict[str, object]:
        """Return the fields that were set, under ClassIn's names."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def edited(self, fields: Mapping[str, object]) -> "Course":
        """Return the course after an edit, which uses ClassIn's names."""
        return Course.model_validate(self.to_dict() | dict(fields))


class Seed(BaseModel):
    """The initial state of a school; `Institution.snapshot` returns one as well.

    The first folder is the root, and every parent comes before its children.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    courses: tuple[Course, ...] = ()
    folders: tuple[Folder, ...]
    files: tuple[StoredFile, ...] = ()
    units: tuple[Unit, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    #: Activities other than classrooms, which are lessons.
    tasks: tuple[Task, ...] = ()
    #: All registered users, of this school or not.
    users: tuple[User, ...] = ()
    students: tuple[Student, ...] = ()
    teachers: tuple[Teacher, ...] = ()
    #: UIDs of the institution's own account and of its sub-accounts.
    owner: int | None = None
    subaccounts: tuple[int, ...] = ()
    rosters: tuple[Roster, ...] = ()
    labels: tuple[Label, ...] = ()
    #: The institution's settings, by ClassIn's names.
    settings: dict[str, int] = {}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if faults := [*self._stray_folders(), *self._stray_parts(), *self._stray_people()]:
            raise ValueError("; ".join(faults))
        return self

    def _stray_folders(self) -> Iterable[str]:
        known: set[int | None] = set()
        for folder in self.folders:
            if (folder.parent_id is None) == bool(known):
                yield f"folder {folder.folder_id}: the first one, and no other, has no parent"
            elif known and folder.parent_id not in known:
                yield f"folder {folder.folder_id}: its parent does not stand before it"
            known.add(folder.folder_id)
        if not known:
            yield "folders: the top folder is missing"

    def _stray_parts(self) -> Iterable[str]:
        known = {course.course_id for course in self.courses}
        parts = [(one.course_id, f"unit {one.unit_id}") for one in self.units]
        parts += [(one.course_id, f"lesson {one.class_id}") for one in self.lessons]
        parts += [(one.course_id, f"task {one.activity_id}") for one in self.tasks]
        yield from (
            f"{name}: its course is missing" for course, name in parts if course not in known
        )
        folders = {folder.folder_id for folder in self.folders}
        for file in self.files:
            if file.folder_id not in folders:
                yield f"file {file.file_id}: its folder is missing"

    def _stray_people(self) -> Iterator[str]:
        users = {user.uid for user in self.users}
        courses = {course.course_id for course in self.courses}
        staff = {teacher.uid for teacher in self.teachers}
        members = {student.uid for student in self.students}
        for uid in sorted({*staff, *members, *self.subaccounts, self.owner or 0} - users - {0}):
            yield f"user {uid}: nobody is registered under this UID"
        for roster in self.rosters:
            if roster.course_id not in courses:
                yield f"roster of {roster.course_id}: its course is missing"
            if strays := (roster.students.keys() | roster.auditors.keys()) - members:
                yield f"roster of {roster.course_id}: {min(strays)} is no student"
            if others := roster.staff - staff:
                yield f"roster of {roster.course_id}: {min(others)} is no teacher"


#: The default initial state of a school, with the ids of ClassIn's own pages.
DEFAULT_SEED = Seed(
    courses=(
        Course(course_id=352861, course_name="Mathematics"),
        Course(course_id=414193, course_name="English"),
        Course(course_id=132323, course_name="Physics"),
    ),
    folders=(
        Folder(folder_id=100000, folder_name="Drive"),
        Folder(folder_id=123456, folder_name="Courseware", parent_id=100000),
        Folder(folder_id=747759, folder_name="Recordings", parent_id=100000),
    ),
    units=(Unit(unit_id=400001, course_id=414193, name="Unit 1", publish_flag=2),),
    lessons=(
        Lesson(
            class_id=880001,
            course_id=352861,
            class_name="Numbers",
            begin_time=1_600_000_000,
            end_time=1_600_003_600,
            teacher_uid=1001001,
            record=True,
        ),
    ),
    users=(
        User(uid=1000001, account="13800000000", nickname="School"),
        User(uid=1000002, account="office@school.example", nickname="Office"),
        User(uid=1001001, account="13800000001", nickname="Teacher 1"),
        User(uid=1001002, account="13800000002", nickname="Teacher 2"),
        User(uid=1001009, account="13800000009", nickname="Teacher 9"),
        *(
            User(uid=1002000 + n, account=f"{13800000010 + n}", nickname=f"Student {n}")
            for n in range(1, 6)
        ),
    ),
    students=tuple(Student(uid=1002000 + n, name=f"Student {n}") for n in range(1, 6)),
    teachers=(
        Teacher(uid=1001001, name="Teacher 1", relation_id=720001),
        Teacher(uid=1001002, name="Teacher 2", relation_id=720002),
        Teacher(uid=1001009, name="Teacher 9", relation_id=720009, deactivated=True),
    ),
    owner=1000001,
    subaccounts=(1000002,),
    rosters=(
        Roster(
            course_id=352861,
            head_teacher=1001001,
            students={1002001: "Student 1", 1002002: "Student 2"},
        ),
        Roster(course_id=414193, head_teacher=1001001),
        Roster(course_id=132323, head_teacher=1001001),
    ),
)


class Institution:
    """The state of one school."""

    def __init__(self, world: "World", seed: Seed) -> None:
        self._world = world
        self.courses = {course.course_id: course for course in seed.courses}
        self.drive = Drive(seed.folders, world.new_folder_id, seed.files, world.new_file_id)
        self.people = People(world.users, seed.students, seed.teachers, world.new_relation_id)
        self.owner = seed.owner
        self.subaccounts = set(seed.subaccounts)
        self.rosters = Rosters(seed.rosters)
        self.labels = Labels(seed.labels, world.new_label_id)
        self.settings = dict(seed.settings)
        self._identities = {one.identity: one.course_id for one in seed.courses if one.identity}
        self.units = Units(seed.units, world.new_unit_id)
        self.lessons = Lessons(seed.lessons, world.new_lesson_id)
        self.activities = Activities(seed.tasks, self.lessons, world.new_activity_id)

    def identified(self, identity: str | None) -> int | None:
        """Return the id of the course with this unique identity."""
        return self._identities.get(identity) if identity else None

    def add_course(self, name: str, fields: Mapping[str, object]) -> Course:
        """Create a course; the fields are under ClassIn's names."""
        course = Course(course_id=self._world.new_course_id(), course_name=name).edited(fields)
        self.courses[course.course_id] = course
        if course.identity:
            self._identities[course.identity] = course.course_id
        return course

    def new_grouping_id(self) -> int:
        """Return an id for a grouping."""
        return self._world.new_grouping_id()

    def elsewhere(self, holds: Callable[["Institution"], bool]) -> bool:
        """Return whether another school has the requested entity."""
        return any(holds(other) for other in self._world.institutions if other is not self)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state for JSON, under a seed's names.

        `users` are all registered users, of any school.
        """
        return {
            "courses": [course.to_dict() for course in self.courses.values()],
            "folders": [folder.to_dict() for folder in self.drive.folders],
            "files": [file.to_dict() for file in self.drive.files],
            "units": [unit.to_dict() for unit in self.units],
            "lessons": [lesson.to_dict() for lesson in self.lessons],
            "tasks": [task.to_dict() for task in self.activities],
            "users": [user.to_dict() for user in self.people.users.all],
            "students": [student.to_dict() for student in self.people.students.values()],
            "teachers": [teacher.to_dict() for teacher in self.people.teachers.values()],
            "owner": self.owner,
            "subaccounts": sorted(self.subaccounts),
            "rosters": [roster.to_dict() for roster in self.rosters],
            "labels": [label.to_dict() for label in self.labels.all],
            "settings": dict(self.settings),
        }


class World:
    """Every school's state, by SID. Ids are unique across schools, as ClassIn's are."""

    def __init__(self, sids: Iterable[str], seed: Seed = DEFAULT_SEED) -> None:
        """Take the SIDs, and give each school its own copy of the seed."""
        groupings = [roster.groups for roster in seed.rosters if roster.groups]
        relations = [teacher.relation_id for teacher in seed.teachers]
        self.new_folder_id = _from(FIRST_FOLDER_ID, (one.folder_id for one in seed.folders))
        self.new_unit_id = _from(FIRST_UNIT_ID, (one.unit_id for one in seed.units))
        activity_ids = [one.activity_id for one in seed.tasks]
        activity_ids += [one.activity_id for one in seed.lessons if one.activity_id is not None]
        self.new_activity_id = _from(FIRST_ACTIVITY_ID, activity_ids)
        self.new_lesson_id = _from(FIRST_LESSON_ID, (one.class_id for one in seed.lessons))
        self.new_file_id = _from(FIRST_FILE_ID, (one.file_id for one in seed.files))
        self.new_course_id = _from(FIRST_COURSE_ID, (one.course_id for one in seed.courses))
        self.new_label_id = _from(FIRST_LABEL_ID, (one.label_id for one in seed.labels))
        self.new_grouping_id = _from(FIRST_GROUPING_ID, (one.group_id for one in groupings))
        self.new_relation_id = _from(FIRST_RELATION_ID, relations)
        self.users = Users(seed.users, _from(FIRST_UID, (one.uid for one in seed.users)))
        self._institutions = {sid: Institution(self, seed) for sid in sids}

    @property
    def institutions(self) -> tuple[Institution, ...]:
        """All institutions."""
        return tuple(self._institutions.values())

    def institution(self, sid: str) -> Institution:
        """Return a school's state. Raises KeyError for an unknown school."""
        return self._institutions[sid]

    def snapshot(self) -> dict[str, Any]:
        """Return everything for JSON: `{"schools": {SID: ...}}`."""
        schools = {sid: held.snapshot() for sid, held in self._institutions.items()}
        return {"schools": schools}


def _from(first: int, taken: Iterable[int]) -> Callable[[], int]:
    """Count up from an id, or from above the ids in use."""
    return partial(next, count(max([first - 1, *taken]) + 1))
