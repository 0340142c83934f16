"""Named fields set for a retry: placed, checked, and told without what is nobody's business."""

from typing import Any

import pytest

from producers.retry.edits import Setting, edited
from worker.classin.catalogue import read
from worker.classin.operation import Operation
from worker.errors import InvalidInputError, ValidationError
from worker.ledger.record import Edit

COURSE = read("edit_course", {"courseId": 1, "courseName": "Physics"})
USERS = read(
    "register_multiple",
    {
        "userJson": [
            {"telephone": "13800138000", "password": "secret-word", "nickname": "Ada"},
            {"telephone": "13800138001", "password": "secret-word"},
        ]
    },
)


def set_all(operation: Operation, *texts: str) -> tuple[dict[str, Any], list[Edit]]:
    """The fields afterwards, and what changed."""
    found, edits = edited(operation, Setting.read_all(texts))
    return found.to_dict(), list(edits)


def refused(operation: Operation, *texts: str) -> list[str]:
    """What is wrong with it."""
    with pytest.raises(ValidationError) as error:
        set_all(operation, *texts)
    return [str(fault) for fault in error.value.faults]


@pytest.mark.parametrize("name", ["courseName", "course_name"])
def test_a_field_is_named_in_either_spelling(name: str) -> None:
    """What it was and what it is now are told by ClassIn's name."""
    fields, edits = set_all(COURSE, f"{name}=Physics 8a")

    assert fields == {"courseId": 1, "courseName": "Physics 8a"}
    assert edits == [Edit("courseName", "Physics", "Physics 8a")]


def test_text_is_read_as_what_the_field_takes() -> None:
    """A number is a number; a name that looks like JSON is a name."""
    fields, edits = set_all(COURSE, "courseId=2", "courseName=[A] {8}")

    assert (fields["courseId"], fields["courseName"]) == (2, "[A] {8}")
    assert edits[0] == Edit("courseId", 1, 2)


def test_a_field_of_an_item_is_named_by_its_place() -> None:
    """From 0; what is not there yet can be set as well."""
    fields, edits = set_all(USERS, "userJson.1.nickname=Grace")

    assert [each.get("nickname") for each in fields["userJson"]] == ["Ada", "Grace"]
    assert [edit.field for edit in edits] == ["userJson.1.nickname"]


def test_a_whole_list_is_given_as_json() -> None:
    """As on the command line of a submission."""
    students = read(
        "add_course_student_multiple",
        {"courseId": 1, "identity": 1, "studentJson": [{"uid": 5}, {"uid": 6}]},
    )

    fields, edits = set_all(students, 'studentJson=[{"uid": 7}]')

    assert [each["uid"] for each in fields["studentJson"]] == [7]
    assert edits[0].field == "studentJson"


def test_what_is_sensitive_is_masked_on_both_sides() -> None:
    """The operation has the value, the note about it has not."""
    fields, edits = set_all(USERS, "userJson.0.telephone=13900139000")

    assert fields["userJson"][0]["telephone"] == "13900139000"
    assert edits == [Edit("userJson.0.telephone", "***", "***")]
    _, edits = set_all(USERS, 'userJson.0={"telephone": "13900139000", "password": "other-word"}')
    assert "139" not in str(edits)
    assert "other-word" not in str(edits)
    assert "secret-word" not in str(edits)


@pytest.mark.parametrize(
    "text",
    [
        "userJson.0.telephone=***",
        'userJson=[{"telephone": "***", "password": "other-word"}]',
        'userJson.1={"telephone": "13900139000", "password": "***"}',
    ],
)
def test_a_mask_is_no_value(text: str) -> None:
    """Whoever copies what is shown into a retry is told."""
    (fault,) = refused(USERS, text)
    assert "*** stands for what is not shown" in fault


def test_every_fault_is_named_at_once() -> None:
    """Where it is, and what would be right; nothing is set then."""
    assert refused(COURSE, "courseNme=x", "courseId=none", "courseName=" + "x" * 41) == [
        "courseNme: unknown field; did you mean courseName?",
        "courseId: should be a whole number; got 'none'",
        "courseName: should have at most 40 characters; has 41",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("userJson.2.nickname=x", "userJson.2.nickname: there is nothing at userJson.2"),
        ("userJson.7=x", "userJson.7: there are 2 items only, counted from 0"),
        ("userJson.first.nickname=x", "userJson.first: should be the position of an item"),
        ("userJson.0.nick=x", "userJson.0.nick: unknown field; did you mean nickname?"),
        ("userJson.0.nickname.short=x", "userJson.0.nickname.short: userJson.0.nickname has no"),
    ],
)
def test_a_place_that_is_none_is_refused(text: str, said: str) -> None:
    """With what is there instead."""
    assert refused(USERS, text)[0].startswith(said)


def test_a_reference_is_not_made_here() -> None:
    """Whom it would wait for is looked up when it is submitted."""
    students = read(
        "add_course_student_multiple", {"courseId": 1, "identity": 1, "studentJson": [{"uid": 5}]}
    )
    (fault,) = refused(students, 'studentJson.0={"uid": {"$result": "a"}}')
    assert "cannot be made a reference" in fault


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["courseName"], "courseName: should be written as name=value"),
        (["=x"], "=x: should be written as name=value"),
        (["courseName=x", "courseName=y"], "courseName: given twice"),
    ],
)
def test_what_cannot_be_read_is_named(texts: list[str], said: str) -> None:
    """Before any record is looked at."""
    with pytest.raises(InvalidInputError) as error:
        Setting.read_all(texts)
    assert [str(fault) for fault in error.value.faults] == [said]


def test_only_a_sealed_value_counts_as_one() -> None:
    """A text may speak of seals; nothing is taken that comes sealed, however deep."""
    fields, _ = set_all(COURSE, "courseName=What $sealed means")
    assert fields["courseName"] == "What $sealed means"

    for text in (
        'userJson.0.password={"$sealed": "x"}',
        'userJson=[{"telephone": "13800138000", "password": {"$sealed": "x"}}]',
    ):
        (fault,) = refused(USERS, text)
        assert "nothing is taken that comes sealed" in fault
