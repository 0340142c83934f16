"""Whole stories: real worker processes, and the command as a newcomer types it."""

import os
import shutil
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
def curl() -> None:
    """See that there is a curl to type. Without one: failed in CI, skipped at home."""
    if shutil.which("curl") is None:
        missing = "there is no curl on this machine: install it to try what the pages say"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture
def classin(environment: Environment) -> Command:
    """The command, with the test's environment and no other CLASSIN_ variable."""
    return Command(environment)
