"""Decoding: what lies in Redis, read as it is written here, or refused in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.errors import UnreadableValueError

#: What reading something of an unknown shape raises.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Say in one line what cannot be read, without quoting it. Raises UnreadableValueError."""
    try:
        yield
    except UNREADABLE as error:
        raise unreadable(what, error) from error


def unreadable(what: str, error: Exception) -> UnreadableValueError:
    """Build the error for what cannot be read because of another one."""
    return UnreadableValueError(f"{cannot_be_read(what)} ({type(error).__name__})")


def cannot_be_read(what: str) -> str:
    """Say that somebody has changed what lies in Redis."""
    return f"{what} cannot be read: it was changed in Redis"
