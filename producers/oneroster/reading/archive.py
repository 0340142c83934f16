"""A bundle: a folder or ZIP of CSV files, read in place and never unpacked."""

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Protocol, Self
from zipfile import BadZipFile, ZipFile

from producers.files.zip_check import tricks
from producers.oneroster.reading.csv_rows import Sheet
from producers.oneroster.reading.manifest import Manifest, Mode, read_manifest
from producers.oneroster.reading.row_errors import Report, broken_file
from producers.oneroster.reading.schema import MANIFEST, Table, Version, tables_of

#: Limits of a ZIP: files, and unpacked bytes.
MOST_FILES = 1000
MOST_BYTES = 2 * 1024**3


class _Store(Protocol):
    """Storage of a bundle's files."""

    def names(self) -> Iterable[str]:
        """Return the paths of all files, with slashes."""

    def open(self, name: str) -> BinaryIO:
        """Open a file, buffered. Raises OSError, BadZipFile or RuntimeError."""

    def close(self) -> None:
        """Close the store."""


class _Folder:
    """A folder with its subfolders."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> Iterator[str]:
        for found in (*self._path.glob("*"), *self._path.glob("*/*")):
            inside = found.resolve().is_relative_to(self._path.resolve())
            if inside and found.is_file():
                yield found.relative_to(self._path).as_posix()

    def open(self, name: str) -> BinaryIO:
        return (self._path / name).open("rb")

    def close(self) -> None:
        pass


class _Zip:
    """A ZIP archive, refused if it uses hostile features."""

    def __init__(self, path: Path) -> None:
        self._shown = path.name
        try:
            self._zip = ZipFile(path)
        except (BadZipFile, OSError, NotImplementedError, ValueError) as error:
            raise broken_file(path.name, "is no ZIP that can be read") from error
        told = tricks(self._zip.infolist(), MOST_FILES, MOST_BYTES)
        if told:
            self._zip.close()
            raise broken_file(path.name, told)

    def names(self) -> Iterator[str]:
        yield from (info.filename for info in self._zip.infolist() if not info.is_dir())

    def open(self, name: str) -> BinaryIO:
        return io.BufferedReader(self._zip.open(name))  # type: ignore[type-var]  # it has all that is asked for

    def close(self) -> None:
        self._zip.close()


class Bundle:
    """An open bundle: its OneRoster version, and the mode of each file."""

    def __init__(self, store: _Store, files: Mapping[str, str], manifest: Manifest) -> None:
        """Take an open store; `files` maps lower-case names to paths."""
        self.version = manifest.version
        self._store, self._files, self._manifest = store, files, manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()

    @property
    def tables(self) -> tuple[Table, ...]:
        """The files of this version that are read."""
        return tables_of(self.version)

    def mode(self, table: Table) -> Mode:
        """Return a file's mode; a file that the manifest omits counts as bulk."""
        named = self._manifest.modes.get(table.name)
        if named is not None:
            return named
        return Mode.BULK if self.has(table) else Mode.ABSENT

    def has(self, table: Table) -> bool:
        """Return whether a file exists."""
        return table.file.lower() in self._files

    @contextmanager
    def sheet(self, table: Table) -> Iterator[Sheet]:
        """Open a file and read its header. Raises InvalidInputError."""
        with _opened(self._store, self._files[table.file.lower()], table.file) as stream:
            yield Sheet(stream, table, delta=self.mode(table) is Mode.DELTA)


def open_bundle(path: Path, report: Report) -> Bundle:
    """Open a folder or ZIP, in which one folder may hold the files, and read its manifest.

    Raises InvalidInputError.
    """
    if not path.exists():
        raise broken_file(path.name, "is not there")
    store: _Store = _Folder(path) if path.is_dir() else _Zip(path)
    try:
        files = _files(path.name, store.names())
        if (name := files.get(MANIFEST.file)) is None:
            manifest = read_manifest(None, report, Version.V1_2 if "roles.csv" in files else None)
        else:
            with _opened(store, name, MANIFEST.file) as stream:
                manifest = read_manifest(Sheet(stream, MANIFEST), report)
    except BaseException:
        store.close()
        raise
    return Bundle(store, files, manifest)


@contextmanager
def _opened(store: _Store, name: str, file: str) -> Iterator[BinaryIO]:
    """Open a file of a store. Raises InvalidInputError."""
    try:
        stream = store.open(name)
    except (OSError, BadZipFile, RuntimeError, NotImplementedError) as error:
        raise broken_file(file, f"cannot be opened: {type(error).__name__}") from error
    with stream:
        yield stream


def _files(bundle: str, names: Iterable[str]) -> dict[str, str]:
    """Return the path of each CSV file by its lower-case name.

    Raises InvalidInputError if there is none, if they are in several folders, or a name repeats.
    """
    found = [PurePosixPath(name) for name in names]
    found = [
        path
        for path in found
        if path.suffix.lower() == ".csv"
        and not any(part.startswith((".", "__MACOSX")) for part in path.parts)
    ]
    folders = {path.parent for path in found}
    outermost = PurePosixPath()
    if outermost not in folders and len(folders) > 1:
        raise broken_file(bundle, "has CSV files in several folders; should have them in one")
    folder = outermost if outermost in folders else next(iter(folders), outermost)
    files: dict[str, str] = {}
    for path in found:
        if path.parent == folder and files.setdefault(path.name.lower(), str(path)) != str(path):
            raise broken_file(bundle, f"holds {path.name.lower()} twice")
    if not files:
        raise broken_file(bundle, "holds no CSV files")
    return files
