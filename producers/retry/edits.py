"""Edits: named fields of an operation that a person changes before it is tried again: pure."""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from producers.intake.attachments import FileOpener
from producers.intake.build import operations_of
from worker.classin.credentials import COMES_SEALED
from worker.classin.field_shape import by_spelling, field_shape
from worker.classin.field_types import File
from worker.classin.operation import MASK, Fields, Operation, item_kind
from worker.classin.references import Place, referenced, written
from worker.classin.seals import SEAL
from worker.classin.validation_messages import nearest
from worker.errors import FieldError, InvalidInputError, InvalidOperationError
from worker.ledger.record import Edit, shown_fields


class Setting(NamedTuple):
    """What a person wants a field to hold."""

    #: Its name, or its place: `courseName`, `userJson.2.nickname`.
    where: str
    value: Any

    @classmethod
    def read_all(cls, texts: Sequence[str]) -> list["Setting"]:
        """Read texts like `courseName=Physics`.

        Raises InvalidInputError, which names every fault.
        """
        settings: list[Setting] = []
        faults: list[FieldError] = []
        for text in texts:
            where, equals, value = text.partition("=")
            if not equals or not where:
                faults.append(FieldError(where or text, "should be written as name=value"))
            elif any(where == each.where for each in settings):
                faults.append(FieldError(where, "given twice"))
            settings.append(cls(where, value))
        if faults:
            raise InvalidInputError("--set", faults)
        return settings


def edited(
    operation: Operation, settings: Sequence[Setting], door: FileOpener | None = None
) -> tuple[Operation, tuple[Edit, ...]]:
    """Return the operation with its fields set, checked anew, and what changed, masked.

    `door`: where they name files; None: nowhere. Raises InvalidOperationError, which names every
    fault.
    """
    if not settings:
        return operation, ()
    kind, before = type(operation), operation.to_dict()
    fields = copy.deepcopy(before)
    places: list[Place] = []
    faults: list[FieldError] = []
    for setting in settings:
        try:
            places.append(_set(kind, fields, setting))
        except InvalidInputError as error:
            faults += error.faults
    found: Sequence[Operation] = ()
    try:
        found = operations_of(kind.spec.name, fields, door)
    except InvalidOperationError as error:
        faults += error.faults
    if len(found) > 1:
        faults.append(FieldError("", f"needs {len(found)} calls now: submit it anew"))
    if faults:
        raise InvalidOperationError(kind.spec.name, list(dict.fromkeys(faults)))
    was, now = (shown_fields(kind, each) for each in (before, found[0].to_dict()))
    changes = (Edit(written(each), _at(was, each), _at(now, each)) for each in places)
    return found[0], tuple(changes)


def _set(kind: type[Operation], fields: dict[str, Any], setting: Setting) -> Place:
    """Set one value; gives its place. Raises InvalidInputError."""
    place, is_plain = _place(kind, setting.where)
    value = setting.value if is_plain else _json(setting.value)
    where = written(place)
    if any(kind.hides([*place, *deeper]) for deeper in _masks(value)):
        what = f"{MASK} stands for what is not shown: give its value, or leave it as it was"
        raise InvalidInputError("--set", [FieldError(where, what)])
    if _holds_seal(_json(value)):
        raise InvalidInputError("--set", [FieldError(where, COMES_SEALED)])
    if referenced({"": value}):
        what = "cannot be made a reference: submit it anew"
        raise InvalidInputError("--set", [FieldError(where, what)])
    *way, last = place
    holder: Any = fields
    for n, step in enumerate(way):
        holder = _inside(holder, step)
        if not isinstance(holder, (dict, list)):
            fault = FieldError(where, f"there is nothing at {written(place[: n + 1])}")
            raise InvalidInputError("--set", [fault])
    if isinstance(last, int) and not (isinstance(holder, list) and last < len(holder)):
        items = len(holder) if isinstance(holder, list) else 0
        fault = FieldError(where, f"there are {items} items only, counted from 0")
        raise InvalidInputError("--set", [fault])
    holder[last] = value
    return place


def _place(kind: type[Operation], where: str) -> tuple[Place, bool]:
    """Find where a field lies, by ClassIn's names, and whether it takes a plain value.

    Raises InvalidInputError.
    """
    place: list[str | int] = []
    base: type = kind
    depth = 0
    inner: type[Fields] | None = kind
    for step in where.split("."):
        if depth:
            if not (step.isascii() and step.isdecimal()):
                what = f"should be the position of an item, from 0; got {step!r}"
                raise InvalidInputError("--set", [FieldError(written((*place, step)), what)])
            place.append(int(step[:9]))
            depth -= 1
            continue
        if inner is None:
            raise InvalidInputError(
                "--set", [FieldError(where, f"{written(tuple(place))} has no parts")]
            )
        field = inner.field_named(step)
        if field is None:
            what = f"unknown field{nearest(step, by_spelling(inner))}"
            raise InvalidInputError("--set", [FieldError(written((*place, step)), what)])
        place.append(field.alias or step)
        base, depth, inner = field_shape(field).base, field_shape(field).depth, item_kind(field)
    return tuple(place), not depth and (inner is None or base is File)


def _json(value: object) -> object:
    """Read a list or an object that was given as text; what is none is refused later."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _holds_seal(value: object) -> bool:
    """Return whether there is a sealed value anywhere in this one."""
    if isinstance(value, dict):
        return SEAL in value or any(map(_holds_seal, value.values()))
    return isinstance(value, list) and any(map(_holds_seal, value))


def _masks(value: object) -> Iterator[Place]:
    """Yield where a value holds the mask."""
    if value == MASK:
        yield ()
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for step, each in parts:
        yield from ((step, *deeper) for deeper in _masks(each))


def _inside(holder: object, step: str | int) -> object:
    if isinstance(holder, Mapping):
        return holder.get(str(step))
    if isinstance(holder, list) and isinstance(step, int) and step < len(holder):
        return holder[step]
    return None


def _at(fields: object, place: Place) -> object:
    """Return what lies there; of what is masked around it, the mask."""
    for step in place:
        if fields == MASK:
            return MASK
        fields = _inside(fields, step)
    return fields
