"""The pipe that ties a process to its supervisor: standard input.

`ops.processes.supervisor.LinkedChild` holds the other end, and no other process does: however it
ends, the pipe breaks.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from worker.runtime.shutdown import end_now


def tie(grace: float) -> None:
    """Report this worker as ready; when the supervisor is gone, end as after SIGTERM.

    A worker that does not end within so many seconds is ended.
    """
    from celery import signals  # noqa: PLC0415  # who is no worker needs none of it

    tell_ready = tie_until_ready(grace)
    signals.worker_ready.connect(lambda **_: tell_ready(), weak=False)


def tie_until_ready(grace: float, line: int | None = None) -> Callable[[], None]:
    """Tie a process that is no worker; return a function that reports it as ready.

    `line`: the pipe's file descriptor, if it is no longer standard input.
    """
    line = sys.stdin.fileno() if line is None else line
    threading.Thread(target=_outlive, args=[line, grace], name="lifeline", daemon=True).start()
    return partial(_tell_ready, line)


def _tell_ready(line: int) -> None:
    with suppress(OSError):  # nobody is there any more: the other thread sees to that
        os.write(line, b"!")


def _outlive(line: int, grace: float) -> None:
    """Wait until the pipe breaks: nothing is ever sent over it."""
    with suppress(OSError):
        os.read(line, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    end_now(1, "the supervisor is gone, and this process does not get to its end")
