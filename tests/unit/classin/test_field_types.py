"""Kinds of value and their limits."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from worker.classin.catalogue import read
from worker.classin.field_types import (
    LARGEST_FILE,
    LARGEST_PICTURE,
    Avatar,
    Cover,
    File,
    FileLimit,
    Upload,
)
from worker.errors import InvalidOperationError

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
    with pytest.raises(InvalidOperationError, match="needs an offset from UTC"):
        wire("expiryTime", value)


@pytest.mark.parametrize("value", [-1, "-1", 2**40, True, " ", "-", "tomorrow", [], "1e9", 1.5])
def test_what_is_no_moment_is_refused(value: object) -> None:
    """Neither guessed at nor cut."""
    with pytest.raises(InvalidOperationError, match="expiryTime"):
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
    with pytest.raises(InvalidOperationError, match="folderId"):
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
    with pytest.raises(InvalidOperationError, match="allowAddFriend"):
        wire("allowAddFriend", value)


@pytest.mark.parametrize(("field", "longest"), [("courseName", 40), ("courseIntroduce", 400)])
@pytest.mark.parametrize("character", ["x", "第", "😀"])
def test_text_counts_in_characters(field: str, longest: int, character: str) -> None:
    """Of any script; the longest passes whole, one more is refused and never cut."""
    assert wire(field, character * longest) == character * longest
    with pytest.raises(InvalidOperationError, match=f"{field}: .*at most {longest}"):
        wire(field, character * (longest + 1))


def test_a_name_may_not_be_empty_but_an_introduction_may() -> None:
    """Emptying it is how an introduction is removed."""
    assert wire("courseIntroduce", "") == ""
    with pytest.raises(InvalidOperationError, match="courseName: should not be empty"):
        wire("courseName", "")


def described(**more: object) -> dict[str, object]:
    """A small picture's description."""
    right = {"name": "a.png", "size": 3, "sha256": "0" * 64, "at": "https://a.example/a.png"}
    return right | more


def test_a_file_is_summed_up_by_its_content() -> None:
    """Wherever it lies."""
    assert File.model_validate(described()).summary() == {
        "name": "a.png",
        "bytes": 3,
        "sha256": "0" * 64,
    }


@pytest.mark.parametrize(
    "at", ["redis", "file:///a", "https://a.example/a?b=c", "s3://bucket/a", "zip://a::s3://b/c"]
)
def test_a_file_lies_in_redis_or_at_an_address(at: str) -> None:
    """Any that the workers may know how to read."""
    assert File.model_validate(described(at=at)).at == at


@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        (Cover, {"name": "a.webp", "size": LARGEST_PICTURE + 1}, None),
        (Cover, {"size": LARGEST_FILE + 1}, "should have at most 524,288,000 bytes"),
        (Avatar, {}, None),
        (Avatar, {"name": "A.JPEG"}, None),
        (Avatar, {"size": LARGEST_PICTURE}, None),
        (Avatar, {"size": LARGEST_PICTURE + 1}, "should have at most 1,048,576 bytes"),
        (Avatar, {"name": "a.bmp"}, "should be a jpg, jpeg, gif or png"),
        (Avatar, {"name": "png"}, "should be a jpg, jpeg, gif or png"),
        (
            Avatar,
            {"name": "a.pdf", "size": 2**21},
            "should be a jpg, jpeg, gif or png and should have at most 1,048,576 bytes",
        ),
        (Upload, {"name": "a", "size": LARGEST_FILE}, None),
        (Upload, {"name": "a", "size": LARGEST_FILE + 1}, "should have at most 524,288,000 bytes"),
        (Annotated[File, FileLimit(5, ("gif",))], {}, "should be a gif"),
        (Annotated[File | None, FileLimit(5)], {"size": 6}, "should have at most 5 bytes"),
    ],
)
def test_a_field_takes_some_files_only(
    kind: Any,  # noqa: ANN401  # an annotation
    file: dict[str, object],
    said: str | None,
) -> None:
    """By their number of bytes, and by what their names end in."""
    try:
        TypeAdapter(kind).validate_python(described(**file))
    except ValidationError as error:
        (fault,) = error.errors()
        assert fault["msg"] == said
    else:
        assert said is None


def test_no_file_is_within_every_limit() -> None:
    """What may be left out is not looked at."""
    assert TypeAdapter(Annotated[File | None, FileLimit(5)]).validate_python(None) is None


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (FileLimit(), "any kind, up to 500 MB"),
        (FileLimit(LARGEST_PICTURE, ("gif",)), "gif, up to 1 MB"),
        (FileLimit(LARGEST_PICTURE, ("jpg", "gif", "png")), "jpg, gif or png, up to 1 MB"),
    ],
)
def test_a_limit_is_put_into_words(limit: FileLimit, words: str) -> None:
    """As `classin ops` shows it."""
    assert str(limit) == words
