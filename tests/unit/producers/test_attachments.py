"""Files that travel with an operation."""

from pathlib import Path

import pytest

from producers.attachments import attach
from worker.classin.fields import LARGEST_FILE
from worker.classin.operations.cloud import CreateFolder
from worker.classin.operations.courses import EditCourse


@pytest.mark.parametrize("spelling", ["Filedata", "filedata"])
def test_a_file_is_read_in_both_spellings(tmp_path: Path, spelling: str) -> None:
    """Its name goes along without the folders."""
    path = tmp_path / "cover.png"
    path.write_bytes(b"png")
    fields, faults = attach(EditCourse, {"courseId": 1, spelling: f"@{path}"})
    assert faults == []
    assert fields == {"courseId": 1, spelling: {"name": "cover.png", "content": "cG5n"}}


def test_only_fields_for_files_are_read(tmp_path: Path) -> None:
    """A folder may well be named like an address."""
    path = tmp_path / "cover.png"
    path.write_bytes(b"png")
    given = {"folderId": 1, "folderName": f"@{path}"}
    assert attach(CreateFolder, given) == (given, [])


@pytest.mark.parametrize("value", [None, "cover.png", "", 5, {"name": "a", "content": "cG5n"}])
def test_what_names_no_file_is_left_alone(value: object) -> None:
    """The catalogue says what is wrong with it, if anything is."""
    given = {"courseId": 1, "Filedata": value}
    assert attach(EditCourse, given) == (given, [])


def test_what_was_handed_in_is_not_changed(tmp_path: Path) -> None:
    """The fields with the file are others."""
    given = {"Filedata": f"@{tmp_path}/nowhere"}
    attach(EditCourse, given)
    assert given == {"Filedata": f"@{tmp_path}/nowhere"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "cannot be read: No such file or directory"),
        ("folder", "is no file"),
        ("empty", "is empty"),
        ("large", f"has {LARGEST_FILE + 1:,} bytes; at most {LARGEST_FILE:,} can go along"),
        ("x" * 300, "cannot be read: File name too long"),
        ("nul\0", "cannot be read: not a path"),
    ],
)
def test_a_file_that_cannot_go_along_is_explained(tmp_path: Path, name: str, said: str) -> None:
    """By the field that it was for, which is left out so that nothing else is said of it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(bytes(LARGEST_FILE + 1))
    fields, faults = attach(EditCourse, {"courseId": 1, "filedata": f"@{tmp_path / name}"})
    assert [str(fault) for fault in faults] == [f"Filedata: {tmp_path / name} {said}"]
    assert fields == {"courseId": 1}


def test_the_largest_file_goes_along(tmp_path: Path) -> None:
    """To the byte."""
    path = tmp_path / "cover.png"
    path.write_bytes(bytes(LARGEST_FILE))
    fields, faults = attach(EditCourse, {"filedata": f"@{path}"})
    assert faults == []
    assert EditCourse(course_id=1, **fields).files()["Filedata"].content == bytes(LARGEST_FILE)
