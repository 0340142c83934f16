"""What unit tests share: closed sockets, an empty ledger, a clock, a broker in memory."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket
from redis import Redis

from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.stage import RING, SCHOOL, Stage
from worker.broker.queue import Queues, build_queues
from worker.classin.endpoint import v1
from worker.classin.operation import REGISTRY, Idempotency, Operation
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.store import RedisLedger


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    """Let no unit test reach a server but its Redis; an event loop needs sockets of its own."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
def redis(server: SharedRedis) -> Redis:
    """A client of that Redis."""
    return server.client()


@pytest.fixture
def ledger(redis: Redis, clock: Clock) -> RedisLedger:
    """An empty ledger that goes by the test's clock."""
    return RedisLedger(redis, clock.millis, keyring=RING)


@pytest.fixture
def stage(ledger: RedisLedger, clock: Clock, settings: Settings) -> Stage:
    """A stage for stories of execution, with the key ring of the settings.

    Files may lie in memory, too.
    """
    settings = replace(settings, file_schemes=("memory", "gdrive"))
    return Stage(ledger, clock, settings=settings, seals=FieldCipher(settings.keyring))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with one school, and a broker in memory."""
    return Settings(home=tmp_path, broker_url="memory://", schools={"main": SCHOOL}, ring=RING)


@pytest.fixture
def queues(settings: Settings) -> Iterator[Queues]:
    """Queues on the broker in memory, which all tests of a process share: emptied afterwards."""
    queues = build_queues(settings)
    yield queues
    with queues.connection_for_read() as connection:
        queue = queues.amqp.queues[QUEUE].bind(connection.default_channel)
        queue.declare()
        queue.purge()


@pytest.fixture
def ring_bell() -> Iterator[type[Operation]]:
    """An operation that would be done twice when sent twice; in the catalogue for one test."""

    class RingBell(
        Operation,
        endpoint=v1("course", "ringBell"),
        idempotency=Idempotency.UNSAFE,
        codes=(1, 103, 104),
        partial=[103],
    ):
        """Ring the bell of the school."""

    yield RingBell
    del REGISTRY[RingBell.spec.name]
