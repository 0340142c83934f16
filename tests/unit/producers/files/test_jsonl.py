"""Operations from JSON lines."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from producers.files.jsonl import check_lines
from producers.intake.checked import Checked
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from worker.ledger.store import RedisLedger

GOOD = {"operation": "create_folder", "fields": {"folderId": 747759, "folderName": "课程1"}}


def line(**changes: object) -> bytes:
    """A good line, but for the changes."""
    return json.dumps(GOOD | changes, ensure_ascii=False).encode() + b"\n"


def check(submitter: Submitter, *lines: bytes) -> Checked:
    """Check these lines."""
    return check_lines(lines, submitter, "test.jsonl")


def faults(submitter: Submitter, *lines: bytes) -> list[str]:
    """What is wrong with them."""
    return [str(fault) for fault in check(submitter, *lines).faults]


def test_good_lines_become_one_batch(submitter: Submitter, ledger: RedisLedger) -> None:
    """In their order, and nothing is submitted yet."""
    checked = check(submitter, line(), line(if_exists="accept"), line(school="main"))
    assert checked.faults == []
    assert {entry.batch for entry in checked.submissions} == {checked.batch}
    assert {entry.source for entry in checked.submissions} == {"test.jsonl"}
    assert [entry.accepts_existing for entry in checked.submissions] == [False, True, False]
    assert checked.submissions[0].fields == GOOD["fields"]
    assert len({entry.id for entry in checked.submissions}) == 3
    assert ledger.counts().by_state() == {}


@pytest.mark.parametrize("blank", [b"", b"\n", b"  \t\r\n"])
def test_blank_lines_count_but_do_not_matter(submitter: Submitter, blank: bytes) -> None:
    """A fault after them has the number that an editor shows."""
    checked = check(submitter, blank, line(), blank, b"x\n")
    assert len(checked.submissions) == 1
    assert [fault.where for fault in checked.faults] == ["line 4"]


def test_other_systems_line_ends_and_marks_are_taken(submitter: Submitter) -> None:
    """A byte order mark in front, carriage returns at the end."""
    assert faults(submitter, b"\xef\xbb\xbf" + line().replace(b"\n", b"\r\n"), line()[:-1]) == []


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"hello", "line 1: is not JSON (Expecting value: line 1 column 1 (char 0))"),
        (b'{"operation": ', "line 1: is not JSON (Expecting value"),
        (b"{'operation': 1}", "line 1: is not JSON (Expecting property name"),
        (b"\xff\xfe", "line 1: is not UTF-8"),
        (b"[" * 100_000, "line 1: is nested too deep"),
        (b"9" * 5000, "line 1: is not JSON (Exceeds the limit"),
        (b"[1, 2]", "line 1: should be an object with operation and fields"),
        (b"null", "line 1: should be an object with operation and fields"),
        (line(operation="create_foldr"), "line 1: operation: ClassIn knows no 'create_foldr'; did"),
        (line(school="north"), "line 1: school: there is no 'north'"),
        (line(fields={**GOOD, "folderId": 1, "folderName": "a"}), "line 1: operation: unknown"),
        (line(prioriti="high"), "line 1: prioriti: unknown field"),
    ],
)
def test_a_bad_line_is_named_by_its_number(submitter: Submitter, raw: bytes, said: str) -> None:
    """And by what is wrong with it."""
    assert faults(submitter, raw)[0].startswith(said)


def test_every_fault_of_every_line_is_named(submitter: Submitter, tmp_path: Path) -> None:
    """Good lines among them are checked as well."""
    nowhere = tmp_path / "cover.png"
    bad = line(operation="edit_course", fields={"courseId": "x", "Filedata": f"@{nowhere}"})
    checked = check(submitter, line(), bad, line(fields={}, school="north"), line())
    assert len(checked.submissions) == 2
    assert [str(fault) for fault in checked.faults] == [
        "line 2: courseId: should be a whole number; got 'x'",
        f"line 2: Filedata: {nowhere} cannot be read: No such file or directory",
        "line 3: folderId: is required",
        "line 3: folderName: is required",
        "line 3: school: there is no 'north'",
    ]


@pytest.mark.parametrize(
    "where", ["operation", "school", "if_exists", "dedup_key", "lane", "priority", "\ud800"]
)
def test_half_a_character_anywhere_is_a_fault_that_can_be_printed(
    submitter: Submitter, where: str
) -> None:
    """The complaint itself holds none."""
    raw = json.dumps(GOOD | {where: "\ud800"}).encode()
    (fault,) = faults(submitter, raw)
    assert fault.encode()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(SubmitRequest.model_fields)), values)
def test_any_line_is_taken_or_refused(submitter: Submitter, key: str, value: object) -> None:
    """Never both, and never anything else."""
    checked = check(submitter, json.dumps(GOOD | {key: value}).encode())
    assert len(checked.submissions) == (0 if checked.faults else 1)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_no_bytes_break_the_checking(submitter: Submitter, raw: bytes) -> None:
    """They are a fault, or blank."""
    checked = check(submitter, raw)
    assert checked.submissions == []
    assert bool(checked.faults) == bool(raw.strip())
