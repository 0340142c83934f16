"""Start Python programs by forking one process that has imported what they import.

Nearly all that `classin` costs is its imports: half a second of CPU for a command, over a second
for a worker. Stories start hundreds of them. A program that is forked has a process, descriptors
and signals of its own as any other; what it is started with is what differs from this process.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

#: Packages whose modules are imported beforehand.
PACKAGES = ("worker", "producers", "ops")

#: What reads the environment as it is imported, or is a program itself.
NOT_BEFORE = ("worker.app", "__main__")

#: Libraries that are imported only when a command or a worker runs.
LIBRARIES = (
    "celery.bin.celery",
    "celery.bin.worker",
    "celery.apps.worker",
    "kombu.transport.redis",
)

#: Variables that a program may have of its own: others may change what the interpreter does.
OWN_VARIABLES = ("CLASSIN_", "PYTEST_", "XDG_")

#: The head of a request: how many bytes follow.
_HEAD = 8


class ForkedProcess:
    """A process that was forked, with the part of subprocess.Popen that stories use."""

    def __init__(self, pid: int, ended: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once it has ended. Raises subprocess.TimeoutExpired."""
        if (code := self._look(timeout)) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
                self.returncode = int(os.read(self._ended, 16))
                os.close(self._ended)
            return self.returncode


class Forker:
    """Starts programs, until it is closed. Thread-safe."""

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,  # as that of a program: what cannot seek
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """End the process that forks; what it has started goes on."""
        self._control.close()
        with self._process:
            pass

    def can_start(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Whether a program would run as if it were started by itself."""
        changed = {name for name, _ in self._environment.items() ^ environment.items()}
        return list(command[:2]) == [sys.executable, "-m"] and all(
            name.startswith(OWN_VARIABLES) for name in changed
        )

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
    ) -> ForkedProcess:
        """Start `python -m ...`; `streams`: descriptors for its input, output and errors."""
        place = {"environment": dict(environment), "folder": str(Path.cwd())}
        data = json.dumps({"words": [*command[2:]], **place}).encode()
        ended, theirs = os.pipe()
        try:
            with self._lock:
                head = len(data).to_bytes(_HEAD, "big")
                socket.send_fds(self._control, [head], [*streams, theirs])
                self._control.sendall(data)
                pid = int.from_bytes(_exactly(self._control, _HEAD), "big")
        finally:
            os.close(theirs)
        return ForkedProcess(pid, ended)


def _exactly(control: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = control.recv(size - len(data))
        if not piece:
            raise EOFError("the process that forks has ended")
        data += piece
    return data


def _import_all() -> None:
    for name in (*LIBRARIES, *_modules()):
        import_module(name)


def _modules() -> Iterator[str]:
    for package in PACKAGES:
        for found in walk_packages(import_module(package).__path__, f"{package}."):
            if not found.name.endswith(NOT_BEFORE):
                yield found.name


def _serve(control: socket.socket) -> dict[str, Any]:
    """Fork for each request; return in a forked process, with its request."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    waiting: dict[int, int] = {}
    watched: list[Any] = [control, ended]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if ended in ready:
            os.read(ended, 4096)
            _tell_ends(waiting)
        if control in ready:
            head, streams, _, _ = socket.recv_fds(control, _HEAD, 4)
            if not head:
                sys.exit()
            request: dict[str, Any] = json.loads(_exactly(control, int.from_bytes(head, "big")))
            if not (pid := os.fork()):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                control.detach()
                _take_streams(streams)
                return request
            *own, waiting[pid] = streams
            for each in own:
                os.close(each)
            control.sendall(pid.to_bytes(_HEAD, "big"))


def _tell_ends(waiting: dict[int, int]) -> None:
    while waiting:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        told = waiting.pop(pid)
        os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(told)


def _take_streams(streams: Sequence[int]) -> None:
    """Take input, output and errors, and close all else, as subprocess does."""
    for number in range(3):
        os.dup2(streams[number], number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _run(request: Mapping[str, Any]) -> None:
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    module, *words = request["words"]
    sys.argv = [module, *words]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        _leave.code = 0
    except SystemExit as end:
        _leave.code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


class _Leave:
    """The last that is done at exit: end at once.

    To take apart all that was imported costs more than most commands do.
    """

    code: int | None = None

    def __call__(self) -> None:
        if self.code is not None:
            for stream in (sys.stdout, sys.stderr):
                if not stream.closed:
                    stream.flush()
            os._exit(self.code)


if __name__ == "__main__":
    atexit.register(_leave := _Leave())  # before all others, so that it comes after them
    _import_all()
    gc.freeze()  # a look for garbage would write to all that a forked process shares
    _run(_serve(socket.socket(fileno=int(sys.argv[1]))))
