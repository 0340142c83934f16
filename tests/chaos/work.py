"""What a trial asks of ClassIn: operations of many kinds, in lanes, each with its own number."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, cycle
from random import Random
from typing import Any

from ops.simulator import DEFAULT_SEED, Seed
from tests.chaos.shape import Shape
from worker.classin.catalogue import find
from worker.classin.operation import Idempotency, Spec
from worker.classin.school import School

#: Numbers count up from here. They have eight digits, as nothing else in a trial has.
FIRST = 77_000_001
_NUMBER = re.compile(r"\b77\d{6}\b")

#: What lanes work on counts up from here. Folders come last of all ids in the drive, so that those
#: that are made look like no number.
_COURSES, _UNITS, _STUDENTS, _FOLDERS = 4_000_000, 6_000_000, 3_000_000, 500_000_000

TEACHER = 1001001
_TOP = 100_000_000
_NO_UNIT, _NO_COURSE = 1, 1

#: The first have lanes; of each of the others little is asked.
_NAMES = ("north", "south", "east", *(f"school-{number}" for number in range(4, 301)))
SCHOOLS = {
    name: School(name, str(sid), f"secret of {name}") for name, sid in zip(_NAMES, count(1_000_081))
}

#: How fast each school may be asked, in requests a second.
PACES: Mapping[str, float] = {"edit_course": 1.0, "create_classroom": 0.5}

#: One operation in so many belongs to no lane that is watched, and to any school.
_LOOSE = 4

#: What is high or low in comparison with the others; most are neither.
_PRIORITIES = ("high", "low", "normal", "normal")


@dataclass(frozen=True, slots=True)
class Spot:
    """What the fields of one operation are made of."""

    number: int
    #: The position of its lane.
    lane: int
    #: A moment that lessons can begin, in seconds since 1970.
    tomorrow: int

    @property
    def course(self) -> int:
        """The lane's course."""
        return _COURSES + self.lane

    @property
    def folder(self) -> int:
        """The lane's folder."""
        return _FOLDERS + self.lane

    @property
    def uids(self) -> tuple[int, int]:
        """The users who are there for this operation alone."""
        return self.number * 10, self.number * 10 + 1


#: Gives the fields of one operation.
_ASKED: dict[str, Callable[[Spot], dict[str, Any]]] = {
    "edit_course": lambda spot: {"courseId": spot.course, "courseName": f"Course {spot.number}"},
    "create_unit": lambda spot: {
        "courseId": spot.course, "name": f"Unit {spot.number}", "publishFlag": 0,
    },
    "update_unit": lambda spot: {
        "courseId": spot.course, "unitId": _UNITS + spot.lane, "content": f"Text {spot.number}",
    },
    "add_course_student_multiple": lambda spot: {
        "courseId": spot.course,
        "identity": 1,
        "studentJson": [{"uid": uid, "name": f"Pupil {spot.number}"} for uid in spot.uids],
    },
    "create_classroom": lambda spot: {
        "courseId": spot.course,
        "unitId": _UNITS + spot.lane,
        "name": f"Lesson {spot.number}",
        "teacherUid": TEACHER,
        "startTime": spot.tomorrow,
        "endTime": spot.tomorrow + 3600,
    },
    "create_activity_no_class": lambda spot: {
        "courseId": spot.course,
        "unitId": _UNITS + spot.lane,
        "activityType": 6,
        "name": f"Talk {spot.number}",
        "teacherUid": TEACHER,
    },
    "create_folder": lambda spot: {"folderId": spot.folder, "folderName": f"Box {spot.number}"},
    "rename_folder": lambda spot: {"folderId": spot.folder, "folderName": f"Drawer {spot.number}"},
    "get_cloud_list": lambda spot: {"folderId": spot.number},
    "add_course": lambda spot: {"courseName": f"Course {spot.number}"},
    "register": lambda spot: {
        "telephone": f"138{spot.number}",
        "nickname": f"Pupil {spot.number}",
        "password": "secret1",
        "addToSchoolMember": 1,
    },
    "add_school_student": lambda spot: {
        "studentAccount": f"139{spot.number}", "studentName": f"Pupil {spot.number}",
    },
    "edit_school_student": lambda spot: {
        "studentUid": _STUDENTS + spot.lane, "studentName": f"Pupil {spot.number}",
    },
}  # fmt: skip

