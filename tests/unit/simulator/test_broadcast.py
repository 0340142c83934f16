"""Recordings, and the pages that show them."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution
from tests.unit.simulator.asking import (
    COURSE,
    DAY,
    MINUTE,
    NOW,
    OTHER_COURSE,
    PAST,
    ask,
    classroom,
    entries,
    items,
    lesson,
)

ON = {"record": 1, "live": 1, "replay": 1}


def film(held: Institution, *lessons: dict[str, Any], at: float = NOW) -> Answer:
    """Set the recording of lessons of COURSE."""
    return ask(held, "set_class_video_multiple", at, courseId=COURSE, classJson=[*lessons])


def erase(held: Institution, file_id: str | None = None, class_id: int = PAST) -> int:
    """Delete one clip of a lesson, or all: the code."""
    fields = {} if file_id is None else {"fileId": file_id}
    return ask(held, "delete_class_video", classId=class_id, **fields).code


def test_each_lesson_is_told_of(held: Institution) -> None:
    """By the mark, with its addresses; a classroom's lesson is one as well."""
    one, room = lesson(held), classroom(held)["classId"]
    there = lesson(held, courseId=OTHER_COURSE)
    said = film(
        held,
        {"classId": one, **ON, "customColumn": "a"},
        {"classId": room, **ON},
        {"classId": one, "record": 0, "live": 1, "replay": 0, "customColumn": "b"},
        {"classId": there, **ON},
        {"classId": 99, **ON},
        {"classId": PAST, **ON},
    )
    assert entries(said) == [1, 1, 251, 142, 143, 252]
    first, _, third, *_ = items(said)
    assert (first["customColumn"], bool(first["more_data"]["live_url"])) == ("a", True)
    assert (third["customColumn"], "more_data" in third) == ("b", False)
    assert held.lessons[one].replay


@pytest.mark.parametrize(("left", "code"), [(20 * MINUTE, 1), (20 * MINUTE - 1, 252)])
def test_recordings_are_fixed_before_the_start(left: int, code: int, held: Institution) -> None:
    """Twenty minutes before."""
    said = film(held, {"classId": lesson(held), **ON}, at=NOW + DAY - left)
    assert entries(said) == [code]


def test_clips_are_deleted_one_by_one_or_together(held: Institution) -> None:
    """What is gone is told so."""
    said = [erase(held, name) for name in ("x", f"{PAST}-1", f"{PAST}-1", None, None)]
    assert said == [630, 1, 634, 1, 632]
    assert erase(held, f"{PAST}-2") == 634


def test_a_lock_keeps_the_clips(held: Institution) -> None:
    """Until it is taken off."""
    assert ask(held, "update_class_lock_status", classId=PAST, isLock=1) == Answer(1)
    assert erase(held) == 633
    ask(held, "update_class_lock_status", classId=PAST, isLock=0)
    assert erase(held) == 1


def test_only_past_lessons_have_recordings(held: Institution) -> None:
    """And of those only the ones that were recorded; deleted lessons are not known."""
    ahead = lesson(held)
    assert erase(held, class_id=ahead) == 384
    assert ask(held, "update_class_lock_status", classId=ahead, isLock=1).code == 391
    held.lessons.change(held.lessons[ahead], begin_time=1, end_time=2)
    assert erase(held, class_id=ahead) == 254
    held.lessons.delete(held.lessons[ahead])
    for class_id in (ahead, 99):
        assert erase(held, class_id=class_id) == 233
        assert ask(held, "update_class_lock_status", classId=class_id, isLock=1).code == 233


def test_an_address_never_changes(held: Institution) -> None:
    """A course has one, and each of its lessons."""
    class_id = lesson(held)
    urls = [
        ask(held, "get_webcast_url", courseId=COURSE, **fields).data
        for fields in ({}, {}, {"classId": class_id}, {"classId": class_id}, {"classId": PAST})
    ]
    assert len(set(urls)) == 3
    assert all(str(url).startswith("https://") for url in urls)
    there = {"courseId": OTHER_COURSE, "classId": class_id}
    assert ask(held, "get_webcast_url", **there).code == 142
    assert ask(held, "get_webcast_url", courseId=99).code == 144
    ask(held, "del_course_class", courseId=COURSE, classId=class_id)
    assert ask(held, "get_webcast_url", courseId=COURSE, classId=class_id).code == 212
