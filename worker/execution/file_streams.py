"""Files that go along, as they are read: out of the ledger, from a path, or from an address."""

import hashlib
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from worker.classin.field_types import IN_REDIS, File
from worker.classin.operation import Operation
from worker.config.file_access import FileAccess, WebError
from worker.config.settings import Settings
from worker.errors import ClassinError, FileChangedError, NotSentError
from worker.execution.local_files import open_path
from worker.keyring import canonical
from worker.ledger.store import RedisLedger

#: Bytes that are read at a time, and asked for at a time of what lies elsewhere.
PIECE = 256 * 1024
_BLOCK = 2 * 1024 * 1024

#: What the key ring's marks on files are for.
FILES = "file"

#: What no later look would change.
_LASTING = (
    FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, ValueError,
)  # fmt: skip
#: HTTP's own: a timeout, too early, too many requests.
_PASSING = {408, 425, 429}


class Source(Protocol):
    """Something that is read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end."""

    def close(self) -> None:
        """Let go of it."""


class VerifiedStream:
    """A file on its way: what comes out is what was submitted, or an exception.

    `len` is how many bytes are still to come, as the multipart encoder asks for it. Raises
    FileChangedError before the last piece is out when it is another file; NotSentError when it
    cannot be read now.
    """

    def __init__(
        self, label: str, file: File, source: Source, beat: Callable[[], None] = lambda: None
    ) -> None:
        self._label = label
        self._file = file
        self._source = source
        self._beat = beat
        self._digest = hashlib.sha256()
        self.len = file.size

    def read(self, size: int = PIECE) -> bytes:
        """Return the next piece."""
        if not self.len:
            return b""
        self._beat()
        wanted = min(self.len, size) if size >= 0 else self.len
        with _in_our_words(self._label):
            piece = self._source.read(wanted)
            self.len -= len(piece)
            more = not self.len and bool(self._source.read(1))
        self._digest.update(piece)
        if fault := self._fault(piece, more=more):
            raise FileChangedError(f"{self._label} has changed since it was submitted: {fault}")
        return piece

    def drain(self) -> None:
        """Read it to its end, only to see that it is as it was."""
        while self.read():
            pass

    def close(self) -> None:
        """Let go of it."""
        self._source.close()

    def _fault(self, piece: bytes, *, more: bool) -> str | None:
        was = self._file.size
        if not piece:
            return f"it has {was - self.len:,} bytes, it had {was:,}"
        if more:
            return f"it has more than the {was:,} bytes that it had"
        if not self.len and self._digest.hexdigest() != self._file.sha256:
            return f"it has {was:,} bytes, but not the same ones"
        return None


#: What most operations have of files.
_NOTHING: nullcontext[Mapping[str, VerifiedStream]] = nullcontext({})


