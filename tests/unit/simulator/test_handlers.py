"""What the pretend ClassIn answers to each operation."""

from typing import Any

import pytest

from ops.simulator.handlers import ANSWERS, Answer, answer, answers
from ops.simulator.handlers.cloud import DEEPEST, MOST_FOLDERS
from ops.simulator.state.world import Institution, World
from worker.classin.catalogue import CATALOGUE, read
from worker.classin.codes import Code
from worker.classin.field_types import File
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId

NOW = 1_800_000_000
DAY = 24 * 3600


@pytest.fixture
def world() -> World:
    """Two schools with the default seed."""
    return World(["1", "2"])


@pytest.fixture
def held(world: World) -> Institution:
    """What the first school holds."""
    return world.institution("1")


def ask(held: Institution, operation: str, **fields: Any) -> Answer:  # noqa: ANN401  # any field
    """Carry an operation out as of NOW."""
    return answer(held, read(operation, fields), NOW)


def test_every_operation_has_an_answer() -> None:
    """The catalogue and the simulator know the same operations, and each answers its own codes."""
    assert set(ANSWERS) == set(CATALOGUE.values())


def test_an_operation_is_answered_once() -> None:
    """A second function for the same operation is a mistake of the programmer's."""
    with pytest.raises(TypeError, match="GetTopFolderId is answered twice"):
        answers(GetTopFolderId)(lambda held, operation, now: Answer(1))  # noqa: ARG005


def test_a_message_is_what_the_code_means_unless_given() -> None:
    """Every answer has a text, also one with a code that no page lists."""
    assert Answer(Code.NO_SUCH_FOLDER).text == Code.NO_SUCH_FOLDER.phrase
    assert Answer(193, message="gone").text == "gone"
    assert Answer(987654).text


def test_the_top_folder_is_told_as_text(held: Institution) -> None:
    """Ids of the drive come back as strings."""
    assert ask(held, "get_top_folder_id") == Answer(1, "100000")


def test_a_folder_is_made_once(held: Institution) -> None:
    """A second one of the same name is refused with the id of the first; elsewhere it is free."""
    assert ask(held, "create_folder", folderId=123456, folderName="课程1") == Answer(1, "800001")
    assert ask(held, "create_folder", folderId=123456, folderName="课程1") == Answer(206, "800001")
    assert ask(held, "create_folder", folderId=747759, folderName="课程1") == Answer(1, "800002")


def test_folders_nest_so_deep_and_no_deeper(held: Institution) -> None:
    """Fifteen levels below the top folder, not sixteen."""
    deepest = 100000
    for level in range(DEEPEST):
        deepest = int(str(ask(held, "create_folder", folderId=deepest, folderName=f"{level}").data))
    assert ask(held, "create_folder", folderId=deepest, folderName="x") == Answer(207)


def test_folders_are_so_many_and_no_more(held: Institution) -> None:
    """Five thousand in all."""
    for number in range(MOST_FOLDERS - len(held.drive)):
        made = answer(held, CreateFolder(folder_id=123456, folder_name=f"{number}"), NOW)
        assert made.code == 1
    assert ask(held, "create_folder", folderId=123456, folderName="one more") == Answer(208)


@pytest.mark.parametrize("operation", ["create_folder", "rename_folder"])
def test_a_folder_that_is_not_there(operation: str, world: World, held: Institution) -> None:
    """An unknown folder and one of another school are told apart."""
    other = world.institution("2").drive
    theirs = other.add(other.top, "theirs").folder_id
    assert ask(held, operation, folderId=99, folderName="x") == Answer(193)
    assert ask(held, operation, folderId=theirs, folderName="x") == Answer(194)


def test_a_folder_is_renamed(held: Institution) -> None:
    """The new name is there, and nothing comes back."""
    assert ask(held, "rename_folder", folderId=747759, folderName="hello") == Answer(1)
    folder = held.drive.find(747759)
    assert folder is not None
    assert folder.folder_name == "hello"


def test_a_name_that_is_taken_comes_with_its_holder(held: Institution) -> None:
    """A renaming to a sibling's name, or to the own name, is refused with the holder's id."""
    assert ask(held, "rename_folder", folderId=747759, folderName="Courseware").data == "123456"
    assert ask(held, "rename_folder", folderId=747759, folderName="Recordings") == Answer(
        206, "747759"
    )


def test_the_top_folder_keeps_its_name(held: Institution) -> None:
    """It does not allow renaming."""
    assert ask(held, "rename_folder", folderId=100000, folderName="x") == Answer(196)


def test_a_unit_is_made_once(held: Institution) -> None:
    """The answer brings name and id; the name is then taken in this course, not in others."""
    made = ask(held, "create_unit", courseId=414193, name="Create Unit", publishFlag=2)
    assert made == Answer(1, {"name": "Create Unit", "unitId": 500001})
    again = ask(held, "create_unit", courseId=414193, name="Create Unit", publishFlag=0)
    assert again == Answer(29208)
    elsewhere = ask(held, "create_unit", courseId=352861, name="Create Unit", publishFlag=0)
    assert elsewhere.code == 1
    assert tuple(held.units)[1].to_dict() == {
        "unitId": 500001,
        "courseId": 414193,
        "name": "Create Unit",
        "publishFlag": 2,
        "content": "",
    }


def test_the_seeded_unit_has_its_name(held: Institution) -> None:
    """A unit that was there at the start holds its name like any other."""
    assert ask(held, "create_unit", courseId=414193, name="Unit 1", publishFlag=0).code == 29208


def test_a_unit_for_a_course_that_is_not_there(world: World, held: Institution) -> None:
    """An unknown course and one of another school are told apart."""
    other = world.institution("2")
    other.courses[7] = other.courses[352861].model_copy(update={"course_id": 7})
    assert ask(held, "create_unit", courseId=99, name="A", publishFlag=0) == Answer(147)
    assert ask(held, "create_unit", courseId=7, name="A", publishFlag=0) == Answer(121601021)


def test_a_course_takes_the_fields_given(held: Institution) -> None:
    """What is given is kept under the names of the wire, a picture as its digest."""
    picture = File(name="cover.png", size=3, sha256="0" * 64, at="redis")
    said = ask(
        held,
        "edit_course",
        courseId=352861,
        courseName="Today is a good day",
        catId=5,
        folderId=123456,
        allowAddFriend=True,
        Filedata=picture,
    )
    assert said == Answer(1)
    assert held.courses[352861].to_dict() == {
        "courseId": 352861,
        "courseName": "Today is a good day",
        "catId": 5,
        "folderId": 123456,
        "allowAddFriend": 1,
        "Filedata": picture.summary(),
    }


def test_a_course_that_is_not_there_is_not_edited(held: Institution) -> None:
    """The code for it is 144; a folder that is not there is 160, and changes nothing."""
    before = held.snapshot()
    assert ask(held, "edit_course", courseId=99, courseName="x") == Answer(144)
    assert ask(held, "edit_course", courseId=352861, folderId=99) == Answer(160)
    assert held.snapshot() == before


@pytest.mark.parametrize(
    ("expiry", "code"),
    [
        (0, 1),
        (NOW + DAY - 1, 151),
        (NOW + DAY, 1),
        (NOW + 366 * DAY, 1),
        (NOW + 366 * DAY + 1, 154),
    ],
)
def test_a_course_expires_in_a_day_to_a_year(held: Institution, expiry: int, code: int) -> None:
    """Sooner is 151, later 154; 0 is never and always allowed."""
    assert ask(held, "edit_course", courseId=352861, expiryTime=expiry).code == code
