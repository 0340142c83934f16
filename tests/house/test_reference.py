"""What is made from declarations says what they say."""

from pathlib import Path

from ops.reference import INDEX, KEYS_PAGE, PAGE, STUB, index, keys_page, reference, stub


def test_the_reference_page_is_fresh(root: Path) -> None:
    """`make reference` would change nothing."""
    assert (root / PAGE).read_text(encoding="utf-8") == reference()


def test_the_index_is_fresh(root: Path) -> None:
    """Nor would it change the index, by which operations are found before they are imported."""
    assert (root / INDEX).read_text(encoding="utf-8") == index()


def test_the_stub_is_fresh(root: Path) -> None:
    """Nor the stub: type checkers see every operation that `producers` has."""
    assert (root / STUB).read_text(encoding="utf-8") == stub()


def test_the_page_on_redis_keys_is_fresh(root: Path) -> None:
    """Nor the page on keys."""
    assert (root / KEYS_PAGE).read_text(encoding="utf-8") == keys_page()
