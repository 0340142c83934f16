"""A process that is asked to end does so in time."""

import subprocess
import sys
import threading

import pytest

from worker.runtime.shutdown import Shutdown


def test_after_its_grace_the_process_ends() -> None:
    """At once it is known that it stops, and in the end that it did not get through."""
    stopping, ended, said = threading.Event(), threading.Event(), []

    def end(code: int, why: str) -> None:
        said.append((code, stopping.is_set(), why))
        ended.set()

    shutdown = Shutdown(stopping, 0, end)
    assert not stopping.is_set()
    shutdown.begin()

    assert ended.wait(60)
    assert said == [(0, True, "something is not done after 0 s; it comes back by its lease")]


def test_who_asks_twice_gets_no_more_time() -> None:
    """Nor less: the first word counts."""
    stopping, ended = threading.Event(), threading.Semaphore(0)
    shutdown = Shutdown(stopping, 0, lambda *_: ended.release())
    shutdown.begin()
    shutdown.begin()
    assert ended.acquire(timeout=60)
    assert not ended.acquire(blocking=False)


@pytest.mark.parametrize(
    ("log", "said"),
    [("logging.basicConfig()", "it was time"), ("logging.root.addHandler(Hung())", "")],
)
def test_it_ends_whatever_hangs(log: str, said: str) -> None:
    """A thread that is not done, or a log that nobody reads."""
    script = f"""
import logging, threading
from worker.runtime.shutdown import end_now

class Hung(logging.Handler):
    def emit(self, record):
        threading.Event().wait()

{log}
threading.Thread(target=threading.Event().wait).start()
end_now(75, "it was time")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, timeout=60, text=True
    )
    assert done.returncode == 75
    assert said in done.stderr
