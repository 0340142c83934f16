"""The account of one operation, as data."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.classin.verdicts import Verdict
from worker.ledger.record import Attempt, Record, clean, iso, new_id
from worker.ledger.states import Reason, State

NOW = 1_800_000_000_000

attempts = st.builds(
    Attempt,
    n=st.integers(1, 10**6),
    at=st.integers(0, 10**14),
    ms=st.integers(0, 10**9),
    http=st.none() | st.integers(100, 599),
    code=st.none() | st.integers(),
    message=st.text(),
    verdict=st.sampled_from(Verdict),
)


@given(attempts)
def test_an_attempt_is_written_on_one_line_and_read_back(attempt: Attempt) -> None:
    """Whatever ClassIn said: line breaks, quotes, any script."""
    line = attempt.encode()
    assert "\n" not in line
    assert Attempt.decode(line) == attempt


@given(st.text(st.characters()))
def test_half_characters_are_replaced(text: str) -> None:
    """What is clean can be sent; what was clean stays as it was."""
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned) == len(text)
    assert cleaned == text or re.search("[\ud800-\udfff]", text)


def test_an_attempt_with_half_a_character_can_be_kept() -> None:
    """A question mark stands for it."""
    attempt = Attempt(1, NOW, 5, 200, 193, "no \ud83d folder", Verdict.REFUSED)
    assert Attempt.decode(attempt.encode()).message == "no ? folder"


def test_ids_are_short_plain_and_all_different() -> None:
    """Fit for a file name, a URL and a command line."""
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[a-z2-7]{16}", made) for made in ids)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW, "2027-01-15T08:00:00.000Z"),
        (NOW + 7, "2027-01-15T08:00:00.007Z"),
    ],
)
def test_times_are_shown_in_utc(ms: int | None, text: str | None) -> None:
    """With milliseconds, and Z for the zone."""
    assert iso(ms) == text


def record(**fields: object) -> Record:
    """A record that failed."""
    return Record(
        id="a",
        operation="edit_course",
        school="main",
        fields=fields,
        state=State.FAILED,
        sequence=1,
        enqueued_at=NOW,
        reason=Reason.REFUSED,
        code=144,
        message="no course",
        attempts=(Attempt(1, NOW + 1, 7, 200, 144, "no course", Verdict.REFUSED),),
        started_at=NOW + 1,
        finished_at=NOW + 8,
    )


def test_a_record_is_shown_as_json() -> None:
    """Every name that programs rely on, with plain values only."""
    shown = record(courseId=1).to_dict()
    assert json.loads(json.dumps(shown)) == shown
    assert shown == {
        "id": "a",
        "operation": "edit_course",
        "school": "main",
        "fields": {"courseId": 1},
        "state": "failed",
        "reason": "refused",
        "failed_because": None,
        "code": 144,
        "message": "no course",
        "result": None,
        "items": [],
        "already": False,
        "attempts": [
            {
                "n": 1,
                "at": "2027-01-15T08:00:00.001Z",
                "ms": 7,
                "http": 200,
                "code": 144,
                "message": "no course",
                "verdict": "refused",
            }
        ],
        "batch": None,
        "row": None,
        "lane": None,
        "after": [],
        "lane_on_failure": "go on",
        "priority": "normal",
        "dedup_key": None,
        "retry_of": None,
        "retried_by": None,
        "edits": [],
        "decided": None,
        "source": None,
        "enqueued_at": "2027-01-15T08:00:00.000Z",
        "started_at": "2027-01-15T08:00:00.001Z",
        "finished_at": "2027-01-15T08:00:00.008Z",
        "due_at": None,
    }


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("redis", "redis"),
        ("file:///var/cover.png", "file:///var/cover.png"),
        ("https://a.example/c.png?sig=x&y=z?\n", "https://a.example/c.png?***"),
        ("https://ada:secret@a.example/c@d.png", "https://***@a.example/c@d.png"),
    ],
)
def test_a_file_is_shown_without_what_opens_it(at: str, shown: str) -> None:
    """Name, size, digest and where it lies; an address may hold a credential."""
    file = {"name": "cover.png", "size": 3, "sha256": "0" * 64, "at": at}
    told = record(Filedata=file)
    assert told.to_dict()["fields"] == {"Filedata": file | {"at": shown}}
    assert told.to_dict(reveal=True)["fields"] == {"Filedata": file}


@pytest.mark.parametrize("at", [5, None, ["https://a.example"]])
def test_a_file_that_is_none_can_be_shown_as_well(at: object) -> None:
    """Another Celery may have sent it; the record that failed for it has to be readable."""
    file = {"name": "cover.png", "size": 3, "sha256": "0" * 64, "at": at}
    assert record(Filedata=file).to_dict()["fields"]["Filedata"]["name"] == "cover.png"


def test_a_repr_shows_neither_fields_nor_result() -> None:
    """They may name people."""
    assert "Ada" not in repr(record(studentName="Ada"))
