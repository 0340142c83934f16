"""What stories are played on: settings, a worker process, the command."""

import atexit
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from redis import Redis

from ops.processes.supervisor import classin as command_line
from tests.forking import ForkedProcess, Forker
from worker.broker.messages import IDS
from worker.config.settings import Settings, environment_with, from_env
from worker.ledger.keys import PREFIX as QUEUE

#: Seconds until a story that does not go on is given up: a limit, not a measure.
PATIENCE = 400.0

#: A worker as Celery's own documentation starts one.
PLAIN_CELERY = (sys.executable, "-m", "celery", "-A", "worker.app", "worker", "--loglevel", "info")


def until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, f"it did not come to this: {what}"
        time.sleep(0.02)


def at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    """Let so many threads do something at the same moment; gives what each made of it."""
    together = threading.Barrier(number, timeout=PATIENCE)

    def one(position: int) -> Any:  # noqa: ANN401  # whatever the act gives
        together.wait()
        return act(position)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def queued_messages(redis: Redis) -> list[str]:
    """Give the messages that wait in Redis, of all priorities."""
    return [str(each) for name in _queue_lists(redis) for each in redis.lrange(name, 0, -1)]


def queued_ids(redis: Redis) -> set[str]:
    """Give the ids of the records that these messages are for, or are to become."""
    return {name for message in queued_messages(redis) for name in _ids_in(json.loads(message))}


def _ids_in(message: Mapping[str, Any]) -> list[str]:
    headers = message["headers"]
    ids: list[str] = headers.get(IDS, [headers["id"]])
    return ids


def lose_messages(redis: Redis) -> int:
    """Empty the queue, of all priorities; gives how many messages were lost."""
    lost = len(queued_messages(redis))
    redis.delete(QUEUE, *_queue_lists(redis))
    return lost


def _queue_lists(redis: Redis) -> list[str]:
    """Name Celery's lists; the ledger's own keys have a colon."""
    names = map(str, redis.scan_iter(match=f"{QUEUE}*", _type="list"))
    return [name for name in names if ":" not in name]


@dataclass
class Environment:
    """The CLASSIN_ variables of a test; `settings` reads them as any process would."""

    variables: dict[str, str]

    def set(self, **variables: str) -> None:
        """Change some, by their names without CLASSIN_ and in lower case."""
        self.variables |= {f"CLASSIN_{name.upper()}": text for name, text in variables.items()}

    @property
    def settings(self) -> Settings:
        """What these variables mean."""
        return from_env(self.variables)


#: A program that a story started.
Process = subprocess.Popen[bytes] | ForkedProcess


@cache
def _forker() -> Forker:
    forker = Forker()
    atexit.register(forker.close)
    return forker


def start(
    command: Sequence[str],
    environment: Environment,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    stderr: IO[bytes] | None = None,
) -> Process:
    """Start a program with the variables of a story; forked where that makes no difference."""
    variables = environment_with(environment.variables)
    if not _forker().can_start(command, variables):
        return subprocess.Popen(command, env=variables, stdin=stdin, stdout=stdout, stderr=stderr)
    streams = [
        number if file is None else file.fileno()
        for number, file in enumerate((stdin, stdout, stderr))
    ]
    return _forker().start(command, variables, streams)


@dataclass
class WorkerProcess:
    """A worker that can be started, asked to end, and killed."""

    environment: Environment
    log: Path
    process: Process | None = None
    #: How it is started; `classin worker`, unless told otherwise.
    command: Sequence[str] = ()

    def start(self, command: Sequence[str] = (), *, ready: bool = True) -> "WorkerProcess":
        """Start it, as `classin worker` unless told otherwise, and wait until it is ready."""
        with self.log.open("ab") as output:
            self.process = start(
                [*(command or self.command or command_line("worker"))],
                self.environment,
                stdout=output,
                stderr=output,
            )
        told = len(self.said())
        if ready:
            until(lambda: " ready." in self.said()[told:], f"the worker is ready:\n{self.said()}")
        return self

    def said(self) -> str:
        """Everything that it wrote, to stdout, stderr or the log."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)


@dataclass
class Command:
    """`classin`, as typed."""

    environment: Environment

    def __call__(self, *words: str, given: str | bytes = "") -> "subprocess.CompletedProcess[str]":
        """Run it to its end; `given` is its standard input."""
        command = command_line(*words)
        with TemporaryFile() as taken, TemporaryFile() as output, TemporaryFile() as errors:
            taken.write(given if isinstance(given, bytes) else given.encode())
            taken.seek(0)
            process = start(command, self.environment, taken, output, errors)
            try:
                code = process.wait(PATIENCE)
            finally:
                process.kill()  # if its time is up
            told, said = (_all_of(file) for file in (output, errors))
        assert "Traceback" not in said, said
        return subprocess.CompletedProcess(command, code, told, said)


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
