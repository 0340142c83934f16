"""Lists of items: read from text, split where they are longer than a call carries."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from worker.classin.catalogue import read
from worker.classin.operation import MASK
from worker.errors import InvalidInputError, InvalidOperationError
from worker.ledger.store import RedisLedger

MANY = 65


def enrolment(number: int) -> dict[str, Any]:
    """So many students for one course."""
    return {
        "courseId": 352861,
        "identity": 1,
        "studentJson": [{"uid": 1000 + n, "customColumn": f"row {n}"} for n in range(number)],
    }


def line(fields: Mapping[str, Any]) -> SubmitRequest:
    """A line that enrols."""
    return SubmitRequest(operation="add_course_student_multiple", fields=dict(fields))


def test_a_long_list_becomes_several_operations_of_one_batch(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """Thirty, thirty and five, in order, none twice."""
    receipts = submitter.submit_many([line(enrolment(MANY))])

    records = [ledger.find(receipt.id) for receipt in receipts]
    lengths = [len(record.fields["studentJson"]) for record in records]
    uids = [student["uid"] for record in records for student in record.fields["studentJson"]]
    assert lengths == [30, 30, 5]
    assert uids == [1000 + n for n in range(MANY)]
    assert len({record.batch for record in records}) == 1


def test_one_receipt_cannot_stand_for_several(submitter: Submitter) -> None:
    """`submit` says which function splits."""
    with pytest.raises(InvalidInputError, match="submit_many"):
        submitter.submit("add_course_student_multiple", enrolment(MANY))


def test_a_fault_names_the_item_in_the_whole_list(submitter: Submitter) -> None:
    """Item 40 is the tenth of its part, and item 40 for whoever handed it in."""
    fields = enrolment(MANY)
    fields["studentJson"][40]["uid"] = "x"

    with pytest.raises(InvalidOperationError) as refused:
        submitter.check(line(fields))

    assert [fault.where for fault in refused.value.faults] == ["studentJson.40.uid"]


@pytest.mark.parametrize("spelling", ["studentJson", "student_json"])
@pytest.mark.parametrize("write", [json.dumps, lambda value: value], ids=["text", "list"])
def test_a_list_may_come_as_json_text(
    submitter: Submitter, spelling: str, write: Callable[[object], object]
) -> None:
    """As on a command line, under either spelling."""
    given = enrolment(2)
    given[spelling] = write(given.pop("studentJson"))

    (submission,) = submitter.check(line(given))

    assert submission.fields == enrolment(2)


def test_text_that_looks_like_a_list_stays_text(submitter: Submitter) -> None:
    """A folder may be called [1]."""
    named = SubmitRequest(operation="create_folder", fields={"folderId": 1, "folderName": "[1]"})

    (submission,) = submitter.check(named)

    assert submission.fields["folderName"] == "[1]"


def test_what_is_personal_is_masked_in_items_too(submitter: Submitter, ledger: RedisLedger) -> None:
    """Names and passwords are in the record, and shown to nobody who did not ask."""
    user = {"telephone": "13800138000", "password": "secret-word", "nickname": "Ada"}
    (receipt,) = submitter.submit_many(
        [SubmitRequest(operation="register_multiple", fields={"userJson": [user]})]
    )
    record = ledger.find(receipt.id)
    seen = submitter.cipher.revealed(record.operation, record.fields, record.school, record.id)

    assert seen["userJson"] == [user]
    assert record.to_dict()["fields"]["userJson"] == [dict.fromkeys(user, MASK)]


def test_a_lane_names_no_person(submitter: Submitter) -> None:
    """An account makes a lane, by a digest."""
    fields = {"telephone": "13800138000", "password": "secret-word"}

    (submission,) = submitter.check(SubmitRequest(operation="register", fields=fields))

    assert submission.lane is not None
    assert "13800138000" not in submission.lane


def test_a_fault_does_not_echo_what_is_personal(submitter: Submitter) -> None:
    """Neither a phone number that is none, nor a password in an unknown field."""
    fields = {"telephone": "0138-secret", "pasword": "secret-word", "password": "short"}

    with pytest.raises(InvalidOperationError) as refused:
        submitter.check(SubmitRequest(operation="register", fields=fields))

    assert len(refused.value.faults) == 3
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("given", [{"chapter": 1}, '{"chapter": 1}'])
def test_an_object_may_come_as_json_text(given: object, submitter: Submitter) -> None:
    """As on a command line, where everything is text."""
    fields = {"courseId": 5, "activityId": 6, "aiSummaryConfig": given}
    (entry,) = submitter.check(SubmitRequest(operation="update_classroom", fields=fields))

    assert entry.fields["aiSummaryConfig"] == {"chapter": 1}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ('{"chapter": 2}', "aiSummaryConfig.chapter: should be 0 or 1; got 2"),
        ("chapter", "aiSummaryConfig: should be an object; got 'chapter'"),
        ("{}", "aiSummaryConfig.chapter: is required"),
        (
            {"chapter": 1, "teachingAnalysisAgentId": 5000930},
            "aiSummaryConfig: teachingAnalysisAgentId needs teachingAnalysis as well",
        ),
    ],
)
def test_what_is_wrong_in_an_object_is_named(
    config: object, fault: str, submitter: Submitter
) -> None:
    """By the name of its field within."""
    fields = {"courseId": 5, "activityId": 6, "aiSummaryConfig": config}
    with pytest.raises(InvalidOperationError) as refused:
        submitter.check(SubmitRequest(operation="update_classroom", fields=fields))

    assert [str(each) for each in refused.value.faults] == [fault]


def test_an_operation_object_is_split_like_a_line(
    submitter: Submitter, ledger: RedisLedger
) -> None:
    """A single submission of it says that it needs several calls."""
    operation = read("add_course_student_multiple", enrolment(MANY))
    receipts = submitter.submit_many([operation])
    records = [ledger.find(receipt.id) for receipt in receipts]
    assert [len(record.fields["studentJson"]) for record in records] == [30, 30, 5]
    with pytest.raises(InvalidInputError, match="needs 3 calls"):
        submitter.submit(operation)
