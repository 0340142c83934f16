"""Supervise child processes: restart whatever ends, until told to stop."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from worker.errors import UnavailableError
from worker.private_files import open_own, private_folder

#: Seconds between two checks of the children.
INTERVAL = 0.1

#: Seconds before a restart: doubled each time, up to the maximum.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

#: A child that lived so long (seconds) has recovered: the next wait is the first one again.
RECOVERED_AFTER = 60.0

#: Grace in seconds before a child is killed.
GRACE = 60.0

#: The same for a worker, beyond its own grace.
MARGIN = 15.0


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold a lock file in a private folder while inside.

    Raises UnavailableError if it is held.
    """
    try:
        private_folder(lock.parent)
        file = os.fdopen(open_own(lock), "a")
    except OSError as error:
        raise UnavailableError(
            f"`classin up` cannot keep its data in {lock.parent}: {error.strerror}. Mend that,"
            " or set CLASSIN_HOME to another folder."
        ) from None
    with file as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnavailableError(
                f"`classin up` runs already, with its data in {lock.parent}"
            ) from None
        yield


def classin(*arguments: str) -> list[str]:
    """Return the command line that runs `classin` with this Python."""
    return [sys.executable, "-m", "ops.cli", *arguments]


class Stop(BaseException):
    """This process was asked to end; `code` is its exit code unless something else fails.

    It is no Exception, so that handlers of those let it pass.
    """

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 130 if number == signal.SIGINT else 0


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT raise Stop in the main thread; afterwards, only SIGINT.

    A second Ctrl-C means hurry; a second SIGTERM repeats the same request.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        # Not SIG_IGN: children would inherit it.
        signal.signal(signal.SIGTERM, lambda *_: None)
        raise Stop(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


class NotStartedError(Exception):
    """A child ended before any was ready: a restart would not help.

    `code` is the exit code to use.
    """

    def __init__(self, code: int, what: str = "worker") -> None:
        super().__init__(f"the {what} did not start: {_told(code)}")
        self.code = code if code > 0 else 1


class Process(Protocol):
    """A process that can be terminated and killed."""

    def poll(self) -> int | None:
        """Return the exit code, -N after signal N, or None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """Kill it."""

    def wait(self) -> int:
        """Wait for its end."""


class Child(Process, Protocol):
    """A process that reports when it is ready."""

    def is_ready(self) -> bool:
        """Return whether it has reported so."""


class LinkedChild(subprocess.Popen[bytes]):
    """A child whose standard input is a pipe from this process; see `parent_pipe`.

    It does not receive Ctrl-C itself. Its output goes to the given files, if any.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        output: IO[bytes] | None = None,
        complaints: IO[bytes] | None = None,
    ) -> None:
        self._ready = False
        self._line, theirs = socket.socketpair()
        with theirs:
            super().__init__(
                command,
                stdin=theirs.fileno(),
                stdout=output,
                stderr=complaints,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Return whether it has reported so."""
        with suppress(OSError):  # it has not, or it has hung up
            self._ready = self._ready or bool(self._line.recv(1, socket.MSG_DONTWAIT))
        return self._ready

    def poll(self) -> int | None:
        """Return the exit code, -N after signal N, or None while it runs."""
        code = super().poll()
        if code is not None:
            self._hang_up()
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, at most so many seconds. Raises TimeoutExpired."""
        code = super().wait(timeout)
        self._hang_up()
        return code

    def _hang_up(self) -> None:
        self.is_ready()  # its last word counts
        self._line.close()


@dataclass(slots=True)
class _Watched:
    """One child, or its next start."""

    number: int
    child: Child | None = None
    #: When the child started, and when the next one is to start.
    began: float = 0.0
    due: float = float("-inf")
    pause: float = FIRST_PAUSE


class Children:
    """A number of equal children; `start` is called with the number of the one to start, from 1.

    The first starts alone, and the others when it is ready: an error that affects all of them shows
    once, and is not retried. After that, any that ends is restarted.
    """

    def __init__(
        self,
        size: int,
        start: Callable[[int], Child],
        said: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        what: str = "worker",
    ) -> None:
        self._posts = [_Watched(number) for number in range(1, size + 1)]
        self._start = start
        self.said = said
        self._clock = clock
        self._what = what
        #: Whether any child was ever ready.
        self._works = False

    @property
    def children(self) -> list[Child]:
        """All started children that have not been found to have ended."""
        return [post.child for post in self._posts if post.child is not None]

    def tend(self) -> None:
        """Check each child once, and start those that are due. Raises NotStartedError."""
        for post in self._posts:
            if post.child is not None:
                self._look(post, post.child)
            elif self._clock() >= post.due and (self._works or post is self._posts[0]):
                post.began = self._clock()
                post.child = self._start(post.number)

    def _look(self, post: _Watched, child: Child) -> None:
        code = child.poll()
        self._works = self._works or child.is_ready()
        if code is None:
            return
        if not self._works:
            raise NotStartedError(code, self._what)
        now = self._clock()
        if now - post.began > RECOVERED_AFTER:
            post.pause = FIRST_PAUSE
        post.child, post.due = None, now + post.pause
        which = f"{self._what} {post.number}" if len(self._posts) > 1 else f"the {self._what}"
        self.said(f"{which} ended ({_told(code)}); it is started again in {post.pause:.0f} s")
        post.pause = min(post.pause * 2, LONGEST_PAUSE)


def supervise(
    kept: Children,
    *,
    grace: float = GRACE,
    tend: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Keep children running until Stop is raised; then terminate, and kill after `grace` seconds.

    `tend` is called regularly for housekeeping. A second Stop kills all at once, and is raised.
    Raises NotStartedError.
    """
    try:
        while True:
            tend()
            kept.tend()
            sleep(INTERVAL)
    except Stop:
        kept.said("stopping: what is under way is finished first (Ctrl-C again: at once)")
    finally:
        end(*kept.children, grace=grace, clock=clock, sleep=sleep)


def end(
    *processes: Process,
    grace: float = GRACE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Terminate processes, and kill those that have not ended within so many seconds.

    An exception meanwhile, such as another Ctrl-C, kills them at once.
    """
    for process in processes:
        if process.poll() is None:
            process.terminate()
    until = clock() + grace
    try:
        while any(process.poll() is None for process in processes) and clock() < until:
            sleep(INTERVAL)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
        for process in processes:
            process.wait()


def _told(code: int) -> str:
    """Return how a process ended, as text."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
