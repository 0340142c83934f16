"""Lists of items: read from JSON text, and split where they are longer than a call carries."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from worker.classin.operation import Operation
from worker.errors import FieldError


def unpacked(kind: type[Operation], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Read lists and objects that were given as JSON text, as on a command line."""
    return {
        name: _json(value) if isinstance(value, str) and kind.holds_json(name) else value
        for name, value in fields.items()
    }


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def split(kind: type[Operation], fields: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the fields in parts that one call carries, each with its first item's position."""
    bulk = kind.spec.bulk
    name = _list_name(kind, fields)
    if bulk is None or bulk.most is None or name is None or len(fields[name]) <= bulk.most:
        yield dict(fields), 0
        return
    for start in range(0, len(fields[name]), bulk.most):
        yield {**fields, name: fields[name][start : start + bulk.most]}, start


def parts_of(operation: Operation) -> list[Operation]:
    """Return an operation in parts that one call carries; most are one part."""
    bulk = operation.spec.bulk
    if bulk is None or bulk.most is None or bulk.field is None:
        return [operation]
    items = getattr(operation, bulk.field)
    if items is None or len(items) <= bulk.most:
        return [operation]
    return [
        operation.model_copy(update={bulk.field: items[start : start + bulk.most]})
        for start in range(0, len(items), bulk.most)
    ]


def moved(fault: FieldError, kind: type[Operation], offset: int) -> FieldError:
    """Let a fault of a part name the item by its position in the whole list."""
    head, dot, rest = fault.where.partition(".")
    number, more, tail = rest.partition(".")
    if not (offset and dot and number.isdecimal() and kind.holds_many(head)):
        return fault
    return replace(fault, where=f"{head}.{int(number) + offset}{more}{tail}")


def _list_name(kind: type[Operation], fields: Mapping[str, Any]) -> str | None:
    """Find under which spelling the list of items was given."""
    if kind.spec.bulk is None or kind.spec.bulk.field is None:
        return None
    field = kind.spec.bulk.field
    spellings = (field, kind.model_fields[field].alias or field)
    return next((name for name in spellings if isinstance(fields.get(name), list)), None)
