"""References to entries of lists: by the mark that an entry bears, or by position."""

import pytest

from worker.classin.references import Reference


def entry(mark: object, data: object) -> dict[str, object]:
    """An entry that bears a mark."""
    return {"customColumn": mark, "data": data}


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([entry("0", 7), entry("1", 8)], 8),
        ([entry("1", 8), entry("0", 7)], 8),
        ([entry(1, 8), entry(0, 7)], 8),
        ([entry("1", 8)], 8),
        ([{"data": 7}, {"data": 8}], 8),
        (["odd", {"data": 8}], 8),
        ([entry("0", 7), {"data": 8}], None),
        ([entry("1", 7), entry("1", 8)], None),
        ([entry("0", 7)], None),
        ([{"data": 7}], None),
        ([], None),
        ([entry("1", None)], None),
        ({"customColumn=1": {"data": 8}}, 8),
        ({"1": {"data": 8}}, None),
        ("text", None),
        (None, None),
    ],
)
def test_a_mark_names_the_only_entry_that_bears_it(entries: object, found: object) -> None:
    """Where no entry bears a mark of that name, the position."""
    assert Reference("r", "data.customColumn=1.data").found_in({"data": entries}) == found


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ("1", 8),
        ("customColumn=x", None),
        ("=1", 8),
        ("customColumn=", None),
        ("customColumn=-1", None),
        ("customColumn=1.0", None),
        ("customColumn=²", None),
        ("customColumn=9999999999", None),
    ],
)
def test_only_a_position_is_a_position(step: str, found: object) -> None:
    """Counted from 0, in plain digits."""
    path = f"data.{step.replace('1.0', '1_0')}.data"
    assert Reference("r", path).found_in({"data": [{"data": 7}, {"data": 8}]}) == found


def test_a_mark_may_have_an_equals_sign_before_it() -> None:
    """What comes after the last one is the mark."""
    entries = [{"a=b": "c", "data": 7}, {"a": "b=c", "data": 8}]
    assert Reference("r", "data.a=b=c.data").found_in({"data": entries}) == 7
