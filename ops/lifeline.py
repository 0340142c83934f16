"""Lifeline: what ties a worker process to its supervisor. Standard input is the line.

`ops.supervision.TiedChild` holds the other end, and only that process does: however it ends, the
line breaks.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress

from celery import signals

from worker.shutdown import end_now


def tie(grace: float) -> None:
    """Tell the supervisor when this worker is ready; once that one is gone, end as after SIGTERM.

    Who does not manage that within so many seconds ends anyway.
    """
    line = sys.stdin.fileno()
    signals.worker_ready.connect(lambda **_: _tell_ready(line), weak=False)
    threading.Thread(target=_outlive, args=[line, grace], name="lifeline", daemon=True).start()


def _tell_ready(line: int) -> None:
    with suppress(OSError):  # nobody is there any more: the other thread sees to that
        os.write(line, b"!")


def _outlive(line: int, grace: float) -> None:
    """Wait until the line breaks: nothing ever comes over it."""
    with suppress(OSError):
        os.read(line, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    end_now(1, "the supervisor is gone, and this worker does not get to its end")
