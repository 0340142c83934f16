"""Webhooks in Redis: who can write Redis has no worker call an address of their choice."""

import socket
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from producers import Submitter
from producers.intake.checked import Position
from producers.webhook import webhook_to
from tests.raw_server import Behaviour, answering
from tests.raw_server import server as raw_server
from tests.redis_server import SharedRedis
from tests.stage import Environment, WorkerProcess, until
from tests.unit.clock import Clock
from tests.unit.ledger.hands import ENTRY, settled
from tests.unit.stage import RING
from worker.classin.operations.cloud import CreateFolder
from worker.config.settings import RetrySettings, Timeouts
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.states import WebhookState
from worker.ledger.store import RedisLedger
from worker.runtime.webhooks import Webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OURS = "https://sis.example/hook"

#: Where only the worker's host may go.
INSIDE = [
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.1:6379/",
    "http://[::1]/admin",
    "https://elsewhere.example/hook",
    "https://sis.example.elsewhere.example/hook",
]


FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
def shared(server: SharedRedis) -> Redis:
    """A Redis in which an attacker may write."""
    return server.client()


@pytest.fixture
def books(shared: Redis, clock: Clock) -> RedisLedger:
    """The ledger in it, with the key ring of those who submit."""
    return RedisLedger(shared, clock.millis, keyring=RING)


@pytest.fixture
def called() -> list[str]:
    """The addresses that were called."""
    return []


@pytest.fixture
def webhooks(books: RedisLedger, clock: Clock, called: list[str]) -> Webhooks:
    """A worker's, with the key ring of those who submit."""

    def send(url: str, body: bytes, headers: Mapping[str, str], deadlines: Timeouts) -> int:
        del body, headers, deadlines
        called.append(url)
        return 200

    return Webhooks(
        books.batches,
        send,
        secret=SECRET,
        patience=RetrySettings(attempts=2),
        deadlines=Timeouts(),
        stopping=threading.Event(),
        start=lambda do: do(),
        clock=lambda: clock.millis() / 1000,
        sleep=clock.sleep,
    )


def settled_batch(books: RedisLedger, batch: str = "b", url: str = OURS) -> None:
    """A batch of one that has settled, of which somebody is to be told."""
    books.batches.open(batch, BatchInfo(source="test", webhook=Webhook(url=url)))
    entry = replace(ENTRY, id=f"of-{batch}", batch=batch, tells=True)
    books.submit([entry])
    books.batches.close(batch)
    settled(books, entry.id)


def write(shared: Redis, url: str, batch: str = "b", **more: str) -> None:
    """Write a webhook that is due into Redis, as whoever has its password may."""
    origin = "/".join(url.split("/")[:3])
    values: dict[Any, Any] = {"webhook": url, "told": "due", "at": 1, "settled_at": 1, **more}
    shared.hset(f"classin:batch-about:{batch}", mapping=values)
    shared.hsetnx(f"classin:batch:{batch}", "succeeded", "1")
    shared.zadd(f"classin:webhooks:{origin}", {batch: 1})
    shared.zadd("classin:receivers", {origin: 1})


def webhook_of(books: RedisLedger, batch: str = "b") -> Webhook:
    """Read how a webhook stands."""
    about = books.batches.info(batch)
    assert about is not None
    assert about.webhook is not None
    return about.webhook


@pytest.mark.parametrize("url", INSIDE)
def test_a_webhook_written_into_redis_by_hand_is_not_called(
    shared: Redis, books: RedisLedger, webhooks: Webhooks, called: list[str], url: str
) -> None:
    """Who can write Redis would have a worker call what only its host reaches, and sign it."""
    write(shared, url)

    webhooks.run_once()

    assert called == []
    assert webhook_of(books).told is WebhookState.GIVEN_UP
    assert webhook_of(books).tries == 0
    assert "not signed" in webhook_of(books).said
    assert webhooks.run_once() == 0  # nor is it tried again


