"""What is submitted is sealed at the door, and stays so: tried again, filled in, or known."""

import json
from dataclasses import replace
from typing import Any

import pytest

from producers import result_of
from producers.intake.submitter import Submitter
from producers.retry.service import retry
from tests.unit.stage import Stage, said
from worker.broker.queue import Queues
from worker.classin.seals import Sealed
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.errors import InvalidInputError
from worker.keyring import KeyRing
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

ACCOUNT = {"telephone": "13800138000", "password": "a-secret"}
BROKEN = (
    "its sealed password cannot be opened: it was sealed for another record or field, or under"
    " another key ring: submit it anew"
)


def form_of(stage: Stage, record_id: str, code: int = 1) -> dict[str, Any]:
    """Carry a record out; gives what ClassIn was sent."""
    (request,) = stage.perform(record_id, said(code)).sent
    assert request.form is not None
    return {**request.form}


@pytest.fixture
def elsewhere(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """The door with another key ring."""
    return Submitter(replace(settings, ring=KeyRing.in_memory()), ledger, queues)


def test_the_record_has_it_sealed_and_classin_gets_it_open(
    submitter: Submitter, stage: Stage
) -> None:
    """Also when it is tried again, which seals it anew."""
    first = submitter.submit("register", ACCOUNT)
    assert form_of(stage, first.id, 137)["password"] == "a-secret"

    (second,) = retry(submitter, first.id)

    assert Sealed.read(first.record().fields["password"])
    assert second.record().fields != first.record().fields
    assert form_of(stage, second.id)["password"] == "a-secret"


def test_older_records_work_and_are_sealed_when_tried_again(
    submitter: Submitter, stage: Stage
) -> None:
    """They have their credentials plain."""
    first = stage.submit_raw("register", ACCOUNT)
    assert form_of(stage, first, 137)["password"] == "a-secret"

    (second,) = retry(submitter, first)

    assert Sealed.read(second.record().fields["password"])
    assert form_of(stage, second.id)["password"] == "a-secret"


def test_each_item_keeps_its_own(submitter: Submitter, stage: Stage) -> None:
    """The two of three that failed go again with their passwords."""
    users = [{"telephone": f"1380013800{n}", "password": f"a-secret-{n}"} for n in range(3)]
    entries = [{"errno": errno, "telephone": None} for errno in (137, 1, 137)]
    first = submitter.submit("register_multiple", {"userJson": users})
    stage.perform(first.id, said(1, data=entries))
    assert first.record().state is State.PARTIAL
    assert "a-secret" not in json.dumps(first.record().fields)
    assert [item["code"] for item in first.record().to_dict()["items"]] == [137, 1, 137]

    (second,) = retry(submitter, first.id)

    assert json.loads(form_of(stage, second.id)["userJson"]) == [users[0], users[2]]


def test_another_key_ring_opens_nothing(
    submitter: Submitter, elsewhere: Submitter, stage: Stage
) -> None:
    """Nothing is sent; the record says what to do, and so does trying it again."""
    first = submitter.submit("register", ACCOUNT)
    stage.seals = FieldCipher(KeyRing.in_memory())

    classin = stage.perform(first.id, said(1))

    record = first.record()
    assert (classin.sent, record.attempts) == ([], ())
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert record.message == BROKEN
    with pytest.raises(InvalidInputError) as refused:
        retry(elsewhere, first.id)
    assert [fault.what for fault in refused.value.faults] == [BROKEN]


def test_what_another_celery_sent_is_checked_when_it_is_opened(stage: Stage) -> None:
    """A password that is too short is refused, though its record has it sealed."""
    fields = stage.seals.sealed("register", {**ACCOUNT, "password": "abc"}, "main", "short")
    short = stage.submit_raw("register", fields, id="short")

    assert stage.perform(short, said(1)).sent == []

    record = stage.ledger.find(short)
    assert record.reason is Reason.REFUSED
    assert str(record.message).startswith("password: should have at least 6")


def test_what_may_have_been_done_is_uncertain_under_another_key_ring(
    submitter: Submitter, stage: Stage
) -> None:
    """A request had gone out before the key ring was lost, and nobody read the reply."""
    first = submitter.submit("register", ACCOUNT)
    stage.perform(first.id, said(104))
    assert first.record().unread
    stage.seals = FieldCipher(KeyRing.in_memory())

    record = stage.carry_on(first.id, said(1))

    assert record.state is State.UNCERTAIN
    assert str(record.message).startswith(BROKEN)


def test_what_needs_no_credential_is_mended_under_another_key_ring(
    submitter: Submitter, elsewhere: Submitter, stage: Stage
) -> None:
    """The follow-up only names the account."""
    partial = submitter.submit("register", {**ACCOUNT, "addToSchoolMember": 1})
    stage.perform(partial.id, said(820, data=4711))

    (mend,) = retry(elsewhere, partial.id, mend=True)

    assert mend.record().operation == "add_school_student"


def test_a_reference_beside_it_is_filled_in_and_it_stays_sealed(
    submitter: Submitter, stage: Stage
) -> None:
    """Before the request goes out the record gets the fields that it went out with."""
    first = submitter.submit("register", ACCOUNT)
    change = {"uid": result_of(first), "oldMd5pass": "0" * 32, "password": "b-secret"}
    second = submitter.submit("modify_password", change)
    stage.perform(first.id, said(1, data=4711))

    form = form_of(stage, second.id)

    assert (form["uid"], form["oldMd5pass"], form["password"]) == ("4711", "0" * 32, "b-secret")
    fields = second.record().fields
    assert fields["uid"] == 4711
    assert Sealed.read(fields["oldMd5pass"])
    assert Sealed.read(fields["password"])


def test_the_same_again_is_known_though_no_seal_is_like_another(
    submitter: Submitter, two_schools: Submitter
) -> None:
    """With another password it is something else; none can be guessed from what is compared."""
    first = submitter.submit("register", ACCOUNT, dedup_key="ada")

    assert submitter.submit("register", ACCOUNT, dedup_key="ada").id == first.id
    with pytest.raises(InvalidInputError, match="something else"):
        submitter.submit("register", {**ACCOUNT, "password": "b-secret"}, dedup_key="ada")
    there = two_schools.submit("register", ACCOUNT, dedup_key="ada", school="north")
    assert there.id != first.id
