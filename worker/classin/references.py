"""References: fields that stand for another record's result until it is known. Pure.

Encrypted values are extracted and reinserted in the same way.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from annotated_types import Lt, MinLen
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from worker.classin.field_rules import fewest
from worker.classin.field_shape import FieldShape, field_shape
from worker.classin.field_types import File
from worker.classin.seals import SEAL, Sealed, credentials_of
from worker.errors import FieldError, InvalidOperationError

#: The place of a value among an operation's fields: names, and positions in lists.
Place = tuple[str | int, ...]

#: The key that marks a reference.
_MARK = "$result"

_Kind = TypeVar("_Kind", bound=BaseModel)

#: The default path of a reference.
_DATA = "data"

#: Maximum depth; no operation's fields are nested deeper.
_DEEPEST = 8

#: Marks of references and encrypted values.
_MARKS = frozenset({_MARK, SEAL})

#: The attached values of an operation without any.
_NONE: Mapping[Place, "Reference | Sealed"] = MappingProxyType({})

#: Types that cannot hold a reference: most values are of these.
_PLAIN = frozenset({bool, int, float, str, type(None)})


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a value in another record's result."""

    id: str
    #: Path from the root of the result: keys and list places, separated by dots. A place is a
    #: position from 0, or a mark such as `customColumn=3`: the only entry with that mark; where no
    #: entry has a mark of that name, the position.
    path: str = _DATA

    def __str__(self) -> str:
        """Return it as one word, for lane names."""
        return f"{_MARK}:{self.id}:{self.path}"

    def to_dict(self) -> dict[str, str]:
        """Return it as a record's fields hold it."""
        return {_MARK: self.id, "path": self.path}

    @classmethod
    def read(cls, value: object) -> "Reference | None":
        """Parse one, given as an object or as JSON; None if it is none, or ill-formed."""
        marked = _marked(value)
        if marked is None or any(_ill_formed(marked)):
            return None
        return cls(marked[_MARK], marked["path"])

    def found_in(self, result: Mapping[str, Any] | None) -> object:
        """Return the value in a result; None if there is none."""
        found: object = result
        for step in self.path.split("."):
            if isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(found, list):
                found = _in_list(found, step)
            else:
                return None
        return found


def _in_list(entries: Sequence[Any], step: str) -> object:
    """Return the entry at a place of a list; None if there is none."""
    name, _, mark = step.rpartition("=")
    marked = [each for each in entries if name and isinstance(each, Mapping) and name in each]
    if marked:
        bearing = [each for each in marked if str(each[name]) == mark]
        return bearing[0] if len(bearing) == 1 else None
    if not re.fullmatch("[0-9]{1,9}", mark):
        return None
    return entries[int(mark)] if int(mark) < len(entries) else None


def referenced(fields: Mapping[str, Any]) -> set[str]:
    """Return the record ids that fields refer to."""
    ids: set[str] = set()
    _changed(fields, lambda reference, _: ids.add(reference.id))
    return ids


def renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return fields with the ids of their references replaced by `names`."""
    return _changed(
        fields,
        lambda reference, _: replace(reference, id=names.get(reference.id, reference.id)).to_dict(),
    )


class Source(NamedTuple):
    """The result of a record that others refer to."""

    result: Mapping[str, Any] | None
    #: The same with masks, as shown.
    shown: Mapping[str, Any] | None


def resolve(
    fields: Mapping[str, Any],
    source_of: Callable[[str], Source | None],
    hides: Callable[[Place], bool],
) -> dict[str, Any]:
    """Return a record's fields with references resolved; `source_of` is called once per id.

    A value that is masked at its source may fill only fields that are masked: `hides` tells of a
    place. The result is not validated yet. Raises InvalidOperationError, which names every
    reference that leads nowhere, or past a mask.
    """
    faults: list[FieldError] = []
    told = cache(source_of)

    def fill(reference: Reference, place: Place) -> object:
        source = told(reference.id) or Source(None, None)
        value, shown = (reference.found_in(each) for each in source)
        if value is None or shown is None:  # a path that names what is masked finds nothing
            what = f"the result of {reference.id} has nothing at {reference.path}"
            faults.append(FieldError(written(place), what))
        elif value != shown and not hides(place):
            what = f"{reference.id} keeps what is at {reference.path} masked; this field is not"
            faults.append(FieldError(written(place), what))
        return value

    whole = _changed(fields, fill)
    if faults:
        raise InvalidOperationError("references", faults)
    return whole


def keep(operation: BaseModel, references: Mapping[Place, Reference | Sealed]) -> None:
    """Attach extracted values to an operation.

    They are stored with pydantic's private attributes, which copies and comparisons respect, but
    are not declared as one: that would slow down the construction of every operation.
    """
    object.__setattr__(operation, "__pydantic_private__", {"references": references})


def kept(operation: BaseModel) -> Mapping[Place, Reference | Sealed]:
    """Return the values that `keep` attached."""
    private = operation.__pydantic_private__
    return private.get("references", _NONE) if private else _NONE


def ids_kept(operation: BaseModel) -> frozenset[str]:
    """Return the record ids of an operation's references."""
    references = kept(operation)
    if not references:
        return frozenset()
    return frozenset(each.id for each in references.values() if isinstance(each, Reference))