#: What is asked in the three kinds of lane and beside them; what stands there twice comes twice as
#: often. `!` marks what ClassIn refuses.
_OF_A_COURSE = (
    "edit_course", "edit_course", "edit_course", "create_unit", "create_unit", "update_unit",
    "update_unit", "add_course_student_multiple", "add_course_student_multiple",
    "create_classroom", "create_classroom", "create_activity_no_class", "update_unit!",
)  # fmt: skip
_OF_A_FOLDER = ("create_folder", "rename_folder")
_NAMED = (
    "add_course", "add_course", "register", "register", "add_school_student",
    "edit_school_student", "edit_school_student", "get_cloud_list", "create_folder",
)  # fmt: skip
_BESIDE = ("add_course", "register", "get_cloud_list")


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane: its school, and which operations go into it."""

    position: int
    school: str
    name: str
    work: Sequence[str]
    #: Whether its name is given with each operation, which else would be in another lane or none.
    named: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of the trial; within a lane they keep the order of their numbers."""

    number: int
    school: str
    operation: str
    fields: Mapping[str, Any]
    #: The lane in which it must keep its order; None: none.
    lane: str | None = None
    #: The lane to name when it is handed in.
    named: str | None = None
    #: Whether ClassIn must refuse it.
    refused: bool = False
    #: What is set when it is retried: then ClassIn takes it.
    mended: Mapping[str, Any] | None = None
    #: The key of the operation that it waits for; None: of none.
    after: str | None = None
    #: Whether that one fails, and this one with it.
    doomed: bool = False
    priority: str = "normal"

    @property
    def key(self) -> str:
        """What tells a submission from another one that says the same."""
        return f"chaos-{self.number}"

    @property
    def spec(self) -> Spec:
        """What the catalogue declares of it."""
        return find(self.operation).spec

    @property
    def makes(self) -> bool:
        """Whether something is there afterwards, under its number, that was not there before."""
        return self.spec.idempotency in {
            Idempotency.KEYED,
            Idempotency.CONFLICT_DETECTED,
            Idempotency.UNSAFE,
        }

    @property
    def may_stay_uncertain(self) -> bool:
        """Whether nobody can tell a repeat from the first: then it need not be repeated."""
        identified = self.spec.idempotency is Idempotency.KEYED
        return self.spec.idempotency is Idempotency.UNSAFE or (identified and not self.spec.already)


def lanes_of(shape: Shape) -> list[Lane]:
    """Lay out the lanes: of five, three are courses', one a folder's, and one has just a name."""
    schools = list(SCHOOLS)[: shape.busy_schools]
    lanes = []
    for position in range(shape.lanes):
        school = schools[position % len(schools)]
        match position % 5:
            case 1:
                lane = Lane(position, school, f"folder_id:{_FOLDERS + position}", _OF_A_FOLDER)
            case 3:
                lane = Lane(position, school, f"trial-{position}", _NAMED, named=True)
            case _:
                lane = Lane(position, school, f"course_id:{_COURSES + position}", _OF_A_COURSE)
        lanes.append(lane)
    return lanes


