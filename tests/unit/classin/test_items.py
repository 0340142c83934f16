"""What became of each item of a bulk operation."""

from typing import Any

import pytest

from worker.classin.catalogue import read
from worker.classin.items import item_results
from worker.classin.judgement import judge
from worker.classin.operation import Operation
from worker.classin.reply import Reply
from worker.classin.verdicts import Verdict


def enrolment(*items: dict[str, Any]) -> Operation:
    """Two or more students for a course."""
    fields = {"courseId": 352861, "identity": 1, "studentJson": list(items)}
    return read("add_course_student_multiple", fields)


def entry(code: object, **more: object) -> dict[str, object]:
    """An entry of a v1 answer."""
    return {"errno": code, "error": "", **more}


TWO = enrolment({"uid": 11, "customColumn": "a"}, {"uid": 12, "customColumn": "b"})


def test_entries_are_matched_by_the_mark_that_they_repeat() -> None:
    """Whatever their order."""
    found = item_results(
        TWO, {"data": [entry(1, customColumn="b"), entry("163", customColumn="a")]}
    )

    assert [(item.position, item.code) for item in found] == [(1, 1), (0, 163)]


@pytest.mark.parametrize("marks", [{}, {"customColumn": "same"}, {"customColumn": "unknown"}])
def test_entries_without_a_mark_of_their_own_are_matched_by_position(marks: dict[str, str]) -> None:
    """As when several items bear the same mark, or none."""
    operation = enrolment({"uid": 11, "customColumn": "same"}, {"uid": 12, "customColumn": "same"})

    found = item_results(operation, {"data": [entry(1, **marks), entry(104, **marks)]})

    assert [(item.position, item.code) for item in found] == [(0, 1), (1, 104)]


def test_entries_of_the_second_dialect_are_matched_by_id() -> None:
    """They have other names for code and words, and repeat a plain id."""
    operation = read("add_course_teacher", {"courseId": 5, "teacherUids": [11, 12]})

    found = item_results(
        operation, {"data": [{"teacherUid": "12", "code": 133, "msg": "there"}, {"code": 1}]}
    )

    assert [(item.position, item.code, item.message) for item in found] == [
        (1, 133, "there"),
        (1, 1, "carried out"),
    ]


@pytest.mark.parametrize("result", [None, {}, {"data": None}, {"data": "x"}, {"data": [1, None]}])
def test_an_answer_without_entries_tells_of_no_item(result: dict[str, Any] | None) -> None:
    """Nothing is made up."""
    assert item_results(TWO, result) == []


@pytest.mark.parametrize(
    ("codes", "expected", "verdict"),
    [
        ([1, 1], 0, Verdict.DONE),
        ([1, 144], 0, Verdict.PARTLY),
        ([1, 104], 0, Verdict.PARTLY),
        ([144, 144], 0, Verdict.REFUSED),
        ([104, 104], 0, Verdict.AGAIN),
        ([104, 144], 0, Verdict.PARTLY),
        ([163, 1], 0, Verdict.PARTLY),
        ([163, 1], 1, Verdict.DONE),
        ([841, 1], 0, Verdict.PARTLY),
    ],
)
def test_a_bulk_operation_is_judged_by_its_items(
    codes: list[int],
    expected: int,
    verdict: Verdict,
) -> None:
    """All well, some, or none."""
    reply = Reply(200, 1, "", {"data": [entry(code) for code in codes]})

    assert judge(TWO, reply, expected=bool(expected)) is verdict
