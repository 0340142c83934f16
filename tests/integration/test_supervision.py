"""A child is tied to its supervisor: it hears when that one is gone, and tells when it is ready."""

import os
import signal
import subprocess
import sys

from ops.processes.supervisor import LinkedChild, end
from tests.stage import until


def python(script: str) -> list[str]:
    """Give the command that runs a script."""
    return [sys.executable, "-c", script]


def test_a_child_tells_that_it_is_ready() -> None:
    """It goes on until it is asked to end."""
    child = LinkedChild(python("import os, signal; os.write(0, b'!'); signal.pause()"))
    until(child.is_ready, "it told so")
    assert child.poll() is None

    end(child)

    assert child.poll() == -signal.SIGTERM
    assert child.is_ready()


def test_its_last_word_counts() -> None:
    """It was ready, and ended before anybody looked."""
    child = LinkedChild(python("import os; os.write(0, b'!'); os._exit(75)"))
    assert child.wait() == 75
    assert child.is_ready()


def test_a_child_that_never_was_ready() -> None:
    """It ends, and has said nothing."""
    child = LinkedChild(python("raise SystemExit(2)"))
    assert child.wait() == 2
    assert not child.is_ready()


def test_the_line_breaks_with_the_supervisor() -> None:
    """Killed as by a power cut, it leaves two children; each of them hears."""
    child = "import os; os.write(1, b'began '); os.read(0, 1); os.write(1, b'ended ')"
    script = f"""
import signal, sys
from ops.processes.supervisor import LinkedChild
crew = [LinkedChild([sys.executable, "-c", {child!r}]) for _ in range(2)]
signal.pause()
"""
    supervisor = subprocess.Popen(python(script), stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    with supervisor.stdout as said:
        assert said.read(12) == b"began began "

        os.kill(supervisor.pid, signal.SIGKILL)

        assert said.read() == b"ended ended "
    assert supervisor.wait() == -signal.SIGKILL
