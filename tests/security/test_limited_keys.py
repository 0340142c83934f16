"""Attacks with a limited API key: what is not its business is as if it were not there."""

from collections.abc import Mapping
from typing import Any

import pytest
from celery.app.task import Context

from producers.intake.submitter import Submitter
from tests.unit import conftest as memory
from tests.unit.producers import conftest as door
from tests.unit.producers.gateway import conftest as http
from tests.unit.producers.gateway.conftest import AskWith
from tests.unit.stage import Stage, said
from worker.broker.foreign_task import ForeignTask
from worker.classin.operation import MASK
from worker.config.settings import Settings

#: A gateway that knows two schools, with a ledger and a broker in memory.
clock, redis, ledger = memory.clock, memory.redis, memory.ledger
settings, queues, stage, two_schools = (
    memory.settings,
    memory.queues,
    memory.stage,
    door.two_schools,
)
keys, audit, gateway, ask_with = http.keys, http.audit, http.gateway, http.ask_with

#: Limits of a key, with what is beyond them.
BEYOND_SCHOOL: tuple[Mapping[str, Any], str, str] = (
    {"schools": ["main"]},
    "north",
    "rename_folder",
)
BEYOND_KIND: tuple[Mapping[str, Any], str, str] = ({"kinds": ["rename_*"]}, "main", "del_folder")
BEYOND = pytest.mark.parametrize(("limits", "school", "operation"), [BEYOND_SCHOOL, BEYOND_KIND])

OWN: dict[str, Any] = {"operation": "rename_folder", "fields": {"folderId": 1, "folderName": "own"}}


def foreign(school: str, operation: str, **more: object) -> dict[str, Any]:
    """What is not the key's business."""
    fields = {"folderId": 2, "folderName": "foreign"} if operation == "rename_folder" else None
    return {
        "operation": operation, "fields": fields or {"folderId": 2}, "school": school, **more,
    }  # fmt: skip


def mixed_batch(submitter: Submitter, school: str, operation: str) -> str:
    """A batch of something foreign and, newest, something that a limited key may see."""
    receipts = submitter.submit_many([foreign(school, operation), OWN | {"school": "main"}])
    batch = receipts[0].record().batch
    assert batch is not None
    return batch


@BEYOND
def test_a_batch_that_holds_foreign_records_is_not_counted(
    ask_with: AskWith,
    two_schools: Submitter,
    limits: Mapping[str, Any],
    school: str,
    operation: str,
) -> None:
    """Who may see its newest record could read counts, source and webhook of all of it."""
    batch = mixed_batch(two_schools, school, operation)

    answer = ask_with("limited", **limits).get(f"/v1/batches/{batch}")
    unknown = ask_with("other", **limits).get("/v1/batches/unknown")

    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert answer.text.replace(batch, "unknown") == unknown.text
    assert ask_with("free").get(f"/v1/batches/{batch}").json()["total"] == 2


@BEYOND
def test_a_batch_that_holds_foreign_records_is_not_listed(
    ask_with: AskWith,
    two_schools: Submitter,
    limits: Mapping[str, Any],
    school: str,
    operation: str,
) -> None:
    """A page that is empty and has a next one would tell of them."""
    batch = mixed_batch(two_schools, school, operation)

    answer = ask_with("limited", **limits).get("/v1/operations", params={"batch": batch})

    assert answer.json() == {"operations": [], "cursor": None}


def test_a_batch_stays_hidden_when_its_foreign_records_settled_long_ago(
    ask_with: AskWith, two_schools: Submitter, stage: Stage
) -> None:
    """What it holds is remembered, not looked up by its newest records."""
    receipts = two_schools.submit_many(
        [foreign("north", "del_folder"), *[OWN | {"school": "main"}] * 3]
    )
    stage.perform(receipts[1].id, said(1))
    batch = receipts[0].record().batch

    assert ask_with("limited", schools=["main"]).get(f"/v1/batches/{batch}").status_code == 404


def test_a_batch_of_its_own_business_is_shown(ask_with: AskWith) -> None:
    """Whoever submitted it may see what became of it."""
    client = ask_with("limited", schools=["main"], kinds=["rename_*"])
    taken = client.post("/v1/batches", json=[OWN, OWN | {"school": "main"}]).json()

    answer = client.get(f"/v1/batches/{taken['batch']}")
    listed = client.get("/v1/operations", params={"batch": taken["batch"]})

    assert answer.json()["total"] == 2
    assert len(listed.json()["operations"]) == 2


