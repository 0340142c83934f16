"""Attacks on masks: what is masked where it came from is to come back by no other way."""

import json
import logging

import pytest
from redis import Redis

from producers.intake.submitter import Submitter
from producers.oneroster.applying.results import _told_of_items
from producers.retry.edits import Setting
from producers.retry.submissions import RetryBuilder, RetryOptions
from tests.unit import conftest as memory
from tests.unit.producers import conftest as door
from tests.unit.stage import Stage, said
from worker.classin.catalogue import read
from worker.classin.masking import hidden_values, scrubbed
from worker.classin.operations.courses import EditCourse
from worker.classin.response import Reply
from worker.errors import InvalidOperationError
from worker.ledger.record import Record, Submission
from worker.ledger.states import Reason, State

#: A ledger and a broker in memory, and a door to them.
clock, redis, ledger = memory.clock, memory.redis, memory.ledger
settings, queues, stage, submitter = memory.settings, memory.queues, memory.stage, door.submitter

PHONE, NAME, PASSWORD = "13800138777", "Canary Quill", "canary-secret-1"
LINK = f"classin://open?telephone={PHONE}"

ACCOUNT = {"telephone": PHONE, "nickname": NAME, "password": PASSWORD}

#: What ClassIn tells of the account, under names that are masked.
TOLD = Reply(200, 1, "", {"data": {"telephone": PHONE, "nickname": NAME, "uid": 4711}})


def everything(record: Record) -> str:
    """What any reader may see of a record."""
    shown = json.dumps([record.to_dict(), repr(record)], ensure_ascii=False)
    return f"{shown} {record.message} {[each.message for each in record.attempts]}"


def register(submitter: Submitter, stage: Stage) -> str:
    """Register somebody; gives the record whose result is masked in parts."""
    receipt = submitter.submit("register", ACCOUNT)
    stage.perform(receipt.id, TOLD)
    return receipt.id


@pytest.mark.parametrize("path", ["data.telephone", "data.nickname"])
def test_a_masked_value_does_not_come_back_through_a_course_name(
    submitter: Submitter, stage: Stage, path: str
) -> None:
    """Whoever may submit could read it there, in the record and in ClassIn's list of courses."""
    source = register(submitter, stage)
    name = {"$result": source, "path": path}
    receipt = submitter.submit("edit_course", {"courseId": 352861, "courseName": name})

    classin = stage.perform(receipt.id, said(1))

    record = receipt.record()
    assert classin.sent == []
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert str(record.message).startswith(f"courseName: {source} keeps what is at {path} masked")
    assert PHONE not in everything(record)
    assert NAME not in everything(record)
    assert record.fields["courseName"] == name


def test_a_masked_value_does_not_come_back_within_a_list(
    submitter: Submitter, stage: Stage
) -> None:
    """A whole part of an answer could carry it into items that are shown."""
    source = register(submitter, stage)
    students = [{"uid": {"$result": source, "path": "data.telephone"}}]
    receipt = submitter.submit(
        "add_course_student_multiple",
        {"courseId": 352861, "identity": 1, "studentJson": students},
    )

    assert stage.perform(receipt.id, said(1)).sent == []
    assert PHONE not in everything(receipt.record())


def test_a_fault_does_not_quote_a_masked_value(submitter: Submitter, stage: Stage) -> None:
    """A field of the wrong kind would say what it got: `should be a whole number; got '...'`."""
    source = register(submitter, stage)
    course = {"$result": source, "path": "data.nickname"}
    receipt = submitter.submit("edit_course", {"courseId": course, "courseName": "Spring"})

    stage.perform(receipt.id, said(1))

    assert receipt.record().state is State.FAILED
    assert NAME not in everything(receipt.record())


def test_a_private_answer_does_not_come_back(submitter: Submitter, stage: Stage) -> None:
    """A login link is masked as a whole, and as a whole it could be made a folder's name."""
    link = submitter.submit("get_login_linked", {"uid": 4711, "courseId": 1, "classId": 2})
    stage.perform(link.id, said(1, data=LINK))
    receipt = submitter.submit(
        "rename_folder", {"folderId": 747759, "folderName": {"$result": link.id}}
    )

    assert stage.perform(receipt.id, said(1)).sent == []
    assert PHONE not in everything(receipt.record())


def test_a_masked_value_cannot_be_guessed_by_a_path(submitter: Submitter, stage: Stage) -> None:
    """`data.telephone=GUESS.uid` finds somebody only if the guess is right."""
    users = [{**ACCOUNT, "customColumn": "1"}]
    source = submitter.submit("register_multiple", {"userJson": users})
    entry = {"customColumn": "1", "telephone": PHONE, "errno": 1, "data": 4711}
    stage.perform(source.id, said(1, data=[entry]))
    told = set()
    for guess in (PHONE, "13800138111"):
        uid = {"$result": source.id, "path": f"data.telephone={guess}.data"}
        receipt = submitter.submit("edit_course", {"courseId": uid, "courseName": "Spring"})
        stage.perform(receipt.id, said(1))
        told.add(str(receipt.record().message).replace(guess, "GUESS"))

    assert len(told) == 1
    assert "has nothing at data.telephone=GUESS.data" in told.pop()


def test_a_masked_value_may_fill_a_field_that_is_masked(submitter: Submitter, stage: Stage) -> None:
    """There it stays hidden: a phone number may name the account of a school's student."""
    source = register(submitter, stage)
    phone = {"$result": source, "path": "data.telephone"}
    receipt = submitter.submit(
        "add_school_student", {"studentAccount": phone, "studentName": "Canary Fern"}
    )

    (request,) = stage.perform(receipt.id, said(1)).sent

    assert request.form is not None
    assert request.form["studentAccount"] == PHONE
    assert PHONE not in everything(receipt.record())


