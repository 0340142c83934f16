"""A table of rows in one test: each row runs, and each that fails is named."""

import pytest

from tests.tables import for_each


def test_every_row_that_fails_is_named() -> None:
    """With its own error; the rows after it run all the same."""
    ran = []

    @for_each("number", range(4))
    def odd(number: int) -> None:
        ran.append(number)
        assert number % 2

    with pytest.raises(ExceptionGroup, match="2 of 4 rows") as failed:
        odd()

    assert ran == [0, 1, 2, 3]
    assert [error.__notes__[-1] for error in failed.value.exceptions] == [
        "number = 0",
        "number = 2",
    ]


@for_each("letter, number", [("a", 1), ("b", 2)])
@for_each("sign", "+-")
def test_tables_make_a_product(
    letter: str, number: int, sign: str, request: pytest.FixtureRequest
) -> None:
    """Fixtures are given as to any test."""
    assert {"a": 1, "b": 2}[letter] == number
    assert sign in "+-"
    assert request.node.name == "test_tables_make_a_product"
