"""Whole stories: real worker processes, and the command as a newcomer types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import Command, Environment, WorkerProcess


@pytest.fixture
def worker(environment: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker process, not yet started."""
    process = WorkerProcess(environment, tmp_path / "worker.log")
    yield process
    process.kill()


@pytest.fixture
def classin(environment: Environment) -> Command:
    """The command, with the test's environment and no other CLASSIN_ variable."""
    return Command(environment)
