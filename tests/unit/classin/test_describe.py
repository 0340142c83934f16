"""An operation explained from its declaration."""

import json
import shlex
from datetime import datetime, timedelta
from typing import Any

import pytest

from producers.intake.bulk_split import unpacked
from tests.tables import for_each
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.describe import example, explained
from worker.classin.operation import Operation
from worker.classin.operations.activities import CreateUnit
from worker.classin.operations.cloud import (
    CreateFolder,
    GetTopFolderId,
    RenameFile,
    RenameFolder,
)
from worker.classin.operations.courses import EditCourse

PICTURE = {"name": "a.jpg", "size": 1, "sha256": "0" * 64, "at": "redis"}


def kind_of(kind: type[Operation], name: str) -> str:
    """What a field takes, in words."""
    (found,) = [field.kind for field in explained(kind).fields if field.name == name]
    return found


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (EditCourse, "courseId", "whole number"),
        (EditCourse, "courseName", "text, 1 to 40 characters"),
        (EditCourse, "courseIntroduce", "text, up to 400 characters"),
        (EditCourse, "expiryTime", "moment: seconds since 1970, or 2026-09-01T08:00:00+08:00"),
        (EditCourse, "stamp", "one of 1 joins the teachers, 2 leaves"),
        (EditCourse, "allowAddFriend", "0 or 1"),
        (EditCourse, "Filedata", "file: @PATH or @ADDRESS, any kind, up to 500 MB"),
        (CreateUnit, "publishFlag", "one of 0 draft, 2 published"),
        (CreateUnit, "content", "text"),
        (CreateFolder, "folderName", "text, 1 to 128 characters"),
    ],
)
def test_a_field_says_what_it_takes(kind: type[Operation], name: str, words: str) -> None:
    """In the words of whoever fills it in."""
    assert kind_of(kind, name) == words


def test_what_is_required_is_marked() -> None:
    """And nothing else."""
    required = [field.name for field in explained(CreateUnit).fields if field.required]
    assert required == ["courseId", "name", "publishFlag"]


def test_title_and_remark_come_from_the_class() -> None:
    """Its source is for those who look after the catalogue."""
    told = explained(EditCourse)
    assert (told.name, told.chapter) == ("edit_course", "courses")
    assert told.title == "Edit a course; only the fields given are changed"
    assert told.remark.startswith("Where the pages disagree")
    assert "Source" not in told.remark
    assert told.rules == ("catId needs courseName as well",)
    assert explained(RenameFolder).remark.startswith("One that has the name already answers 206")
    assert explained(RenameFile).remark == ""


@pytest.mark.parametrize(
    ("kind", "number", "verdict"),
    [
        (EditCourse, 1, "done"),
        (EditCourse, 104, "retry"),
        (EditCourse, 144, "refused"),
        (CreateUnit, 29213, "done"),
        (CreateUnit, 29208, "already, after an unread attempt; else refused"),
        (CreateFolder, 206, "already, after an unread attempt; else refused"),
        (RenameFolder, 206, "done if the folder itself has the name; else refused"),
        (CreateUnit, 101002006, "clock_skew"),
    ],
)
def test_a_code_says_how_this_operation_takes_it(
    kind: type[Operation], number: int, verdict: str
) -> None:
    """The same code may mean another thing elsewhere."""
    (code,) = [code for code in explained(kind).codes if code.number == number]
    assert code.verdict == verdict


def test_a_part_that_is_missing_is_told_as_such(ring_bell: type[Operation]) -> None:
    """The main thing is done; sending it twice would not be safe."""
    told = explained(ring_bell)
    assert [(code.number, code.verdict) for code in told.codes] == [
        (1, "done"), (103, "partial"), (104, "retry"),
    ]  # fmt: skip
    assert told.repeat_in_words.startswith("would be a second one")


@for_each("kind", CATALOGUE.values())
def test_the_example_can_be_typed_as_it_stands(kind: type[Operation]) -> None:
    """It is a valid operation, with all that is required."""
    command, verb, name, *given = shlex.split(explained(kind).example)
    assert (command, verb, name) == ("classin", "enqueue", kind.spec.name)
    typed = dict(pair.split("=", 1) for pair in given)
    fields = {**unpacked(kind, typed), **{file: PICTURE for file in typed if file == "Filedata"}}
    assert set(read(name, fields).to_dict()) == set(fields)


#: What the examples of operations that edit something change.
CHANGES = {
    "edit_course": {"courseName": "a name"},
    "edit_course_class": {"className": "a name"},
    "edit_double_teacher_class": {"className": "a name"},
    "update_unit": {"name": "a name"},
    "update_classroom": {"unitId": 123456},
    "modify_class_seat_num": {"seatNum": 6},
    "modify_school_conf": {"allowViewReplay": 1},
    "set_webcast": {"recordState": 1},
}


@pytest.mark.parametrize(("name", "change"), CHANGES.items(), ids=CHANGES)
def test_an_example_changes_something(name: str, change: dict[str, object]) -> None:
    """Whoever copies it sees it work; what it names besides are ids."""
    shown = example(CATALOGUE[name])
    assert shown.items() >= change.items()
    assert {value for key, value in shown.items() if key not in change} <= {123456}


@pytest.mark.parametrize(
    ("name", "items", "change"),
    [
        ("add_course_labels", "courseList", {"labelIds": [123456]}),
        ("add_class_labels", "classList", {"classLabelId": [123456]}),
        ("set_class_video_multiple", "classJson", {"record": 1, "live": 1, "replay": 1}),
    ],
)
def test_an_examples_item_changes_something(
    name: str, items: str, change: dict[str, object]
) -> None:
    """The same within lists."""
    (item,) = example(CATALOGUE[name])[items]
    assert item.items() >= change.items()


@pytest.mark.parametrize(
    "name", ["add_course_class", "add_course_class_multiple", "create_classroom"]
)
def test_an_examples_lesson_ends_after_it_began(name: str) -> None:
    """By an hour."""
    shown = example(CATALOGUE[name])
    lesson = shown["classJson"][0] if "classJson" in shown else shown
    begin, end = lesson.get("beginTime") or lesson["startTime"], lesson["endTime"]
    assert datetime.fromisoformat(end) - datetime.fromisoformat(begin) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("move_activities", ("unitId",), ("toUnitId",)),
        ("add_double_teacher_class", ("mainCourseId",), ("subClassJson", 0, "courseId")),
    ],
)
def test_an_examples_ids_differ_where_they_must(
    name: str, one: tuple[str | int, ...], other: tuple[str | int, ...]
) -> None:
    """From a unit to that same unit nothing moves."""
    found = []
    for place in (one, other):
        value: Any = example(CATALOGUE[name])
        for step in place:
            value = value[step]
        found.append(value)
    assert found[0] != found[1]


@for_each("kind", CATALOGUE.values())
def test_an_explanation_is_json(kind: type[Operation]) -> None:
    """A line of it for each operation, with the names that programs rely on."""
    told = explained(kind).to_dict()
    assert json.loads(json.dumps(told)) == told
    assert {"name", "group", "fields", "codes"} <= told.keys()
    assert [code["number"] for code in told["codes"]] == sorted(kind.spec.codes)
    assert len(told["fields"]) == len(kind.model_fields)


def test_an_operation_without_fields_is_explained() -> None:
    """There is little to say."""
    told = explained(GetTopFolderId)
    assert (told.fields, told.rules) == ((), ())
    assert told.example == "classin enqueue get_top_folder_id"
