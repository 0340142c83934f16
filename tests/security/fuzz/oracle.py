"""The oracle: what must hold of every input at every door, whatever it is.

No error that is none of ours, no traceback in a log, nothing that takes too long or too
much memory, and no canary in what is said about it.
"""

import faulthandler
import logging
import resource
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from tests.security.fuzz.canaries import must_not_sing
from worker.errors import ClassinError

#: Bytes by which one input may raise the memory that the process has ever had.
MOST_MEMORY = 300 * 1024**2

#: What takes one input, and gives all that was said about it.
Take = Callable[[Any], Iterable[str]]


class BrokenError(AssertionError):
    """Something that must hold at every door does not."""


class _Listener(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record)


class Oracle:
    """Watches what one door does with its inputs; `limit`: seconds for one of them."""

    def __init__(self, take: Take, limit: float, current: Path, alarm: TextIO) -> None:
        self._take = take
        self._limit = limit
        self._current = current
        self._alarm = alarm
        self._listener = _Listener()
        self._thread_errors: list[str] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Listen to all that this process says."""
        root = logging.getLogger()
        root.addHandler(self._listener)
        level, root.level = root.level, logging.INFO
        hooks = threading.excepthook, sys.unraisablehook
        threading.excepthook = lambda error: self._thread_errors.append(repr(error.exc_value))
        sys.unraisablehook = lambda error: self._thread_errors.append(repr(error.exc_value))
        try:
            yield
        finally:
            threading.excepthook, sys.unraisablehook = hooks
            root.removeHandler(self._listener)
            root.level = level

    def try_out(self, given: object) -> None:
        """Hand one input in. Raises BrokenError, LeakedError, or whatever came through."""
        self._listener.heard.clear()
        self._thread_errors.clear()
        # Should this process not outlive it, the input is known.
        self._current.write_text(repr(given), encoding="utf-8", errors="backslashreplace")
        before = peak_memory()
        faulthandler.dump_traceback_later(self._limit, exit=True, file=self._alarm)
        try:
            texts = self._heard_of(given)
        finally:
            faulthandler.cancel_dump_traceback_later()
        if (grown := peak_memory() - before) > MOST_MEMORY:
            raise BrokenError(f"it took {grown // 1024**2} MB of memory")
        must_not_sing("said", texts)

    def _heard_of(self, given: object) -> list[str]:
        output = StringIO()
        with ExitStack() as streams:
            streams.enter_context(redirect_stdout(output))
            streams.enter_context(redirect_stderr(output))
            try:
                texts = [*self._take(given)]
            except ClassinError as error:
                texts = [str(error)]
        for record in self._listener.heard:
            if record.exc_info:
                raise BrokenError("a traceback in the log") from record.exc_info[1]
            texts.append(record.getMessage())
        if self._thread_errors:
            raise BrokenError(f"an error beside: {self._thread_errors[0]}")
        said = output.getvalue()
        if "Traceback (most recent call last)" in said:
            raise BrokenError(f"a traceback was printed: {said[-1500:]}")
        return [*texts, said]


def peak_memory() -> int:
    """Give the most memory that this process has ever had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
