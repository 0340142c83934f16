"""What a command costs before it does anything: the CPU time of a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from ops.processes.supervisor import classin
from tests.bench.place import Place
from tests.bench.samples import UnmeasurableError
from tests.bench.sizes import Sizes

#: By name; the last is what any program pays that uses the same libraries.
_COMMANDS = {
    "classin --help": classin("--help"),
    "classin ops": classin("ops"),
    "classin enqueue": classin("enqueue", "edit_course", "courseId=352861", "courseName=Spring"),
    "imports": [sys.executable, "-c", "import celery, redis, pydantic"],
}


def commands(place: Place, sizes: Sizes) -> Iterator[tuple[str, float]]:
    """Run each command, one after the other and all over again; give the median CPU seconds.

    The first time does not count: it may have to compile.
    """
    runs = [
        {name: _cpu(command, place) for name, command in _COMMANDS.items()}
        for _ in range(1 + sizes.runs)
    ][1:]
    for name in _COMMANDS:
        yield name, median(run[name] for run in runs)


def _cpu(command: Sequence[str], place: Place) -> float:
    process = subprocess.Popen(
        command, env=place.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise UnmeasurableError(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime
