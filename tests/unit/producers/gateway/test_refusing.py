"""Who may not come in, and what is too much, broken or late, is refused in good form."""

import json
import logging

import pytest
from fastapi.testclient import TestClient

from producers.gateway.service import GatewayService
from tests.redis_server import SharedRedis
from tests.unit.producers.gateway.conftest import AskWith
from worker.ledger.api_keys import ApiKeys

JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "shown", [None, "Basic YTpi", "Bearer", "Bearer cq_00000000_" + "x" * 43, "Bearer \xe9"]
)
@pytest.mark.parametrize("path", ["/v1/operations", "/v1/nothing", "/v1", "/v1/events"])
def test_nobody_comes_in_without_a_key(gateway: TestClient, shown: str | None, path: str) -> None:
    """Not even to hear what there is."""
    headers = {"authorization": shown.encode("latin-1")} if shown else {}
    answer = gateway.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_key_opens_nothing(sis: TestClient, keys: ApiKeys) -> None:
    """From that moment on."""
    assert sis.get("/v1/operations").status_code == 200
    keys.revoke("sis")
    assert sis.get("/v1/operations").status_code == 401


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"\xff", JSON, 400),
        (b'{"operation": NaN}', JSON, 400),
        (b"[" * 50_000, JSON, 400),
        (b"1" * 5_000, JSON, 400),
        (b'"\\ud800"', JSON, 422),
        (b"[]", JSON, 422),
        (b"", JSON, 400),
        (b"{}", {"content-type": "text/csv"}, 415),
        (b"{}", {}, 415),
        (b"x" * 100_001, JSON, 413),
        (b"[" + b"1," * 10_000 + b"1]", JSON, 413),
        (b'{"operation": "create_folder", "fields": {"folderName": "\\ud800"}}', JSON, 422),
    ],
)
def test_what_is_broken_is_refused(
    sis: TestClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    """With a problem that says so."""
    answer = sis.post("/v1/operations", content=content, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_in_pieces_is_counted(sis: TestClient) -> None:
    """Also where nobody said beforehand how long it would be."""
    pieces = (b"x" * 10_000 for _ in range(11))
    assert sis.post("/v1/batches", content=pieces, headers=JSON).status_code == 413


def test_what_is_not_there(sis: TestClient) -> None:
    """Neither the path, nor the method, nor the record."""
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("DELETE", "/v1/operations", 405),
        ("GET", "/v1/operations/none", 404),
        ("POST", "/v1/operations/none/retry", 404),
        ("POST", "/v1/operations/none/cancel", 404),
        ("GET", "/v1/batches/none", 404),
    ):
        answer = sis.request(method, path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert ("allow" in answer.headers) is (status == 405)


def test_redis_away(sis: TestClient, server: SharedRedis) -> None:
    """It is worth trying again a little later."""
    server.connected = False
    for path in ("/v1/operations", "/healthz"):
        answer = sis.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_an_accident_tells_nothing(
    sis: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the answer nor the log has what was asked for, or the key."""

    def break_down(*given: object) -> None:
        raise RuntimeError(str(given))

    monkeypatch.setattr(GatewayService, "submit", break_down)
    with caplog.at_level(logging.INFO, "producers.gateway"):
        answer = sis.post("/v1/operations", json={"fields": "secret-word"})

    assert answer.status_code == 500
    assert "RuntimeError" in caplog.text
    for text in (answer.text, caplog.text):
        assert "secret-word" not in text
        assert sis.headers["authorization"].split()[1] not in text


def test_a_key_is_kept_as_a_digest(keys: ApiKeys, ask_with: AskWith) -> None:
    """What lies in Redis opens nothing, and is not shown."""
    client = ask_with("sis", schools=["north"], kinds=["edit_*"], writes=False)
    token = client.headers["authorization"].split()[1]
    (key,) = keys.all()
    assert token not in repr(key)
    assert key.digest not in json.dumps(key.to_dict())
    assert keys.find(token) == key
    assert keys.find(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert (key.covers("north", "edit_course"), key.covers("north", "end_course")) == (True, False)
