"""Child processes of a measurement: started, waited for, and looked at through /proc."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.bench.samples import UnmeasurableError

#: Seconds that workers get until they are ready: a limit, not a measure.
START = 120.0

#: Seconds between two looks.
INTERVAL = 0.02

#: Letters of a log that are shown when something is wrong.
_TAIL = 2000

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

#: Places in /proc/PID/stat, counted from behind the name: the parent, the CPU's ticks (those of
#: children that have ended, too), the pages in memory.
_PARENT, _CPU, _PAGES = 1, slice(11, 15), 21


class Crew:
    """So many processes, with all that they start themselves; gone when left, and at once.

    Their output goes into one file.
    """

    def __init__(
        self, commands: Iterable[Sequence[str]], environment: Mapping[str, str], log: Path
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._processes = [
                subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
                for command in commands
            ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in _trees(self.pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes:
            process.wait()

    @property
    def pids(self) -> list[int]:
        """The processes that were started here."""
        return [process.pid for process in self._processes]

    def wait_until_said(self, words: str, times: int) -> None:
        """Wait until the output has these words so many times. Raises UnmeasurableError."""

        def said() -> bool:
            self.look()
            return self._said().count(words) >= times

        wait_until(said, START, lambda: f"workers did not start:\n{self._said()[-_TAIL:]}")

    def look(self) -> None:
        """Raise UnmeasurableError if one has ended."""
        if any(process.poll() is not None for process in self._processes):
            raise UnmeasurableError(f"a worker ended:\n{self._said()[-_TAIL:]}")

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def wait_until(condition: Callable[[], bool], seconds: float, what: Callable[[], str]) -> None:
    """Look again and again until it is so. Raises UnmeasurableError after so many seconds."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise UnmeasurableError(what())
        time.sleep(INTERVAL)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Add up the CPU time of these processes and of all that they have started."""
    return sum(sum(map(int, stat[_CPU])) for stat in _trees(pids).values()) / _TICKS


def memory_mb(pids: Iterable[int]) -> float:
    """Add up the resident memory of these processes and of all that they have started."""
    return sum(int(stat[_PAGES]) for stat in _trees(pids).values()) * _PAGE / 1e6


def children(parent: int, words: Sequence[str]) -> list[int]:
    """Give the children of a process in whose command line all these words stand."""
    return [
        pid
        for pid, stat in _stats().items()
        if int(stat[_PARENT]) == parent and set(words) <= _command(pid)
    ]


def _command(pid: int) -> set[str]:
    with suppress(OSError):  # it has just ended
        text = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        return set(text.split("\0"))
    return set()


def _trees(pids: Iterable[int]) -> dict[int, list[str]]:
    """Give what /proc says of these processes and of all below them."""
    stats = _stats()
    found: dict[int, list[str]] = {}
    ahead = list(pids)
    while ahead:
        pid = ahead.pop()
        if pid in stats:
            found[pid] = stats[pid]
            ahead += [child for child, stat in stats.items() if int(stat[_PARENT]) == pid]
    return found


def _stats() -> dict[int, list[str]]:
    stats = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            text = path.read_text(encoding="utf-8", errors="replace")
            stats[int(path.parent.name)] = text.rpartition(")")[2].split()
    return stats
