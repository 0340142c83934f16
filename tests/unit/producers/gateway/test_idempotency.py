"""An Idempotency-Key stands for one request of one API key, however often that comes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from redis import Redis

from producers import Submitter
from producers.gateway.idempotency import IdempotencyKey
from producers.gateway.problems import ProblemError
from producers.gateway.request_body import Asked
from producers.gateway.service import GatewayService
from tests.unit.clock import Clock
from tests.unit.producers.gateway.conftest import AskWith
from tests.unit.stage import RING, SCHOOL
from worker.config.settings import Settings
from worker.errors import UnavailableError
from worker.ledger.api_keys import ApiKey
from worker.ledger.audit import Audit
from worker.ledger.batch import BatchInfo
from worker.ledger.pruner import Pruner, Retention
from worker.ledger.record import Submission
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, InlineQueue, SubmitResult

FOLDER: dict[str, Any] = {
    "operation": "create_folder",
    "fields": {"folderId": 747759, "folderName": "tools"},
    "school": "main",
}
#: More than a call of the API carries.
STUDENTS: dict[str, Any] = {
    "operation": "add_course_student_multiple",
    "fields": {
        "courseId": 414193,
        "identity": 1,
        "studentJson": [{"uid": n} for n in range(1, 41)],
    },
    "school": "main",
}
ONCE = {"idempotency-key": "import"}
KEY = ApiKey(prefix="12345678", name="sis", digest="")


class BreaksOff(RedisLedger):
    """A ledger that takes in some of what it is given, and is away then."""

    takes = 7

    def submit(
        self, submissions: Sequence[Submission], mailbox: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record the first, and no more."""
        super().submit(submissions[: self.takes], mailbox)
        raise UnavailableError("Redis is away")


def folders(number: int) -> list[dict[str, Any]]:
    """So many folders, all of other names."""
    return [{**FOLDER, "fields": {"folderId": 1, "folderName": f"n{n}"}} for n in range(number)]


def desk(settings: Settings, ledger: RedisLedger, audit: Audit) -> GatewayService:
    """A desk over a ledger."""
    settings = replace(settings, schools={"main": SCHOOL})
    return GatewayService(settings, ledger, Submitter(settings, ledger), audit)


def number(ledger: RedisLedger) -> int:
    """How many records there are."""
    return len(ledger.page(Filter(), 99).records)


def test_what_broke_off_goes_on_where_it_was(
    settings: Settings, ledger: RedisLedger, audit: Audit, redis: Redis
) -> None:
    """Wherever that is: it stays one batch, and is never refused."""
    asked = Asked(folders(10), is_list=True)
    with pytest.raises(UnavailableError):
        desk(settings, BreaksOff(redis, keyring=settings.keyring), audit).submit(
            KEY, asked, "import"
        )
    (batch,) = {each.batch for each in ledger.page(Filter(), 99).records}

    taken = desk(settings, ledger, audit).submit(KEY, asked, "import")
    again = desk(settings, ledger, audit).submit(KEY, asked, "import")

    assert (taken.batch, taken.new, again.new) == (batch, True, False)
    assert taken.operations == again.operations
    names = [each.fields["folderName"] for each in ledger.page(Filter(batch=batch), 99).records]
    assert names[::-1] == [f"n{n}" for n in range(10)]


def test_what_broke_off_is_not_taken_over_by_another_body(
    settings: Settings, ledger: RedisLedger, audit: Audit, redis: Redis
) -> None:
    """Though that begins with the same operations."""
    with pytest.raises(UnavailableError):
        desk(settings, BreaksOff(redis, keyring=settings.keyring), audit).submit(
            KEY, Asked(folders(10), is_list=True), "import"
        )

    for other in (folders(7), folders(11)):
        with pytest.raises(ProblemError) as refused:
            desk(settings, ledger, audit).submit(KEY, Asked(other, is_list=True), "import")
        assert refused.value.status == 409
    assert number(ledger) == 7


