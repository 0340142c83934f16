"""Attacks on sealed values: it opens in one field of one record of one school, and here only."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from celery.app.task import Context
from redis import Redis

from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from producers.retry.edits import Setting
from producers.retry.service import retry
from producers.retry.submissions import RetryBuilder, RetryOptions
from tests.unit import conftest as memory
from tests.unit.producers import conftest as door
from tests.unit.producers.gateway import conftest as http
from tests.unit.producers.gateway.conftest import AskWith
from tests.unit.stage import SCHOOL, Stage, said
from worker.broker.foreign_task import ForeignTask
from worker.classin.catalogue import read
from worker.config.settings import Settings
from worker.errors import ValidationError
from worker.ledger.states import Reason, State

#: A gateway, with a ledger and a broker in memory.
clock, redis, ledger = memory.clock, memory.redis, memory.ledger
settings, queues, stage = memory.settings, memory.queues, memory.stage
submitter, two_schools = door.submitter, door.two_schools
keys, audit, gateway, ask_with = http.keys, http.audit, http.gateway, http.ask_with

ADA = {"telephone": "13800138001", "password": "canary-secret-1"}
BOB = {"telephone": "13800138002", "password": "canary-secret-2"}
MD5, OTHER_MD5 = "0" * 32, "1" * 32


def fields_of(redis: Redis, record_id: str) -> dict[str, Any]:
    """What lies in Redis."""
    fields: dict[str, Any] = json.loads(str(redis.hget(f"classin:op:{record_id}", "fields")))
    return fields


def tamper(redis: Redis, record_id: str, fields: Mapping[str, Any]) -> None:
    """Write other fields into a record by hand."""
    redis.hset(f"classin:op:{record_id}", "fields", json.dumps(fields))


def refused(stage: Stage, record_id: str) -> str:
    """Carry a record out, which must not be sent; gives why."""
    classin = stage.perform(record_id, said(1))
    record = stage.ledger.find(record_id)
    assert classin.sent == []
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    return str(record.message)


def test_a_seal_copied_to_another_record_does_not_open(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """Who writes Redis could set his own account to somebody's password, and then use it."""
    ada, bob = (submitter.submit("register", each).id for each in (ADA, BOB))
    stolen = fields_of(redis, ada)["password"]
    tamper(redis, bob, {**fields_of(redis, bob), "password": stolen})

    assert "its sealed password cannot be opened" in refused(stage, bob)


