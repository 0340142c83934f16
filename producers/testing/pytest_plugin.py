"""A pytest fixture; conftest.py needs `pytest_plugins = ["producers.testing.pytest_plugin"]`."""

from collections.abc import Iterator

import pytest

from producers.testing.submitter import InMemorySubmitter, submitting_in_memory


@pytest.fixture
def submitted() -> Iterator[InMemorySubmitter]:
    """An InMemorySubmitter that receives what the test submits by `producers.submit`."""
    with submitting_in_memory() as submitter:
        yield submitter
