"""Files that go along with an operation, as they are handed in."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import fsspec
import pytest

from producers.intake.attachments import LARGEST_KEPT, FileOpener, attach, file_at, packed
from worker.classin.endpoint import v1
from worker.classin.field_types import LARGEST_FILE, LARGEST_PICTURE, File, FileLimit, without_mac
from worker.classin.operation import REGISTRY, Idempotency, Operation
from worker.classin.operations.cloud import CreateFolder, UploadFile
from worker.classin.operations.courses import EditCourse
from worker.config.settings import Settings
from worker.errors import InvalidInputError
from worker.ledger.record import Submission

CONTENT = b"a picture"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


Photo = Annotated[File, FileLimit(LARGEST_PICTURE, ("jpg", "jpeg", "gif", "png"))]


@pytest.fixture
def hang_picture() -> Iterator[type[Operation]]:
    """An operation that takes two pictures; in the catalogue for one test."""

    class HangPicture(
        Operation,
        endpoint=v1("course", "hangPicture"),
        idempotency=Idempotency.IDEMPOTENT,
        codes=(1,),
    ):
        """Hang two pictures."""

        wall: int
        front: Photo
        back: Photo | None = None

    yield HangPicture
    del REGISTRY[HangPicture.spec.name]


@pytest.fixture
def door(settings: Settings) -> FileOpener:
    """What somebody at a command line may name, and files in memory."""
    access = replace(settings.typed_files, schemes=("memory", "gdrive"))
    return FileOpener(settings, access)


def shown(field: object) -> dict[str, Any]:
    """A file's description but for what vouches for it."""
    assert isinstance(field, dict)
    assert len(field["mac"]) == 64
    return without_mac(field)


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    """A small picture."""
    path = tmp_path / "cover.png"
    path.write_bytes(CONTENT)
    return path


def submission(file: File, door: FileOpener) -> Submission:
    """A checked operation with this file."""
    operation = door.vouched(UploadFile(folder_id=1, filedata=file))
    return Submission(id="a", operation="upload_file", school="main", fields=operation.to_dict())


@pytest.mark.parametrize("spelling", ["Filedata", "filedata"])
def test_a_file_is_described_in_both_spellings(
    cover: Path, spelling: str, door: FileOpener
) -> None:
    """Its name goes along without the folders, its path becomes an address."""
    fields, faults = attach(EditCourse, {"courseId": 1, spelling: f"@{cover}"}, door)
    file = {"name": "cover.png", "size": 9, "sha256": DIGEST, "at": f"file://{cover}"}
    assert (shown(fields[spelling]), faults) == (file, [])


@pytest.mark.parametrize(
    ("where", "at_home", "found"),
    [("~/cover.png", True, True), ("~/cover.png", False, False), ("~cover.png", True, False)],
)
def test_a_tilde_is_the_home_of_whoever_types(
    where: str,
    at_home: bool,  # noqa: FBT001
    found: bool,  # noqa: FBT001
    cover: Path,
    monkeypatch: pytest.MonkeyPatch,
    door: FileOpener,
) -> None:
    """No shell expands it after `@`; for others than people at a command line it is a folder."""
    monkeypatch.setenv("HOME", str(cover.parent))
    door = replace(door, access=replace(door.access, home=at_home))
    fields, faults = attach(EditCourse, {"Filedata": f"@{where}"}, door)
    assert (not faults) is found
    if found:
        assert fields["Filedata"]["at"] == f"file://{cover}"


def test_a_path_may_be_relative(
    cover: Path, monkeypatch: pytest.MonkeyPatch, door: FileOpener
) -> None:
    """Workers run elsewhere: what they are told is absolute."""
    monkeypatch.chdir(cover.parent)
    fields, _ = attach(EditCourse, {"Filedata": "@cover.png"}, door)
    assert fields["Filedata"]["at"] == f"file://{cover}"


def test_an_address_is_left_as_it_is(door: FileOpener) -> None:
    """Its last part is the file's name."""
    with fsspec.open("memory://shelf/week%201.pdf", "wb") as file:
        file.write(CONTENT)
    fields, faults = attach(UploadFile, {"Filedata": "@memory://shelf/week%201.pdf"}, door)
    assert faults == []
    assert shown(fields["Filedata"]) == {
        "name": "week 1.pdf",
        "size": 9,
        "sha256": DIGEST,
        "at": "memory://shelf/week%201.pdf",
    }


@pytest.mark.parametrize("name", ["a b#c?d%20e.png", "第一.png", "a::b.png", "-.png"])
def test_a_path_may_hold_any_character(tmp_path: Path, name: str) -> None:
    """It is found again by the address that was made of it."""
    (tmp_path / name).write_bytes(CONTENT)
    file = file_at(tmp_path / name)
    assert (file.name, file.sha256) == (name, DIGEST)
    assert file_at(file.at) == file


def test_only_fields_for_files_are_read(cover: Path, door: FileOpener) -> None:
    """A folder may well be named like an address."""
    given = {"folderId": 1, "folderName": f"@{cover}"}
    assert attach(CreateFolder, given, door) == (given, [])


@pytest.mark.parametrize("value", [None, "cover.png", "", 5, {"name": "a", "at": "redis"}])
def test_what_names_no_file_is_left_alone(value: object, door: FileOpener) -> None:
    """The catalogue says what is wrong with it, if anything is."""
    given = {"courseId": 1, "Filedata": value}
    assert attach(EditCourse, given, door) == (given, [])


