"""Watchdog: a worker that fetches nothing though work is due reconnects, and then ends.

Whoever supervises it starts it again.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from worker.errors import UnavailableError
from worker.runtime.file_descriptors import any_left

log = logging.getLogger(__name__)

#: The exit code of a worker that had come to a stop (EX_TEMPFAIL of sysexits.h).
STALLED = 75

#: Seconds for which the consumer's loop may stand at least: it starts, or waits for an answer.
_LEAST_DEAF = 15.0

#: How often the watchdog looks, as a part of the time after which it acts.
_LOOK = 1 / 10


class Action(StrEnum):
    """What a watchdog does now."""

    WAIT = "wait"
    RECONNECT = "reconnect"
    END = "end"


@dataclass
class LoopHealth:
    """When a worker last showed that it gets on. `clock` gives seconds, and never goes back.

    It stands still while the machine is suspended, which is no stall. Any thread may call.
    """

    clock: Callable[[], float] = time.monotonic
    fetch: float = field(init=False)
    work: float = field(init=False)
    turn: float = field(init=False)

    def __post_init__(self) -> None:
        self.fetched()
        self.worked()
        self.turned()

    def fetched(self) -> None:
        """Note that the broker answered when it was asked for messages, be it with none."""
        self.fetch = self.clock()

    def worked(self) -> None:
        """Note that an operation was begun, or got on."""
        self.work = self.clock()

    def turned(self) -> None:
        """Note that the consumer's loop turns, and that messages are consumed."""
        self.turn = self.clock()

    def is_deaf(self, after: float) -> bool:
        """Whether the consumer has not turned for so many seconds."""
        return self.clock() - self.turn >= after


def decide(now: float, pulse: LoopHealth, reconnected: float, stalled_after: float) -> Action:
    """Decide by the last pulse, and by when the worker was last made to reconnect.

    What is fetched after that helps nobody until something is begun: its threads may hang.
    """
    if reconnected > pulse.work:
        since, action = reconnected, Action.END
    else:
        since, action = max(pulse.fetch, pulse.work), Action.RECONNECT
    return action if now - since >= stalled_after else Action.WAIT


class Watchdog(threading.Thread):
    """Looks now and then, until the worker is to stop anyway.

    `is_empty` says whether no message waits, and raises UnavailableError; `has_descriptors` whether
    this process may open one more.
    """

    def __init__(  # noqa: PLR0913  # what it looks at, and what it may do
        self,
        pulse: LoopHealth,
        is_empty: Callable[[], bool],
        *,
        reconnect: Callable[[], object],
        end: Callable[[int, str], object],
        stalled_after: float,
        stopping: threading.Event,
        has_descriptors: Callable[[], bool] = any_left,
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._pulse = pulse
        self._is_empty = is_empty
        self._reconnect = reconnect
        self._end = end
        self._stalled_after = stalled_after
        self._stopping = stopping
        self._has_descriptors = has_descriptors
        self._reconnected = float("-inf")
        self._deaf_after = max(stalled_after, _LEAST_DEAF)
        #: When the broker was last found away.
        self._away = float("-inf")
        #: Whether the consumer was found deaf at the last look.
        self._deaf = False
        #: When a descriptor was last to be had.
        self._had = pulse.clock()

    def run(self) -> None:
        """Look, wait, look again."""
        while not self._stopping.wait(self._stalled_after * _LOOK):
            self.check()

    def check(self) -> None:
        """Look once, and do what is to be done."""
        if self._is_starved() or self._is_deaf():
            return
        if self._nothing_is_due():
            self._pulse.fetched()
            self._pulse.worked()
        now = self._pulse.clock()
        match decide(now, self._pulse, self._reconnected, self._stalled_after):
            case Action.RECONNECT:
                log.error("%s: it reconnects", self._complaint)
                self._reconnected = now
                self._reconnect()
            case Action.END:
                self._end(STALLED, f"{self._complaint}: it ends, to be started again")

    @property
    def _complaint(self) -> str:
        return f"the worker has not got on for {self._stalled_after:g} s, though work is due"

    def _is_starved(self) -> bool:
        """Whether nothing can be opened any more; where that lasts, the process ends.

        It could not even look whether messages wait, and that looks like an outage of the broker.
        """
        now = self._pulse.clock()
        if self._has_descriptors():
            self._had = now
            return False
        complaint = "the worker has no file descriptor left (ulimit -n)"
        if now - self._had >= self._stalled_after:
            self._end(STALLED, f"{complaint}: it ends, to be started again")
        else:
            log.error("%s", complaint)
        return True

    def _is_deaf(self) -> bool:
        """Whether no message is consumed any more, be there any or not; then the process ends.

        Only at the second look: a process that was stopped for long finds itself deaf at first.
        """
        since = max(self._pulse.turn, self._away)
        was_deaf, self._deaf = self._deaf, self._pulse.clock() - since >= self._deaf_after
        if self._deaf and was_deaf:
            what = f"the worker has consumed nothing for {self._deaf_after:g} s"
            self._end(STALLED, f"{what}: it ends, to be started again")
        return self._deaf and was_deaf

    def _nothing_is_due(self) -> bool:
        """Return whether no message waits, or none can be fetched: that is no stall of ours."""
        try:
            return self._is_empty()
        except UnavailableError:
            self._away = self._pulse.clock()  # the consumer waits for it, as it should
            return True
        except Exception:
            log.exception("the watchdog cannot tell whether messages wait")
            return True