def steps_of(shape: Shape, random: Random, tomorrow: int) -> list[Step]:
    """Choose the operations, in the order in which they are handed in."""
    lanes = lanes_of(shape)
    everybody = cycle(list(SCHOOLS)[: shape.schools])
    steps = []
    for number in range(FIRST, FIRST + shape.operations):
        lane, beside = random.choice(lanes), random.randrange(_LOOSE) == 0
        chosen = random.choice(_BESIDE if beside else lane.work)
        operation = chosen.rstrip("!")
        fields = _ASKED[operation](Spot(number, lane.position, tomorrow))
        if refused := chosen != operation:
            fields["unitId"] = _NO_UNIT
        steps.append(
            Step(
                number=number,
                school=next(everybody) if beside else lane.school,
                operation=operation,
                fields=fields,
                lane=None if beside else f"{lane.school}:{lane.name}",
                named=lane.name if lane.named and not beside else None,
                refused=refused,
                priority=random.choice(_PRIORITIES),
            )
        )
    return steps


def retried_steps(shape: Shape, first: int) -> list[Step]:
    """Return what ClassIn refuses, and takes when it is retried: done twice, there are two."""
    busy = list(SCHOOLS)[: shape.busy_schools]
    steps = []
    for number in range(first, first + shape.retried):
        spot = Spot(number, number % shape.lanes, 0)
        fields = _ASKED["create_activity_no_class"](spot)
        steps.append(
            Step(
                number=number,
                school=busy[number % len(busy)],
                operation="create_activity_no_class",
                fields={**fields, "unitId": _NO_UNIT},
                mended={"unitId": fields["unitId"]},
                refused=True,
            )
        )
    return steps


def crowd(first: int, size: int, *, doomed: bool) -> list[Step]:
    """Return one operation and so many that wait for it; where they are doomed, it is refused."""
    school = next(iter(SCHOOLS))
    leader = Step(first, school, "add_course", {"courseName": f"Course {first}"})
    if doomed:
        fields = {"courseId": _NO_COURSE, "courseName": f"Course {first}"}
        leader = Step(first, school, "edit_course", fields, refused=True)
    followers = (
        Step(
            number=number,
            school=school,
            operation="add_course",
            fields={"courseName": f"Course {number}"},
            after=leader.key,
            doomed=doomed,
        )
        for number in range(first + 1, first + 1 + size)
    )
    return [leader, *followers]


def world_of(shape: Shape, steps: Sequence[Step]) -> Seed:
    """Give what each school must hold for these operations to succeed."""
    of = {name: [one for one in steps if one.operation == name] for name in _ASKED}
    lanes = range(shape.lanes)
    joining = [uid for one in of["add_course_student_multiple"] for uid in _uids(one)]
    students = [*(_STUDENTS + lane for lane in lanes), *joining]
    folders = [{"folder_id": _TOP, "folder_name": "Drive"}]
    folders += [_below_top(one.number) for one in of["get_cloud_list"]]
    folders += [_below_top(_FOLDERS + lane) for lane in lanes]
    accounts = {uid: f"{uid}@trial.example" for uid in students}
    accounts |= {one.number * 10: f"139{one.number}" for one in of["add_school_student"]}
    users = [{"uid": uid, "account": text, "nickname": text} for uid, text in accounts.items()]
    courses = [{"course_id": _COURSES + lane, "course_name": "Course"} for lane in lanes]
    units = [
        {"unit_id": _UNITS + lane, "course_id": _COURSES + lane, "name": "Unit"} for lane in lanes
    ]
    return Seed.model_validate(
        {
            "courses": courses,
            "folders": folders,
            "units": units,
            "users": [*DEFAULT_SEED.users, *users],
            "students": [{"uid": uid, "name": f"{uid}"} for uid in students],
            "teachers": DEFAULT_SEED.teachers,
        }
    )


def numbers_in(value: object) -> set[int]:
    """Find the numbers of operations in what ClassIn was told, in a record, or in what it holds."""
    return {int(text) for text in _NUMBER.findall(json.dumps(value, ensure_ascii=False))}


def _uids(step: Step) -> list[int]:
    return [item["uid"] for item in step.fields["studentJson"]]


def _below_top(folder_id: int) -> dict[str, Any]:
    return {"folder_id": folder_id, "folder_name": f"Folder {folder_id}", "parent_id": _TOP}
