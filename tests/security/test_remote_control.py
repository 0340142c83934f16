"""Who may publish to the broker reaches every worker at once, by Celery's remote control.

A SIS with a Celery of its own has that right, and so has whoever got hold of its password.
"""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tests.security.celery_messages import CANARY, PIDBOX, command, envelope
from tests.stage import WorkerProcess, until
from worker.broker.message_check import MOST_COMMAND_BYTES, fault_of_broadcast
from worker.broker.remote_control import COMMANDS
from worker.ledger.redis_client import connect
from worker.trouble_log import RareLog

PING = {"method": "ping", "arguments": {}}
MARK = "00000000-0000-4000-8000-000000000000"
REPLIES = {"exchange": "reply.celery.pidbox", "routing_key": MARK}

#: What nobody can read as a command.
ILL_FORMED: dict[str, str] = {
    "two bytes": "[]",
    "no JSON": CANARY,
    "deeply nested": "[" * 100_000,
    "no envelope": "{}",
    "ten megabytes": json.dumps(envelope({"method": "ping", "arguments": {"x": "a" * 10**7}})),
    "no body": json.dumps(envelope(None)),
    "a list as body": json.dumps(envelope([CANARY])),
    "no method": json.dumps(envelope({"arguments": {}})),
    "a list as method": command([CANARY]),
    "a list as arguments": command("ping", arguments=[CANARY]),
    "text as destination": command("ping", destination=CANARY),
    "a text as clock": json.dumps(envelope({"method": "ping"}, {"clock": CANARY})),
    "headers of another kind": json.dumps(envelope({"method": "ping"}, [CANARY])),
    "another encoding": json.dumps(envelope(PING, properties={"body_encoding": "zlib"})),
    "pickle": json.dumps(envelope(PING, content_type="application/x-python-serialize")),
    "YAML": json.dumps(envelope({"method": "ping"}, content_type="application/x-yaml")),
    "data that is text, unpacked": json.dumps(
        envelope({"method": "ping"}, content_type="application/data", content_encoding="zlib")
    ),
    "compressed": json.dumps(envelope({"method": "ping"}, {"compression": "application/x-gzip"})),
    "a type that kombu knows": json.dumps(
        envelope({"method": "ping"}, {"x": {"__type__": "datetime", "__value__": CANARY}})
    ),
    "a pattern without end": command("ping", pattern="(.*)*" * 20 + "$x", matcher="pcre"),
    "a reply to a key": command("ping", reply_to={"exchange": "", "routing_key": "classin:x"}),
    "a reply to a list": command("ping", reply_to=[CANARY], ticket="t"),
    "a reply to the queue": command("ping", reply_to={"exchange": "", "routing_key": "classin"}),
    "a ticket of another kind": command("ping", reply_to=REPLIES, ticket={"a": CANARY}),
}  # fmt: skip


