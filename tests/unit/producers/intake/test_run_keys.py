"""What is submitted for a run is submitted once, however often the run is taken up."""

import json

import pytest

from producers.files.jsonl import check_lines
from producers.intake.run_keys import once
from producers.intake.submitter import Submitter
from worker.errors import InvalidInputError
from worker.ledger.store import RedisLedger

LINES = [
    {"operation": "add_course", "fields": {"courseName": "Physics"}},
    {"operation": "create_folder", "fields": {"folderId": 1, "folderName": "x"}, "dedup_key": "k"},
    {"operation": "rename_folder", "fields": {"folderId": {"$result": "k"}, "folderName": "y"}},
    {
        "operation": "add_course_student_multiple",
        "fields": {"courseId": 1, "identity": 1, "studentJson": [{"uid": n} for n in range(1, 41)]},
    },
]


def submit(submitter: Submitter, run: str, *lines: object) -> list[str]:
    """Submit lines for a run; gives the ids."""
    raw = [json.dumps(line).encode() for line in lines]
    checked = check_lines(raw, submitter, "test.jsonl")
    assert checked.faults == []
    submissions = once(checked.submissions, run, submitter.cipher)
    return [receipt.id for receipt in submitter.enter(submissions)]


def test_the_same_again_is_what_it_was(submitter: Submitter, ledger: RedisLedger) -> None:
    """With identities, references, and lists that are several calls."""
    first = submit(submitter, "nightly:1", *LINES)
    again = submit(submitter, "nightly:1", *LINES)

    assert again == first
    assert len(set(first)) == 5
    keys = [record.dedup_key for record in ledger.find_all(first)]
    assert keys == ["nightly:1:1", "k", *(f"nightly:1:{n}" for n in (3, 4, 5))]


def test_credentials_are_sealed_anew_and_are_the_same(submitter: Submitter) -> None:
    """The same password never looks the same where it lies; another one is told from it."""
    fields = {"telephone": "13800138000", "password": "a-word-1"}
    asked = {"operation": "register", "fields": fields}
    assert submit(submitter, "nightly:1", asked) == submit(submitter, "nightly:1", asked)
    other = {"operation": "register", "fields": {**fields, "password": "a-word-2"}}
    with pytest.raises(InvalidInputError, match="the dedup key is that of"):
        submit(submitter, "nightly:1", other)


def test_a_part_of_it_is_completed(submitter: Submitter) -> None:
    """Whoever died in between left the beginning."""
    first = submit(submitter, "nightly:1", *LINES[:2])
    again = submit(submitter, "nightly:1", *LINES)
    assert again[:2] == first
    assert len(set(again)) == 5


def test_another_run_is_another(submitter: Submitter) -> None:
    """But for what has a key of its own."""
    first = submit(submitter, "nightly:1", *LINES[:2])
    second = submit(submitter, "nightly:2", *LINES[:2])
    assert first[0] != second[0]
    assert first[1] == second[1]


def test_what_is_something_else_by_then_is_refused(submitter: Submitter) -> None:
    """The file has changed between: nothing is taken for what it is not."""
    submit(submitter, "nightly:1", LINES[0])
    other = {"operation": "add_course", "fields": {"courseName": "Chemistry"}}
    with pytest.raises(InvalidInputError, match="nightly:1:1: the dedup key is that of"):
        submit(submitter, "nightly:1", other)
