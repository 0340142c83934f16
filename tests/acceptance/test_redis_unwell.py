"""A Redis that answers and is not well: what is typed meanwhile, and what works meanwhile."""

from collections.abc import Callable

import pytest
from redis import Redis

from ops.processes.redis_server import PrivateRedis
from producers import Submitter
from tests.stage import Command, WorkerProcess, until
from worker.classin.operations.courses import EditCourse
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger


def test_commands_that_only_read_say_what_is_wrong_with_redis(
    redis: PrivateRedis, classin: Command
) -> None:
    """On stderr, beside what they were asked for; one that submits says it, and fails."""
    connect(redis.url).config_set("maxmemory", "1")

    for words in (["stats"], ["ls"], ["lanes"]):
        done = classin(*words)
        assert done.returncode == 0
        assert done.stderr.startswith("Redis is full (maxmemory)")
    assert classin("doctor").returncode == 1
    submitted = classin("enqueue", "edit_course", "courseId=3", "courseName=x")
    assert submitted.returncode == 1
    assert submitted.stderr.startswith("Redis is full (maxmemory)")
    assert submitted.stderr.count("\n") == 1


#: What happens to a server.
Change = Callable[[Redis], None]


def fill(redis: Redis) -> None:
    """Leave no room."""
    redis.config_set("maxmemory", "1")


def empty(redis: Redis) -> None:
    """Make room."""
    redis.config_set("maxmemory", "0")


def demote(redis: Redis) -> None:
    """Make a replica of it, whose primary nobody can reach."""
    redis.replicaof("127.0.0.1", 1)


def promote(redis: Redis) -> None:
    """Make it a primary again."""
    redis.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    ("mishap", "mended", "said"),
    [(fill, empty, "is full (maxmemory)"), (demote, promote, "is a replica")],
)
def test_a_worker_waits_for_a_redis_that_takes_no_writes(
    redis: PrivateRedis,
    worker: WorkerProcess,
    submitter: Submitter,
    mishap: Change,
    mended: Change,
    said: str,
) -> None:
    """It says so once, not in each of its rounds, and goes on when that is over."""
    client = connect(redis.url)
    worker.start()
    mishap(client)
    until(lambda: f"rescue: Redis {said}" in worker.said(), "rescue says so")
    mended(client)
    receipt = submitter.submit(EditCourse(course_id=352861, course_name="Physics"))

    assert receipt.wait(60).state is State.SUCCEEDED

    told = worker.said()
    assert told.count("Traceback") == 0
    assert told.count(f"rescue: Redis {said}") == 1
    assert told.count("nothing is fetched") <= 1


def test_a_record_that_the_ledger_fails_on_is_set_aside(
    redis: PrivateRedis, worker: WorkerProcess, submitter: Submitter, classin: Command
) -> None:
    """All others are done; the doctor names it, and the next worker tries it once more."""
    client = connect(redis.url)
    receipts = [
        submitter.submit(EditCourse(course_id=352861 + n, course_name="Physics")) for n in range(4)
    ]
    bad = receipts[1]
    key = f"classin:op:{bad.id}"
    sound = str(client.hget(key, "enqueued_at"))
    client.hset(key, "enqueued_at", "yesterday")
    worker.start()

    for receipt in (receipts[0], *receipts[2:]):
        assert receipt.wait(60).state.settled
    ledger = RedisLedger(client)
    until(
        lambda: [aside.id for aside in ledger.quarantine.records()] == [bad.id], "it is set aside"
    )
    assert bad.id in classin("doctor").stdout

    worker.stop()
    client.hset(key, "enqueued_at", sound)
    worker.start()
    assert bad.wait(60).state.settled
    assert ledger.quarantine.records() == []
