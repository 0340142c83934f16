"""File descriptors: how many a process needs, whether it may have them, and whether any is left."""

import errno
import os
import resource

from worker.errors import UnavailableError

#: For each thread of a worker: its connections to ClassIn and to Redis, and a file that it sends.
PER_THREAD = 3

#: For all the rest of a process: connections to the broker, of heartbeat, rescue and webhooks;
#: logs, pipes, and whatever a library opens for a moment.
BESIDES = 100

_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})


def make_room_for_threads(threads: int) -> None:
    """See to it that a worker with so many threads may open what it needs.

    Raises UnavailableError if the system does not allow that.
    """
    allowed = _raised_to(needed := threads * PER_THREAD + BESIDES)
    if allowed < needed:
        fitting = max(1, (allowed - BESIDES) // PER_THREAD)
        raise UnavailableError(
            f"{threads} threads may need {needed} file descriptors, and the system allows this"
            f" process {allowed}: raise that limit (ulimit -n), or set CLASSIN_THREADS to at most"
            f" {fitting}."
        )


def make_room_for_connections(connections: int) -> None:
    """See to it that a server may hold so many connections. Raises UnavailableError."""
    allowed = _raised_to(needed := connections + BESIDES)
    if allowed < needed:
        raise UnavailableError(
            f"{connections} connections may need {needed} file descriptors, and the system allows"
            f" this process {allowed}: raise that limit (ulimit -n)."
        )


def any_left() -> bool:
    """Whether this process may open one more."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno not in _NONE_LEFT
    return True


def _raised_to(needed: int) -> int:
    """Return how many are allowed, after raising that to what is needed as far as possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # the system has a limit of its own below that
        return soft
    return wanted
