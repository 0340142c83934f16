"""A child process that is kept running: what dies is started again."""

import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from worker.classin.errors import Unavailable

#: Seconds between two looks at the child.
INTERVAL = 0.1

#: Seconds before a child that died is started again: doubled with each death, up to the last.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

#: A child that lived for so long (seconds) has recovered: the next pause is the first again.
RECOVERED_AFTER = 60.0

#: Seconds that a child gets to finish what it does, before it is killed.
GRACE = 60.0

#: The same for a worker, beyond its own grace time.
MARGIN = 15.0


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold a lock file, in a folder of our own, while inside. Raises Unavailable if it is held."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"`classin up` runs already, with its data in {lock.parent}"
            ) from None
        yield


def classin(*arguments: str) -> list[str]:
    """Give the command line that runs `classin` with this very Python."""
    return [sys.executable, "-m", "ops.cli", *arguments]


class Stop(Exception):
    """Somebody asked this process to end."""


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT raise Stop in the main thread."""

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        raise Stop(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def supervise(
    command: Sequence[str],
    *,
    said: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
    grace: float = GRACE,
    tend: Callable[[], object] = lambda: None,
) -> None:
    """Run a command, and start it again whenever it ends, until Stop is raised.

    `tend` is called now and then, to look after what the command needs. The child is then asked to
    end, and killed if it has not within `grace` seconds. It does not hear Ctrl-C itself.
    """
    pause = FIRST_PAUSE
    while True:
        tend()
        began = time.monotonic()
        child = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603  # ours
        try:
            while child.poll() is None:
                time.sleep(INTERVAL)
                tend()
            if time.monotonic() - began > RECOVERED_AFTER:
                pause = FIRST_PAUSE
            said(f"the worker ended ({child.returncode}); it is started again in {pause:.0f} s")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            end(child, grace)


def end(child: "subprocess.Popen[bytes]", grace: float = GRACE) -> None:
    """Ask a child to end, and kill it if it does not within so many seconds."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
