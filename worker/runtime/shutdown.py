"""Shutdown: who is asked to end does so in time, whatever hangs."""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import NoReturn

log = logging.getLogger(__name__)

#: Seconds for the last words: a log that nobody reads any more may block.
_LAST_WORDS = 1.0


def end_now(code: int, why: str) -> NoReturn:
    """End this process, whatever its threads do; they are not asked."""
    timer = threading.Timer(_LAST_WORDS, os._exit, [code])
    timer.daemon = True
    timer.start()
    log.error("%s", why)
    os._exit(code)


class Shutdown:
    """Counts the time from the moment that the worker is asked to end.

    `stopping` is set at once; after `grace` seconds `end` is called. A process that is gone by
    then has done everything right.
    """

    def __init__(
        self,
        stopping: threading.Event,
        grace: float,
        end: Callable[[int, str], object] = end_now,
    ) -> None:
        self._stopping = stopping
        self._grace = grace
        self._end = end
        self._asked = False

    def begin(self, code: int = 0) -> None:
        """Begin to stop, in the end with this code; a second call changes nothing."""
        if self._asked:
            return
        self._asked = True
        # A signal's handler calls this, perhaps while its own thread holds the event's lock:
        # another thread may wait for that lock.
        threading.Thread(target=self._count, args=[code], name="shutdown", daemon=True).start()

    def _count(self, code: int) -> None:
        self._stopping.set()
        time.sleep(self._grace)
        self._end(
            code, f"something is not done after {self._grace:g} s; it comes back by its lease"
        )
