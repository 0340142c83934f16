"""Worker processes that are kept running: what dies is started again a little later."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ops.processes.supervisor import classin, end
from worker.config.settings import environment_with

#: Seconds from a death to the next start.
PAUSE = 1.0


@dataclass(slots=True)
class _Worker:
    process: "subprocess.Popen[bytes]"
    log: Path
    ready: bool = False
    #: When it was found dead.
    dead_since: float | None = None


class Crew:
    """So many workers with these variables, their logs in a folder."""

    def __init__(
        self,
        size: int,
        variables: Mapping[str, str],
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._variables = variables
        self._folder = folder
        self._clock = clock
        self._started = 0
        #: How many were killed, and how many ended by themselves.
        self.killed = 0
        self.gave_up = 0
        self._workers = [self._start() for _ in range(size)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()

    @property
    def alive(self) -> list[int]:
        """The process ids of all that run, be it that they are still starting."""
        return [one.process.pid for one in self._workers if one.process.poll() is None]

    @property
    def ready(self) -> list[int]:
        """The process ids of those that are at work."""
        alive = self.alive
        return [
            one.process.pid
            for one in self._workers
            if one.process.pid in alive and self._is_ready(one)
        ]

    def tend(self) -> None:
        """Start again who has been dead for long enough."""
        for place, worker in enumerate(self._workers):
            if worker.process.poll() is None:
                continue
            if worker.dead_since is None:
                worker.dead_since = self._clock()
                self.gave_up += worker.process.returncode != -signal.SIGKILL
            elif self._clock() - worker.dead_since >= PAUSE:
                self._workers[place] = self._start()

    def kill(self, pids: Sequence[int]) -> None:
        """End these as a power cut would."""
        for worker in self._workers:
            if worker.process.pid in pids and worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
                self.killed += 1

    def stop(self) -> None:
        """Ask all to finish what they do, and wait until they have."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            end(worker.process)

    def _start(self) -> _Worker:
        self._started += 1
        log = self._folder / f"worker-{self._started}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                classin("worker"),
                env=environment_with(self._variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return _Worker(process, log)

    def _is_ready(self, worker: _Worker) -> bool:
        worker.ready = worker.ready or b" ready." in worker.log.read_bytes()
        return worker.ready
