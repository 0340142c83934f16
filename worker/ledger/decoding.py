"""Decoding: what lies in Redis, read as it is written here, or refused in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.classin.errors import UnreadableValueError

#: What reading something of an unknown shape raises.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)


@contextmanager
def decoding(what: str, wrong: tuple[type[Exception], ...] = _UNREADABLE) -> Iterator[None]:
    """Say in one line what cannot be read, without quoting it; `wrong` is what tells that.

    Raises UnreadableValueError.
    """
    try:
        yield
    except wrong as error:
        raise UnreadableValueError(f"{cannot_be_read(what)} ({type(error).__name__})") from error


def cannot_be_read(what: str) -> str:
    """Say that somebody has changed what lies in Redis."""
    return f"{what} cannot be read: it was changed in Redis"
