"""Units: made, renamed, published, emptied, deleted."""

import pytest

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution
from tests.unit.simulator.asking import (
    COURSE,
    DAY,
    HOUR,
    NOW,
    OTHER_COURSE,
    ask,
    classroom,
    task,
    unit,
)


def update(held: Institution, unit_id: int, **fields: object) -> Answer:
    """Edit a unit of COURSE."""
    return ask(held, "update_unit", courseId=COURSE, unitId=unit_id, **fields)


def move(held: Institution, unit_id: int, to_unit_id: int) -> Answer:
    """Move the activities of one unit of COURSE to another."""
    return ask(held, "move_activities", courseId=COURSE, unitId=unit_id, toUnitId=to_unit_id)


def test_a_unit_is_edited(held: Institution) -> None:
    """Only what is given; its own name it may be given again, another unit's not."""
    one, _ = unit(held, "Unit A"), unit(held, "Unit B")
    assert update(held, one, content="first", publishFlag=2) == Answer(1, {"unitId": one})
    assert update(held, one, name="Unit A").code == 1
    assert update(held, one, name="Unit B").code == 50003
    assert update(held, one, name="Unit C").code == 1
    changed = held.units.find(COURSE, one)
    assert changed is not None
    assert (changed.name, changed.content, changed.publish_flag) == ("Unit C", "first", 2)
    assert unit(held, "Unit A")  # the name is free again


def test_what_is_published_stays_so(held: Institution) -> None:
    """A draft may be told to be one."""
    one = unit(held)
    assert update(held, one, publishFlag=0).code == 1
    assert update(held, one, publishFlag=2).code == 1
    assert update(held, one, publishFlag=0).code == 40004


@pytest.mark.parametrize("operation", ["update_unit", "delete_unit"])
def test_a_unit_that_is_not_there(operation: str, held: Institution) -> None:
    """Nor one of another course; the course is looked at first."""
    fields = {"name": "x"} if operation == "update_unit" else {}
    there = unit(held, course_id=OTHER_COURSE)
    for unit_id in (99, there):
        assert ask(held, operation, courseId=COURSE, unitId=unit_id, **fields).code == 40020
    assert ask(held, operation, courseId=99, unitId=there, **fields).code == 147


def test_a_unit_is_deleted_with_its_activities(held: Institution) -> None:
    """Its name and the identities in it are free again; a second time it is not there."""
    one = unit(held)
    made, draft = classroom(held, unitId=one, uniqueIdentity="n1"), task(held, one)
    gone = {"courseId": COURSE, "unitId": one}
    assert ask(held, "delete_unit", **gone) == Answer(1, {"unitId": one})
    assert held.lessons[made["classId"]].deleted
    release = {"courseId": COURSE, "activityId": draft}
    assert ask(held, "release_activity", **release).code == 29149
    assert ask(held, "delete_unit", **gone).code == 40020
    assert classroom(held, unitId=unit(held), uniqueIdentity="n1")


@pytest.mark.parametrize("after", [0, HOUR])
def test_a_unit_with_a_classroom_that_began_stays(after: int, held: Institution) -> None:
    """Whether it is being held or over."""
    one = unit(held)
    classroom(held, unitId=one)
    gone = {"courseId": COURSE, "unitId": one}
    assert ask(held, "delete_unit", NOW + DAY + after, **gone).code == 40001


def test_all_activities_move(held: Institution) -> None:
    """The unit that they leave stays, and a repeat finds nothing to move."""
    source, target = unit(held), unit(held, "Unit B")
    ids = {classroom(held, unitId=source)["activityId"], task(held, source)}
    assert [move(held, source, target) for _ in range(2)] == [Answer(1), Answer(1)]
    assert {one.activity_id for one in held.activities.of(target)} == ids
    assert held.activities.of(source) == []
    assert held.units.find(COURSE, source) is not None


def test_moving_needs_two_units(held: Institution) -> None:
    """Both of the course, and not the same."""
    one = unit(held)
    said = [move(held, *pair).code for pair in ((one, one), (99, one), (one, 99), (one, 400001))]
    assert said == [29046, 29048, 50004, 50004]
