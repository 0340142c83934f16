"""Who may write kombu's own keys in Redis, beside the queue, must not stop or steer a worker.

Kombu keeps there who is bound to which exchange, and what nobody has acknowledged yet.
"""

import json
from collections.abc import Callable

import pytest
from celery import Celery
from redis import Redis

from tests.security.celery_messages import CANARY, PIDBOX, command, message
from tests.stage import WorkerProcess, until
from worker.ledger.keys import PREFIX as QUEUE

REPLIES = "reply.celery.pidbox"
REPLY_BINDINGS = f"_kombu.binding.{REPLIES}"
SEP = "\x06\x16"
MARK = "00000000-0000-4000-8000-000000000000"

#: Kombu's keys, those of our names among them.
KEYS = [
    "_kombu.binding.celery.pidbox",
    "_kombu.binding.classin",
    "_kombu.binding_permanent.classin",
    "_kombu.binding_deadlines",
    REPLY_BINDINGS,
    "unacked",
    "unacked_index",
    "unacked_mutex",
]


def test_hostile_members_of_kombu_s_keys_are_not_even_read(
    worker: WorkerProcess, redis_client: Redis, works: Callable[[], None], sis: Celery
) -> None:
    """A binding of two parts, or one that is no text, ended the loop of who looked it up."""
    stolen = json.dumps([json.loads(message()), "", "classin:stolen"])
    for key in [*KEYS[:3], REPLY_BINDINGS]:
        redis_client.sadd(key, "", CANARY, b"\xff\xfe", SEP.join(["", "", "classin:stolen"]))
        redis_client.sadd(key, SEP.join([MARK, "", "classin:stolen"]), SEP * 50, "a" * 1_000_000)
    redis_client.zadd("_kombu.binding_deadlines", {"": 0, CANARY: 1, "classin": 0})
    redis_client.zadd("unacked_index", {"": 0, CANARY: 0, "a": 0})
    redis_client.hset("unacked", mapping={"": "[]", CANARY: "{", "a": stolen})
    worker.start()

    asked = {"exchange": REPLIES, "routing_key": MARK}
    redis_client.publish(PIDBOX, command("ping", reply_to=asked, ticket="t"))
    works()

    assert sis.control.ping(timeout=60, limit=1)
    assert worker.alive
    assert not redis_client.exists("classin:stolen")
    assert redis_client.hlen("unacked") == redis_client.zcard("unacked_index") == 3
    assert CANARY not in worker.said()


@pytest.mark.parametrize("started", [False, True], ids=["before", "while it runs"])
def test_kombu_s_keys_of_the_wrong_type_stop_no_worker(
    worker: WorkerProcess, redis_client: Redis, works: Callable[[], None], *, started: bool
) -> None:
    """A text where a set should be: each write to it failed, and the worker connected anew."""
    if started:
        worker.start()
    for key in KEYS:
        redis_client.set(key, CANARY)
    if not started:
        worker.start()

    asked = {"exchange": REPLIES, "routing_key": MARK}
    redis_client.publish(PIDBOX, command("ping", reply_to=asked, ticket="t"))
    works()
    worker.stop()

    assert worker.process is not None
    assert worker.process.returncode == 0
    assert CANARY not in worker.said()
    assert "Traceback" not in worker.said()
    assert "Connection to broker lost" not in worker.said()


def test_a_reply_goes_only_to_who_waits_for_it(
    worker: WorkerProcess, redis_client: Redis, works: Callable[[], None]
) -> None:
    """A binding with another's name would let workers write into any list."""
    member = SEP.join([MARK, "", f"{MARK}.{REPLIES}"])
    worker.start()
    asked = {"exchange": REPLIES, "routing_key": MARK}

    redis_client.publish(PIDBOX, command("ping", reply_to=asked, ticket="t"))
    works()
    assert not redis_client.exists(f"{MARK}.{REPLIES}")
    redis_client.sadd(REPLY_BINDINGS, member)
    redis_client.publish(PIDBOX, command("ping", reply_to=asked, ticket="t"))

    until(lambda: redis_client.llen(f"{MARK}.{REPLIES}") == 1, "who waits has its reply")


def test_a_queue_of_the_wrong_type_is_told_and_survived(
    worker: WorkerProcess, redis_client: Redis, works: Callable[[], None]
) -> None:
    """Nothing can be fetched meanwhile; once it is gone all goes on."""
    worker.start()

    redis_client.set(QUEUE, CANARY)
    until(lambda: "Connection to broker lost" in worker.said(), "nothing can be fetched")
    redis_client.delete(QUEUE)
    works()

    assert worker.alive
    assert CANARY not in worker.said()
