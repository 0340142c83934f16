"""Files that go along, as they are read: out of the ledger, or from wherever fsspec reaches."""

import errno
import hashlib
import io
import itertools
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from worker.classin.errors import ClassinError, FileGone, NotSent
from worker.classin.fields import IN_REDIS, File
from worker.classin.operation import Operation
from worker.ledger.ledger import Ledger

#: Bytes that are read at a time, and asked for at a time of what lies elsewhere.
PIECE = 256 * 1024
_BLOCK = 2 * 1024 * 1024

#: Seconds that a web server may take to be reached, and then for each piece.
_CONNECT, _SILENCE = 10.0, 30.0

#: What no later look would change.
_LASTING = (
    FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError, ValueError,
)  # fmt: skip
#: HTTP's own: a timeout, too early, too many requests.
_PASSING = {408, 425, 429}


class Source(Protocol):
    """Something that is read from its beginning to its end."""

    def read(self, size: int, /) -> bytes:
        """Give so many bytes at most; none at the end."""

    def close(self) -> None:
        """Let go of it."""


class Reading:
    """A file on its way: what comes out is what was submitted, or an exception.

    `len` is how many bytes are still to come, as the multipart encoder asks for it. Raises FileGone
    before the last piece is out when it is another file; NotSent when it cannot be read now.
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
        """Give the next piece."""
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
            raise FileGone(f"{self._label} has changed since it was submitted: {fault}")
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
_NOTHING: nullcontext[Mapping[str, Reading]] = nullcontext({})


class Files:
    """Opens the files of records."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def opened(
        self, record_id: str, operation: Operation, beat: Callable[[], None]
    ) -> AbstractContextManager[Mapping[str, Reading]]:
        """Read every file of an operation through, then give them anew, by ClassIn's names.

        `beat` is called while they are read. Raises FileGone, or NotSent when one cannot be read
        now.
        """
        names = operation.files()
        return self._opened(record_id, operation, [*names], beat) if names else _NOTHING

    @contextmanager
    def _opened(
        self, record_id: str, operation: Operation, names: Sequence[str], beat: Callable[[], None]
    ) -> Iterator[Mapping[str, Reading]]:
        for name in names:
            with closing(self._open(record_id, operation, name, beat)) as reading:
                reading.drain()
        with ExitStack() as stack:
            yield {
                name: stack.enter_context(closing(self._open(record_id, operation, name, beat)))
                for name in names
            }

    def _open(
        self, record_id: str, operation: Operation, name: str, beat: Callable[[], None]
    ) -> Reading:
        file = operation.files()[name]
        label = name if operation.hides((name,)) else f"{name} ({file.name})"
        with _in_our_words(label):
            source = _Kept(self._ledger, record_id, name) if file.at == IN_REDIS else None
            return Reading(label, file, source or open_at(file.at), beat)


class _Kept:
    """A file whose content travels with its record."""

    def __init__(self, ledger: Ledger, record_id: str, name: str) -> None:
        self._pieces = (ledger.piece(record_id, name, n) for n in itertools.count())
        self._piece = io.BytesIO(next(self._pieces))
        if not self._piece.getbuffer():
            raise FileNotFoundError

    def read(self, size: int, /) -> bytes:
        """Give so many bytes at most; none at the end."""
        if not (found := self._piece.read(size)):
            self._piece = io.BytesIO(next(self._pieces))
            found = self._piece.read(size)
        return found

    def close(self) -> None:
        """Nothing is open."""


def open_at(at: str) -> Source:
    """Open what lies at an address. Raises whatever the way there raises."""
    if at.startswith("file:"):
        path = Path(os.fsdecode(unquote_to_bytes(urlsplit(at).path)))
        if not stat.S_ISREG(path.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, "Is no regular file")
        return path.open("rb")
    import fsspec  # noqa: PLC0415  # most operations have no file, and it takes a while to import

    system, path_there = fsspec.core.url_to_fs(at, **_options(at))
    web = at.startswith(("http:", "https:"))
    # On the web: one request, for servers that know no ranges; a size, so that none is asked for.
    how: dict[str, Any] = {"block_size": 0, "size": 1} if web else {"block_size": _BLOCK}
    source: Source = system.open(path_there, "rb", **how)
    return source


def _options(at: str) -> dict[str, Any]:
    """Give a web server no limit for the whole, which may be large, but one for each piece."""
    if not at.startswith(("http:", "https:")):
        return {}
    from aiohttp import ClientTimeout  # noqa: PLC0415  # slow to load, and seldom needed

    patience = ClientTimeout(total=None, connect=_CONNECT, sock_read=_SILENCE)
    return {"client_kwargs": {"timeout": patience}}


def why(error: Exception) -> str:
    """Say what keeps a file from being read; addresses, with what may be in them, stay out."""
    status = getattr(error, "status", None)
    match error:
        case OSError(strerror=str(text)) if text:
            return text
        case FileNotFoundError():
            return "there is no such file"
        case ImportError():
            return str(error)  # it names the package to install
        case ValueError():
            return "neither a path nor an address that can be read"
    return f"HTTP {status}" if status else type(error).__name__


@contextmanager
def _in_our_words(label: str) -> Iterator[None]:
    """Tell what keeps a file from being read for good from what may pass."""
    try:
        yield
    except ClassinError:
        raise
    except Exception as error:  # noqa: BLE001  # each protocol has exceptions of its own
        status = getattr(error, "status", None)
        refused = isinstance(status, int) and 400 <= status < 500 and status not in _PASSING  # noqa: PLR2004  # HTTP's own bounds
        if refused or isinstance(error, _LASTING):
            raise FileGone(f"{label} cannot be read any more: {why(error)}") from None
        raise NotSent(f"{label} cannot be read now: {why(error)}") from None
