"""Lifeline: what ties a process to its supervisor. Standard input is the line.

`ops.processes.supervisor.LinkedChild` holds the other end, and only that process does: however it
ends, the line breaks.
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
    """Tell the supervisor when this worker is ready; once that one is gone, end as after SIGTERM.

    Who does not manage that within so many seconds ends anyway.
    """
    from celery import signals  # noqa: PLC0415  # who is no worker needs none of it

    tell_ready = tie_until_ready(grace)
    signals.worker_ready.connect(lambda **_: tell_ready(), weak=False)


def tie_until_ready(grace: float, line: int | None = None) -> Callable[[], None]:
    """The same for who is no worker; gives what tells that it is ready.

    `line`: a file descriptor, where that is standard input no more.
    """
    line = sys.stdin.fileno() if line is None else line
    threading.Thread(target=_outlive, args=[line, grace], name="lifeline", daemon=True).start()
    return partial(_tell_ready, line)


def _tell_ready(line: int) -> None:
    with suppress(OSError):  # nobody is there any more: the other thread sees to that
        os.write(line, b"!")


def _outlive(line: int, grace: float) -> None:
    """Wait until the line breaks: nothing ever comes over it."""
    with suppress(OSError):
        os.read(line, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    end_now(1, "the supervisor is gone, and this process does not get to its end")
