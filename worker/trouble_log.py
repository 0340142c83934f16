"""Log a lasting failure once, and never let untrusted text forge a log line."""

import logging
import time
from collections.abc import Callable

from worker.printable import printable, printable_lines


class PlainRecord(logging.LogRecord):
    """A log record whose message is one printable line."""

    _traceback: str | None = None

    def getMessage(self) -> str:  # noqa: N802  # as logging has it
        """Return the message."""
        return printable(super().getMessage())

    @property
    def exc_text(self) -> str | None:
        """The traceback, with its lines; logging assigns it."""
        return self._traceback

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        self._traceback = text and printable_lines(text)


def log_plainly() -> None:
    """Make every logger of this process, libraries' included, use such records."""
    logging.setLogRecordFactory(PlainRecord)


class TroubleLog:
    """Log a failure unless it was the last one logged.

    Thread-safe; two threads with the same failure at once may both log it.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._last: object = None

    def trouble(self, said: str, error: Exception, *, in_full: bool = False) -> None:
        """Log a failure; with a traceback if it is unexpected."""
        told = said, type(error), str(error)
        if told != self._last:
            self._last = told
            if in_full:
                self._log.error("%s", said, exc_info=error)
            else:
                self._log.warning("%s: %s", said, error)

    def over(self, said: str) -> None:
        """Log the recovery, if there was a failure."""
        if self._last is not None:
            self._last = None
            self._log.info("%s", said)


class RareLog:
    """Log messages that outsiders can cause, each at most once in `spacing` seconds.

    Repeats are counted: nobody can fill a disk. `clock` returns seconds.
    """

    #: Remembered messages.
    MOST = 100

    def __init__(
        self, name: str, spacing: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = logging.getLogger(name)
        self._spacing = spacing
        self._clock = clock
        #: When each was logged last, and how often it was suppressed since.
        self._said: dict[str, tuple[float, int]] = {}

    def error(self, complaint: str) -> None:
        """Log or count a message."""
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
