"""Live and replay of classrooms, and who may watch them again."""

from typing import Any

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution, World
from tests.unit.simulator.asking import (
    ANN,
    BEN,
    CAT,
    COURSE,
    DAY,
    HEAD,
    HOUR,
    MINUTE,
    NOW,
    OTHER_COURSE,
    PAST,
    TEACHER,
    ask,
    classroom,
    data,
    past_classroom,
    task,
    unit,
)

#: The ids of the classroom that is over.
PAST_CLASS, PAST_ACTIVITY = 900001, 950001
FILM = {"recordState": 1, "recordType": 0, "liveState": 1, "openState": 1}


@pytest.fixture
def held(world: World) -> Institution:
    """A school with a recorded classroom of COURSE that is over."""
    school = world.institution("1")
    assert past_classroom(school) == {"classId": PAST_CLASS, "activityId": PAST_ACTIVITY}
    return school


def webcast(held: Institution, at: float = NOW, /, **fields: object) -> Answer:
    """Set the webcast of a classroom of COURSE."""
    return ask(held, "set_webcast", at, **{"courseId": COURSE, **fields})


def watch(held: Institution, verb: str, *uids: int, **fields: object) -> Answer:
    """Let people watch the classroom that is over, or keep them from it: `add` or `delete`."""
    given = {"courseId": COURSE, "activityId": PAST_ACTIVITY, "uidList": [*uids]}
    return ask(held, f"{verb}_playback_user", **{**given, **fields})


def viewers(held: Institution) -> set[int]:
    """Tell who may watch the classroom that is over."""
    listed = held.lessons[PAST_CLASS].viewers
    assert listed is not None
    return set(listed)


def all_of(held: Institution, what: str, at: float = NOW, /, **fields: object) -> dict[str, Any]:
    """Let nobody or everybody watch classrooms: `forbidden` or `viewable`."""
    return dict(data(ask(held, f"set_playback_all_{what}", at, courseId=COURSE, **fields)))


def test_a_webcast_is_set_by_either_id(held: Institution) -> None:
    """The activity's counts when both are given; of a password only that there is one is kept."""
    room, other = classroom(held), classroom(held, name="Sounds")
    said = data(webcast(held, activityId=room["activityId"], classId=other["classId"], **FILM))
    assert said["liveUrl"].endswith(f"lesson={room['classId']}")
    assert set(said["liveInfo"]) == {"RTMP", "HLS", "FLV"}
    assert held.lessons[room["classId"]].replay
    assert not held.lessons[other["classId"]].record
    assert data(webcast(held, classId=other["classId"], watchPassword="secret-1"))["liveUrl"] == ""
    assert "secret-1" not in str(held.snapshot())


@pytest.mark.parametrize(
    "fields",
    [
        {"activityId": 99},
        {"classId": PAST},
        {"courseId": OTHER_COURSE},
        {"courseId": 99},
        {"recordState": 0, "liveState": 1},
    ],
)
def test_a_webcast_that_cannot_be_is_refused(fields: dict[str, object], held: Institution) -> None:
    """Of its codes few are known: one stands for all."""
    room = {} if "classId" in fields else {"activityId": classroom(held)["activityId"]}
    assert webcast(held, **{**room, **FILM, **fields}).code == 121601020


@pytest.mark.parametrize(("left", "code"), [(20 * MINUTE, 1), (20 * MINUTE - 1, 121601020)])
def test_a_webcast_is_fixed_before_the_start(left: int, code: int, held: Institution) -> None:
    """Twenty minutes before; who may chat can be set later."""
    room = classroom(held)["activityId"]
    at = NOW + DAY - left
    assert webcast(held, at, activityId=room, **FILM).code == code
    assert webcast(held, at, activityId=room, allowUnloggedChat=1).code == 1


def test_people_are_let_watch_and_kept_from_it(held: Institution) -> None:
    """Who has nothing to do with the course cannot; who may, or may not, as it is stays so."""
    held.rosters.of(COURSE).teachers.add(TEACHER)
    assert data(watch(held, "delete", ANN, ANN)) == {"successList": [ANN, ANN], "failedList": []}
    assert viewers(held) == {HEAD, TEACHER, BEN}
    said = data(watch(held, "add", ANN, BEN, CAT))
    assert said["successList"] == [ANN, BEN]
    assert [(one["uid"], one["code"]) for one in said["failedList"]] == [(CAT, 121609003)]
    assert viewers(held) == {HEAD, TEACHER, ANN, BEN}


def test_drop_ins_may_watch_until_they_are_taken_off(held: Institution) -> None:
    """They are on the list that nobody has changed."""
    held.lessons.change(held.lessons[PAST_CLASS], drop_ins=(CAT,), absent=(ANN,))
    watch(held, "delete", HEAD)
    assert viewers(held) == {BEN, CAT}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"courseId": 99}, 147),
        ({"activityId": 99}, 30002),
        ({"courseId": OTHER_COURSE}, 30002),
        ({"activityId": None, "classId": PAST_CLASS}, 1),
        ({"activityId": None, "classId": PAST}, 121609004),
        ({"activityId": None, "classId": 99}, 121609004),
    ],
)
def test_a_replay_has_to_be_there(fields: dict[str, Any], code: int, held: Institution) -> None:
    """Whoever is to watch it."""
    assert watch(held, "add", ANN, **fields).code == watch(held, "delete", ANN, **fields).code
    assert watch(held, "add", ANN, **fields).code == code


def test_a_replay_is_of_a_recorded_classroom_that_is_over(held: Institution) -> None:
    """Neither of what is still to come, nor of what was not recorded, nor of what is gone."""
    room, talk = classroom(held)["activityId"], task(held, unit(held))
    later = {"courseId": COURSE, "activityId": room, "uidList": [ANN]}
    over = NOW + DAY + HOUR
    assert [ask(held, "add_playback_user", at, **later).code for at in (NOW, over)] == [
        121609005, 121609006,
    ]  # fmt: skip
    assert watch(held, "add", ANN, activityId=talk).code == 121609004
    ask(held, "delete_activity", courseId=COURSE, activityId=room)
    assert watch(held, "add", ANN, activityId=room).code == 29149


def test_nobody_or_everybody_watches_several(held: Institution) -> None:
    """Each that cannot be watched is told of by the id that it was asked by."""
    room = classroom(held)
    assert all_of(held, "forbidden", activityIds=[PAST_ACTIVITY, room["activityId"], 99]) == {
        "successList": [PAST_ACTIVITY],
        "failedList": [
            {
                "activityId": room["activityId"],
                "code": 121609005,
                "msg": "there is no replay before the lesson is over",
            },
            {"activityId": 99, "code": 30002, "msg": "there is no such activity"},
        ],
    }
    assert viewers(held) == set()
    said = all_of(held, "viewable", classIds=[PAST_CLASS, PAST])
    assert said["successList"] == [PAST_CLASS]
    assert [(one["classId"], one["code"]) for one in said["failedList"]] == [(PAST, 121609004)]
    assert viewers(held) == {HEAD, ANN, BEN}
    refused = ask(held, "set_playback_all_viewable", courseId=99, classIds=[PAST_CLASS])
    assert refused.code == 147
