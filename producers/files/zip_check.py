"""Reject hostile ZIP archives: paths that lead outside, and entries that expand beyond measure."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

#: Maximum compression ratio; small files are exempt.
MOST_SHRUNK = 200
_SMALL = 1024**2


def tricks(entries: Sequence[ZipInfo], most_files: int, most_bytes: int) -> str:
    """Return what is wrong with a ZIP's list of files; '' if nothing is."""
    if len(entries) > most_files:
        return f"holds more than {most_files} files"
    if sum(entry.file_size for entry in entries) > most_bytes:
        return f"holds more than {most_bytes // 1024**2:,} MB when unpacked"
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        if ".." in parts or "\\" in entry.filename or ":" in entry.filename or parts[:1] == ("/",):
            return "holds a path that leads out of it"
        if entry.flag_bits & 1:
            return "is encrypted; should be a plain ZIP"
        if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            return "is packed in an unusual way; should be a plain ZIP"
        if entry.file_size > max(_SMALL, MOST_SHRUNK * entry.compress_size):
            return f"holds a file that shrank to less than a {MOST_SHRUNK}th"
    return ""
