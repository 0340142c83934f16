"""What the pretend ClassIn holds: the courses, units and folders of every school."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from ops.simulator.drive import Drive, Folder, Held

#: The ids that new things get count up from here, unless the seed reaches beyond.
FIRST_FOLDER_ID = 800_001
FIRST_UNIT_ID = 500_001


class Course(Held):
    """A course; whatever an edit sets besides its name is kept as it was given."""

    model_config = ConfigDict(extra="allow")

    course_id: int
    course_name: str

    def edited(self, fields: Mapping[str, object]) -> "Course":
        """Give the course as it is after an edit, which uses ClassIn's names."""
        return Course.model_validate(self.to_json() | dict(fields))


class Unit(Held):
    """A unit of a course."""

    unit_id: int
    course_id: int
    name: str
    publish_flag: int = 0
    content: str = ""


class Seed(BaseModel):
    """What a school holds at the start; what `Institution.snapshot` gives is one as well.

    The first folder is the top one, and every parent stands before its children.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    courses: tuple[Course, ...] = ()
    folders: tuple[Folder, ...]
    units: tuple[Unit, ...] = ()

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if faults := [*self._stray_folders(), *self._stray_units()]:
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

    def _stray_units(self) -> Iterable[str]:
        known = {course.course_id for course in self.courses}
        for unit in self.units:
            if unit.course_id not in known:
                yield f"unit {unit.unit_id}: its course is missing"


#: What every school holds unless told otherwise: the ids that ClassIn's own pages use.
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
)


class Institution:
    """What ClassIn holds of one school."""

    def __init__(self, world: "World", seed: Seed) -> None:
        self._world = world
        self.courses = {course.course_id: course for course in seed.courses}
        self.drive = Drive(seed.folders, world.new_folder_id)
        self._units: dict[int, Unit] = {}
        self._unit_names: set[tuple[int, str]] = set()
        for unit in seed.units:
            self._keep(unit)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Every unit, in the order in which they were made."""
        return tuple(self._units.values())

    def has_unit(self, course_id: int, name: str) -> bool:
        """Tell whether a course has a unit of this name."""
        return (course_id, name) in self._unit_names

    def add_unit(self, course_id: int, name: str, publish_flag: int, content: str) -> Unit:
        """Make a unit in a course."""
        return self._keep(
            Unit(
                unit_id=self._world.new_unit_id(),
                course_id=course_id,
                name=name,
                publish_flag=publish_flag,
                content=content,
            )
        )

    def elsewhere(self, holds: Callable[["Institution"], bool]) -> bool:
        """Tell whether another school has what this one was asked for."""
        return any(holds(other) for other in self._world.institutions if other is not self)

    def snapshot(self) -> dict[str, Any]:
        """Give all of it, ready for JSON: lists under `courses`, `folders` and `units`."""
        return {
            "courses": [course.to_json() for course in self.courses.values()],
            "folders": [folder.to_json() for folder in self.drive.folders],
            "units": [unit.to_json() for unit in self.units],
        }

    def _keep(self, unit: Unit) -> Unit:
        self._units[unit.unit_id] = unit
        self._unit_names.add((unit.course_id, unit.name))
        return unit


class World:
    """Every school's institution, by SID. Ids are unique across them, as ClassIn's are."""

    def __init__(self, sids: Iterable[str], seed: Seed = DEFAULT_SEED) -> None:
        """Give every school its own copy of the seed."""
        folder_ids = [folder.folder_id for folder in seed.folders]
        unit_ids = [unit.unit_id for unit in seed.units]
        self.new_folder_id = partial(next, count(max([FIRST_FOLDER_ID - 1, *folder_ids]) + 1))
        self.new_unit_id = partial(next, count(max([FIRST_UNIT_ID - 1, *unit_ids]) + 1))
        self._institutions = {sid: Institution(self, seed) for sid in sids}

    @property
    def institutions(self) -> tuple[Institution, ...]:
        """All institutions."""
        return tuple(self._institutions.values())

    def institution(self, sid: str) -> Institution:
        """Give what a school holds; KeyError for a school that is not known."""
        return self._institutions[sid]

    def snapshot(self) -> dict[str, Any]:
        """Give everything, ready for JSON: `{"schools": {SID: ...}}`."""
        schools = {sid: held.snapshot() for sid, held in self._institutions.items()}
        return {"schools": schools}