@pytest.mark.parametrize(
    "quoted",
    [
        f"the account {PHONE} exists already",
        f"{NAME} is a name that is taken",
        f"{NAME.upper()} is a name that is taken",
        f"not a good password: {PASSWORD}",
    ],
)
@pytest.mark.parametrize("code", [135, 104])
def test_a_message_of_classin_does_not_quote_a_masked_field(
    submitter: Submitter, stage: Stage, quoted: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """ClassIn's words stand in lists, exports, reports, events and logs."""
    caplog.set_level(logging.DEBUG)
    receipt = submitter.submit("register", ACCOUNT)

    stage.carry_on(receipt.id, said(code, quoted))

    record = receipt.record()
    assert record.attempts
    for canary in (PHONE, NAME, NAME.upper(), PASSWORD):
        assert canary not in everything(record)
        assert canary not in caplog.text
    assert "***" in record.attempts[0].message


def test_a_phone_number_is_masked_without_the_prefix_that_it_was_given_with(
    submitter: Submitter, stage: Stage
) -> None:
    """ClassIn says `8006437000` of 001-8006437000."""
    receipt = submitter.submit("register", {**ACCOUNT, "telephone": "001-8006437000"})

    stage.perform(receipt.id, said(135, "8006437000 is registered"))

    assert receipt.record().message == "*** is registered"


def test_the_words_of_an_item_do_not_quote_a_masked_field(
    submitter: Submitter, stage: Stage
) -> None:
    """Bulk answers say of each item what was wrong with it."""
    users = [ACCOUNT, {**ACCOUNT, "telephone": "13800138778"}]
    receipt = submitter.submit("register_multiple", {"userJson": users})
    entries = [
        {"errno": 137, "error": f"{PHONE} exists"},
        {"errno": 1, "error": f"welcome, {NAME}", "data": 4711},
    ]

    stage.perform(receipt.id, said(1, data=entries))

    assert receipt.record().state is State.PARTIAL
    shown = receipt.record().to_dict()
    assert [item["message"] for item in shown["items"]] == ["*** exists", "welcome, ***"]
    assert PHONE not in json.dumps(shown)
    assert NAME not in json.dumps(shown)


def test_a_sync_does_not_tell_a_masked_field_in_the_words_of_an_item(
    submitter: Submitter, stage: Stage
) -> None:
    """What failed is told in groups, by ClassIn's words where a code is not listed."""
    receipt = submitter.submit("register_multiple", {"userJson": [ACCOUNT]})
    stage.perform(receipt.id, said(1, data=[{"errno": 987654, "error": f"{PHONE} is odd"}]))
    record = receipt.record()

    told = _told_of_items(read(record.operation, record.fields), record)

    assert [words for _, words, _ in told.values()] == ["*** is odd (987654)"]


@pytest.mark.parametrize(
    "data",
    [
        {"account": PHONE},
        {"account": int(PHONE)},
        {"said": f"call {PHONE}"},
        {PHONE: 1},
        [[PHONE]],
    ],
)
def test_an_answer_does_not_show_a_masked_field_under_another_name(
    submitter: Submitter, stage: Stage, data: object
) -> None:
    """Then it could also be carried on from there by a reference."""
    receipt = submitter.submit("register", ACCOUNT)
    stage.perform(receipt.id, said(1, data=data))

    assert PHONE not in json.dumps(receipt.record().to_dict())
    course = submitter.submit(
        "edit_course",
        {"courseId": 1, "courseName": {"$result": receipt.id, "path": "data.account"}},
    )
    assert stage.perform(course.id, said(1)).sent == []
    assert PHONE not in everything(course.record())


def test_a_credential_that_classin_repeats_is_not_kept(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """Fields lie sealed in Redis; the answer lies open."""
    receipt = submitter.submit("register", ACCOUNT)

    stage.perform(receipt.id, said(1, data={"said": f"password {PASSWORD} set", "uid": 4711}))

    assert receipt.record().result == {"data": {"said": "password *** set", "uid": 4711}}
    assert PASSWORD not in json.dumps(redis.hgetall(f"classin:op:{receipt.id}"))


def test_setting_a_field_anew_does_not_tell_what_it_refers_to(
    submitter: Submitter, stage: Stage
) -> None:
    """A retry notes before and after."""
    source = register(submitter, stage)
    name = {"$result": source, "path": "data.telephone"}
    receipt = submitter.submit("edit_course", {"courseId": 1, "courseName": name})
    stage.perform(receipt.id, said(1))

    def retried(value: object) -> list[Submission]:
        options = RetryOptions(settings=[Setting("courseName", value)])
        return RetryBuilder(stage.ledger, submitter.builder, options).of(receipt.record())

    (retry,) = retried("Spring")

    assert PHONE not in str(retry)
    assert retry.edits[0].to_dict() == {"field": "courseName", "before": name, "after": "Spring"}
    with pytest.raises(InvalidOperationError, match="cannot be made a reference"):
        retried({"$result": source})


def test_a_name_of_one_letter_leaves_the_words_of_classin_readable() -> None:
    """What is short is masked as a word of its own only."""
    hidden = hidden_values(EditCourse, {"courseId": 1, "courseName": "Spring"})
    assert hidden == ()
    assert scrubbed("a name is taken: a", ("a",)) == "*** name is taken: ***"
    assert scrubbed("1 of 137", ("1",)) == "*** of 137"
