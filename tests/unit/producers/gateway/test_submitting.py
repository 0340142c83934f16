"""Operations are handed in over HTTP, once, with every fault named."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.unit.producers.gateway.conftest import AskWith
from worker.ledger.audit import Audit
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

FOLDER: dict[str, Any] = {
    "operation": "create_folder",
    "fields": {"folderId": 747759, "folderName": "tools"},
    "school": "main",
}


def pointers(client: TestClient, body: object) -> tuple[int, list[str]]:
    """Hand something wrong in; gives the status and where the faults are."""
    answer = client.post("/v1/operations", json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, [each["pointer"] for each in answer.json()["errors"]]


def test_one_operation_is_recorded(sis: TestClient, ledger: RedisLedger) -> None:
    """The answer says where to look for it."""
    answer = sis.post("/v1/operations", json=FOLDER)

    assert answer.status_code == 201
    record = ledger.find(answer.json()["id"])
    assert (record.operation, record.source, record.batch) == ("create_folder", "http", None)
    assert sis.get(answer.headers["location"]).json()["state"] == "queued"


def test_a_list_is_a_batch(sis: TestClient) -> None:
    """All of it is counted together."""
    answer = sis.post("/v1/operations", json=[FOLDER, FOLDER])

    assert answer.status_code == 202
    assert len(answer.json()["operations"]) == 2
    counted = sis.get(answer.headers["location"]).json()
    assert (counted["states"], counted["total"], counted["done"]) == (
        {"queued": 1, "blocked": 1}, 2, False,
    )  # fmt: skip


def test_lines_of_json_are_a_batch(sis: TestClient) -> None:
    """Empty lines are passed over."""
    lines = f"{json.dumps(FOLDER)}\n\n{json.dumps(FOLDER)}\n"
    kind = {"content-type": "application/jsonl"}

    answer = sis.post("/v1/batches", content=lines, headers=kind)

    assert answer.status_code == 202
    assert len(answer.json()["operations"]) == 2


def test_every_fault_is_named(sis: TestClient, ledger: RedisLedger) -> None:
    """By a pointer into what was handed in; nothing is submitted then."""
    edit = {"operation": "edit_course", "fields": {"courseName": "x" * 41}, "school": "main"}

    assert pointers(sis, edit) == (422, ["#/fields/courseId", "#/fields/courseName"])
    assert pointers(sis, [FOLDER, {**FOLDER, "school": "south", "lanes": 1}, 7]) == (
        422, ["#/1/lanes", "#/2"],
    )  # fmt: skip
    assert pointers(sis, {**FOLDER, "school": "south"}) == (422, ["#/school"])
    assert pointers(sis, {**FOLDER, "operation": "create_folders"}) == (422, ["#/operation"])
    assert ledger.page(Filter(), 10).records == []


def test_the_same_key_changes_nothing(sis: TestClient, ledger: RedisLedger) -> None:
    """The same answer comes again, for one operation as for a list."""
    for body in (FOLDER, [FOLDER, {**FOLDER, "school": "north"}]):
        header = {"idempotency-key": f"import-{isinstance(body, list)}"}
        first = sis.post("/v1/operations", json=body, headers=header)

        again = sis.post("/v1/operations", json=body, headers=header)

        assert first.status_code in {201, 202}
        assert again.status_code == 200
        assert again.json() == first.json()
    assert len(ledger.page(Filter(), 10).records) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FOLDER, {**FOLDER, "fields": {"folderId": 1, "folderName": "tools"}}),
        (FOLDER, [FOLDER]),
        ([FOLDER], FOLDER),
        ([FOLDER], [FOLDER, FOLDER]),
        ([FOLDER, FOLDER], [FOLDER]),
    ],
)
def test_the_same_key_stands_for_nothing_else(
    sis: TestClient, ledger: RedisLedger, first: object, second: object
) -> None:
    """Another body under it is a conflict."""
    header = {"idempotency-key": "import"}
    sis.post("/v1/operations", json=first, headers=header)
    before = len(ledger.page(Filter(), 10).records)

    assert sis.post("/v1/operations", json=second, headers=header).status_code == 409
    assert len(ledger.page(Filter(), 10).records) == before


def test_an_idempotency_key_is_a_name(sis: TestClient) -> None:
    """And takes the place of a dedup key."""
    for header, body in (("x" * 250, FOLDER), ("k", {**FOLDER, "dedup_key": "d"})):
        answer = sis.post("/v1/operations", json=body, headers={"idempotency-key": header})
        assert answer.status_code == 422


def test_a_list_longer_than_a_call_becomes_a_batch(sis: TestClient) -> None:
    """Thirty students go into one call."""
    students = [{"uid": 1_000_000 + n} for n in range(40)]
    fields = {"courseId": 414193, "identity": 1, "studentJson": students}
    asked = {"operation": "add_course_student_multiple", "fields": fields, "school": "main"}

    answer = sis.post("/v1/operations", json=asked)

    assert (answer.status_code, len(answer.json()["operations"])) == (202, 2)


@pytest.mark.parametrize(
    "where",
    ["@/etc/passwd", "@file:///etc/passwd", "@http://files.example/a.jpg", "@https://other/a.jpg",
     "@https://files.example@other/a.jpg", "@s3://files.example/a.jpg"],
)  # fmt: skip
def test_no_file_of_this_machine_goes_out(sis: TestClient, where: str) -> None:
    """Files come over https, from hosts that the settings name."""
    described = {"name": "a.jpg", "size": 1, "sha256": "0" * 64, "at": where[1:]}
    for value in (where, described):
        fields = {"courseId": 352861, "filedata": value}
        asked = {"operation": "edit_course", "fields": fields, "school": "main"}
        answer = sis.post("/v1/operations", json=asked)
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert "files.example" in error["detail"]


def test_who_changes_something_is_in_the_audit_trail(sis: TestClient, audit: Audit) -> None:
    """By the name of the key; a question, or what is refused for its key, leaves no trace."""
    receipt = sis.post("/v1/operations", json=FOLDER).json()
    place = f"/v1/operations/{receipt['id']}"
    sis.get(place)
    sis.post(f"{place}/cancel")
    sis.post(f"{place}/retry")

    assert [(each.who, each.what, each.ids) for each in audit.deeds(9)] == [
        ("key sis", "retry", (receipt["id"],)),
        ("key sis", "cancel", (receipt["id"],)),
    ]


def test_a_retry_and_a_cancellation(sis: TestClient) -> None:
    """What is called off can be tried again, and what is done cannot be called off."""
    place = sis.post("/v1/operations", json=FOLDER).headers["location"]
    assert sis.post(f"{place}/retry").status_code == 409

    cancelled = sis.post(f"{place}/cancel")
    again = sis.post(f"{place}/retry")

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert again.status_code == 201
    (operation,) = again.json()["operations"]
    assert sis.get(place).json()["retried_by"] == operation["id"]
    twice = sis.post(f"{place}/retry")
    assert (twice.status_code, operation["id"] in twice.json()["detail"]) == (409, True)


def test_what_is_personal_is_masked(sis: TestClient) -> None:
    """In answers as on the command line, and in what is said of faults."""
    fields = {"telephone": "13912345678", "password": "secret-word", "nickname": "Ada"}
    asked = {"operation": "register", "fields": fields, "school": "main"}

    place = sis.post("/v1/operations", json=asked).headers["location"]
    asked["fields"] = {**fields, "telephone": "1391234567890123"}
    wrong = sis.post("/v1/operations", json=asked)

    for text in (sis.get(place).text, sis.get("/v1/operations").text, wrong.text):
        assert "secret-word" not in text
        assert "13912345" not in text


def test_a_key_may_ask_for_what_it_is_for(ask_with: AskWith) -> None:
    """Other schools, other kinds, and the other direction are refused."""
    north = ask_with("north", schools=["north"], kinds=["create_*"])
    everything = ask_with("all")
    main = everything.post("/v1/operations", json=FOLDER).json()["id"]
    mine = north.post("/v1/operations", json={**FOLDER, "school": None})

    assert mine.json()["school"] == "north"
    assert north.post("/v1/operations", json=FOLDER).status_code == 403
    edit = {"operation": "edit_course", "fields": {"courseId": 1}, "school": "north"}
    assert north.post("/v1/operations", json=[edit]).status_code == 403
    assert north.get(f"/v1/operations/{main}").status_code == 404
    assert north.post(f"/v1/operations/{main}/cancel").status_code == 404
    listed = north.get("/v1/operations").json()["operations"]
    assert [each["id"] for each in listed] == [mine.json()["id"]]
    waiting = {**FOLDER, "school": "north", "after": [main]}
    assert north.post("/v1/operations", json=waiting).status_code == 422


def test_a_key_reads_or_writes(ask_with: AskWith) -> None:
    """As it was made."""
    reads, writes = ask_with("r", writes=False), ask_with("w", reads=False)
    assert reads.post("/v1/operations", json=FOLDER).status_code == 403
    place = writes.post("/v1/operations", json=FOLDER).headers["location"]
    assert writes.get(place).status_code == 403
    assert reads.post(f"{place}/cancel").status_code == 403
    assert reads.get(place).status_code == 200
