"""What became of operations is told over HTTP: at once, when it settles, and as it happens."""

import re
import threading

from fastapi.testclient import TestClient

from producers.gateway.health import judged
from tests.unit.clock import Clock
from tests.unit.ledger.hands import ENTRY, entry, settled
from worker.classin.catalogue import CATALOGUE
from worker.ledger.store import RedisLedger
from worker.ledger.types import QueueHealth


def test_a_question_waits_until_it_is_settled(sis: TestClient, ledger: RedisLedger) -> None:
    """It is answered as soon as that is so."""
    ledger.submit([ENTRY])
    worker = threading.Timer(0.1, settled, [ledger])
    worker.start()

    answer = sis.get("/v1/operations/a?wait=60")

    worker.join()
    assert answer.json()["state"] == "succeeded"


def test_a_question_waits_no_longer_than_asked(sis: TestClient, ledger: RedisLedger) -> None:
    """Then it tells how things are."""
    ledger.submit([ENTRY])

    assert sis.get("/v1/operations/a?wait=0.05").json()["state"] == "queued"
    assert sis.get("/v1/operations/a?wait=61").status_code == 422


def test_a_list_goes_on_where_it_ended(sis: TestClient, ledger: RedisLedger) -> None:
    """Filters combine, and the cursor leads to the next page."""
    ledger.submit([entry("a"), entry("b"), entry("c")])
    settled(ledger, "b")

    first = sis.get("/v1/operations", params={"limit": 2}).json()
    second = sis.get("/v1/operations", params={"limit": 2, "cursor": first["cursor"]}).json()
    chosen = sis.get("/v1/operations", params={"state": "succeeded", "since": "2026-01-01"}).json()

    assert [each["id"] for each in first["operations"]] == ["c", "b"]
    assert ([each["id"] for each in second["operations"]], second["cursor"]) == (["a"], None)
    assert [each["id"] for each in chosen["operations"]] == ["b"]


def test_all_that_is_wrong_with_a_question_is_told(sis: TestClient) -> None:
    """By the names of its parameters."""
    for query, wrong in (
        ("state=done&limit=0", ["state", "limit"]),
        ("operation=edit_curse&since=soon", ["operation", "since"]),
    ):
        answer = sis.get(f"/v1/operations?{query}")
        assert answer.status_code == 422
        assert [each["parameter"] for each in answer.json()["errors"]] == wrong
    assert sis.get("/v1/operations?cursor=x").status_code == 422


def test_the_catalogue_has_all_operations(sis: TestClient) -> None:
    """With what `classin ops` says of them."""
    found = sis.get("/v1/catalogue").json()["operations"]
    assert [each["name"] for each in found] == [*CATALOGUE]
    assert {"name", "fields", "rules", "codes", "example"} <= found[0].keys()


def test_the_description_types_all_operations(gateway: TestClient) -> None:
    """By the word `operation`, each with its own fields; nobody needs a key to read it."""
    said = gateway.get("/openapi.json").json()
    schemas = said["components"]["schemas"]
    mapping = schemas["Operation"]["discriminator"]["mapping"]
    assert mapping.keys() == CATALOGUE.keys()
    edit = schemas[mapping["edit_course"].rpartition("/")[2]]
    fields = schemas[edit["properties"]["fields"]["$ref"].rpartition("/")[2]]
    assert fields["required"] == ["courseId"]
    assert set(_references(said)) <= {f"#/components/schemas/{name}" for name in schemas}
    page = gateway.get("/docs").text
    assert "openapi.json" in gateway.get("/docs/start.js").text
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(links) == 4
    assert all(gateway.get(f"/{link}").status_code == 200 for link in links)


def _references(said: object) -> list[str]:
    if isinstance(said, dict):
        own = [said["$ref"]] if isinstance(said.get("$ref"), str) else []
        return own + [found for each in said.values() for found in _references(each)]
    return [found for each in said for found in _references(each)] if isinstance(said, list) else []


def test_health_needs_no_key(gateway: TestClient, ledger: RedisLedger, clock: Clock) -> None:
    """Nothing to do is no trouble."""
    assert gateway.get("/healthz").json()["status"] == "ok"
    del ledger, clock


def test_stuck_is_what_is_due_while_nothing_settles() -> None:
    """A long queue is none, nor is work that has just become due."""
    now = 1_800_000_000_000
    for due, settled_at, workers, stuck in (
        (None, None, 0, False),
        (now - 1_000, None, 0, False),
        (now - 300_000, None, 1, True),
        (now - 300_000, now - 1_000, 1, False),
        (now - 300_000, now - 1_000, 0, True),
        (now - 300_000, now - 200_000, 1, True),
    ):
        pulse = QueueHealth(now=now, oldest_due=due, last_settled=settled_at, workers=workers)
        assert judged(pulse, 120).stuck is stuck
