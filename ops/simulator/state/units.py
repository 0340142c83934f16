"""Units of one school's courses."""

from collections.abc import Callable, Iterable, Iterator

from ops.simulator.state.drive import Held


class Unit(Held):
    """A unit of a course."""

    unit_id: int
    course_id: int
    name: str
    publish_flag: int = 0
    content: str = ""


class Units:
    """All units of one school, in order of creation, without deleted ones."""

    def __init__(self, units: Iterable[Unit], new_id: Callable[[], int]) -> None:
        """Take the initial units."""
        self._units: dict[int, Unit] = {}
        self._names: dict[tuple[int, str], int] = {}
        self._new_id = new_id
        for unit in units:
            self._keep(unit)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units.values())

    def find(self, course_id: int, unit_id: int) -> Unit | None:
        """Return a course's unit by id."""
        unit = self._units.get(unit_id)
        return unit if unit is not None and unit.course_id == course_id else None

    def named(self, course_id: int, name: str) -> Unit | None:
        """Return a course's unit by name, also a draft."""
        unit_id = self._names.get((course_id, name))
        return None if unit_id is None else self._units[unit_id]

    def add(self, course_id: int, name: str, publish_flag: int, content: str) -> Unit:
        """Create a unit in a course."""
        return self._keep(
            Unit(
                unit_id=self._new_id(),
                course_id=course_id,
                name=name,
                publish_flag=publish_flag,
                content=content,
            )
        )

    def change(self, unit: Unit, **fields: object) -> Unit:
        """Change a unit's attributes."""
        del self._names[unit.course_id, unit.name]
        return self._keep(unit.model_copy(update=fields))

    def delete(self, unit: Unit) -> None:
        """Delete a unit, which frees its name."""
        del self._names[unit.course_id, unit.name]
        del self._units[unit.unit_id]

    def _keep(self, unit: Unit) -> Unit:
        self._units[unit.unit_id] = unit
        self._names[unit.course_id, unit.name] = unit.unit_id
        return unit
