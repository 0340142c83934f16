"""Exploring a door: inputs of a seed, one after the other, in a process of its own.

A process can be ended when it hangs, its memory is its own, and what it breaks stays broken in it.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.security.fuzz.door import Door
from tests.security.fuzz.oracle import Oracle, peak_memory

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[2]

#: Bytes that a process may ask for at all, so that the machine outlives what is found.
_MOST_ADDRESSES = 8 * 1024**3

#: Inputs of one seed; then comes the next.
_ROUND = 50

#: Seconds that a process gets to begin, and to narrow down what it found.
_PATIENCE = 600.0


@dataclass(slots=True)
class Explored:
    """What came of exploring a door."""

    door: str
    seed: int
    examples: int = 0
    seconds: float = 0.0
    #: Seconds that the slowest input took.
    slowest: float = 0.0
    #: The most memory that its process had, in MB.
    memory: float = 0.0
    #: What was found, with its traceback, and the input; empty: nothing.
    found: str = ""
    given: str = ""


def door_names() -> list[str]:
    """Name all doors, as their files do."""
    return sorted(path.stem.removeprefix("test_fuzz_") for path in _HERE.glob("test_fuzz_*.py"))


def door_named(name: str) -> Door:
    """Find a door."""
    door: Door = import_module(f"tests.security.fuzz.test_fuzz_{name}").DOOR
    return door


def explore(name: str, number: int, seconds: float, examples: int) -> Explored:
    """Explore a door in a process of its own, for so long or with so many inputs.

    `number` is the first seed. `examples` of 0: until the time is up.
    """
    with tempfile.TemporaryDirectory(prefix="cq-fuzz-") as folder:
        words = [name, str(number), str(seconds), str(examples), folder]
        command = [sys.executable, "-m", "tests.security.fuzz.exploring", *words]
        child = subprocess.Popen(
            command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            said, _ = child.communicate(timeout=seconds + _PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            said, _ = child.communicate()
        result, current = Path(folder, "result.json"), Path(folder, "current.txt")
        if child.returncode == 0 and result.exists():
            return Explored(**json.loads(result.read_text(encoding="utf-8")))
        alarm = Path(folder, "alarm.txt")
        told = alarm.read_text(encoding="utf-8", errors="replace") if alarm.exists() else ""
        given = current.read_text(encoding="utf-8") if current.exists() else ""
        progress = Path(folder, "progress.json")
        explored = (
            Explored(**json.loads(progress.read_text(encoding="utf-8")))
            if progress.exists()
            else Explored(name, number)
        )
        why = (
            f"its process ended with {child.returncode}: it hung, or crashed\n{told}{said[-3000:]}"
        )
        return replace(explored, found=why, given=given)


def passes(door: Door) -> None:
    """Explore a door as `make test` does: the same inputs each time, of the first seed."""
    found = explore(door.name, 0, 0.0, door.examples * settings().max_examples // 100)
    repeat = f"SEED={found.seed} DOOR={door.name} make fuzz"
    assert not found.found, f"{found.found}\nThe input: {found.given[:1000]}\nAgain: {repeat}"


def _explore_here(door: Door, number: int, seconds: float, examples: int, folder: Path) -> Explored:
    """Explore a door in this process, until something is found."""
    began = time.monotonic()
    explored = Explored(door.name, number)
    last = ""
    progress = folder / "progress.json"
    with (
        (folder / "alarm.txt").open("w") as alarm,
        door.opened() as take,
        (oracle := Oracle(take, door.limit, folder / "current.txt", alarm)).watching(),
    ):
        while not explored.found:
            explored.seed = number

            @seed(number)
            @settings(
                max_examples=examples or _ROUND,
                database=None,
                deadline=None,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate, Phase.shrink],
            )
            @given(door.inputs)
            def one(given: object) -> None:
                nonlocal last
                explored.examples += 1
                started = time.monotonic()
                try:
                    oracle.try_out(given)
                except Exception:
                    last = repr(given)
                    raise
                explored.slowest = max(explored.slowest, round(time.monotonic() - started, 2))
                explored.memory = round(peak_memory() / 1024**2)
                explored.seconds = round(time.monotonic() - began, 1)
                progress.write_text(json.dumps(asdict(explored)), encoding="utf-8")

            try:
                one()
            except Exception as error:  # noqa: BLE001  # whatever it is, it was found
                error.__notes__ = []  # the input, which is kept apart from it
                explored.found, explored.given = traceback.format_exc()[-4000:], last
            number = Random(number).randrange(2**32)  # noqa: S311  # nothing secret
            explored.seconds = round(time.monotonic() - began, 1)
            if examples or explored.seconds >= seconds:
                break
    return explored


def _main(name: str, number: str, seconds: str, examples: str, folder: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESSES, _MOST_ADDRESSES))
    explored = _explore_here(
        door_named(name), int(number), float(seconds), int(examples), Path(folder)
    )
    Path(folder, "result.json").write_text(json.dumps(asdict(explored)), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # threads of a door that are still there have nothing to say


if __name__ == "__main__":
    _main(*sys.argv[1:])
