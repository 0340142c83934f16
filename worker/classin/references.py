"""References: fields that stand for what another record's result will hold, until it does: pure.

Values that are sealed are lifted out of an operation's fields, and restored, as references are.
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

#: A value's place among an operation's fields: names, and positions in lists.
Place = tuple[str | int, ...]

#: The key that tells a reference from other objects.
_MARK = "$result"

_Kind = TypeVar("_Kind", bound=BaseModel)

#: Where in a result a reference looks, unless it says so.
_DATA = "data"

#: No operation has a value so deep among its fields: what lies deeper is not looked at.
_DEEPEST = 8

#: What is looked for among fields.
_MARKS = frozenset({_MARK, SEAL})

#: What an operation keeps that has neither references nor anything sealed.
_NONE: Mapping[Place, "Reference | Sealed"] = MappingProxyType({})

#: Kinds that neither are a reference nor hold one: most values are of these.
_PLAIN = frozenset({bool, int, float, str, type(None)})


@dataclass(frozen=True, slots=True)
class Reference:
    """Stands for a value in the result of another record."""

    id: str
    #: From the root of the result: keys, and places in lists, with dots between them. A place is a
    #: position from 0, or a mark as in `customColumn=3`: the only entry that bears it; where no
    #: entry bears a mark of that name, the position.
    path: str = _DATA

    def __str__(self) -> str:
        """Return it in one word, as lanes are named."""
        return f"{_MARK}:{self.id}:{self.path}"

    def to_dict(self) -> dict[str, str]:
        """Return it as a record's fields hold it."""
        return {_MARK: self.id, "path": self.path}

    @classmethod
    def read(cls, value: object) -> "Reference | None":
        """Read one, given as an object or as JSON; None for what is none, or is ill-formed."""
        marked = _marked(value)
        if marked is None or any(_ill_formed(marked)):
            return None
        return cls(marked[_MARK], marked["path"])

    def found_in(self, result: Mapping[str, Any] | None) -> object:
        """Find the value; None where there is none."""
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
    """Find the entry at a place of a list; None where there is none."""
    name, _, mark = step.rpartition("=")
    marked = [each for each in entries if name and isinstance(each, Mapping) and name in each]
    if marked:
        bearing = [each for each in marked if str(each[name]) == mark]
        return bearing[0] if len(bearing) == 1 else None
    if not re.fullmatch("[0-9]{1,9}", mark):
        return None
    return entries[int(mark)] if int(mark) < len(entries) else None


def referenced(fields: Mapping[str, Any]) -> set[str]:
    """Return the ids that a record's fields refer to."""
    ids: set[str] = set()
    _changed(fields, lambda reference, _: ids.add(reference.id))
    return ids


def renamed(fields: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields with other ids in their references, where `names` has one for them."""
    return _changed(
        fields,
        lambda reference, _: replace(reference, id=names.get(reference.id, reference.id)).to_dict(),
    )


class Source(NamedTuple):
    """The result of a record that others refer to."""

    result: Mapping[str, Any] | None
    #: The same as it is shown: with masks.
    shown: Mapping[str, Any] | None


def resolve(
    fields: Mapping[str, Any],
    source_of: Callable[[str], Source | None],
    hides: Callable[[Place], bool],
) -> dict[str, Any]:
    """Return a record's fields with what they refer to; `source_of` is asked once for each id.

    What is masked where it comes from fills only what is masked as well: `hides` says so of a
    place. What comes out is not checked yet. Raises InvalidOperationError, which names every
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
    """Let an operation keep what was lifted out of its fields.

    It is kept with pydantic's private attributes, which copies and comparisons heed, but not
    declared as one: that would slow the construction of every operation.
    """
    object.__setattr__(operation, "__pydantic_private__", {"references": references})


def kept(operation: BaseModel) -> Mapping[Place, Reference | Sealed]:
    """Return what `keep` kept."""
    private = operation.__pydantic_private__
    return private.get("references", _NONE) if private else _NONE


def ids_kept(operation: BaseModel) -> frozenset[str]:
    """Return the ids of the records that an operation keeps references to."""
    references = kept(operation)
    if not references:
        return frozenset()
    return frozenset(each.id for each in references.values() if isinstance(each, Reference))


def places_of(operation: BaseModel, kind: type[Reference | Sealed]) -> list[Place]:
    """Return where an operation keeps references, or what is sealed."""
    return [place for place, held in kept(operation).items() if isinstance(held, kind)]


def with_only(operation: _Kind, name: str, positions: Collection[int]) -> _Kind:
    """Return an operation with only these items of a list, and with what it keeps of them."""
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
    """Put back what was lifted out to where it was; changes the fields, and gives them."""
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
    """Take references and what is sealed out of an operation's fields; say what is wrong there.

    In their places stand values that pass the checks of a field, so that all else can be checked.
    The places have ClassIn's names. `identity`: the attribute, or list and attribute, with which
    ClassIn knows a repeat.
    """
    if not _mentioned(given):
        return given, {}, []
    lifter = _Lifter(identity)
    return lifter.from_object(kind, given, ()), lifter.references, lifter.faults


class _Lifter:
    """Goes through fields as their kind has them."""

    def __init__(self, identity: str | None) -> None:
        self.references: dict[Place, Reference | Sealed] = {}
        self.faults: list[FieldError] = []
        self._identity = [to_camel(name) for name in (identity or "").split(".")]

    def from_object(
        self, kind: type[BaseModel], given: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        """Go through the fields of an operation or of an item; unknown ones stay as they are."""
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
        """Go through a value with so many lists around what the field holds."""
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
        """Keep a reference, or what is wrong with it; gives what stands in its place."""
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
    """Return an item that passes its checks, as an object."""
    required = (name for name, field in kind.model_fields.items() if field.is_required())
    needed = fewest(required, getattr(kind, "rules", ()))
    values: dict[str, Any] = {
        name: _stand_in(field, field_shape(field).depth, number)
        for name, field in kind.model_fields.items()
        if name in needed
    }
    return kind.model_construct(**values)


def _mentioned(fields: Mapping[str, Any]) -> bool:
    """Say quickly whether anything is marked as a reference or sealed: nearly always nothing is."""
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
    """Return JSON fields with something else in place of each well-formed reference."""
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
    """Say what is wrong with a reference, each time after where in it."""
    record_id, path = marked[_MARK], marked["path"]
    if not (isinstance(record_id, str) and record_id and record_id.isprintable()):
        yield f".{_MARK}", "should be the id of a record, as text"
    if not (isinstance(path, str) and path.isprintable() and all(path.split("."))):
        yield ".path", "should be names and positions with dots between them, like data.unitId"
    for key in sorted(map(repr, marked.keys() - {_MARK, "path"})):
        yield "", f"a reference has {_MARK} and path, but no {key}"


def written(place: Place) -> str:
    """Write a place as faults name it: userJson.2.password."""
    return ".".join(map(str, place))
