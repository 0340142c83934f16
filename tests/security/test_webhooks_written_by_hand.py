"""Webhooks in Redis: who can write Redis has no worker call an address of their choice."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from tests.unit import conftest as memory
from tests.unit.clock import Clock
from tests.unit.ledger.hands import ENTRY, settled
from worker.keyring import KeyRing
from worker.ledger.batch import About, Told, Webhook
from worker.ledger.in_redis import RedisLedger
from worker.settings import Deadlines, Patience
from worker.webhooks import Webhooks

#: A ledger in memory, with the key ring of those who submit.
clock, server, redis, ledger = memory.clock, memory.server, memory.redis, memory.ledger

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


@pytest.fixture
def called() -> list[str]:
    """The addresses that were called."""
    return []


@pytest.fixture
def webhooks(ledger: RedisLedger, clock: Clock, called: list[str]) -> Webhooks:
    """A worker's, with the key ring of those who submit."""

    def send(url: str, body: bytes, headers: Mapping[str, str], deadlines: Deadlines) -> int:
        del body, headers, deadlines
        called.append(url)
        return 200

    return Webhooks(
        ledger,
        send,
        secret=SECRET,
        patience=Patience(attempts=2),
        deadlines=Deadlines(),
        stopping=threading.Event(),
        start=lambda do: do(),
        clock=lambda: clock.millis() / 1000,
        sleep=clock.sleep,
    )


def settled_batch(ledger: RedisLedger, batch: str = "b", url: str = OURS) -> None:
    """A batch of one that has settled, of which somebody is to be told."""
    ledger.open_batch(batch, About(source="test", webhook=Webhook(url=url)))
    entry = replace(ENTRY, id=f"of-{batch}", batch=batch, tells=True)
    ledger.submit([entry])
    ledger.close_batch(batch)
    settled(ledger, entry.id)


def write(redis: Redis, url: str, batch: str = "b", **more: str) -> None:
    """Write a webhook that is due into Redis, as whoever has its password may."""
    origin = "/".join(url.split("/")[:3])
    values: dict[Any, Any] = {"webhook": url, "told": "due", "at": 1, "settled_at": 1, **more}
    redis.hset(f"classin:batch-about:{batch}", mapping=values)
    redis.hsetnx(f"classin:batch:{batch}", "succeeded", "1")
    redis.zadd(f"classin:webhooks:{origin}", {batch: 1})
    redis.zadd("classin:receivers", {origin: 1})


def webhook_of(ledger: RedisLedger, batch: str = "b") -> Webhook:
    """Read how a webhook stands."""
    about = ledger.about(batch)
    assert about is not None
    assert about.webhook is not None
    return about.webhook


@pytest.mark.parametrize("url", INSIDE)
def test_a_webhook_written_into_redis_by_hand_is_not_called(
    redis: Redis, ledger: RedisLedger, webhooks: Webhooks, called: list[str], url: str
) -> None:
    """Who can write Redis would have a worker call what only its host reaches, and sign it."""
    write(redis, url)

    webhooks.look()

    assert called == []
    assert webhook_of(ledger).told is Told.GIVEN_UP
    assert webhook_of(ledger).tries == 0
    assert "not signed" in webhook_of(ledger).said
    assert webhooks.look() == 0  # nor is it tried again


@pytest.mark.parametrize("url", INSIDE)
def test_a_webhook_turned_to_another_address_is_not_called(
    redis: Redis, ledger: RedisLedger, webhooks: Webhooks, called: list[str], url: str
) -> None:
    """Who can write Redis would change the address of a webhook that an operator asked for."""
    settled_batch(ledger)
    write(redis, url)

    webhooks.look()

    assert set(called) <= {OURS}  # an entry of the first address may be there still
    assert "not signed" in webhook_of(ledger).said


def test_a_signature_of_another_batch_s_webhook_does_not_count(
    redis: Redis, ledger: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would copy it, to tell a receiver of batches that are not its own."""
    settled_batch(ledger, "own")
    webhooks.look()
    assert called == [OURS]
    copied = redis.hget("classin:batch-about:own", "mac")
    write(redis, OURS, "other", mac=str(copied))

    webhooks.look()

    assert called == [OURS]
    assert "not signed" in webhook_of(ledger, "other").said


def test_a_webhook_signed_with_another_key_ring_is_not_called(
    redis: Redis, clock: Clock, ledger: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would sign a webhook with keys of an installation of their own."""
    settled_batch(RedisLedger(redis, clock.millis, keyring=KeyRing.in_memory()))

    webhooks.look()

    assert called == []
    assert webhook_of(ledger).told is Told.GIVEN_UP


def test_a_webhook_put_there_before_the_batch_is_not_called(
    redis: Redis, ledger: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would name an address first, and wait for the batch of that name."""
    redis.hset("classin:batch-about:b", mapping={"webhook": INSIDE[0], "told": "open", "at": 1})
    redis.hset("classin:batch-about:b", "open_lasts", 1)
    settled_batch(ledger)

    webhooks.look()

    assert called == []


def test_an_operator_s_own_receiver_inside_is_called(
    ledger: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """What was named where the batch was handed in is called, wherever it lies."""
    settled_batch(ledger, url="http://127.0.0.1:8080/hook")

    webhooks.look()

    assert called == ["http://127.0.0.1:8080/hook"]
    assert webhook_of(ledger).told is Told.DELIVERED


def test_an_address_that_is_none_neither_stops_the_round_nor_breaks_what_is_shown(
    redis: Redis, ledger: RedisLedger, webhooks: Webhooks, called: list[str]
) -> None:
    """Who can write Redis would keep receivers from hearing anything, by one bad address."""
    write(redis, "http://[not-an-address", "bad")
    write(redis, "https://sis.example/hook", "worse", tries="no number")
    settled_batch(ledger)
    shown = ledger.about("bad")
    assert shown is not None
    assert shown.to_json()["webhook"]["url"] == ""

    for _ in range(3):
        webhooks.look()

    assert called == [OURS]
