"""What became of each item of a bulk operation."""

from typing import Any

import pytest

from worker.classin.bulk_results import item_results
from worker.classin.catalogue import read
from worker.classin.classify import classify_reply
from worker.classin.operation import Operation
from worker.classin.response import Reply
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
        ([1, 144], 0, Verdict.PARTIAL),
        ([1, 104], 0, Verdict.PARTIAL),
        ([144, 144], 0, Verdict.REFUSED),
        ([104, 104], 0, Verdict.RETRY),
        ([104, 144], 0, Verdict.PARTIAL),
        ([163, 1], 0, Verdict.PARTIAL),
        ([163, 1], 1, Verdict.DONE),
        ([841, 1], 0, Verdict.PARTIAL),
    ],
)
def test_a_bulk_operation_is_judged_by_its_items(
    codes: list[int],
    expected: int,
    verdict: Verdict,
) -> None:
    """All well, some, or none."""
    reply = Reply(200, 1, "", {"data": [entry(code) for code in codes]})

    assert classify_reply(TWO, reply, expected=bool(expected)) is verdict


PLAYBACK = read("add_playback_user", {"courseId": 5, "activityId": 6, "uidList": [11, 12, 13]})


def failure(code: int, **echo: int | str) -> dict[str, object]:
    """An entry of a list of what failed."""
    return {"code": code, "msg": "no", **echo}


@pytest.mark.parametrize(
    ("well", "failed", "codes"),
    [
        ([11, 13], [failure(121609003, uid=12)], [1, 121609003, 1]),
        (["13", "11"], [failure(121609003)], [1, 121609003, 1]),
        ([12, 13], [failure(121609003, uid=99)], [121609003, 1, 1]),
        ([11, 12, 13], [], [1, 1, 1]),
        ([11, 12, 13, 99], None, [1, 1, 1]),
        (None, [failure(2, uid=13), failure(3, uid=12), failure(4, uid=11)], [4, 3, 2]),
    ],
)
def test_who_succeeded_is_found_beside_a_list_of_those_who_failed(
    well: list[object] | None, failed: list[object] | None, codes: list[int]
) -> None:
    """By id; of the others, by their marks or in the order that is left."""
    found = item_results(PLAYBACK, {"data": {"successList": well, "failedList": failed}})

    assert sorted((item.position, item.code) for item in found) == list(enumerate(codes))


@pytest.mark.parametrize(
    ("well", "failed", "verdict"),
    [
        ([11, 12, 13], [], Verdict.DONE),
        ([11, 12], [failure(121609003, uid=13)], Verdict.PARTIAL),
        ([], [failure(121609003, uid=each) for each in (11, 12, 13)], Verdict.REFUSED),
        ([11, 12], [failure(166, uid=13)], Verdict.DONE),
    ],
)
def test_a_list_of_failures_does_not_hide_who_succeeded(
    well: list[int], failed: list[object], verdict: Verdict
) -> None:
    """One of three who failed is a part, not all; who is there already is taken for well."""
    reply = Reply(200, 1, "", {"data": {"successList": well, "failedList": failed}})

    assert classify_reply(PLAYBACK, reply, expected=PLAYBACK.spec.accepts_existing) is verdict


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({"activityIds": [11, 12]}, 1),
        ({"classIds": [10, 11, 12]}, 2),
        ({"activityIds": [11, 12], "classIds": [12, 11]}, 1),
    ],
)
def test_items_are_those_of_the_list_that_counts(fields: dict[str, Any], position: int) -> None:
    """Classrooms are named as activities, else as lessons."""
    operation = read("set_playback_all_viewable", {"courseId": 5, **fields})
    key = "activityId" if "activityIds" in fields else "classId"
    failed = [failure(121609005, **{key: 12})]

    (found,) = item_results(operation, {"data": {"successList": [], "failedList": failed}})

    assert (found.position, found.code) == (position, 121609005)
