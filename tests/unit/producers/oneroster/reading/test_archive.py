"""Bundles: folders and ZIPs, with and without a manifest."""

import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ops.simulator.bundle import write_bundle
from producers.oneroster.reading.archive import MOST_FILES
from producers.oneroster.reading.row_errors import RowFault
from producers.oneroster.reading.schema import Version
from tests.unit.producers.oneroster.little_school import Reading, in_1_2, read, read_path, school
from worker.errors import InvalidInputError


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """A ZIP of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """The files of the little school."""
    write_bundle(folder, school())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def taken_in(reading: Reading) -> bool:
    """Whether the whole school was read without a word."""
    return reading.faults == [] and sorted(reading.roster.people) == ["a", "b", "t"]


def test_a_folder_and_a_zip_say_the_same(tmp_path: Path) -> None:
    """In both editions of OneRoster."""
    for number, files in enumerate((school(), in_1_2(school()))):
        folder = read(tmp_path / f"{number}", files)
        archive = read(tmp_path / f"{number}.zip", files)
        assert taken_in(folder)
        assert taken_in(archive)
        assert archive.roster == folder.roster


@pytest.mark.parametrize("inside", ["", "export/", "Export 2026/"])
def test_files_may_lie_in_one_folder_of_the_zip(tmp_path: Path, inside: str) -> None:
    """As a packer leaves them; what it adds for itself does not count."""
    files = {inside + name: content for name, content in contents(tmp_path / "f").items()}
    files |= {"__MACOSX/export/._users.csv": b"\x00", f"{inside}.hidden.csv": b"\x00"}
    assert taken_in(read_path(zipped(tmp_path / "a.zip", files)))


def test_a_folder_may_hold_the_folder_of_files(tmp_path: Path) -> None:
    """As after unpacking."""
    contents(tmp_path / "outer" / "inner")
    assert taken_in(read_path(tmp_path / "outer"))


def test_names_of_files_may_be_spelt_in_any_case(tmp_path: Path) -> None:
    """Some systems write them so."""
    files = {name.upper(): content for name, content in contents(tmp_path / "f").items()}
    assert taken_in(read_path(zipped(tmp_path / "a.zip", files)))


def test_a_mark_in_front_and_other_line_ends_are_taken(tmp_path: Path) -> None:
    """A byte order mark, and line feeds alone."""
    files = {
        name: b"\xef\xbb\xbf" + content.replace(b"\r\n", b"\n")
        for name, content in contents(tmp_path / "f").items()
    }
    assert taken_in(read_path(zipped(tmp_path / "a.zip", files)))


def test_without_a_manifest_there_is_a_warning(tmp_path: Path) -> None:
    """And what is there is in bulk, of the edition that it looks like."""
    for edition, files in ((Version.V1_1, school()), (Version.V1_2, in_1_2(school()))):
        write_bundle(tmp_path / edition, files, version=edition)
        (tmp_path / edition / "manifest.csv").unlink()
        reading = read_path(tmp_path / edition)
        assert [str(fault) for fault in reading.faults] == [
            f"manifest.csv: is not there: read as OneRoster {edition}, all files in bulk"
        ]
        assert len(reading.export.whole) == 4
        assert sorted(reading.roster.people) == ["a", "b", "t"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("oneroster.version,1.0", "manifest.csv: oneroster.version should be 1.1 or 1.2"),
        ("file.users,bulk", "manifest.csv: oneroster.version should be 1.1 or 1.2"),
        ("oneroster.version,1.1\nfile.users,some", "manifest.csv: file.users: should be one of"),
    ],
)
def test_a_manifest_that_makes_no_sense_stops_the_run(tmp_path: Path, text: str, said: str) -> None:
    """Nobody can tell what is to be removed then."""
    contents(tmp_path)
    (tmp_path / "manifest.csv").write_text(f"propertyName,value\n{text}\n")
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        read_path(tmp_path)


@pytest.mark.parametrize("version", ["1.2", "1.2.1"])
def test_later_corrections_of_an_edition_are_the_edition(tmp_path: Path, version: str) -> None:
    """1.2.1 is read as 1.2."""
    write_bundle(tmp_path, in_1_2(school()), version=Version.V1_2)
    (tmp_path / "manifest.csv").write_text(f"propertyName,value\noneroster.version,{version}\n")
    assert taken_in(read_path(tmp_path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../users.csv", "leads out of it"),
        ("/etc/users.csv", "leads out of it"),
        ("a\\..\\users.csv", "leads out of it"),
        ("C:/users.csv", "leads out of it"),
        ("Users.csv", "holds users.csv twice"),
        ("other/users.csv", ""),
    ],
)
def test_tricks_with_paths_are_refused(tmp_path: Path, name: str, said: str) -> None:
    """Nothing is ever unpacked, but such a ZIP is none of a SIS's."""
    path = zipped(tmp_path / "a.zip", contents(tmp_path / "f") | {name: b"sourcedId\n"})
    if said:
        with pytest.raises(InvalidInputError, match=said):
            read_path(path)
    else:
        assert taken_in(read_path(path))


