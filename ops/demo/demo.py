"""The demonstration: a whole system, with expected results for each part.

A file lists operations with their expected ends; then the roster of a made-up school is synced.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ops.processes.redis_server import PrivateRedis
from ops.processes.supervisor import classin, end
from ops.simulator import DEFAULT_SCHOOL, FaultRule, SimulatorClient
from ops.simulator.bundle import Size, invent, write_bundle
from ops.simulator.faults import When
from producers.intake.submitter import Submitter
from worker.config.settings import environment_with, from_env
from worker.errors import UnavailableError
from worker.ledger.record import Record

#: Timeouts in seconds of the simulator's start and of the whole file; both generous.
START, PATIENCE = 30.0, 120.0

_INTERVAL = 0.05

#: Size of the synced school.
_SCHOOL = Size(students=40, teachers=6, classes=10, enrolments=120)


@dataclass(frozen=True, slots=True)
class Scene:
    """One operation of the file: the faults it meets, and its expected end."""

    story: str
    operation: str
    fields: Mapping[str, Any]
    #: Expected parts of the record's JSON; of `attempts`, the number.
    expect: Mapping[str, Any]
    #: Faults for the simulator, as FaultRule takes them, for this operation with these fields.
    meets: Sequence[Mapping[str, Any]] = ()

    def rules(self) -> Iterator[FaultRule]:
        """Return the faults that this operation meets."""
        for fault in self.meets:
            yield FaultRule(operation=self.operation, match=self.fields, **fault)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an operation ended, and whether that was expected."""

    scene: Scene
    record: Record

    @property
    def as_expected(self) -> bool:
        """Return whether every part that the file names is as expected."""
        said = {**self.record.to_dict(), "attempts": len(self.record.attempts)}
        return all(said[name] == value for name, value in self.scene.expect.items())


def scenes() -> list[Scene]:
    """Read the file that ships with the project."""
    text = (resources.files("ops.demo") / "demo.jsonl").read_text(encoding="utf-8")
    return [Scene(**json.loads(line)) for line in text.splitlines()]


@dataclass(frozen=True, slots=True)
class Synced:
    """One sync of the made-up school, as typed."""

    story: str
    #: The words after `classin`.
    words: Sequence[str]
    code: int
    #: Its output.
    said: str
    as_expected: bool


@dataclass(frozen=True, slots=True)
class Demonstration:
    """All results."""

    endings: Sequence[Ending]
    syncs: Sequence[Synced]

    @property
    def as_expected(self) -> bool:
        """Return whether everything ended as expected."""
        parts: tuple[Ending | Synced, ...] = (*self.endings, *self.syncs)
        return all(part.as_expected for part in parts)


def demonstrate(played: Sequence[Scene], on_progress: Callable[[int], None]) -> Demonstration:
    """Run the scenes on a system of their own; call `on_progress` with the number settled.

    Raises UnavailableError if a part of the system does not start.
    """
    with _system() as system:
        endings = _play(played, system, on_progress)
        return Demonstration(endings, list(_sync(system)))


def _play(
    played: Sequence[Scene], system: "_System", on_progress: Callable[[int], None]
) -> list[Ending]:
    """Submit the file's operations, and wait until they have settled."""
    system.simulator.faults(*(rule for scene in played for rule in scene.rules()))
    lines = [{"operation": scene.operation, "fields": scene.fields} for scene in played]
    submitter = Submitter.from_settings(from_env(system.variables))
    receipts = submitter.submit_many(lines, source="demo.jsonl")
    until = time.monotonic() + PATIENCE
    while True:
        system.worker.must_run()
        records = [receipt.record() for receipt in receipts]
        settled = sum(record.state.settled for record in records)
        on_progress(settled)
        if settled == len(records) or time.monotonic() > until:
            return [Ending(*pair) for pair in zip(played, records, strict=True)]
        time.sleep(_INTERVAL)


def _sync(system: "_System") -> Iterator[Synced]:
    """Sync a new school, then its changes, then an export in which half is missing."""
    system.simulator.clear_faults()
    system.simulator.faults(FaultRule(drop=True, when=When.AFTER, chance=0.05))
    school, export = invent(_SCHOOL), system.home / "school.zip"
    words = ("sync", "oneroster", str(export))

    write_bundle(export, school)
    yield system.run("a school comes in, and one reply in twenty is lost", words, code=0)

    school["classes"][3]["title"] = "Astronomy"
    del school["enrollments"][-3:]
    write_bundle(export, school)
    yield system.run("one class and three enrolments have changed", words, code=0)

    for name in ("users", "classes", "enrollments"):
        del school[name][::2]
    write_bundle(export, school)
    yield system.run("half of the export is missing", words, code=2)


@dataclass(frozen=True, slots=True)
class _Child:
    """One of our own commands, with its output."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def must_run(self) -> None:
        """Raise UnavailableError, with its last output, if it has ended."""
        if self.process.poll() is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace").strip()
            raise UnavailableError(f"the {self.name} has ended: {said.rpartition(chr(10))[2]}")


@dataclass(frozen=True, slots=True)
class _System:
    """A private Redis, the simulator and a worker."""

    home: Path
    variables: Mapping[str, str]
    worker: _Child

    @property
    def simulator(self) -> SimulatorClient:
        return SimulatorClient(self.variables["CLASSIN_BASE_URL"])

    def run(self, story: str, words: Sequence[str], code: int) -> Synced:
        """Run one of our commands, which should end with this exit code."""
        done = subprocess.run(  # noqa: S603  # our own command
            classin(*words),
            env=environment_with(self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        said = done.stdout or done.stderr
        return Synced(story, words, done.returncode, said, done.returncode == code)


@contextmanager
def _system() -> Iterator[_System]:
    """Run a private Redis, the simulator and a worker while inside."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="classin-demo-")))
        home = folder / "home"
        home.mkdir(mode=0o700)
        stack.enter_context(PrivateRedis(home, home / "redis.sock", durable=False))
        variables = {
            "CLASSIN_HOME": str(home),
            "CLASSIN_KEYS": str(folder / "keys.json"),
            "CLASSIN_SID": DEFAULT_SCHOOL.sid,
            "CLASSIN_SECRET": DEFAULT_SCHOOL.secret,
            "CLASSIN_FIRST_WAIT": "0.2",
            "CLASSIN_LATE_WINDOW": "1s",
            "CLASSIN_WORKER_PROCESSES": "1",
        }
        simulator = stack.enter_context(
            _child("simulator", home, variables, "--port", "0", "--json")
        )
        variables["CLASSIN_BASE_URL"] = _address(simulator)
        worker = stack.enter_context(_child("worker", home, variables))
        yield _System(home, variables, worker)


@contextmanager
def _child(
    command: str, home: Path, variables: Mapping[str, str], *options: str
) -> Iterator[_Child]:
    """Run one of our own commands while inside."""
    log = home / f"{command}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603  # our own command
            classin(command, *options),
            env=environment_with(variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield _Child(command, child, log)
    finally:
        end(child)


def _address(simulator: _Child) -> str:
    """Wait for the simulator's address. Raises UnavailableError."""
    until = time.monotonic() + START
    while time.monotonic() < until:
        simulator.must_run()
        for line in simulator.log.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                return str(json.loads(line)["url"])
        time.sleep(_INTERVAL)
    raise UnavailableError("the simulator does not start")
