"""The shape of a field, read from its annotation: plain type, nesting and limits."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from annotated_types import GroupedMetadata
from pydantic import BaseModel
from pydantic.fields import FieldInfo


class FieldShape(NamedTuple):
    """The parts of a field's annotation."""

    #: The plain type; datetime for a moment.
    base: type
    #: Number of lists around it.
    depth: int
    #: Limits of the outermost list, or of the value itself.
    limits: tuple[object, ...]
    #: All metadata, inside lists as well.
    metadata: tuple[object, ...]
    #: Example values.
    examples: tuple[Any, ...]


#: Known shapes with their fields, by id: fields are not hashable, and the catalogue's live as long
#: as the process.
_KNOWN: dict[int, tuple[FieldInfo, FieldShape]] = {}


def field_shape(field: FieldInfo) -> FieldShape:
    """Return the shape of a field; computed once per field."""
    known = _KNOWN.get(id(field))
    if known is None:
        known = _KNOWN[id(field)] = (field, _taken_apart(field))
    return known[1]


@cache
def by_spelling(kind: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return a kind's fields by both spellings, the attribute and ClassIn's name."""
    fields = kind.model_fields
    return {field.alias: field for field in fields.values() if field.alias} | fields


def _taken_apart(field: FieldInfo) -> FieldShape:
    limits: list[object] = []
    metadata: list[object] = []
    examples: list[Any] = list(field.examples or ())
    annotation: Any = field.annotation
    pending: list[object] = list(field.metadata)
    depth = 0
    while True:
        found = _single(pending, examples)
        metadata += found
        limits += found if depth == 0 else []
        origin, arguments = get_origin(annotation), get_args(annotation)
        pending = []
        if origin is Annotated:
            annotation, *pending = arguments
        elif origin in {Union, UnionType}:
            parts = [part for part in arguments if part is not NoneType]
            annotation = datetime if datetime in parts else parts[0]
        elif origin in {list, tuple}:
            annotation, depth = arguments[0], depth + 1
        else:
            return FieldShape(annotation, depth, tuple(limits), tuple(metadata), tuple(examples))


def _single(metadata: list[object], examples: list[Any]) -> list[object]:
    """Resolve grouped and nested metadata into single items."""
    found: list[object] = []
    for part in metadata:
        if isinstance(part, FieldInfo):
            examples += part.examples or ()
            found += _single(list(part.metadata), examples)
        else:
            found += part if isinstance(part, GroupedMetadata) else [part]
    return found