def test_files_in_two_folders_are_refused(tmp_path: Path) -> None:
    """Nobody knows which are meant."""
    path = zipped(tmp_path / "a.zip", {"x/users.csv": b"a", "y/users.csv": b"a"})
    with pytest.raises(InvalidInputError, match="in several folders"):
        read_path(path)


def test_bombs_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    """By what the ZIP says of itself; more than that is never read."""
    swelling = zipped(tmp_path / "a.zip", {"users.csv": bytes(20 * 1024**2)})
    with pytest.raises(InvalidInputError, match="shrank to less than a 200th"):
        read_path(swelling)
    many = zipped(tmp_path / "b.zip", {f"{n}.csv": b"" for n in range(MOST_FILES + 1)})
    with pytest.raises(InvalidInputError, match="holds more than 1000 files"):
        read_path(many)


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    """It would be read into memory."""
    contents(tmp_path)
    (tmp_path / "users.csv").write_bytes(b"sourcedId" * 200_000)
    with pytest.raises(InvalidInputError, match=r"users.csv: has an endless line"):
        read_path(tmp_path)


@pytest.mark.parametrize("found", [b"", b"PK\x03\x04", b"sourcedId,name\n"])
def test_what_is_no_zip_is_refused(tmp_path: Path, found: bytes) -> None:
    """Whatever its name."""
    (tmp_path / "a.zip").write_bytes(found)
    with pytest.raises(InvalidInputError, match=r"a.zip: is no ZIP that can be read"):
        read_path(tmp_path / "a.zip")


def test_nothing_there_is_said(tmp_path: Path) -> None:
    """No path, or a folder without files."""
    with pytest.raises(InvalidInputError, match="x: is not there"):
        read_path(tmp_path / "x")
    with pytest.raises(InvalidInputError, match="holds no CSV files"):
        read_path(tmp_path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """The folder is all that was handed in."""
    contents(tmp_path / "f")
    (tmp_path / "f" / "users.csv").rename(tmp_path / "users.csv")
    (tmp_path / "f" / "users.csv").symlink_to(tmp_path / "users.csv")
    with pytest.raises(InvalidInputError, match=r"users.csv: is not there, but should be"):
        read_path(tmp_path / "f")


def test_a_damaged_zip_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    """Whichever byte of it is wrong."""
    whole = write_bundle(tmp_path / "a.zip", school()).read_bytes()
    for place in range(0, len(whole), 37):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "b.zip").write_bytes(damaged)
        try:
            read_path(tmp_path / "b.zip")
        except InvalidInputError as refused:
            assert refused.faults  # noqa: PT017  # either is right: only other exceptions are not


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["users.csv", "enrollments.csv", "manifest.csv"]))
def test_no_bytes_break_the_reader(tmp_path: Path, raw: bytes, name: str) -> None:
    """After a good header or in its place: read, reported, or refused as a whole."""
    write_bundle(tmp_path, school())
    header = (tmp_path / name).read_bytes().splitlines(keepends=True)[0]
    for content in (raw, header + raw):
        (tmp_path / name).write_bytes(content)
        faults: list[RowFault] = []
        try:
            read_path(tmp_path)
        except InvalidInputError as refused:
            assert str(refused).encode()  # noqa: PT017  # either is right: only others are not
        assert all(str(fault).encode() for fault in faults)
