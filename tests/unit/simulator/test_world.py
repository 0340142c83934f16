"""What the pretend ClassIn holds."""

import pytest
from pydantic import ValidationError

from ops.simulator.state.drive import Folder
from ops.simulator.state.units import Unit
from ops.simulator.state.world import DEFAULT_SEED, Course, Seed, World


def test_every_school_starts_with_the_seed() -> None:
    """Two schools hold the same at the start, and nothing in common afterwards."""
    world = World(["1", "2"])
    one, two = world.institution("1"), world.institution("2")
    assert one.snapshot() == two.snapshot()

    one.drive.rename(one.drive.folders[1], "hello")
    one.units.add(352861, "Unit A", 0, "")

    assert one.snapshot() != two.snapshot()
    assert two.snapshot() == World(["2"]).institution("2").snapshot()


def test_ids_count_up_and_are_unique_across_schools() -> None:
    """Ids are predictable, and no two schools are given the same one."""
    world = World(["1", "2"])
    one, two = world.institution("1"), world.institution("2")

    folders = [held.drive.add(held.drive.top, "tools").folder_id for held in (one, two, one)]
    units = [held.units.add(414193, "Unit A", 0, "").unit_id for held in (one, two)]

    assert folders == [800001, 800002, 800003]
    assert units == [500001, 500002]


def test_a_snapshot_is_a_seed() -> None:
    """What one simulator holds another can begin with, and its ids go on from there."""
    before = World(["1"]).institution("1")
    before.drive.add(before.drive.top, "tools")
    before.courses[352861] = before.courses[352861].edited({"subjectId": 2})

    world = World(["1"], Seed.model_validate(before.snapshot()))
    after = world.institution("1")

    assert after.snapshot() == before.snapshot()
    assert after.drive.add(after.drive.top, "more").folder_id == 800002


def test_the_snapshot_uses_names_of_the_wire() -> None:
    """A reader of the state finds what the API calls things."""
    held = World(["1"]).snapshot()["schools"]["1"]
    assert {"courseId": 352861, "courseName": "Mathematics"} in held["courses"]
    assert {"folderId": 123456, "folderName": "Courseware", "parentId": 100000} in held["folders"]
    assert [unit["name"] for unit in held["units"]] == ["Unit 1"]


def test_an_edited_course_keeps_what_was_not_given() -> None:
    """An edit changes the fields given, and adds those that were not there."""
    course = Course(course_id=1, course_name="Art")
    edited = course.edited({"subjectId": 13}).edited({"courseName": "Fine arts"})
    assert edited.to_dict() == {"courseId": 1, "courseName": "Fine arts", "subjectId": 13}


def test_a_renamed_folder_frees_its_name() -> None:
    """After a renaming the old name can be taken, and the new one is found."""
    drive = World(["1"]).institution("1").drive
    folder = drive.add(drive.top, "tools")

    renamed = drive.rename(folder, "toys")

    assert drive.named(drive.top.folder_id, "tools") is None
    assert drive.named(drive.top.folder_id, "toys") == renamed == drive.find(folder.folder_id)
    assert drive.level(drive.add(renamed, "deeper")) == 2


@pytest.mark.parametrize(
    ("folders", "fault"),
    [
        ([], "the top folder is missing"),
        ([(1, None), (2, None)], "folder 2: the first one, and no other"),
        ([(2, 1), (1, None)], "folder 2: the first one"),
        ([(1, None), (3, 2), (2, 1)], "folder 3: its parent does not stand before it"),
    ],
)
def test_a_seed_whose_folders_are_no_tree_is_refused(
    folders: list[tuple[int, int | None]], fault: str
) -> None:
    """A drive has one top folder, and every other hangs below one that is there."""
    with pytest.raises(ValidationError, match=fault):
        Seed(
            folders=tuple(Folder(folder_id=i, folder_name=f"f{i}", parent_id=p) for i, p in folders)
        )


def test_a_seed_with_a_unit_of_no_course_is_refused() -> None:
    """A unit belongs to a course of the same seed."""
    unit = Unit(unit_id=1, course_id=99, name="Unit 1")
    with pytest.raises(ValidationError, match="unit 1: its course is missing"):
        Seed(folders=DEFAULT_SEED.folders, units=(unit,))
