"""The reference page says what the catalogue says."""

from pathlib import Path

from ops.reference import PAGE, reference


def test_the_reference_page_is_fresh(root: Path) -> None:
    """`make reference` would change nothing."""
    assert (root / PAGE).read_text(encoding="utf-8") == reference()