def places_of(operation: BaseModel, kind: type[Reference | Sealed]) -> list[Place]:
    """Return the places of an operation's references and encrypted values."""
    return [place for place, held in kept(operation).items() if isinstance(held, kind)]


def with_only(operation: _Kind, name: str, positions: Collection[int]) -> _Kind:
    """Return an operation with only these items of a list, and with their attached values."""
    items, ordered = getattr(operation, name), sorted(positions)
    chosen = operation.model_copy(update={name: tuple(items[position] for position in ordered)})
    if references := kept(operation):
        wire_name = type(operation).model_fields[name].alias or name
        moved: dict[Place, int] = {(wire_name, each): new for new, each in enumerate(ordered)}
        keep(
            chosen,
            {
                (wire_name, moved[place[:2]], *place[2:]) if place[:2] in moved else place: each
                for place, each in references.items()
                if place[0] != wire_name or place[:2] in moved
            },
        )
    return chosen


def reinsert(
    fields: dict[str, Any], references: Mapping[Place, Reference | Sealed]
) -> dict[str, Any]:
    """Put extracted values back in place; modify and return the fields."""
    for place, reference in references.items():
        *way, last = place
        holder: Any = fields
        for step in way:
            holder = holder[step]
        holder[last] = reference.to_dict()
    return fields


def extract(
    kind: type[BaseModel], given: Mapping[str, Any], identity: str | None
) -> tuple[Mapping[str, Any], Mapping[Place, Reference | Sealed], list[FieldError]]:
    """Extract references and encrypted values from an operation's fields; return their faults too.

    Valid stand-ins take their places, so that all other checks can run. Places have ClassIn's
    names. `identity`: the attribute, or list and attribute, of the unique identity.
    """
    if not _mentioned(given):
        return given, {}, []
    lifter = _Lifter(identity)
    return lifter.from_object(kind, given, ()), lifter.references, lifter.faults


