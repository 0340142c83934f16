"""Attacks, as an operator would meet them: real workers and commands where it takes them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import Environment, WorkerProcess


@pytest.fixture
def worker(environment: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker process, not yet started."""
    process = WorkerProcess(environment, tmp_path / "worker.log")
    yield process
    process.kill()
