"""Damaged input is tried with as many examples as properties are."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what explores a door as Hypothesis marks its own: `make test-long` runs it again."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.hypothesis)