@BEYOND
@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("refers", [False, True])
def test_a_foreign_record_is_waited_for_as_little_as_an_unknown_one(  # noqa: PLR0913  # fixtures, and each way
    ask_with: AskWith,
    two_schools: Submitter,
    limits: Mapping[str, Any],
    school: str,
    operation: str,
    *,
    by_key: bool,
    refers: bool,
) -> None:
    """A refusal of its own would tell that it is there, and its id."""
    receipt = two_schools.submit(**foreign(school, operation, dedup_key="night-1"))
    client = ask_with("limited", **limits)

    def told(name: str) -> tuple[int, str]:
        asked: dict[str, Any] = {**OWN, "after": [name]}
        if refers:
            asked = {**OWN, "fields": {"folderId": {"$result": name}, "folderName": "own"}}
        answer = client.post("/v1/operations", json=asked)
        assert by_key or receipt.id not in answer.text.replace(name, "")
        return answer.status_code, answer.text.replace(name, "NAME")

    assert told("night-1" if by_key else receipt.id) == told("no-such")
    assert told("no-such")[0] == 422
    assert receipt.id not in told("night-1")[1]


def test_a_dedup_key_in_use_does_not_tell_whose_it_is(
    ask_with: AskWith, two_schools: Submitter
) -> None:
    """The refusal named the record that has it."""
    receipt = two_schools.submit(**foreign("main", "del_folder", dedup_key="night-1"))
    client = ask_with("limited", kinds=["rename_*"])

    one = client.post("/v1/operations", json={**OWN, "dedup_key": "night-1"})
    many = client.post("/v1/batches", json=[{**OWN, "dedup_key": "night-1"}])

    assert (one.status_code, many.status_code) == (409, 409)
    assert receipt.id not in one.text + many.text


def test_a_dedup_key_of_another_school_is_another_key(
    ask_with: AskWith, two_schools: Submitter
) -> None:
    """It gives no receipt of the record there."""
    receipt = two_schools.submit(**foreign("north", "rename_folder", dedup_key="night-1"))
    client = ask_with("limited", schools=["main"])

    answer = client.post("/v1/operations", json={**OWN, "dedup_key": "night-1"})

    assert (answer.status_code, answer.json()["school"]) == (201, "main")
    assert answer.json()["id"] != receipt.id


def test_what_waits_does_not_tell_of_the_foreign_record_before_it(
    ask_with: AskWith, two_schools: Submitter
) -> None:
    """`waits_for` named it, with its state and when it is due."""
    lane: dict[str, Any] = {"lane": "night", "school": "main"}
    first = two_schools.submit(**foreign("main", "del_folder") | lane)
    second = two_schools.submit(**OWN | lane)
    client = ask_with("limited", kinds=["rename_*"])

    one = client.get(f"/v1/operations/{second.id}")
    page = client.get("/v1/operations")

    assert one.json()["waits_for"]["behind"] == MASK
    assert one.json()["waits_for"]["state"] is None
    assert first.id not in one.text + page.text
    free = ask_with("free").get(f"/v1/operations/{second.id}")
    assert free.json()["waits_for"]["behind"] == first.id


@pytest.mark.parametrize("path", ["", "/retry", "/cancel"])
def test_a_foreign_record_is_neither_shown_nor_changed(
    ask_with: AskWith, two_schools: Submitter, path: str
) -> None:
    """It is answered as an unknown one is."""
    receipt = two_schools.submit(**foreign("north", "rename_folder"))
    client = ask_with("limited", schools=["main"])
    method = "POST" if path else "GET"

    answer = client.request(method, f"/v1/operations/{receipt.id}{path}")
    unknown = client.request(method, f"/v1/operations/unknown{path}")

    assert answer.status_code == 404
    assert answer.text.replace(receipt.id, "unknown") == unknown.text


def test_a_message_of_another_celery_takes_no_result_of_others(
    stage: Stage, settings: Settings, two_schools: Submitter
) -> None:
    """Whoever may push onto the queue could carry any record's result into a school of his own."""
    receipt = two_schools.submit(**foreign("main", "rename_folder"))
    stage.perform(receipt.id, said(1, data=4711))
    folder = {"folderId": {"$result": receipt.id}, "folderName": "taken"}
    request = Context(id="pushed", kwargs=folder, headers={})

    entry = ForeignTask.of("rename_folder", request).submission(settings)
    stage.ledger.submit([entry])

    assert "folderId: cannot be a reference here" in entry.refused
    assert stage.perform("pushed", said(1)).sent == []
