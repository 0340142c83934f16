"""Which requests a rule strikes, and which rules are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from ops.simulator.faults import NO_FAULT, FaultRule, Faults, When, read_rules
from worker.errors import InvalidInputError


def struck(rule: FaultRule, calls: int, **fields: object) -> list[int]:
    """Tell which of so many equal calls, from 1, a rule strikes."""
    faults = Faults()
    faults.add([rule])
    return [n for n in range(1, calls + 1) if faults.strike("create_folder", fields)[1] is rule]


def test_a_rule_without_a_choice_strikes_always() -> None:
    """Nothing but the effect says: every request, of any operation."""
    assert struck(FaultRule(code=104), 3) == [1, 2, 3]


def test_a_rule_strikes_the_calls_it_names() -> None:
    """The first ones, or single ones, counted from 1."""
    assert struck(FaultRule(code=104, first=2), 4) == [1, 2]
    assert struck(FaultRule(code=104, nth=(2, 4)), 5) == [2, 4]


def test_chance_repeats_with_its_seed() -> None:
    """The same seed gives the same pattern; 0 is never, 1 always."""
    pattern = struck(FaultRule(drop=True, chance=0.5, seed=7), 50)
    assert pattern == struck(FaultRule(drop=True, chance=0.5, seed=7), 50)
    assert pattern != struck(FaultRule(drop=True, chance=0.5, seed=8), 50)
    assert 10 < len(pattern) < 40
    assert struck(FaultRule(drop=True, chance=0), 5) == []
    assert struck(FaultRule(drop=True, chance=1), 3) == [1, 2, 3]


def test_a_rule_counts_only_what_it_matches() -> None:
    """Other operations and other fields neither count nor are struck."""
    faults = Faults()
    rule = FaultRule(operation="create_folder", match={"folderId": 7}, code=104, nth=(2,))
    faults.add([rule])
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create_folder", {"folderId": "7"}),
        ("create_folder", {"folderId": "8"}),
        ("rename_folder", {"folderId": "7"}),
        ("create_folder", {}),
        ("create_folder", {"folderId": 7}),  # number or text, it is the same id
        ("create_folder", {"folderId": "7"}),
    ]
    assert [faults.strike(*call)[0] for call in calls] == [None, None, None, None, 0, None]


def test_a_rule_may_strike_one_school_alone() -> None:
    """What others ask neither counts nor is struck."""
    faults = Faults()
    faults.add([FaultRule(school="1", code=901, nth=(2,))])
    asking = ["1", "2", None, "1", "1"]
    assert [faults.strike("edit_course", {}, sid)[0] for sid in asking] == [
        None, None, None, 0, None,
    ]  # fmt: skip


def test_the_first_rule_that_strikes_counts() -> None:
    """Every rule counts every request, whichever strikes."""
    faults = Faults()
    faults.add([FaultRule(code=104, nth=(1,)), FaultRule(code=114, first=2)])
    assert [faults.strike("edit_course", {})[0] for _ in range(3)] == [0, 1, None]
    faults.clear()
    assert faults.strike("edit_course", {}) == (None, NO_FAULT)


def test_a_rule_survives_json() -> None:
    """What is sent as JSON is read back as the same rule."""
    rule = FaultRule(
        operation="create_folder",
        match={"folderId": 7},
        nth=(1,),
        when=When.AFTER,
        drop=True,
        delay=2,
        apply_after=3,
    )
    assert read_rules(rule.model_dump(mode="json", exclude_defaults=True)) == (rule,)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({}, ["has no effect"]),
        ({"operation": "create_foldr"}, ["did you mean create_folder", "has no effect"]),
        ({"code": 104, "nth": []}, ["at least 1"]),
        ({"code": 104, "nth": [0]}, ["greater than 0"]),
        ({"code": 104, "nth": [1], "first": 1}, ["nth and first exclude each other"]),
        ({"code": 104, "drop": True}, ["code and drop exclude each other"]),
        ({"code": 104, "retry_after": 3}, ["retry_after needs status"]),
        ({"code": 104, "seed": 3}, ["seed needs chance"]),
        ({"code": 281, "with_data": True}, ["with_data needs when"]),
        (
            {"drop": True, "with_data": True, "when": "after"},
            ["with_data needs code"],
        ),
        ({"status": 200, "chance": 2, "x": 1}, ["300", "less than or equal to 1", "not permitted"]),
        ({"delay": -1, "when": "later"}, ["greater than or equal to 0", "'before' or 'after'"]),
        (3, ["valid dictionary"]),
    ],
)
def test_a_bad_rule_is_refused_with_every_fault(given: object, faults: list[str]) -> None:
    """All that is wrong is named at once."""
    with pytest.raises(InvalidInputError) as refused:
        read_rules(given)
    assert [fault for fault in faults if fault not in str(refused.value)] == []


def test_one_bad_rule_of_a_list_is_found() -> None:
    """A fault says which rule of the list it belongs to."""
    with pytest.raises(InvalidInputError, match=r"1\.code: ") as refused:
        read_rules([{"code": 104}, {"code": "x"}])
    assert len(refused.value.faults) == 1


def test_a_rule_without_effect_is_refused_in_python_as_well() -> None:
    """Also where no JSON is read."""
    with pytest.raises(ValidationError, match="has no effect"):
        FaultRule(operation="create_folder")
