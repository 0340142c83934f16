"""Files and folders that other users of this machine must not reach: made so, and judged.

What is made has its mode from the start, whatever the umask is. What is there is judged by its
owner and mode, not by access: root may read all.
"""

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from worker.errors import FieldError, InvalidInputError

#: More is no secret, no key file and no file of schools (bytes).
_LARGEST = 1_000_000

#: What is ours alone: its owner may read and write it.
_PRIVATE = 0o600

#: To read without waiting for whoever writes into a pipe; what is opened is looked at afterwards.
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotPrivateError(PermissionError):
    """Others may reach it, or put another in its place; `strerror` says what mends that."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EPERM, what)

    def __str__(self) -> str:
        return self.strerror or ""


def read_secret(path: Path, *, ours_alone: bool = False) -> bytes:
    """Return what a file with a secret holds.

    `ours_alone`: it must be this user's own, of mode 0600, and no link.
    Raises NotPrivateError, or another OSError.
    """
    opened = _open(path, READ | (os.O_NOFOLLOW if ours_alone else 0))
    try:
        about, me = os.fstat(opened), os.geteuid()
        if ours_alone:
            fault = _fault_of_ours(path, about, me)
        else:
            read_only = bool(os.fstatvfs(opened).f_flag & os.ST_RDONLY)
            fault = secret_fault(path, about, me, read_only=read_only)
        if fault:
            raise NotPrivateError(fault)
        os.set_blocking(opened, True)
        with os.fdopen(opened, "rb", closefd=False) as file:
            text = file.read(_LARGEST + 1)
    finally:
        os.close(opened)
    if len(text) > _LARGEST:
        raise OSError(errno.EFBIG, f"it has more than {_LARGEST:,} bytes")
    return text


def secret_fault(path: Path, about: os.stat_result, me: int, *, read_only: bool) -> str | None:
    """Say why a secret is not one; None: it may be read. Pure.

    It belongs to this user, or to root, or lies where nobody can write (`read_only`), as
    containers have it. Others may write it nowhere, and read it only where it is not ours to
    close: what root or who mounted it shares.
    """
    mode = stat.S_IMODE(about.st_mode)
    if about.st_uid not in {me, 0} and not read_only:
        return _of_another(path, about, me)
    if not stat.S_ISREG(about.st_mode):
        return None
    if mode & 0o022:
        return f"it has mode {mode:04o}, others may write it: {_chmod('600', path)}"
    if mode & 0o077 and about.st_uid == me and not read_only:
        return f"it has mode {mode:04o}, others may read it: {_chmod('600', path)}"
    return None


def _fault_of_ours(path: Path, about: os.stat_result, me: int) -> str | None:
    mode = stat.S_IMODE(about.st_mode)
    if not stat.S_ISREG(about.st_mode):
        return "it is no file"
    if about.st_uid != me:
        return _of_another(path, about, me)
    if mode & 0o177:
        return f"it has mode {mode:04o}, others may reach it: {_chmod('600', path)}"
    return None


def _of_another(path: Path, about: os.stat_result, me: int) -> str:
    return (
        f"it belongs to user {about.st_uid}, not to this one:"
        f" if it is yours, chown {me} {shlex.quote(str(path))}"
    )


def _chmod(mode: str, path: Path) -> str:
    return f"chmod {mode} {shlex.quote(str(path))}"


def _open(path: Path, flags: int) -> int:
    """Open a file, made with mode 0600 if flags say so. Raises NotPrivateError, OSError."""
    try:
        return os.open(path, flags, _PRIVATE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPrivateError(f"{path} is a link: name the file itself") from None
        raise


def open_own(path: Path, flags: int = os.O_WRONLY | os.O_APPEND) -> int:
    """Open a file of ours, no link, made if it is missing; return its descriptor.

    Raises NotPrivateError, OSError.
    """
    opened = _open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    _close_to_others(opened)
    return opened


def write_own(path: Path, text: str) -> None:
    """Write a file of ours, no link, anew. Raises NotPrivateError, OSError."""
    with os.fdopen(open_own(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)


def created(path: Path, encoding: str = "utf-8") -> TextIO:
    """Make a new file of text, of mode 0600. Raises OSError, also if there is such a file."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    _close_to_others(opened)
    return os.fdopen(opened, "w", encoding=encoding, newline="")


def _close_to_others(opened: int) -> None:
    """Set mode 0600 on an open file, whatever the umask has left of it."""
    about = os.fstat(opened)
    if about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) != _PRIVATE:
        os.fchmod(opened, _PRIVATE)


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Open a new file of text, of mode 0600; one into which nothing came is removed.

    Raises InvalidInputError if there is such a file already, or can be none.
    """
    try:
        made = created(path)
    except FileExistsError:
        raise InvalidInputError(
            "file", [FieldError(str(path), "is there already: name a new one")]
        ) from None
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise InvalidInputError("file", [FieldError(str(path), what)]) from None
    with made as file:
        try:
            yield file
        finally:
            file.flush()
            if not os.fstat(file.fileno()).st_size:
                path.unlink(missing_ok=True)


def private_folder(path: Path) -> None:
    """Make a folder, and those missing above it, for this user only; judge one that is there.

    Raises NotPrivateError, OSError.
    """
    make_folders(path)
    if fault := folder_fault(path):
        raise NotPrivateError(fault)


def make_folders(path: Path) -> None:
    """Make a folder, and those missing above it, for this user only. Raises OSError."""
    for folder in reversed([each for each in (path, *path.parents) if not each.exists()]):
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            continue  # another process was faster, or it is a link that leads nowhere
        folder.chmod(0o700)  # the umask may have taken more


def folder_fault(path: Path) -> str | None:
    """Say why a folder is not private; None: it is, or there is none to look at.

    Links may lead there, if they are ours or root's.
    """
    me = os.geteuid()
    try:
        link, about = path.lstat(), path.stat()
        above = {each: each.stat().st_mode for each in (path.parent, path.resolve().parent)}
    except (OSError, RuntimeError):  # the latter before Python 3.13: links in a circle
        return None
    if link.st_uid not in {me, 0} and stat.S_ISLNK(link.st_mode):
        return f"{path} is a link of user {link.st_uid}'s: remove it, or choose another place"
    if not stat.S_ISDIR(about.st_mode):
        return f"{path} is no folder"
    if about.st_uid != me:
        return f"{path}: {_of_another(path, about, me)}, else choose another place"
    if stat.S_IMODE(about.st_mode) & 0o077:
        mode = stat.S_IMODE(about.st_mode)
        return f"{path} has mode {mode:04o}, others may enter it: {_chmod('700', path)}"
    for folder, mode in above.items():
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"others may put theirs in place of {path}: {_chmod('o-w', folder)}"
    return None


def judge_inside(folder: Path) -> None:
    """Refuse what others left in a folder and in those right below it, and links to files.

    Raises NotPrivateError, OSError.
    """
    me = os.geteuid()
    for path in (*folder.glob("*"), *folder.glob("*/*")):
        try:
            about = path.lstat()
        except FileNotFoundError:
            continue  # gone meanwhile
        if about.st_uid not in {me, 0}:
            raise NotPrivateError(f"{path}: {_of_another(path, about, me)}, else remove it")
        if stat.S_ISLNK(about.st_mode) and not path.is_dir():
            raise NotPrivateError(f"{path} is a link: put the file itself there")