def asked_of(sis: Celery, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask the one worker that there is, and return its reply."""
    replies: Any = sis.control.broadcast(method, arguments, reply=True, timeout=60, limit=1)
    (reply,) = replies
    return dict(reply)


@pytest.mark.parametrize("name", ILL_FORMED)
def test_an_ill_formed_broadcast_is_found_out_before_celery_sees_it(name: str) -> None:
    """Any of these would end the loop that fetches messages, or keep it busy, in every worker."""
    fault = fault_of_broadcast(ILL_FORMED[name].encode())
    assert fault is not None
    assert CANARY not in fault


@pytest.mark.parametrize("method", COMMANDS)
def test_a_command_of_celery_s_own_passes(method: str) -> None:
    """As `celery inspect` sends it, with a reply to come."""
    asked = command(method, reply_to=REPLIES, ticket=str(uuid4()), pattern=None, matcher=None)
    assert fault_of_broadcast(asked.encode()) is None
    assert len(asked) < MOST_COMMAND_BYTES


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["method", "arguments", "destination", "ticket", "reply_to"]), json_values)
def test_no_part_of_a_broadcast_breaks_its_check(part: str, value: object) -> None:
    """It passes, or what is wrong is said without what it holds."""
    said = fault_of_broadcast(json.dumps(envelope({**PING, part: value})))
    assert said is None or said.startswith("it")


@given(st.binary())
def test_no_bytes_that_are_broadcast_break_the_check(item: bytes) -> None:
    """All of them are refused, and that is all."""
    assert fault_of_broadcast(item) is not None


def start(worker: WorkerProcess) -> None:
    """Start a worker, and wait until commands to all workers reach it."""
    worker.start()
    redis = connect(worker.environment.settings.ledger_url)
    until(lambda: int(redis.pubsub_numpat()) > 0, "the worker listens")


def test_ill_formed_broadcasts_do_not_stop_a_worker(
    worker: WorkerProcess, redis_client: Redis, works: Callable[[], None], sis: Celery
) -> None:
    """Two bytes stopped every worker for good: alive, consuming nothing."""
    start(worker)

    for item in ILL_FORMED.values():
        assert redis_client.publish(PIDBOX, item) == 1, "somebody has to listen"
    works()

    assert worker.alive
    assert sis.control.ping(timeout=30, limit=1)
    said = worker.said()
    assert CANARY not in said
    assert "Traceback" not in said
    assert "a command to all workers was refused: it is not shaped" in said
    assert not redis_client.exists("classin:x")


def test_commands_that_are_not_meant_are_refused_with_a_reply(
    worker: WorkerProcess, works: Callable[[], None], sis: Celery
) -> None:
    """They would end a worker, let it take another queue or none, or show its environment."""
    start(worker)
    asked: dict[str, dict[str, Any]] = {
        "shutdown": {},
        "cancel_consumer": {"queue": "classin"},
        "add_consumer": {"queue": "another"},
        "pool_shrink": {"n": 1000},
        "pool_grow": {"n": 100_000},
        "autoscale": {"max": 0, "min": 0},
        "revoke": {"task_id": "a", "terminate": True, "signal": "KILL"},
        "rate_limit": {"task_name": "classin.create_folder", "rate_limit": "1/h"},
        "time_limit": {"task_name": "classin.create_folder", "hard": 0.01},
        "enable_events": {},
        "election": {"id": "a", "topic": "b"},
        "hello": {"from_node": "me", "revoked": {"a": 1}},
        "conf": {"with_defaults": True},
        "report": {},
        "memdump": {},
        "objgraph": {"num": 10**9},
        CANARY: {},
    }

    for method, arguments in asked.items():
        (answer,) = asked_of(sis, method, arguments).values()
        assert "not offered" in answer["error"], method
    works()

    assert worker.alive
    assert CANARY not in worker.said()
    assert "a command to all workers was refused: shutdown: not offered" in worker.said()


def test_what_is_meant_is_answered(worker: WorkerProcess, sis: Celery) -> None:
    """Health checks and people ask so."""
    start(worker)

    for method in COMMANDS:
        (answer,) = asked_of(sis, method, {}).values()
        assert "error" not in answer, method


def test_inspect_shows_nothing_of_what_messages_hold(worker: WorkerProcess, sis: Celery) -> None:
    """What waits for its time lies in the worker's memory, names and passwords with it."""
    start(worker)
    fields = {"telephone": "13900000000", "password": CANARY, "nickname": CANARY}
    sent = sis.send_task("classin.register", kwargs=fields, queue="classin", countdown=3000)

    def scheduled() -> Any:  # noqa: ANN401  # of whatever shape
        return sis.control.inspect(timeout=30, limit=1).scheduled()

    until(lambda: any((scheduled() or {}).values()), "the message waits in the worker")

    found = json.dumps(scheduled())
    assert str(sent.id) in found
    assert CANARY not in found
    reply = asked_of(sis, "query_task", {"ids": [sent.id]})
    assert str(sent.id) in json.dumps(reply)
    assert CANARY not in json.dumps(reply)


def test_a_flood_of_bad_commands_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each complaint is told at most once in ten seconds, with how often it was kept back."""
    now = [0.0]
    log = RareLog("flood", clock=lambda: now[0])

    for _ in range(100_000):
        log.error("refused")
    now[0] = 11.0
    log.error("refused")

    assert caplog.messages == ["refused", "refused (and 99999 times before)"]
