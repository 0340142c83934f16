"""Attacks, as an operator would meet them: real workers and commands where it takes them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from redis import Redis

from producers import Submitter
from tests.stage import Environment, WorkerProcess
from worker.broker.queue import broker_url
from worker.classin.operations.cloud import CreateFolder
from worker.ledger.redis_client import connect
from worker.ledger.states import State


@pytest.fixture
def worker(environment: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker process, not yet started."""
    process = WorkerProcess(environment, tmp_path / "worker.log")
    yield process
    process.kill()


@pytest.fixture
def redis_client(environment: Environment) -> Redis:
    """Redis, as who may write there has it."""
    return connect(environment.settings.ledger_url)


@pytest.fixture
def sis(environment: Environment) -> Celery:
    """A Celery of somebody else's."""
    return Celery("sis", broker=broker_url(environment.settings), set_as_current=False)


@pytest.fixture
def works(submitter: Submitter) -> Callable[[], None]:
    """Sees whether the worker still carries out what comes."""

    def see() -> None:
        record = submitter.submit(CreateFolder(folder_id=747759, folder_name=str(uuid4()))).wait(60)
        assert record.state is State.SUCCEEDED

    return see