@pytest.mark.parametrize("body", [FOLDER, folders(2)])
def test_two_api_keys_do_not_meet(ask_with: AskWith, ledger: RedisLedger, body: object) -> None:
    """Each has its own names, of single operations and of lists."""
    one, other = ask_with("one"), ask_with("other")

    first = one.post("/v1/operations", json=body, headers=ONCE)
    second = other.post("/v1/operations", json=body, headers=ONCE)
    third = other.post("/v1/operations", json=[FOLDER, FOLDER, FOLDER], headers=ONCE)

    assert (first.status_code, first.status_code) == (second.status_code, second.status_code)
    assert second.is_success
    assert first.json() != second.json()
    assert third.status_code == 409
    assert number(ledger) == 2 * (len(body) if isinstance(body, list) else 1)


def test_a_dedup_key_is_no_idempotency_key(sis: TestClient, ledger: RedisLedger) -> None:
    """Those of a school are for all who submit to it."""
    sis.post("/v1/operations", json=FOLDER, headers=ONCE)
    sis.post("/v1/operations", json=folders(2), headers={"idempotency-key": "list"})

    for name in ("import", "import:1", "list", "list:1"):
        answer = sis.post("/v1/operations", json={**FOLDER, "dedup_key": name})
        assert answer.status_code == 201, name
    assert number(ledger) == 7


@pytest.mark.parametrize(
    "more",
    [
        {"lane": "import"},
        {"priority": "high"},
        {"school": "north"},
        {"if_exists": "accept"},
        {"lane_on_failure": "stop"},
    ],
)
def test_what_is_said_besides_is_part_of_the_request(
    sis: TestClient, ledger: RedisLedger, more: dict[str, str]
) -> None:
    """Of a single operation and of a list, wherever in it."""
    for first, second in ((FOLDER, {**FOLDER, **more}), ([FOLDER] * 2, [FOLDER, FOLDER | more])):
        header = {"idempotency-key": f"import {isinstance(first, list)}"}
        assert sis.post("/v1/operations", json=first, headers=header).is_success
        assert sis.post("/v1/operations", json=second, headers=header).status_code == 409
    assert number(ledger) == 3


def test_it_does_not_matter_how_it_is_spelt(sis: TestClient) -> None:
    """The same is asked for."""
    fields = {"folder_id": "747759", "folder_name": "tools"}
    spelt = {"school": "main", "fields": fields, "operation": "create_folder"}

    first = sis.post("/v1/operations", json=FOLDER, headers=ONCE)
    again = sis.post("/v1/operations", json=spelt, headers=ONCE)

    assert (again.status_code, again.json()) == (200, first.json())


def test_one_operation_of_several_calls_is_taken_once(sis: TestClient, ledger: RedisLedger) -> None:
    """It is a batch, and its key stands for all of it."""
    first = sis.post("/v1/operations", json=STUDENTS, headers=ONCE)
    again = sis.post("/v1/operations", json=STUDENTS, headers=ONCE)

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()
    assert number(ledger) == 2


def test_a_batch_that_was_pruned_is_known_still(
    sis: TestClient, ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """The answer is the same; nothing is recorded, and nothing stays of the batch."""
    first = sis.post("/v1/operations", json=folders(2), headers=ONCE)
    for each in first.json()["operations"]:
        ledger.cancel(each["id"])
    Pruner(redis, RING, clock.millis).run(Retention(-1, -1), clock.ms, who="ada")

    again = sis.post("/v1/operations", json=folders(2), headers=ONCE)
    other = sis.post("/v1/operations", json=folders(3), headers=ONCE)

    assert (again.status_code, again.json()) == (200, first.json())
    assert other.status_code == 409
    assert number(ledger) == 0
    assert redis.keys("classin:batch*") == []


def test_a_batch_that_another_request_has_just_begun_is_left_alone(
    settings: Settings, ledger: RedisLedger, audit: Audit
) -> None:
    """Though none of its operations is there yet."""
    batch = IdempotencyKey("import", KEY.prefix).batch(settings.keyring.mark)
    begun = BatchInfo(source="http", asks="something else")
    ledger.batches.open(batch, begun)

    with pytest.raises(ProblemError) as refused:
        desk(settings, ledger, audit).submit(KEY, Asked(folders(2), is_list=True), "import")

    assert refused.value.status == 409
    assert number(ledger) == 0
    known = ledger.batches.info(batch)
    assert known is not None
    assert known.asks == begun.asks