def test_a_seal_copied_to_another_field_does_not_open(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """The old password would become the new one."""
    change = {"uid": 4711, "oldMd5pass": MD5, "md5pass": OTHER_MD5}
    receipt = submitter.submit("modify_password", change)
    held = fields_of(redis, receipt.id)
    tamper(redis, receipt.id, {**held, "md5pass": held["oldMd5pass"]})

    assert "its sealed md5pass cannot be opened" in refused(stage, receipt.id)


def test_a_seal_copied_to_another_item_does_not_open(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """Two pupils of one list would change passwords."""
    receipt = submitter.submit("register_multiple", {"userJson": [ADA, BOB]})
    held = fields_of(redis, receipt.id)
    one, two = held["userJson"]
    one["password"], two["password"] = two["password"], one["password"]
    tamper(redis, receipt.id, held)

    assert "its sealed userJson.0.password cannot be opened" in refused(stage, receipt.id)


def test_a_record_moved_to_another_school_does_not_open(
    two_schools: Submitter, stage: Stage, redis: Redis
) -> None:
    """That school's ClassIn would be told a password of this one."""
    receipt = two_schools.submit("register", ADA, school="main")
    redis.hset(f"classin:op:{receipt.id}", "school", "north")
    stage.schools = {"main": SCHOOL, "north": replace(SCHOOL, name="north")}

    assert "its sealed password cannot be opened" in refused(stage, receipt.id)


def test_a_seal_of_before_opens_nothing_in_a_retry(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """A retry is another record: it is sealed anew, for itself."""
    first = submitter.submit("register", ADA)
    stage.perform(first.id, said(137))
    (second,) = retry(submitter, first.id)
    held = fields_of(redis, second.id)
    assert held["password"] != fields_of(redis, first.id)["password"]

    tamper(redis, second.id, {**held, "password": fields_of(redis, first.id)["password"]})

    assert "its sealed password cannot be opened" in refused(stage, second.id)


def test_a_retry_of_some_items_seals_them_for_their_new_places(
    submitter: Submitter, stage: Stage
) -> None:
    """Else what is bound to a place would be lost."""
    receipt = submitter.submit("register_multiple", {"userJson": [BOB, ADA]})
    stage.perform(receipt.id, said(1, data=[{"errno": 1, "data": 1}, {"errno": 137}]))

    (second,) = retry(submitter, receipt.id)
    (request,) = stage.perform(second.id, said(1)).sent

    assert request.form is not None
    assert json.loads(str(request.form["userJson"])) == [ADA]


def by_name(submitter: Submitter, fields: Mapping[str, Any]) -> None:
    """From Python, by name."""
    submitter.submit("register", fields)


def by_object(submitter: Submitter, fields: Mapping[str, Any]) -> None:
    """From Python, as an object."""
    submitter.submit(read("register", fields))


def in_a_batch(submitter: Submitter, fields: Mapping[str, Any]) -> None:
    """As a line of JSONL, a row of a sheet, or a command of a job."""
    submitter.submit_many([SubmitRequest.read({"operation": "register", "fields": fields})])


def in_a_list(submitter: Submitter, fields: Mapping[str, Any]) -> None:
    """As JSON text, as on a command line."""
    submitter.submit("register_multiple", {"userJson": json.dumps([fields])})


@pytest.mark.parametrize("way", [by_name, by_object, in_a_batch, in_a_list])
def test_nothing_is_taken_that_comes_sealed(
    submitter: Submitter,
    redis: Redis,
    way: Callable[[Submitter, Mapping[str, Any]], None],
) -> None:
    """A submitter who reads records could have somebody's password sent for an account of his."""
    ada = submitter.submit("register", ADA).id
    stolen = fields_of(redis, ada)["password"]

    with pytest.raises(ValidationError, match=r"password: should be given as it is"):
        way(submitter, {**BOB, "password": stolen})

    assert len(list(redis.scan_iter("classin:op:*"))) == 1


def test_a_gateway_takes_nothing_that_comes_sealed(ask_with: AskWith) -> None:
    """As above, with an API key."""
    fields = {**BOB, "password": {"$sealed": "canary"}}

    answer = ask_with().post("/v1/operations", json={"operation": "register", "fields": fields})

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/fields/password"]
    assert "canary" not in answer.text


def test_another_celery_sends_nothing_that_is_sealed(stage: Stage, settings: Settings) -> None:
    """As above, by whoever may push onto the queue."""
    request = Context(id="pushed", kwargs={**BOB, "password": {"$sealed": "canary"}}, headers={})

    entry = ForeignTask.of("register", request).submission(settings)
    stage.ledger.submit([entry])

    assert "password: should be given as it is" in entry.refused
    assert stage.perform("pushed", said(1)).sent == []
    assert "canary" not in str(entry)


def test_a_retry_sets_nothing_that_comes_sealed(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """`--set password=` with what lies in another record."""
    ada, bob = (submitter.submit("register", each) for each in (ADA, BOB))
    stage.perform(bob.id, said(137))
    stolen = Setting("password", fields_of(redis, ada.id)["password"])

    options = RetryOptions(settings=[stolen])
    with pytest.raises(ValidationError, match="should be given as it is"):
        RetryBuilder(stage.ledger, submitter.builder, options).of(bob.record())


def test_a_schools_secret_opens_no_seal(submitter: Submitter, stage: Stage) -> None:
    """ClassIn's back office has it; and changing it loses no password that waits."""
    receipt = submitter.submit("register", ADA)
    stage.schools = {"main": replace(SCHOOL, secret="another-secret")}

    (request,) = stage.perform(receipt.id, said(1)).sent

    assert request.form is not None
    assert request.form["password"] == ADA["password"]
