"""What Redis's error replies mean: which code, what that says of the server, what to do about it.

The first word of an error reply is its code, a field of the protocol. What follows is a sentence,
which differs from version to version.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from redis import exceptions

from worker.errors import RedisUnavailableError


class Trouble(NamedTuple):
    """What keeps Redis from doing what it is asked."""

    #: Goes on after "Redis ...".
    said: str
    todo: str


_PRIMARY = "Let CLASSIN_REDIS_URL name the primary, the server that takes writes."
_SINGLE = Trouble(
    "is a cluster, which scatters keys that belong together",
    "Let CLASSIN_REDIS_URL name a single Redis that is no cluster.",
)

#: By code. All of it may pass, or be mended, without anything changing here.
TROUBLES: Mapping[str, Trouble] = {
    "OOM": Trouble(
        "is full (maxmemory): it keeps what it has, and takes in nothing more",
        "Raise its maxmemory, or make room with `classin prune`.",
    ),
    "READONLY": Trouble("is a replica, which takes no writes", _PRIMARY),
    "MASTERDOWN": Trouble("is a replica that has lost its primary", _PRIMARY),
    "LOADING": Trouble("is still loading its data", "Wait until it has loaded them."),
    "MISCONF": Trouble(
        "takes no writes because it cannot save its data to disk",
        "See its log; most often its disk is full.",
    ),
    "NOREPLICAS": Trouble(
        "takes no writes because too few of its replicas are there",
        "Bring its replicas back, or lower its min-replicas-to-write.",
    ),
    "NOAUTH": Trouble("asks for a password", "Put user and password into CLASSIN_REDIS_URL."),
    "WRONGPASS": Trouble(
        "does not accept the user and password",
        "Correct them in CLASSIN_REDIS_URL.",
    ),
    "NOPERM": Trouble(
        "does not let its user do this",
        "Give the user of CLASSIN_REDIS_URL the rights of `classin` in ops/redis-acl.conf.",
    ),
    "BUSY": Trouble(
        "is busy with a script that takes long",
        "Wait until it has ended; SCRIPT KILL ends one that has written nothing.",
    ),
    "CLUSTERDOWN": _SINGLE,
    "CROSSSLOT": _SINGLE,
    "MOVED": _SINGLE,
}

#: With these it can still be read.
READABLE = frozenset({"OOM", "READONLY", "MISCONF", "NOREPLICAS", "NOPERM"})

#: Codes of what a script cannot do with what it was given.
_OF_SCRIPTS = frozenset({"ERR", "WRONGTYPE"})


def error_code(error: exceptions.RedisError) -> str:
    """Return the code of an error reply; empty for what is none, such as a lost connection."""
    code = error.status_code
    if isinstance(error, exceptions.AuthenticationError) and code in {None, "ERR"}:
        return "WRONGPASS"  # as servers without users say it
    if code is not None or not isinstance(error, exceptions.ResponseError):
        return code or ""
    # redis-py leaves the codes that it has no class for where they are.
    first, _, _ = str(error).partition(" ")
    return first if first.isascii() and first.isalpha() and first.isupper() else ""


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what an error of a library on top of redis-py means; None for no such trouble."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, exceptions.RedisError):
        cause = cause.__cause__
    return None if cause is None else TROUBLES.get(error_code(cause))


def is_of_script(error: exceptions.RedisError) -> bool:
    """Return whether a script may have failed on what it was given, and not for want of Redis."""
    return isinstance(error, exceptions.ResponseError) and error_code(error) in _OF_SCRIPTS


def unavailable(error: exceptions.RedisError) -> RedisUnavailableError:
    """Return what keeps Redis from doing what it is asked, in one line."""
    code = error_code(error)
    trouble = TROUBLES.get(code)
    said = f"does not answer as it should: {error}" if trouble is None else trouble.said
    return RedisUnavailableError(f"Redis {said}", code)


@contextmanager
def translate_redis_errors() -> Iterator[None]:
    """Say in one line what keeps Redis from answering."""
    try:
        yield
    except exceptions.RedisError as error:
        raise unavailable(error) from error
