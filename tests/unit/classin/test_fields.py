"""Kinds of value and their limits."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.classin.catalogue import read
from worker.classin.errors import InvalidOperation
from worker.classin.fields import LARGEST_FILE, File

BEIJING = timezone(timedelta(hours=8))


def wire(field: str, value: object) -> object:
    """The value that reaches ClassIn."""
    return read("edit_course", {"courseId": 1, field: value}).wire_fields()[field]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0, 0),
        ("0", 0),
        ("1788220800", 1788220800),
        (" 1788220800 ", 1788220800),
        ("2026-09-01T08:00:00+08:00", 1788220800),
        ("2026-09-01T00:00:00Z", 1788220800),
        ("2026-09-01T08:00+08:00", 1788220800),
        (datetime(2026, 9, 1, 8, tzinfo=BEIJING), 1788220800),
        (datetime(2026, 9, 1, tzinfo=UTC), 1788220800),
    ],
)
def test_a_moment_is_seconds_however_it_was_written(value: object, seconds: int) -> None:
    """ClassIn takes whole seconds since 1970; people write dates."""
    assert wire("expiryTime", value) == seconds
    assert type(wire("expiryTime", value)) is int


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(BEIJING)))  # noqa: DTZ001  # the bounds of a strategy have no zone
def test_a_moment_may_be_an_object_or_its_text(moment: datetime) -> None:
    """Both ways lead to the same second."""
    assert wire("expiryTime", moment) == wire("expiryTime", moment.isoformat())


@pytest.mark.parametrize("value", ["2026-09-01T08:00", "2026-09-01", datetime(2026, 9, 1)])  # noqa: DTZ001  # the very point
def test_a_moment_without_an_offset_is_refused(value: object) -> None:
    """Nobody knows which hour was meant."""
    with pytest.raises(InvalidOperation, match="needs an offset from UTC"):
        wire("expiryTime", value)


@pytest.mark.parametrize("value", [-1, "-1", 2**40, True, "", "-", "tomorrow", [], "1e9", 1.5])
def test_what_is_no_moment_is_refused(value: object) -> None:
    """Neither guessed at nor cut."""
    with pytest.raises(InvalidOperation, match="expiryTime"):
        wire("expiryTime", value)


@pytest.mark.parametrize("value", [1, "1", 2**63 - 1])
def test_an_id_is_a_positive_number(value: object) -> None:
    """As a number or, as a command line gives it, as text."""
    assert wire("folderId", value) == int(str(value))


@pytest.mark.parametrize(
    "value", [0, -1, True, False, 1.5, "1.5", "x", "", 2**63, [], {}, "\ud800"]
)
def test_what_is_no_id_is_refused(value: object) -> None:
    """True is no 1 here, and nothing is rounded."""
    with pytest.raises(InvalidOperation, match="folderId"):
        wire("folderId", value)


@pytest.mark.parametrize(
    ("value", "sent"),
    [(True, 1), (False, 0), (1, 1), (0, 0), ("1", 1), ("0", 0), ("true", 1), ("no", 0)],
)
def test_a_flag_is_sent_as_one_or_zero(value: object, sent: int) -> None:
    """The sources disagree on everything else."""
    assert wire("allowAddFriend", value) == sent
    assert type(wire("allowAddFriend", value)) is int


@pytest.mark.parametrize("value", [2, -1, "2", "", "maybe", [], 0.5])
def test_what_is_no_flag_is_refused(value: object) -> None:
    """Yes and no are all there is."""
    with pytest.raises(InvalidOperation, match="allowAddFriend"):
        wire("allowAddFriend", value)


@pytest.mark.parametrize(("field", "longest"), [("courseName", 40), ("courseIntroduce", 400)])
@pytest.mark.parametrize("character", ["x", "第", "😀"])
def test_text_counts_in_characters(field: str, longest: int, character: str) -> None:
    """Of any script; the longest passes whole, one more is refused and never cut."""
    assert wire(field, character * longest) == character * longest
    with pytest.raises(InvalidOperation, match=f"{field}: .*at most {longest}"):
        wire(field, character * (longest + 1))


def test_a_name_may_not_be_empty_but_an_introduction_may() -> None:
    """Emptying it is how an introduction is removed."""
    assert wire("courseIntroduce", "") == ""
    with pytest.raises(InvalidOperation, match="courseName: should not be empty"):
        wire("courseName", "")


@given(st.binary(min_size=1, max_size=200))
def test_a_file_keeps_every_byte(content: bytes) -> None:
    """Through base 64 and back."""
    operation = read("edit_course", {"courseId": 1, "filedata": _file(content)})
    again = read("edit_course", operation.to_json())
    assert again.files()["Filedata"].content == content


def _file(content: bytes) -> File:
    return File(name="a.bin", content=b64encode(content))


def test_a_file_is_summed_up_without_its_content() -> None:
    """Name, size and digest."""
    assert _file(b"png").summary() == {
        "name": "a.bin",
        "bytes": 3,
        "sha256": "8f8cbb7dcf46e0bc7d53265749a6c17d116093a6ba95e442764060c76fd4a86c",
    }


def test_the_largest_file_passes() -> None:
    """One megabyte, to the byte; what is more is refused elsewhere."""
    assert len(_file(bytes(LARGEST_FILE)).content) == LARGEST_FILE
