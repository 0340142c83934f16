"""Find the credentials in an operation's fields, and replace them. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from worker.classin.field_shape import by_spelling, field_shape
from worker.classin.operation import Operation
from worker.classin.references import Place, Reference, places_of, written
from worker.classin.seals import Sealed, credentials_of, is_credential
from worker.errors import FieldError

#: The fault of a value that is submitted in encrypted form.
COMES_SEALED = "should be given as it is: nothing is taken that comes sealed"

#: Return the replacement of a credential, plain or encrypted.
Change = Callable[[object, Place], object]


def exchanged(
    kind: type[BaseModel], fields: Mapping[str, Any], change: Change
) -> Mapping[str, Any]:
    """Return JSON fields with each credential, plain or encrypted, replaced.

    An unknown value counts as a credential where the operation has any: it may be a password under
    a misspelt name. References are kept.
    """
    return _object(kind, fields, change, ()) if credentials_of(kind) else fields


def _object(
    kind: type[BaseModel], given: Mapping[str, Any], change: Change, place: Place
) -> dict[str, Any]:
    known, held = by_spelling(kind), credentials_of(kind)
    return {
        name: each
        if name in known and name not in held
        else _value(held.get(name), each, change, (*place, name))
        for name, each in given.items()
    }


def _value(field: FieldInfo | None, value: object, change: Change, place: Place) -> object:
    """Replace the credentials in one field's value, known or unknown."""
    if field is None or is_credential(field):
        return value if _stays(value) else change(value, place)
    return _items(field, field_shape(field).depth, value, change, place)


def _items(field: FieldInfo, depth: int, value: object, change: Change, place: Place) -> object:
    """Replace the credentials in nested lists of items."""
    if _stays(value):
        return value
    if depth and isinstance(value, (list, tuple)):
        return [_items(field, depth - 1, each, change, (*place, n)) for n, each in enumerate(value)]
    if not depth and isinstance(value, dict) and not Sealed.read(value):
        return _object(field_shape(field).base, value, change, place)
    return change(value, place)


def _stays(value: object) -> bool:
    return value is None or Reference.read(value) is not None


def sealed_faults(operation: Operation) -> list[FieldError]:
    """Return a fault for each encrypted value: only the ledger holds those, each for one place."""
    return [FieldError(written(place), COMES_SEALED) for place in places_of(operation, Sealed)]
