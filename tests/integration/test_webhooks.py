"""Receivers of webhooks, over real sockets: a slow one holds up itself only."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest

from ops.processes.redis_server import PrivateRedis
from tests.claiming import try_claim
from worker.config.settings import RetrySettings, Timeouts
from worker.execution.http_client import post_once
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.record import Submission
from worker.ledger.redis_client import connect
from worker.ledger.states import State, WebhookState
from worker.ledger.store import RedisLedger
from worker.ledger.types import Transition
from worker.runtime.webhooks import Webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

#: Seconds after which a test that waits in vain has failed.
LONG = 30


class Receiver(ThreadingHTTPServer):
    """Somebody who is called, and answers as soon as `may_answer`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.called = threading.Semaphore(0)
        self.may_answer = threading.Event()

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.server_port}/hook"

    def __enter__(self) -> Self:
        """Begin."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.may_answer.set()
        self.shutdown()
        self.server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:  # as the library has it
        """Take a call."""
        self.rfile.read(int(self.headers["content-length"]))
        self.server.called.release()
        self.server.may_answer.wait(LONG)
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Keep quiet."""


@pytest.fixture
def slow() -> Iterator[Receiver]:
    """One that keeps silent."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def fast() -> Iterator[Receiver]:
    """One that answers at once."""
    with Receiver() as receiver:
        receiver.may_answer.set()
        yield receiver


@pytest.fixture
def ledger(redis: PrivateRedis) -> RedisLedger:
    """The ledger in the test's Redis."""
    return RedisLedger(connect(redis.url), keyring=KeyRing.in_memory())


@pytest.fixture
def webhooks(ledger: RedisLedger) -> Iterator[Webhooks]:
    """A worker's."""
    stopping = threading.Event()
    yield Webhooks(
        ledger.batches,
        post_once,
        secret=SECRET,
        patience=RetrySettings(attempts=1),
        deadlines=Timeouts(connect=5, reply=2 * LONG),
        stopping=stopping,
    )
    stopping.set()


def settled_batch(ledger: RedisLedger, batch: str, url: str) -> None:
    """A batch of one, which has settled, and of which somebody is to be told."""
    ledger.batches.open(batch, BatchInfo(webhook=Webhook(url=url)))
    entry = Submission(
        id=f"of {batch}", operation="edit_course", school="main", fields={}, batch=batch, tells=True
    )
    ledger.submit([entry])
    ledger.batches.close(batch)
    claim = try_claim(ledger, entry.id, batch, "w", 60)
    assert claim is not None
    ledger.advance(claim, Transition(state=State.SUCCEEDED), None)


def test_a_slow_receiver_holds_up_no_other(
    ledger: RedisLedger, webhooks: Webhooks, slow: Receiver, fast: Receiver
) -> None:
    """It has many batches to hear of, which were due before."""
    for n in range(20):
        settled_batch(ledger, f"slow {n}", slow.url)
    for n in range(20):
        settled_batch(ledger, f"fast {n}", fast.url)

    threading.Thread(target=webhooks.run_once, daemon=True).start()

    assert all(fast.called.acquire(timeout=LONG) for _ in range(20))
    assert slow.called.acquire(timeout=LONG)
    assert not slow.called.acquire(blocking=False)  # one at a time

    slow.may_answer.set()
    assert all(slow.called.acquire(timeout=LONG) for _ in range(19))


def test_a_call_under_way_is_left_alone_by_other_workers(
    ledger: RedisLedger, webhooks: Webhooks, slow: Receiver
) -> None:
    """Another process takes the next one."""
    settled_batch(ledger, "first", slow.url)
    settled_batch(ledger, "second", slow.url)
    threading.Thread(target=webhooks.run_once, daemon=True).start()
    assert slow.called.acquire(timeout=LONG)

    taken = ledger.batches.take_webhook(60)

    assert taken is not None
    assert taken.batch == "second"
    assert ledger.batches.take_webhook(60) is None
    about = ledger.batches.info("first")
    assert about is not None
    assert about.webhook is not None
    assert about.webhook.told is WebhookState.DUE
