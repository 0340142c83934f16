"""Decoding: what lies in Redis, read as it is written here, or refused in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker.classin.errors import UnreadableValueError

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError, ArithmeticError)


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Say in one line what cannot be read, without quoting it. Raises UnreadableValueError."""
    try:
        yield
    except _UNREADABLE as error:
        said = f"{what} cannot be read: it was changed in Redis ({type(error).__name__})"
        raise UnreadableValueError(said) from error
