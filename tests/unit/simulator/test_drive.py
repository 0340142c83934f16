"""The cloud drive: files, listings, and folders that go."""

from ops.simulator.handlers import Answer
from ops.simulator.state.world import Institution, World
from tests.unit.simulator.asking import ask
from worker.classin.field_types import File

TOP, COURSEWARE, RECORDINGS = 100000, 123456, 747759


def upload(held: Institution, folder_id: int = COURSEWARE, name: str = "plan.pdf") -> Answer:
    """Upload a file of 2049 bytes."""
    content = File.model_construct(name=name, size=2049, sha256="0" * 64, at="test:nowhere")
    return ask(held, "upload_file", folderId=folder_id, Filedata=content)


def file_id(said: Answer) -> int:
    """Read the id of a file that was uploaded."""
    assert said.code == 1
    return int(str(said.data))


def names(held: Institution, folder_id: int) -> list[str]:
    """List the names of the files in a folder, as ClassIn tells them."""
    beside = ask(held, "get_cloud_list", folderId=folder_id).beside or {}
    listed = beside["file_list"]
    assert isinstance(listed, list)
    return [file["file_name"] for file in listed]


def test_a_file_is_listed(held: Institution) -> None:
    """Beside data, with its size; only digest and size are kept."""
    assert upload(held) == Answer(1, "850001")
    ask(held, "create_folder", folderId=COURSEWARE, folderName="Art")
    assert ask(held, "get_cloud_list", folderId=COURSEWARE) == Answer(
        1,
        beside={
            "folder_list": [{"folder_id": "800001", "folder_name": "Art", "is_system_folder": 0}],
            "file_list": [{"id": "850001", "file_name": "plan.pdf", "file_size": "3KB"}],
        },
    )
    assert [file.to_dict() for file in held.drive.files] == [
        {
            "fileId": 850001,
            "folderId": COURSEWARE,
            "fileName": "plan.pdf",
            "fileSize": 2049,
            "sha256": "0" * 64,
        }
    ]


def test_equal_names_do_not_clash(held: Institution) -> None:
    """A repeated upload stores the file twice."""
    assert file_id(upload(held)) != file_id(upload(held))
    assert names(held, COURSEWARE) == ["plan.pdf", "plan.pdf"]


def test_the_top_folder_is_listed_unless_another_is_named(held: Institution) -> None:
    """Its folders are those of the first level."""
    said = ask(held, "get_cloud_list")
    assert said == ask(held, "get_cloud_list", folderId=TOP)
    listed = (said.beside or {})["folder_list"]
    assert isinstance(listed, list)
    assert [folder["folder_name"] for folder in listed] == ["Courseware", "Recordings"]


def test_the_folders_of_two_levels_are_listed(held: Institution) -> None:
    """By the id of the first level, in texts; without any there are no data."""
    ask(held, "create_folder", folderId=COURSEWARE, folderName="Art")
    assert ask(held, "get_folder_list") == Answer(
        1,
        {
            f"{COURSEWARE}": [{"id": "800001", "pid": f"{COURSEWARE}", "name": "Art"}],
            f"{RECORDINGS}": [],
        },
    )
    for folder_id in (COURSEWARE, RECORDINGS):
        ask(held, "del_folder", folderId=folder_id)
    assert ask(held, "get_folder_list") == Answer(106)


def test_a_file_is_renamed(held: Institution) -> None:
    """To a name that no other file of its folder has."""
    one, _ = file_id(upload(held)), upload(held, name="taken.pdf")
    upload(held, RECORDINGS, "free.pdf")
    said = [
        ask(held, "rename_file", fileId=one, fileName=name).code
        for name in ("taken.pdf", "plan.pdf", "free.pdf")
    ]
    assert said == [200, 1, 1]
    assert names(held, COURSEWARE) == ["free.pdf", "taken.pdf"]


def test_a_file_is_deleted_once(held: Institution) -> None:
    """Then it is not there."""
    one = file_id(upload(held))
    assert [ask(held, "del_file", fileId=one).code for _ in range(2)] == [1, 198]
    assert names(held, COURSEWARE) == []
    assert ask(held, "rename_file", fileId=one, fileName="x").code == 198


def test_files_and_folders_of_others(world: World, held: Institution) -> None:
    """They are told apart from what is not there."""
    other = world.institution("2")
    theirs = file_id(upload(other))
    folder = other.drive.add(other.drive.top, "theirs").folder_id
    assert ask(held, "del_file", fileId=theirs).code == 199
    assert ask(held, "rename_file", fileId=theirs, fileName="x").code == 199
    for folder_id, code in ((folder, 194), (99, 193)):
        assert ask(held, "del_folder", folderId=folder_id).code == code
        assert ask(held, "get_cloud_list", folderId=folder_id).code == code
        assert upload(held, folder_id).code == code


def test_a_folder_goes_with_all_that_is_in_it(held: Institution) -> None:
    """Folders below it and their files as well; its name is free again. The top one stays."""
    outer = int(str(ask(held, "create_folder", folderId=COURSEWARE, folderName="Art").data))
    inner = int(str(ask(held, "create_folder", folderId=outer, folderName="Old").data))
    files = [file_id(upload(held, folder_id)) for folder_id in (outer, inner)]
    kept = file_id(upload(held, RECORDINGS))
    assert [ask(held, "del_folder", folderId=outer).code for _ in range(2)] == [1, 193]
    assert inner not in held.drive
    assert [ask(held, "del_file", fileId=one).code for one in (*files, kept)] == [198, 198, 1]
    assert ask(held, "create_folder", folderId=COURSEWARE, folderName="Art").code == 1
    assert ask(held, "del_folder", folderId=TOP).code == 196
