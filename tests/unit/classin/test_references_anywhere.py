"""References in every place that the catalogue has."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.describe import example
from worker.classin.field_shape import field_shape
from worker.classin.field_types import File
from worker.classin.masking import masked
from worker.classin.operation import Fields, Operation, item_kind
from worker.classin.references import Place, Source, referenced, renamed, resolve
from worker.errors import InvalidOperationError

WAITING = {"$result": "earlier", "path": "data.found"}
PICTURE = {"name": "a.jpg", "size": 1, "sha256": "0" * 64, "at": "https://files.example/a"}


def _example(kind: type[Operation]) -> dict[str, Any]:
    """Give the documentation's example, with a file instead of a path."""
    return {
        name: PICTURE if value == "@picture.jpg" else value for name, value in example(kind).items()
    }


def _places(value: object, place: Place = ()) -> Iterator[Place]:
    """Give the places of all values, lists and objects, except files."""
    if place and value is not PICTURE:
        yield place
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield from _places(each, (*place, position))
    if isinstance(value, dict) and value is not PICTURE:
        for name, each in value.items():
            yield from _places(each, (*place, name))


def _replaced(fields: dict[str, Any], place: Place) -> tuple[dict[str, Any], object]:
    """Give the fields with a reference there, and what was there before."""
    fields = holder = copy.deepcopy(fields)
    for step in place[:-1]:
        holder = holder[step]  # type: ignore[index]  # a list's position, or a key
    before, holder[place[-1]] = holder[place[-1]], WAITING  # type: ignore[index]  # the same
    return fields, before


@for_each("kind", CATALOGUE.values())
def test_any_value_of_any_operation_may_come_later(kind: type[Operation]) -> None:
    """Field by field of its example, the operation waits, is kept, and comes out as it would be."""
    name, whole = kind.spec.name, _example(kind)
    for place in _places(whole):
        fields, value = _replaced(whole, place)
        operation = read(name, fields)
        kept = json.loads(json.dumps(operation.to_dict()))
        assert operation.references() == referenced(kept) == {"earlier"}
        assert read(name, kept) == operation
        assert operation.identified("abc").references() == {"earlier"}
        result = {"data": {"found": value}}
        told = {"earlier": Source(result, result)}
        assert read(name, resolve(kept, told.get, kind.hides)) == read(name, whole)


def _optional(kind: type[Fields]) -> Iterator[tuple[str, FieldInfo]]:
    """Give the fields that an example leaves out, except files."""
    for name, field in kind.model_fields.items():
        wire_name = field.alias or name
        if wire_name not in example(kind) and field_shape(field).base is not File:
            yield wire_name, field


@for_each("kind", CATALOGUE.values())
def test_any_optional_value_may_come_later(kind: type[Operation]) -> None:
    """What stands in its place passes the field's checks: only rules and identities bar it."""
    whole = _example(kind)
    cases = [{**whole, name: WAITING} for name, _ in _optional(kind)]
    for name, field in kind.model_fields.items():
        if (items := item_kind(field)) and field_shape(field).depth == 1:
            cases += [
                {**whole, field.alias or name: [{**example(items), inner: WAITING}]}
                for inner, _ in _optional(items)
            ]
    for fields in cases:
        try:
            assert read(kind.spec.name, fields).references() == {"earlier"}
        except InvalidOperationError as refused:
            for fault in refused.faults:
                assert fault.kind == "rules" or "knows a repeat by it" in fault.what


parts = st.none() | st.integers() | st.text(max_size=3) | st.just("earlier") | st.just("data.0")
references = st.fixed_dictionaries({"$result": parts}, optional={"path": parts, "more": parts})
values = st.recursive(
    references | parts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["uid", "name", "$result"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["courseId", "identity", "studentJson"]), values))
def test_any_references_are_taken_or_refused(fields: dict[str, Any]) -> None:
    """Nothing but a refusal comes of wrong ones."""
    name = "add_course_student_multiple"
    masked(CATALOGUE[name], fields)
    try:
        operation = read(name, fields)
    except InvalidOperationError:
        return
    assert operation.references() == referenced(fields)
    assert read(name, renamed(operation.to_dict(), {})) == operation
