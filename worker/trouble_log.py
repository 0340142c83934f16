"""Log a lasting failure once, and never let untrusted text forge a log line."""

import logging
import time
from collections.abc import Callable

from worker.printable import printable, printable_lines


class PlainRecord(logging.LogRecord):
    """A log's record whose message is one line, and acts on no terminal."""

    _traceback: str | None = None

    def getMessage(self) -> str:  # noqa: N802  # as logging has it
        """Return the message."""
        return printable(super().getMessage())

    @property
    def exc_text(self) -> str | None:
        """The traceback, on its lines; logging sets it as a variable."""
        return self._traceback

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        self._traceback = text and printable_lines(text)


def log_plainly() -> None:
    """Let every logger of this process make such records, ours and those of libraries."""
    logging.setLogRecordFactory(PlainRecord)


class TroubleLog:
    """Logs what keeps something from its work, unless that is what it said last.

    Any thread may call; should two meet with the same trouble at once, it may be said twice.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last: object = None

    def trouble(self, said: str, error: Exception, *, in_full: bool = False) -> None:
        """Tell what is the matter; with a traceback where nobody foresaw it."""
        told = said, type(error), str(error)
        if told != self._last:
            self._last = told
            if in_full:
                self._log.error("%s", said, exc_info=error)
            else:
                self._log.warning("%s: %s", said, error)

    def over(self, said: str) -> None:
        """Tell that it goes on, if there was trouble."""
        if self._last is not None:
            self._last = None
            self._log.info("%s", said)


class RareLog:
    """Logs what strangers can cause, each complaint at most once in `spacing` seconds.

    Those in between are counted: nobody fills a disk by them. `clock` gives seconds.
    """

    #: Different complaints that are remembered.
    MOST = 100

    def __init__(
        self, name: str, spacing: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = logging.getLogger(name)
        self._spacing = spacing
        self._clock = clock
        #: When each was said last, and how often it was kept back since.
        self._said: dict[str, tuple[float, int]] = {}

    def error(self, complaint: str) -> None:
        """Say it, or count it."""
        now = self._clock()
        at, kept_back = self._said.get(complaint, (float("-inf"), 0))
        if now - at < self._spacing:
            self._said[complaint] = at, kept_back + 1
            return
        if len(self._said) >= self.MOST:
            self._said.clear()
        self._said[complaint] = now, 0
        again = f" (and {kept_back} times before)" if kept_back else ""
        self._log.error("%s%s", complaint, again)