class Files:
    """Opens the files of records."""

    def __init__(self, ledger: RedisLedger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings

    def opened(
        self, record_id: str, operation: Operation, beat: Callable[[], None]
    ) -> AbstractContextManager[Mapping[str, VerifiedStream]]:
        """Read every file of an operation through, then give them anew, by ClassIn's names.

        `beat` is called while they are read. Raises FileChangedError, or NotSentError when one
        cannot be read now.
        """
        names = operation.files()
        return self._opened(record_id, operation, [*names], beat) if names else _NOTHING

    @contextmanager
    def _opened(
        self, record_id: str, operation: Operation, names: Sequence[str], beat: Callable[[], None]
    ) -> Iterator[Mapping[str, VerifiedStream]]:
        with ExitStack() as stack:
            readings = {}
            for name in names:
                file = operation.files()[name]
                label = name if operation.hides((name,)) else f"{name} ({file.name})"
                with _in_our_words(label):
                    source = stack.enter_context(closing(self._source(record_id, name, file)))
                VerifiedStream(label, file, source, beat).drain()
                with _in_our_words(label):
                    if isinstance(source, BufferedReader):
                        source.seek(0)  # the very file that was looked at, whatever has its path
                    else:
                        source.close()
                        source = stack.enter_context(closing(self._source(record_id, name, file)))
                readings[name] = VerifiedStream(label, file, source, beat)
            yield readings

    def _source(self, record_id: str, name: str, file: File) -> Source:
        if file.at == IN_REDIS:
            return _Kept(self._ledger, record_id, name)
        return open_file(file, self._settings)


class _Kept:
    """A file whose content travels with its record."""

    def __init__(self, ledger: RedisLedger, record_id: str, name: str) -> None:
        self._pieces = (ledger.file_piece(record_id, name, n) for n in itertools.count())
        self._piece = io.BytesIO(next(self._pieces))
        if not self._piece.getbuffer():
            raise FileNotFoundError

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end."""
        if not (found := self._piece.read(size)):
            self._piece = io.BytesIO(next(self._pieces))
            found = self._piece.read(size)
        return found

    def close(self) -> None:
        """Nothing is open."""


def open_file(file: File, settings: Settings) -> Source:
    """Open a file that was described. Raises whatever the way there raises.

    What our key ring vouches for was named by somebody who could read it. For all else only what
    the settings list is opened: whoever can write to Redis can write such a description.
    """
    access = settings.typed_files if is_vouched_for(file, settings) else settings.listed_files
    return open_at(file.at, access)


def is_vouched_for(file: File, settings: Settings) -> bool:
    """Return whether our key ring vouches for a file's description, as it is."""
    said = canonical(file.vouched())
    return bool(file.mac) and settings.keyring.verify(FILES, said, file.mac)


def vouched_for(file: File, settings: Settings) -> File:
    """Return a file's description with the mark that our key ring vouches for it."""
    mac = settings.keyring.mac(FILES, canonical(file.vouched()))
    return file.model_copy(update={"mac": mac})


def open_at(at: str, access: FileAccess) -> Source:
    """Open what lies at an address. Raises PermissionError where that may not be read.

    And whatever the way there raises.
    """
    if at.startswith("file:"):
        path = Path(os.fsdecode(unquote_to_bytes(urlsplit(at).path)))
        return open_path(path, access)
    if at.startswith(("http:", "https:")):
        from worker.execution.web_files import open_web_file  # noqa: PLC0415  # as below

        return open_web_file(at, access)
    access.must_have_scheme(at)
    import fsspec  # noqa: PLC0415  # most operations have no file, and it takes a while to import

    system, path_there = fsspec.core.url_to_fs(at)
    source: Source = system.open(path_there, "rb", block_size=_BLOCK)
    return source


def must_be_readable(at: str, access: FileAccess) -> None:
    """Judge an address without asking its host. Raises as open_at."""
    if at.startswith(("http:", "https:")):
        access.web_address(at)
    elif at.startswith("file:"):
        open_at(at, access).close()
    else:
        access.must_have_scheme(at)


def why(error: Exception) -> str:
    """Return what keeps a file from being read; addresses, with what may be in them, stay out."""
    match error:
        case OSError(strerror=str(text)) if text:
            return text
        case FileNotFoundError():
            return "there is no such file"
        case ImportError() | WebError():
            return str(error)  # it names the package to install, or says it in our words
        case ValueError():
            return "neither a path nor an address that can be read"
    return type(error).__name__


@contextmanager
def _in_our_words(label: str) -> Iterator[None]:
    """Tell what keeps a file from being read for good from what may pass."""
    try:
        yield
    except ClassinError:
        raise
    except Exception as error:  # noqa: BLE001  # each protocol has exceptions of its own
        status = error.status if isinstance(error, WebError) else None
        refused = status is not None and 400 <= status < 500 and status not in _PASSING  # noqa: PLR2004  # HTTP's own bounds
        if refused or isinstance(error, _LASTING):
            raise FileChangedError(f"{label} cannot be read any more: {why(error)}") from None
        raise NotSentError(f"{label} cannot be read now: {why(error)}") from None
