"""Files that have personal data or secrets: new ones, which nobody else may read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from worker.classin.errors import Fault, InvalidInput


def created(path: Path, encoding: str = "utf-8") -> TextIO:
    """Make a new file of text, of mode 0600. Raises OSError, also if there is such a file."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(number, "w", encoding=encoding, newline="")


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Open a new file of text, of mode 0600; one into which nothing came is removed.

    Raises InvalidInput if there is such a file already, or can be none.
    """
    try:
        made = created(path)
    except FileExistsError:
        raise InvalidInput("file", [Fault(str(path), "is there already: name a new one")]) from None
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise InvalidInput("file", [Fault(str(path), what)]) from None
    with made as file:
        try:
            yield file
        finally:
            file.flush()
            if not os.fstat(file.fileno()).st_size:
                path.unlink(missing_ok=True)
