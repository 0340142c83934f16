"""Rules between fields."""

from collections.abc import Mapping

import pytest

from worker.classin.field_rules import AllOrNone, AtLeastOne, Needs, NotBoth, OneOf, Rule


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        (Needs("a", "b"), [{}, {"b": 1}, {"a": 1, "b": 1}], [{"a": 1}]),
        (OneOf("a", "b"), [{"a": 1}, {"b": 0}], [{}, {"a": 1, "b": 1}]),
        (OneOf("a", "b", unless="c"), [{"c": 1}, {"a": 1, "c": 1}], [{"c": 0}, {"a": 1, "b": 1}]),
        (AtLeastOne("a", "b"), [{"a": 1}, {"a": 1, "b": 1}], [{}, {"c": 1}]),
        (AllOrNone("a", "b"), [{}, {"a": 1, "b": 1}], [{"a": 1}, {"b": 1}]),
        (NotBoth("a", "b"), [{}, {"a": 1}], [{"a": 1, "b": 1}]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_rule_knows_what_breaks_it(
    rule: Rule, kept: list[Mapping[str, object]], broken: list[Mapping[str, object]]
) -> None:
    """By what is given, and for a flag by its value."""
    assert [given for given in kept if rule.broken(given)] == []
    assert [given for given in broken if not rule.broken(given)] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Needs("cat_id", "name"), "CAT_ID needs NAME as well"),
        (OneOf("a", "b"), "exactly one of A and B is needed"),
        (OneOf("a", "b", unless="c"), "exactly one of A and B is needed, unless C is 1"),
        (AtLeastOne("a", "b", "c"), "at least one of A, B and C is needed"),
        (AllOrNone("a", "b"), "A and B go together: all or none"),
        (NotBoth("a", "b"), "only one of A and B may be given"),
    ],
)
def test_a_rule_speaks_with_the_names_that_it_is_given(rule: Rule, words: str) -> None:
    """ClassIn's, which are not always what camel case would make of ours."""
    assert rule.words(str.upper) == words