def test_what_was_handed_in_is_not_changed(tmp_path: Path, door: FileOpener) -> None:
    """The fields with the file are others."""
    given = {"Filedata": f"@{tmp_path}/nowhere"}
    attach(EditCourse, given, door)
    assert given == {"Filedata": f"@{tmp_path}/nowhere"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere.png", ["cannot be read: No such file or directory"]),
        ("folder.png", ["is no file"]),
        ("pipe.png", ["is no file"]),
        ("empty.png", ["is empty"]),
        ("x" * 300 + ".png", ["cannot be read: File name too long"]),
        ("nul\0.png", ["cannot be read: neither a path nor an address that can be read"]),
        ("large.png", ["should have at most 1,048,576 bytes"]),
        ("cover.bmp", ["should be a jpg, jpeg, gif or png"]),
        (
            "large",
            ["should be a jpg, jpeg, gif or png", "should have at most 1,048,576 bytes"],
        ),
        (
            "nowhere",
            ["cannot be read: No such file or directory", "should be a jpg, jpeg, gif or png"],
        ),
    ],
)
def test_a_file_that_cannot_go_along_is_explained(
    tmp_path: Path, hang_picture: type[Operation], name: str, said: list[str], door: FileOpener
) -> None:
    """By the field that it was for, which is left out so that nothing else is said of it."""
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").touch()
    (tmp_path / "cover.bmp").write_bytes(CONTENT)
    os.mkfifo(tmp_path / "pipe.png")
    for large in ("large", "large.png"):
        (tmp_path / large).write_bytes(bytes(LARGEST_PICTURE + 1))
    fields, faults = attach(hang_picture, {"wall": 1, "back": f"@{tmp_path / name}"}, door)
    shown = str(tmp_path / name).replace("\0", "\\x00")
    assert [str(fault) for fault in faults] == [f"back: {shown} {each}" for each in said]
    assert fields == {"wall": 1}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "@ names no file"),
        ("/", "/ names no file"),
        ("https://a.example/?token=x", "https://a.example/?*** names no file"),
        ("memory://nowhere/a.png?b", "memory://nowhere/a.png?*** cannot be read: there is no such"),
        ("nothing://a/b.png", "nothing://a/b.png cannot be read: no such addresses are read here"),
        ("gdrive://a/b.png", "gdrive://a/b.png cannot be read: "),
        ("https://[/b.png", "https://[/b.png cannot be read: neither a path nor an address"),
    ],
)
def test_an_address_that_leads_nowhere_is_explained(
    where: str, said: str, door: FileOpener
) -> None:
    """Without what may be a credential in it; of a package that is missing, which."""
    _, faults = attach(EditCourse, {"Filedata": f"@{where}"}, door)
    assert str(faults[0]).startswith(f"Filedata: {said}")


def test_every_file_is_looked_at(
    tmp_path: Path, hang_picture: type[Operation], door: FileOpener
) -> None:
    """Two that are missing are two faults."""
    given = {"front": f"@{tmp_path}/a.png", "back": f"@{tmp_path}/b.png"}
    fields, faults = attach(hang_picture, given, door)
    assert [fault.where for fault in faults] == ["front", "back"]
    assert fields == {}


def test_a_file_larger_than_any_field_takes_is_not_read_through(
    tmp_path: Path, door: FileOpener
) -> None:
    """Its size is enough; this one has holes in the place of half a gigabyte."""
    path = tmp_path / "film.mp4"
    path.touch()
    os.truncate(path, LARGEST_FILE + 1)
    _, faults = attach(UploadFile, {"filedata": f"@{path}"}, door)
    assert [str(fault) for fault in faults] == [
        f"Filedata: {path} should have at most 524,288,000 bytes"
    ]


def test_python_describes_a_file_in_advance(cover: Path) -> None:
    """By a path or its text; the field that it is for checks the rest."""
    assert file_at(cover) == file_at(str(cover))
    assert EditCourse(course_id=1, filedata=file_at(cover)).files()["Filedata"].size == 9


@pytest.mark.parametrize(
    ("name", "said"),
    [("nowhere", "cannot be read: No such file"), ("x" * 129, "has a name that ClassIn does not")],
)
def test_python_is_told_what_is_wrong_with_a_file(tmp_path: Path, name: str, said: str) -> None:
    """By an exception."""
    (tmp_path / ("x" * 129)).write_bytes(CONTENT)
    with pytest.raises(InvalidInputError, match=said):
        file_at(tmp_path / name)


def test_a_small_file_s_content_goes_along(cover: Path, door: FileOpener) -> None:
    """The description says so; nothing else of it changes."""
    file = file_at(cover)
    entry = packed(submission(file, door), door.settings)
    assert entry.contents == {"Filedata": CONTENT}
    assert entry.fields["Filedata"] == file.model_dump() | {"at": "redis"}
    assert "picture" not in repr(entry)


def test_a_large_file_stays_where_it_is(tmp_path: Path, door: FileOpener) -> None:
    """The largest that is kept, and one byte more."""
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(LARGEST_KEPT))
    assert (
        len(packed(submission(file_at(path), door), door.settings).contents["Filedata"])
        == LARGEST_KEPT
    )
    path.write_bytes(bytes(LARGEST_KEPT + 1))
    larger = submission(file_at(path), door)
    assert packed(larger, door.settings) == larger


@pytest.mark.parametrize("now", [b"another picture", b"a pICTUre", b"a", None])
def test_a_file_that_changed_at_the_last_moment_stays_where_it_is(
    cover: Path, now: bytes | None, door: FileOpener
) -> None:
    """The worker will say what is wrong with it; a batch is not torn apart for it."""
    entry = submission(file_at(cover), door)
    cover.unlink()
    if now is not None:
        cover.write_bytes(now)
    assert packed(entry, door.settings) == entry
