"""The door of OneRoster exports, as a ZIP and as a folder."""

import csv
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile

from hypothesis import strategies as st

from ops.simulator.bundle import write_bundle
from producers.oneroster.planning.diff import difference
from producers.oneroster.planning.target import Options, intended
from producers.oneroster.reading.archive import open_bundle
from producers.oneroster.reading.reader import read_export
from producers.oneroster.reading.row_errors import RowFault
from producers.oneroster.reading.schema import Version
from producers.oneroster.roster import Roster
from tests.security.fuzz.archives import damaged_zip
from tests.security.fuzz.canaries import CHILD, EMAIL, PASSWORD, PHONE
from tests.security.fuzz.damage import ODD_TEXTS
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import Take
from tests.security.fuzz.place import a_place
from tests.unit.producers.oneroster.little_school import in_1_2, school


def _bundle(version: Version) -> bytes:
    """A little school whose children are canaries."""
    files = school()
    for user in files["users"][:2]:
        user |= {"email": EMAIL, "phone": PHONE, "sms": PHONE, "password": PASSWORD}
        user |= {"givenName": CHILD, "familyName": CHILD}
    files["users"][1] |= {"email": "a@example.invalid", "sms": "", "phone": ""}
    if version is Version.V1_2:
        files = in_1_2(files)
    out = BytesIO()
    with TemporaryDirectory() as folder:
        written = write_bundle(Path(folder, "x"), files, version=version)
        with ZipFile(out, "w") as packed:
            for path in sorted(written.iterdir()):
                packed.write(path, path.name)
    return out.getvalue()


_BUNDLES = tuple(map(_bundle, Version))

_CELLS = (
    *ODD_TEXTS, CHILD, EMAIL, PHONE, PASSWORD, "tobedeleted", "active", "delta", "bulk", "absent",
    "2026-02-30", "9999-12-31", "a", "b", "t", "k", "o", "true", "student", "teacher", "1.2",
)  # fmt: skip


@st.composite
def _tables(draw: st.DrawFn, content: bytes) -> bytes:
    """Damage rows and cells of a file; none of what is a person's becomes a column's name."""
    rows = list(csv.reader(StringIO(content.decode(), newline="")))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        row = rows[at]
        match draw(st.integers(0, 4)):
            case 0 if len(rows) > 1:
                del rows[at]
            case 1:
                rows.append(row)
            case 2 if row:
                del row[draw(st.integers(0, len(row) - 1))]
            case _ if row and at:
                row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(_CELLS))
            case _ if row:
                row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(ODD_TEXTS))
    text = StringIO(newline="")
    csv.writer(text, lineterminator=draw(st.sampled_from(("\n", "\r\n", "\r")))).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


@st.composite
def _bundles(draw: st.DrawFn) -> tuple[bytes, bool]:
    content = draw(st.sampled_from(_BUNDLES))

    def turned(name: str, part: bytes) -> bytes:
        del name
        return draw(_tables(part)) if draw(st.integers(0, 2)) == 0 else part

    return draw(damaged_zip(content, turned)), draw(st.booleans())


def _unpacked(content: bytes, folder: Path) -> Path:
    """Lay the files of an archive into a folder, as far as they can be read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with (
        suppress(BadZipFile, OSError, ValueError, RuntimeError),
        ZipFile(BytesIO(content)) as zipped,
    ):
        for name in zipped.namelist():
            with suppress(Exception):  # what is damaged is left out
                (folder / PurePosixPath(name).name).write_bytes(zipped.read(name))
    return folder


@contextmanager
def _opened() -> Iterator[Take]:
    with a_place() as place:
        path, folder = place.folder / "export.zip", place.folder / "export"

        def take(given: tuple[bytes, bool]) -> Iterable[str]:
            content, as_folder = given
            path.write_bytes(content)
            where = _unpacked(content, folder) if as_folder else path
            faults: list[RowFault] = []
            try:
                with open_bundle(where, faults.append) as bundle:
                    export = read_export(bundle, faults.append, Roster())
                roster, warnings = intended(export, Roster(), Options())
                difference(Roster(), roster, warnings)
                yield from warnings
            finally:
                place.must_be_empty()
            yield from map(str, faults)

        yield take


DOOR = Door(
    "oneroster",
    st.one_of(_bundles(), st.tuples(st.binary(max_size=200), st.booleans())),
    _opened,
    examples=80,
)


def test_whatever_comes_as_a_roster_is_taken_or_refused() -> None:
    """Whoever exports a roster: no crash, no way out of the archive, no person in what is said."""
    passes(DOOR)
