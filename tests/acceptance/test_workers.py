"""Worker processes: however started, whatever lies in the queue, whatever becomes of Redis."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from ops.processes.redis_server import PrivateRedis
from ops.processes.supervisor import classin as command_line
from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.stage import (
    PLAIN_CELERY,
    Command,
    Environment,
    WorkerProcess,
    lose_messages,
    queued_messages,
    until,
)
from worker.broker.queue import broker_url, build_queues
from worker.classin.operations.cloud import CreateFolder
from worker.config.settings import environment_with
from worker.errors import OperationFailedError, UnavailableError
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.keys import Keys
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger


def test_plain_celery_does_the_work(worker: WorkerProcess, submitter: Submitter) -> None:
    """`celery -A worker.app worker`, as any Celery user would start it."""
    worker.start(PLAIN_CELERY)

    record = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools")).wait(60)

    assert record.state is State.SUCCEEDED


def test_the_message_holds_the_id_and_nothing_of_the_fields(
    submitter: Submitter, environment: Environment
) -> None:
    """No personal data reaches the broker."""
    receipt = submitter.submit(CreateFolder(folder_id=747759, folder_name="Zhang San"))

    (raw,) = queued_messages(connect(environment.settings.ledger_url))

    assert receipt.id in raw
    body = base64.b64decode(json.loads(raw)["body"])
    assert json.loads(body)[:2] == [[], {}]
    for text in ("Zhang San", "747759", "folder_name", "folderName"):
        assert text not in raw


def test_results_through_celery(
    worker: WorkerProcess, submitter: Submitter, environment: Environment
) -> None:
    """AsyncResult gives state, result and failure from the ledger."""
    worker.start()
    good = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools"))
    bad = submitter.submit(CreateFolder(folder_id=5, folder_name="tools"))
    app = build_queues(environment.settings)

    assert AsyncResult(good.id, app=app).get(timeout=60) == {"data": "800001"}
    with pytest.raises(OperationFailedError, match="193 the folder does not exist"):
        AsyncResult(bad.id, app=app).get(timeout=60)
    assert AsyncResult("nosuchid", app=app).state == "PENDING"


def another_celery(environment: Environment) -> Celery:
    """Build the Celery of a SIS that knows nothing of ours but the broker."""
    return Celery("sis", broker=broker_url(environment.settings), set_as_current=False)


@pytest.mark.parametrize(
    ("options", "state", "said"),
    [
        ({"kwargs": {"folderId": 747759, "folderName": "tools"}}, State.SUCCEEDED, "carried out"),
        ({"kwargs": {"folderId": 747759}}, State.FAILED, "folderName: is required"),
        ({"kwargs": {"folderId": 747759, "self": 1}}, State.FAILED, "self: unknown field"),
        ({"args": [747759, "tools"]}, State.FAILED, "by name"),
        (
            {"kwargs": {"folderId": 747759, "folderName": "t"}, "headers": {"school": "north"}},
            State.FAILED,
            "there is no 'north'",
        ),
    ],
)
def test_a_message_of_another_celery(
    worker: WorkerProcess,
    environment: Environment,
    ledger: RedisLedger,
    options: dict[str, Any],
    state: State,
    said: str,
) -> None:
    """It is checked and recorded on arrival; bad fields make a failed record, never a crash."""
    worker.start()

    sent = another_celery(environment).send_task("classin.create_folder", queue=QUEUE, **options)

    until(lambda: bool(ledger.find_all([sent.id])), "recorded")
    until(lambda: ledger.find(sent.id).state.settled, "settled")
    record = ledger.find(sent.id)
    assert (record.state, record.source) == (state, "celery")
    assert said in (record.message or "")
    assert worker.alive


def test_links_of_another_celery_do_not_fire(
    worker: WorkerProcess, environment: Environment, ledger: RedisLedger
) -> None:
    """A delivery's end is not the operation's end: the message is refused with that reason."""
    worker.start()
    app = another_celery(environment)
    next_one = app.signature("classin.get_top_folder_id", queue=QUEUE)

    sent = app.send_task(
        "classin.create_folder",
        kwargs={"folderId": 747759, "folderName": "tools"},
        queue=QUEUE,
        link=next_one,
    )

    until(lambda: bool(ledger.find_all([sent.id])), "recorded")
    until(lambda: ledger.find(sent.id).state.settled, "settled")
    assert ledger.find(sent.id).reason is Reason.REFUSED
    assert ledger.counts().operations() == ["create_folder"]


def ill_formed() -> list[str | bytes]:
    """Make messages of which each has stopped, or could stop, a worker of Celery's own."""
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}

    def message(
        headers: Mapping[str, object] | None = None,
        properties: Mapping[str, object] | None = None,
        parts: Mapping[str, object] | None = None,
    ) -> str:
        named = {"lang": "py", "task": "classin.create_folder", "id": "ill", **(headers or {})}
        routed = {
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "delivery_tag": "t",
            "body_encoding": "base64",
            **(properties or {}),
        }
        whole = {
            "body": base64.b64encode(json.dumps([[], {}, embed]).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": named,
            "properties": routed,
        }
        return json.dumps({**whole, **(parts or {})})

    return [
        b"\xff\xfe garbage",
        "not json",
        "[" * 100_000,
        "[]",
        "null",
        message(parts={"body": "@@@"}),
        message(parts={"body": base64.b64encode(b"{}").decode()}),
        message(parts={"body": base64.b64encode(b"[1, 2, 3]").decode()}),
        message(parts={"body": base64.b64encode(b"[" * 100_000).decode()}),
        message(parts={"body": base64.b64encode(b'[[], {}, {"kwargs": 3}]').decode()}),
        message(parts={"body": base64.b64encode(b'[[], {}, {"headers": "x"}]').decode()}),
        message(parts={"body": None}),
        message(headers={"id": None}),
        message(headers={"task": "nosuch.task"}),
        message(headers={"task": None}),
        message(properties={"delivery_tag": None}),
        message(properties={"delivery_info": None}),
        json.dumps({"headers": None, "properties": None, "body": ""}),
        message(parts={"content-type": "application/x-python-serialize"}),
        message(parts={"content-encoding": 5}),
    ]


@pytest.mark.parametrize("command", [(), PLAIN_CELERY], ids=["classin", "celery"])
def test_ill_formed_messages_are_set_aside(
    worker: WorkerProcess, submitter: Submitter, environment: Environment, command: tuple[str, ...]
) -> None:
    """The worker logs each and goes on, without showing what they hold."""
    redis = connect(environment.settings.ledger_url)
    worker.start(command)

    for item in ill_formed():
        redis.lpush(QUEUE, item)
    record = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools")).wait(60)

    assert record.state is State.SUCCEEDED
    assert worker.alive
    until(lambda: redis.llen(Keys().ill_formed) == len(ill_formed()), "all are set aside")
    assert "garbage" not in worker.said()


def test_redis_restarts_under_a_worker(
    worker: WorkerProcess,
    submitter: Submitter,
    redis: PrivateRedis,
    simulator: SimulatorClient,
) -> None:
    """What was accepted before is carried out afterwards, by the same or a restarted worker."""
    worker.start()
    submitter.submit(CreateFolder(folder_id=747759, folder_name="before")).wait(60)
    redis.stop()

    with pytest.raises(UnavailableError):
        submitter.submit(CreateFolder(folder_id=747759, folder_name="meanwhile"))
    redis.start()
    if not worker.alive:  # its supervisor would do so
        worker.start()
    record = submitter.submit(CreateFolder(folder_id=747759, folder_name="after")).wait(60)

    assert record.state is State.SUCCEEDED
    assert simulator.applied("create_folder", folderName="before") == 1
    assert simulator.applied("create_folder", folderName="after") == 1


def test_a_lost_message_is_sent_again(
    worker: WorkerProcess, submitter: Submitter, environment: Environment
) -> None:
    """The broker is flushed: the record knows, and rescue brings it back."""
    environment.set(adrift_after="0.5s")
    receipt = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools"))
    lose_messages(connect(environment.settings.ledger_url))

    worker.start()

    assert receipt.wait(60).state is State.SUCCEEDED


def test_a_worker_that_is_asked_to_end_finishes_first(
    worker: WorkerProcess, submitter: Submitter, simulator: SimulatorClient
) -> None:
    """SIGTERM while a request is under way costs nothing."""
    simulator.faults(FaultRule(operation="create_folder", delay=1))
    worker.start()
    receipt = submitter.submit(CreateFolder(folder_id=747759, folder_name="tools"))
    until(lambda: bool(simulator.journal("create_folder")), "its request is out")

    worker.stop()

    record = receipt.record()
    assert (record.state, len(record.attempts)) == (State.SUCCEEDED, 1)


def test_secrets_and_signatures_are_nowhere(
    worker: WorkerProcess,
    submitter: Submitter,
    environment: Environment,
    classin: Command,
    home: Path,
) -> None:
    """Not in the log, not in Redis, not in what commands print: in both dialects, also refused."""
    secret = environment.variables["CLASSIN_SECRET"]
    worker.start()
    receipts = submitter.submit_many(
        [
            {"operation": "create_folder", "fields": {"folderId": 747759, "folderName": "a"}},
            {"operation": "create_unit", "fields": {"courseId": 5, "name": "b", "publishFlag": 0}},
        ]
    )
    records = [receipt.wait(60) for receipt in receipts]
    worker.stop()

    printed = "".join(
        classin(*words).stdout
        for words in (
            *(("show", record.id) for record in records),
            *(("show", record.id, "--json") for record in records),
            ("ls", "--json"),
            ("stats",),
            ("doctor",),
        )
    )
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for text in (secret, "safeKey", "X-EEO-SIGN"):
        assert text not in worker.said()
        assert text not in printed
        assert text.encode() not in kept


def test_up_runs_all_and_starts_again_what_died(
    environment: Environment, simulator: SimulatorClient, classin: Command, home: Path
) -> None:
    """One command, a private Redis, and a worker; both are killed meanwhile."""
    del simulator
    environment.set(home=str(home / "own"), worker_processes="2")
    up = subprocess.Popen(command_line("up"), env=environment_with(environment.variables))
    try:
        words = ("enqueue", "create_folder", "folderId=747759", "--json")
        ledger = RedisLedger(connect(environment.settings.ledger_url))

        def worker_seen() -> bool:
            try:
                return ledger.holder("rescue") is not None
            except UnavailableError:
                return False

        until(worker_seen, "a worker runs")
        assert classin(*words, "folderName=a", "--wait").returncode == 0
        children = Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text().split()
        worker_pid = max(map(int, children))
        os.kill(worker_pid, signal.SIGKILL)
        assert classin(*words, "folderName=b", "--wait").returncode == 0
        redis_pid = int(connect(environment.settings.ledger_url).info("server")["process_id"])
        os.kill(redis_pid, signal.SIGKILL)
        until(worker_seen, "Redis runs again")
        assert classin(*words, "folderName=c", "--wait").returncode == 0
        assert "runs already" in classin("up").stderr
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(90) == 0
    assert classin("stats").returncode == 1
