"""Files of this machine: opened once, and only where they may be read."""

import errno
import os
import stat
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path

from worker.config.file_access import FileAccess, refused
from worker.private_files import READ


def open_path(path: Path, access: FileAccess) -> BufferedReader:
    """Open a regular file. Raises PermissionError where it may not be read, or OSError."""
    at = os.open(path, READ) if access.folders is None else _below(path, access)
    if not stat.S_ISREG(os.fstat(at).st_mode):
        os.close(at)
        raise IsADirectoryError(errno.EISDIR, "Is no regular file")
    return os.fdopen(at, "rb")


def _below(path: Path, access: FileAccess) -> int:
    """Open what lies in one of the folders, links followed; gives the descriptor.

    It is the same however the links change meanwhile: none is followed on the way down.
    """
    real = Path(os.path.realpath(path))
    for folder in access.folders or ():
        root = Path(os.path.realpath(folder))
        if real != root and real.is_relative_to(root):
            names = real.relative_to(root).parts
            if any(name.startswith(".") for name in names):
                raise refused("it is hidden, or lies in a hidden folder")
            return _walked(root, names)
    raise access.unlisted()


def _walked(root: Path, names: Sequence[str]) -> int:
    """Go down from a folder by names, none of which may be a link. Raises OSError."""
    at = os.open(root, READ | os.O_DIRECTORY)
    for left, name in enumerate(names, 1 - len(names)):
        folder = os.O_DIRECTORY if left else 0
        try:
            below = os.open(name, READ | os.O_NOFOLLOW | folder, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at
