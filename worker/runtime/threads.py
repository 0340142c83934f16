"""The crew: the threads of one worker process."""

import logging
import threading
import time
from collections.abc import Callable

from worker.runtime.dispatcher import Dispatcher

log = logging.getLogger(__name__)

#: Seconds from one round to the next, while there is much to do: what comes meanwhile goes
#: together. One that finds all idle goes at once.
SPACING = 0.005


class WorkerThreads:
    """One thread does the rounds of a dispatch, `threads` others its jobs."""

    def __init__(self, dispatch: Dispatcher, threads: int, stopping: threading.Event) -> None:
        self._dispatch = dispatch
        self._stopping = stopping
        self._rounds = _thread("rounds", self._go_round)
        self._hands = [_thread(f"operations-{n}", self._work) for n in range(1, threads + 1)]

    def start(self) -> None:
        """Set all to work."""
        for thread in (self._rounds, *self._hands):
            thread.start()

    def stop(self) -> None:
        """Wait until what is under way has ended; the worker must have been asked to end."""
        self._dispatch.wake()
        self._rounds.join()
        for _ in self._hands:
            self._dispatch.jobs.put(None)
        for thread in self._hands:
            thread.join()

    def _go_round(self) -> None:
        dispatch, next_at = self._dispatch, 0.0
        while not (self._stopping.is_set() and dispatch.is_idle):
            dispatch.drain_inbox(wait=not dispatch.is_due)
            pause = next_at - time.monotonic()
            if pause > 0:
                time.sleep(pause)
                dispatch.drain_inbox(wait=False)
            _do(dispatch.run_once)
            next_at = time.monotonic() + SPACING

    def _work(self) -> None:
        while (job := self._dispatch.jobs.get()) is not None:
            _do(job)


def _do(job: Callable[[], object]) -> None:
    """Do something; an error of ours is logged, and ends no thread."""
    try:
        job()
    except Exception:
        log.exception("an error in the worker")


def _thread(name: str, do: Callable[[], object]) -> threading.Thread:
    return threading.Thread(target=do, name=name, daemon=True)
