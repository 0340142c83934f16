"""Two systems share one Redis database, each with a prefix of its own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from producers import Submitter
from tests.stage import Environment, WorkerProcess, queued_ids, until
from worker.broker.queue import broker_url, build_queues
from worker.classin.operations.cloud import CreateFolder
from worker.ledger.keys import PREFIX
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger


@pytest.fixture
def north(environment: Environment) -> Environment:
    """The variables of the other system."""
    other = Environment(dict(environment.variables))
    other.set(redis_prefix="north")
    return other


@pytest.fixture
def norths_worker(north: Environment, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker of the other system, not yet started."""
    process = WorkerProcess(north, tmp_path / "north.log")
    yield process
    process.kill()


def folders_of(system: str) -> list[CreateFolder]:
    """Operations of one system."""
    return [CreateFolder(folder_id=747759, folder_name=f"{system} {n}") for n in range(40)]


def test_neither_takes_what_is_the_others(
    worker: WorkerProcess,
    norths_worker: WorkerProcess,
    environment: Environment,
    north: Environment,
) -> None:
    """Messages, records, workers, and what another Celery sends: each has its own."""
    ours = Submitter.from_settings(environment.settings).submit_many(folders_of("south"))
    redis = connect(environment.settings.ledger_url)

    norths_worker.start()
    theirs = Submitter.from_settings(north.settings).submit_many(folders_of("north"))
    sis = Celery(broker=broker_url(north.settings), set_as_current=False)
    fields = {"folderId": 747759, "folderName": "of a SIS"}
    sent = sis.send_task("classin.create_folder", kwargs=fields, queue="north")
    assert {receipt.wait(60).state for receipt in theirs} == {State.SUCCEEDED}

    norths = RedisLedger(connect(north.settings.ledger_url, "north"))
    until(lambda: bool(norths.find_all([sent.id])), "recorded")
    until(lambda: norths.find(sent.id).state.settled, "settled")
    # They are of one lane, of which only the first has a message.
    assert queued_ids(redis) == {ours[0].id}
    assert {receipt.record().state for receipt in ours} == {State.QUEUED, State.BLOCKED}
    assert RedisLedger(redis).health().workers == 0

    worker.start()
    assert {receipt.wait(60).state for receipt in ours} == {State.SUCCEEDED}
    for each in (environment, north):
        # a command to all workers reaches those of one system
        assert len(build_queues(each.settings).control.ping(timeout=5) or ()) == 1
    # Celery's own besides, which name the queue.
    names = [str(name) for name in redis.scan_iter() if not re.match(r"_kombu|.*pidbox", str(name))]
    assert {re.split(r"[:\x06]", name)[0] for name in names} == {PREFIX, "north"}