@pytest.mark.parametrize("url", INSIDE)
def test_a_webhook_turned_to_another_address_is_not_called(
    shared: Redis, books: RedisLedger, webhooks: Webhooks, called: list[str], url: str
) -> None:
    """Who can write Redis would change the address of a webhook that an operator asked for."""
    settled_batch(books)
    write(shared, url)

    webhooks.run_once()

    assert set(called) <= {OURS}  # an entry of the first address may be there still
    assert "not signed" in webhook_of(books).said


def test_a_signature_of_another_batch_s_webhook_does_not_count(
    shared: Redis, books: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would copy it, to tell a receiver of batches that are not its own."""
    settled_batch(books, "own")
    webhooks.run_once()
    assert called == [OURS]
    copied = shared.hget("classin:batch-about:own", "mac")
    write(shared, OURS, "other", mac=str(copied))

    webhooks.run_once()

    assert called == [OURS]
    assert "not signed" in webhook_of(books, "other").said


def test_a_webhook_signed_with_another_key_ring_is_not_called(
    shared: Redis, clock: Clock, books: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would sign a webhook with keys of an installation of their own."""
    settled_batch(RedisLedger(shared, clock.millis, keyring=KeyRing.in_memory()))

    webhooks.run_once()

    assert called == []
    assert webhook_of(books).told is WebhookState.GIVEN_UP


def test_a_webhook_put_there_before_the_batch_is_not_called(
    shared: Redis, books: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would name an address first, and wait for the batch of that name."""
    shared.hset("classin:batch-about:b", mapping={"webhook": INSIDE[0], "told": "open", "at": 1})
    shared.hset("classin:batch-about:b", "open_lasts", 1)
    settled_batch(books)

    webhooks.run_once()

    assert called == []


def test_a_worker_calls_the_operator_s_receiver_and_no_other(
    environment: Environment, worker: WorkerProcess, redis_client: Redis
) -> None:
    """Who can write Redis would reach a service that listens on the worker's host alone."""
    environment.set(webhook_secret=SECRET)
    settings = environment.settings
    theirs, ours = threading.Event(), threading.Event()
    with raw_server(_taking(theirs)) as inside, raw_server(_taking(ours)) as receiver:
        write(redis_client, f"{inside}/admin", "forged")
        submitter = Submitter.from_settings(settings)
        checked = submitter.check_all([(Position("1"), lambda: FOLDER)], "test")
        about = BatchInfo(source="test", webhook=webhook_to(receiver, settings, "--webhook"))
        submitter.enter_batch(checked, about)
        worker.start()
        assert ours.wait(60)
        now = RedisLedger(redis_client)
        until(
            lambda: webhook_of(now, "forged").told is not WebhookState.DUE, "the other is over with"
        )

    assert not theirs.is_set()
    assert webhook_of(now, "forged").told is WebhookState.GIVEN_UP
    assert "webhook of batch forged to an address of somebody else's: given up" in worker.said()
    assert inside not in worker.said()


def _taking(met: threading.Event) -> Behaviour:
    """Take whatever comes, and say so."""

    def behave(connection: socket.socket) -> None:
        met.set()
        answering(b"HTTP/1.1 204 Done\r\nContent-Length: 0\r\n\r\n")(connection)

    return behave


def test_an_operator_s_own_receiver_inside_is_called(
    books: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """What was named where the batch was handed in is called, wherever it lies."""
    settled_batch(books, url="http://127.0.0.1:8080/hook")

    webhooks.run_once()

    assert called == ["http://127.0.0.1:8080/hook"]
    assert webhook_of(books).told is WebhookState.DELIVERED


def test_an_address_that_is_none_neither_stops_the_round_nor_breaks_what_is_shown(
    shared: Redis, books: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would keep receivers from hearing anything, by one bad address."""
    write(shared, "http://[not-an-address", "bad")
    write(shared, "https://sis.example/hook", "worse", tries="no number")
    settled_batch(books)
    shown = books.batches.info("bad")
    assert shown is not None
    assert shown.to_dict()["webhook"]["url"] == ""

    for _ in range(3):
        webhooks.run_once()

    assert called == [OURS]
