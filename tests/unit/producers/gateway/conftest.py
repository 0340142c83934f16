"""A gateway asked in this process, without a server."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from producers import Submitter
from producers.gateway.app import GatewayApp
from producers.gateway.auth_middleware import Limits
from tests.unit.stage import SCHOOL
from worker.broker.queue import Queues
from worker.config.settings import Gateway, Settings
from worker.ledger.api_keys import ApiKeys
from worker.ledger.audit import Audit
from worker.ledger.store import RedisLedger

#: Asks with a key that is made for the test; its limits are given as those of a key.
AskWith = Callable[..., TestClient]


@pytest.fixture
def keys(redis: Redis, settings: Settings) -> ApiKeys:
    """The API keys."""
    return ApiKeys(redis, settings.keyring)


@pytest.fixture
def audit(redis: Redis) -> Audit:
    """The audit trail."""
    return Audit(redis)


@pytest.fixture
def gateway(
    settings: Settings, ledger: RedisLedger, queues: Queues, keys: ApiKeys, audit: Audit
) -> Iterator[TestClient]:
    """The gateway, asked without a key; it knows two schools."""
    settings = replace(
        settings,
        schools={"main": SCHOOL, "north": replace(SCHOOL, name="north")},
        gateway=Gateway(files_from=("files.example",)),
    )
    limits = Limits(body=100_000, patience=0.2, of_a_key=5)
    app = GatewayApp(settings, ledger, Submitter(settings, ledger, queues), keys, audit, limits)
    with TestClient(app.asgi, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def ask_with(gateway: TestClient, keys: ApiKeys) -> AskWith:
    """Give a client with a key of its own."""

    def ask(name: str = "sis", **limits: object) -> TestClient:
        token, _ = keys.add(name, 0, **limits)  # type: ignore[arg-type]  # as the test says
        client = TestClient(gateway.app, raise_server_exceptions=False)
        client.headers["authorization"] = f"Bearer {token}"
        return client

    return ask


@pytest.fixture
def sis(ask_with: AskWith) -> TestClient:
    """A client whose key has no limits."""
    return ask_with()
