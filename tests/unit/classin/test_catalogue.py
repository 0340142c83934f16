"""The catalogue of operations."""

import json
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE, find, read
from worker.classin.operation import Idempotency, Operation
from worker.classin.operations import CHAPTERS
from worker.classin.operations.courses import EditCourse
from worker.errors import FieldError, InvalidOperationError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def test_the_operations_stand_in_the_api_s_order() -> None:
    """Chapter by chapter, none of them torn apart."""
    chapters = [kind.spec.chapter for kind in CATALOGUE.values()]
    assert [chapter for chapter, _ in groupby(chapters)] == list(CHAPTERS)


@for_each("name", CATALOGUE)
def test_each_operation_is_found_by_its_own_name(name: str) -> None:
    """And by no other."""
    assert find(name).spec.name == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("create_foldr", "ClassIn knows no 'create_foldr'; did you mean create_folder?"),
        ("Edit_Course", "ClassIn knows no 'Edit_Course'; did you mean edit_course?"),
        ("editCourse", "ClassIn knows no 'editCourse'; did you mean edit_course?"),
        ("fly", "ClassIn knows no 'fly'"),
        ("", "ClassIn knows no ''"),
    ],
)
def test_an_unknown_operation_is_told_the_nearest_name(name: str, said: str) -> None:
    """Where there is one that is near."""
    with pytest.raises(InvalidOperationError) as refused:
        find(name)
    assert [str(fault) for fault in refused.value.faults] == [f"operation: {said}"]


def test_an_operation_is_read_from_name_and_fields() -> None:
    """As a line of a file gives them."""
    assert read("edit_course", {"courseId": 1}) == EditCourse(course_id=1)


@for_each("kind", CATALOGUE.values())
def test_a_repeat_that_tells_has_a_code_that_tells(kind: type[Operation]) -> None:
    """An operation that reconciles by a code lists it, or takes a plain 1 for it."""
    if kind.spec.idempotency is Idempotency.CONFLICT_DETECTED:
        assert kind.spec.already or kind.spec.bulk
    if kind.spec.idempotency in {Idempotency.UNSAFE, Idempotency.READ_ONLY}:
        assert not kind.spec.already


def _spellings(kind: type[Operation]) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()] + ["colour"]


@given(st.data(), st.sampled_from(list(CATALOGUE)))
def test_any_fields_are_taken_or_refused(data: st.DataObject, name: str) -> None:
    """Nothing but a refusal that names its faults comes of wrong fields."""
    keys = st.sampled_from(_spellings(find(name)))
    fields = data.draw(st.dictionaries(keys, values, max_size=6))
    faults = _faults(name, fields)
    assert all(fault.what for fault in faults)
    if not faults:
        operation = read(name, fields)
        assert read(name, json.loads(json.dumps(operation.to_dict()))) == operation


def _faults(name: str, fields: dict[str, Any]) -> tuple[FieldError, ...]:
    try:
        read(name, fields)
    except InvalidOperationError as refused:
        return refused.faults
    return ()
