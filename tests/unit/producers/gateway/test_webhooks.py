"""A batch that comes over HTTP may have a webhook, where that is open to clients."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from producers import Submitter
from producers.gateway.app import GatewayApp
from tests.unit.stage import SCHOOL
from worker.broker.queue import Queues
from worker.config.settings import Settings
from worker.ledger.api_keys import ApiKeys
from worker.ledger.audit import Audit
from worker.ledger.store import RedisLedger

FOLDER: dict[str, Any] = {
    "operation": "create_folder",
    "fields": {"folderId": 747759, "folderName": "tools"},
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

#: Gives a client of a gateway with these settings.
Client = Callable[..., TestClient]


@pytest.fixture
def client_of(
    settings: Settings, ledger: RedisLedger, queues: Queues, keys: ApiKeys, audit: Audit
) -> Client:
    """Build a gateway, asked with a key."""

    def build(**changes: object) -> TestClient:
        changed = replace(settings, schools={"main": SCHOOL}, **changes)  # type: ignore[arg-type]  # as the test says
        app = GatewayApp(changed, ledger, Submitter(changed, ledger, queues), keys, audit)
        token, _ = keys.add("sis", 0)
        return TestClient(app.asgi, headers={"authorization": f"Bearer {token}"})

    return build


def test_a_webhook_at_an_open_origin_is_taken(client_of: Client) -> None:
    """The batch tells how it stands, without what may be a secret."""
    sis = client_of(webhook_secret=SECRET, webhook_origins=("https://sis.example",))
    where = {"webhook": "https://SIS.example:443/hook?key=hidden"}

    answer = sis.post("/v1/batches", json=[FOLDER], params=where)

    assert answer.status_code == 202
    about = sis.get(answer.headers["location"]).json()["about"]
    assert about["source"] == "http"
    assert about["webhook"]["state"] == "waiting"
    assert "hidden" not in str(about)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/hook", "https://sis.example:8443/hook", "http://127.0.0.1/",
        "https://sis.example@elsewhere.example/", "no address", "https://sis.example.evil/",
    ],
)  # fmt: skip
def test_any_other_is_refused(client_of: Client, redis: Redis, url: str) -> None:
    """Nothing is submitted: we could reach what the client cannot."""
    sis = client_of(webhook_secret=SECRET, webhook_origins=("https://sis.example",))

    answer = sis.post("/v1/batches", json=[FOLDER], params={"webhook": url})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == "webhook"
    assert redis.keys("classin:op:*") == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [({}, "CLASSIN_WEBHOOK_SECRET"), ({"webhook_secret": SECRET}, "CLASSIN_WEBHOOK_ORIGINS")],
)
def test_without_settings_there_are_none(
    client_of: Client, changes: dict[str, object], what: str
) -> None:
    """The problem says which is missing."""
    where = {"webhook": "https://sis.example/hook"}
    answer = client_of(**changes).post("/v1/batches", json=[FOLDER], params=where)
    assert answer.status_code == 422
    assert what in answer.json()["errors"][0]["detail"]


def test_the_same_request_again_keeps_the_webhook(client_of: Client) -> None:
    """It is the same batch, and told of once."""
    sis = client_of(webhook_secret=SECRET, webhook_origins=("https://sis.example",))
    where, once = {"webhook": "https://sis.example/hook"}, {"idempotency-key": "import-36"}

    first = sis.post("/v1/batches", json=[FOLDER], params=where, headers=once)
    again = sis.post("/v1/batches", json=[FOLDER], params=where, headers=once)

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["batch"] == again.json()["batch"]
    assert sis.get(again.headers["location"]).json()["about"]["webhook"]["state"] == "waiting"