class _Lifter:
    """Walk through fields according to their types."""

    def __init__(self, identity: str | None) -> None:
        self.references: dict[Place, Reference | Sealed] = {}
        self.faults: list[FieldError] = []
        self._identity = [to_camel(name) for name in (identity or "").split(".")]

    def from_object(
        self, kind: type[BaseModel], given: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        """Walk through an operation's or an item's fields; unknown ones are left alone."""
        fields, sealable = dict(given), credentials_of(kind)
        for name, field in kind.model_fields.items():
            wire_name, depth = field.alias or name, field_shape(field).depth
            for spelling in {name, wire_name} & given.keys():
                value, here = given[spelling], (*place, wire_name)
                if spelling in sealable and (sealed := Sealed.read(value)):
                    self.references[here] = sealed
                    fields[spelling] = _stand_in(field, depth, len(self.references))
                else:
                    fields[spelling] = self._from_value(field, depth, value, here)
        return fields

    def _from_value(self, field: FieldInfo, depth: int, value: object, place: Place) -> object:
        """Walk through a value within so many lists."""
        if (marked := _marked(value)) is not None:
            return self._from_reference(field, depth, marked, place)
        base = field_shape(field).base
        if depth and isinstance(value, (list, tuple)):
            return [
                self._from_value(field, depth - 1, each, (*place, position))
                for position, each in enumerate(value)
            ]
        if not depth and isinstance(value, dict) and issubclass(base, BaseModel):
            return value if base is File else self.from_object(base, value, place)
        return value

    def _from_reference(
        self, field: FieldInfo, depth: int, marked: Mapping[str, Any], place: Place
    ) -> object:
        """Store a reference or its faults; return its stand-in."""
        where = written(place)
        if field_shape(field).base is File:
            self.faults.append(FieldError(where, "cannot be a reference: no result holds a file"))
        elif [step for step in place if isinstance(step, str)] == self._identity:
            what = "cannot be a reference: ClassIn knows a repeat by it"
            self.faults.append(FieldError(where, what))
        elif ill := [FieldError(where + part, what) for part, what in _ill_formed(marked)]:
            self.faults += ill
        else:
            self.references[place] = Reference(marked[_MARK], marked["path"])
        return _stand_in(field, depth, len(self.references))


def _stand_in(field: FieldInfo, depth: int, number: int) -> object:
    """Return a value that passes a field's checks; numbers differ from each other and from ids."""
    value = _plain(field_shape(field), number)
    for _ in range(depth):
        value = (value,)
    return value


def _plain(parts: FieldShape, number: int) -> object:
    base = parts.base
    if base is File:
        return File.model_construct(name="a.jpg", size=1)
    if issubclass(base, BaseModel):
        return _blank(base, number)
    if issubclass(base, IntEnum):
        return next(iter(base))
    if base is str:
        lengths = (part.min_length for part in parts.metadata if isinstance(part, MinLen))
        return parts.examples[0] if parts.examples else "-" * max(lengths, default=1)
    if base is int:
        bounds = (part.lt for part in parts.metadata if isinstance(part, Lt))
        return min((each for each in bounds if isinstance(each, int)), default=2**31) - 1 - number
    return {bool: True, float: 1.0, datetime: 1}[base]


def _blank(kind: type[BaseModel], number: int) -> BaseModel:
    """Return a valid item, as an object."""
    required = (name for name, field in kind.model_fields.items() if field.is_required())
    needed = fewest(required, getattr(kind, "rules", ()))
    values: dict[str, Any] = {
        name: _stand_in(field, field_shape(field).depth, number)
        for name, field in kind.model_fields.items()
        if name in needed
    }
    return kind.model_construct(**values)


def _mentioned(fields: Mapping[str, Any]) -> bool:
    """Check quickly whether anything is marked as a reference or encrypted: rarely anything is."""
    level: Collection[Any] = fields.values()
    for _ in range(_DEEPEST):
        if _PLAIN.issuperset(map(type, level)):
            return False
        deeper: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                if not _MARKS.isdisjoint(each):
                    return True
                deeper += each.values()
            elif isinstance(each, (list, tuple)):
                deeper += each
            elif isinstance(each, (Reference, Sealed)):
                return True
        level = deeper
    return False


def _changed(
    fields: Mapping[str, Any], change: Callable[[Reference, Place], object]
) -> dict[str, Any]:
    """Return JSON fields with each well-formed reference replaced."""
    if not _mentioned(fields):
        return dict(fields)
    return {name: _changed_value(value, change, (name,)) for name, value in fields.items()}


def _changed_value(
    value: object, change: Callable[[Reference, Place], object], place: Place
) -> object:
    if type(value) in _PLAIN or len(place) > _DEEPEST:
        return value
    if reference := Reference.read(value):
        return change(reference, place)
    if isinstance(value, dict):
        return {key: _changed_value(each, change, (*place, key)) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_changed_value(each, change, (*place, n)) for n, each in enumerate(value)]
    return value


def _marked(value: object) -> Mapping[str, Any] | None:
    """Return the JSON of what is marked as a reference, well-formed or not."""
    if isinstance(value, Reference):
        return value.to_dict()
    return {"path": _DATA, **value} if isinstance(value, dict) and _MARK in value else None


def _ill_formed(marked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return a reference's faults, each after its key."""
    record_id, path = marked[_MARK], marked["path"]
    if not (isinstance(record_id, str) and record_id and record_id.isprintable()):
        yield f".{_MARK}", "should be the id of a record, as text"
    if not (isinstance(path, str) and path.isprintable() and all(path.split("."))):
        yield ".path", "should be names and positions with dots between them, like data.unitId"
    for key in sorted(map(repr, marked.keys() - {_MARK, "path"})):
        yield "", f"a reference has {_MARK} and path, but no {key}"


def written(place: Place) -> str:
    """Return a place as faults name it: userJson.2.password."""
    return ".".join(map(str, place))
