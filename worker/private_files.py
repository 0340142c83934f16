"""Create and check files and folders that other users of this machine must not access.

A new file has its mode from the start, whatever the umask. An existing one is judged by owner and
mode, not by access: root may read everything.
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

#: Maximum bytes of a secret, a key file or a schools file.
_LARGEST = 1_000_000

#: Mode of private files: the owner may read and write.
_PRIVATE = 0o600

#: Do not block on a pipe; the opened file is checked afterwards.
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotPrivateError(PermissionError):
    """Others can access or replace it; `strerror` names the remedy."""

    def __init__(self, what: str) -> None:
        super().__init__(errno.EPERM, what)

    def __str__(self) -> str:
        return self.strerror or ""


def read_secret(path: Path, *, ours_alone: bool = False) -> bytes:
    """Return the content of a secret file.

    `ours_alone`: it must be owned by this user, with mode 0600, and no link. Raises
    NotPrivateError, or another OSError.
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
    """Return why a file is not a safe secret; None if it is. Pure.

    It must belong to this user or to root, or be on a read-only mount (`read_only`), as in
    containers. Nobody else may write it; others may read it only where this user cannot change
    that: a file shared by root or by a mount.
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
    """Open a file, created with mode 0600 if flags say so. Raises NotPrivateError, OSError."""
    try:
        return os.open(path, flags, _PRIVATE)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPrivateError(f"{path} is a link: name the file itself") from None
        raise


def open_own(path: Path, flags: int = os.O_WRONLY | os.O_APPEND) -> int:
    """Open our own file, no link, creating a missing one; return its descriptor.

    Raises NotPrivateError, OSError.
    """
    opened = _open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    _close_to_others(opened)
    return opened


def write_own(path: Path, text: str) -> None:
    """Overwrite our own file, no link. Raises NotPrivateError, OSError."""
    with os.fdopen(open_own(path, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)


def created(path: Path, encoding: str = "utf-8") -> TextIO:
    """Create a text file of mode 0600. Raises OSError, also if it exists."""
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
    """Open a new text file of mode 0600; remove it if nothing was written.

    Raises InvalidInputError if it exists, or cannot be created.
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
    """Create a folder and its missing parents for this user only; check an existing one.

    Raises NotPrivateError, OSError.
    """
    make_folders(path)
    if fault := folder_fault(path):
        raise NotPrivateError(fault)


def make_folders(path: Path) -> None:
    """Create a folder and its missing parents for this user only. Raises OSError."""
    for folder in reversed([each for each in (path, *path.parents) if not each.exists()]):
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            continue  # another process was faster, or it is a link that leads nowhere
        folder.chmod(0o700)  # the umask may have taken more


def folder_fault(path: Path) -> str | None:
    """Return why a folder is not private; None if it is, or does not exist.

    Links may lead there if they are ours or root's.
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
    """Refuse foreign entries in a folder and its direct subfolders, and links to files.

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
