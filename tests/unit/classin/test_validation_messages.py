"""Complaints in the words of whoever filled in the fields."""

import pytest

from worker.classin.catalogue import read
from worker.classin.validation_messages import LONGEST_ECHO, nearest
from worker.errors import FieldError, InvalidInputError, InvalidOperationError


def faults(name: str, fields: dict[str, object]) -> list[str]:
    """Everything that is wrong with these fields."""
    with pytest.raises(InvalidOperationError) as refused:
        read(name, fields)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("abc", "should be a whole number; got 'abc'"),
        (1.5, "should be a whole number; got 1.5"),
        (True, "should be a whole number; got True"),
        (None, "should be a whole number; got nothing"),
        ([], "should be a whole number; got []"),
        (0, "should be greater than 0; got 0"),
        (2**63, "should be less than 9223372036854775808; got 9223372036854775808"),
        ("9" * 5000, "should be a whole number of common size"),
    ],
)
def test_a_wrong_id_is_explained(value: object, said: str) -> None:
    """What would be right, and what was given instead."""
    assert faults("edit_course", {"courseId": value}) == [f"courseId: {said}"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("courseName", "", "should not be empty"),
        ("courseName", "x" * 41, "should have at most 40 characters; has 41"),
        ("courseName", 7, "should be text; got 7"),
        ("courseName", "\ud800", "holds half a character (a lone surrogate)"),
        ("subjectId", 17, "should be one of 0, 1, 2"),
        ("stamp", "x", "should be one of 1 or 2; got 'x'"),
        ("allowAddFriend", 2, "should be 0 or 1; got 2"),
        ("allowAddFriend", [], "should be 0 or 1; got []"),
        ("expiryTime", -1, "should be at least 0; got -1"),
        ("expiryTime", "soon", "should be seconds since 1970, or like 2026-09-01T08:00:00+08:00"),
        ("expiryTime", "2026-09-01", "needs an offset from UTC"),
        ("Filedata", "cover.png", "should be a file: @PATH, @ADDRESS, or an object with name"),
    ],
)
def test_a_wrong_value_is_explained(field: str, value: object, said: str) -> None:
    """Each kind of field in its own words."""
    (fault,) = faults("edit_course", {"courseId": 1, field: value})
    assert fault.startswith(f"{field}: {said}")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"name": None}, ["Filedata.name: should be text; got nothing"]),
        ({"name": ""}, ["Filedata.name: should not be empty"]),
        ({"name": "x" * 129}, ["Filedata.name: should have at most 128 characters; has 129"]),
        ({"name": "\ud800.png"}, ["Filedata.name: holds half a character (a lone surrogate)"]),
        ({"size": 0}, ["Filedata.size: should be greater than 0; got 0"]),
        ({"size": True}, ["Filedata.size: should be a whole number; got True"]),
        ({"sha256": "0"}, ["Filedata.sha256: is not of the right form; got '0'"]),
        ({"at": "cover.png"}, ["Filedata.at: should be an address, like file:///a or https:"]),
        ({"at": ""}, ["Filedata.at: should not be empty"]),
        ({"name": "", "at": ""}, 2 * ["Filedata."]),
        ({"content": "cG5n"}, ["Filedata.content: unknown field"]),
    ],
)
def test_a_wrong_file_is_explained(file: dict[str, object], said: list[str]) -> None:
    """By the part of it that is wrong."""
    right = {"name": "a.png", "size": 3, "sha256": "0" * 64, "at": "https://a.example/a.png"}
    found = faults("edit_course", {"courseId": 1, "Filedata": right | file})
    assert len(found) == len(said)
    assert all(found[i].startswith(said[i]) for i in range(len(said)))


def test_what_a_file_lacks_is_named() -> None:
    """Each part, at once."""
    assert faults("edit_course", {"courseId": 1, "Filedata": {"name": "a.png"}}) == [
        f"Filedata.{part}: is required" for part in ("size", "sha256", "at")
    ]


def test_one_field_has_one_fault() -> None:
    """A field that may be written in two ways is still one field."""
    found = faults("edit_course", {"courseId": 1, "expiryTime": []})
    assert [fault.partition(":")[0] for fault in found] == ["expiryTime"]


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), float("inf"), 1e20, "\uff11\uff12", "9" * 5000]
)
def test_a_moment_that_is_no_whole_second_is_refused(value: object) -> None:
    """As a fault like any other."""
    (fault,) = faults("edit_course", {"courseId": 1, "expiryTime": value})
    assert fault.startswith("expiryTime: ")


def test_a_field_that_is_given_twice_is_named_so() -> None:
    """Both spellings at once leave open which one counts."""
    assert faults("edit_course", {"courseId": 1, "course_id": 2}) == [
        "course_id: given twice, also as courseId"
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("courseNam", "unknown field; did you mean courseName?"),
        ("COURSENAME", "unknown field; did you mean courseName?"),
        ("colour", "unknown field"),
    ],
)
def test_an_unknown_field_is_told_the_nearest_name(given: str, said: str) -> None:
    """Where there is one that is near."""
    assert faults("edit_course", {"courseId": 1, given: 5}) == [f"{given}: {said}"]


def test_a_long_value_is_not_echoed_whole() -> None:
    """A page of text in a complaint hides the complaint."""
    (fault,) = faults("edit_course", {"courseId": "x" * 1000})
    assert len(fault) < 2 * LONGEST_ECHO + len("courseId: should be a whole number; got ")
    assert fault.endswith("...")


@pytest.mark.parametrize("key", ["\ud800", "x\udfff"])
def test_a_complaint_can_always_be_printed(key: str) -> None:
    """Even about half a character."""
    for fault in faults("edit_course", {"courseId": 1, key: 1, "courseName": key}):
        assert fault.encode()


def test_the_nearest_word_is_found_in_any_case() -> None:
    """As it is spelt in the list, or not at all."""
    assert nearest("failled", ["Failed", "queued"]) == "; did you mean Failed?"
    assert nearest("xyz", ["failed"]) == ""
    assert nearest("failed", []) == ""


def test_an_error_says_its_subject_and_every_fault() -> None:
    """One line each, so that a person reads all of it."""
    error = InvalidInputError(
        "ls", [FieldError("--state", "there is no 'x'"), FieldError("", "nor this")]
    )
    assert str(error) == "ls\n  --state: there is no 'x'\n  nor this"


def test_what_was_given_stands_apart_from_what_would_be_right() -> None:
    """So that it can be left out where it is nobody's business."""
    with pytest.raises(InvalidOperationError) as refused:
        read("edit_course", {"courseId": "x; got y", "courseName": "Physics"})

    (fault,) = refused.value.faults
    assert (fault.what, fault.got) == ("should be a whole number", "got 'x; got y'")
    assert fault.text == "should be a whole number; got 'x; got y'"
