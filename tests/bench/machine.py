"""What it was measured on, and with which versions."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ops.processes.redis_program import redis_program
from tests.bench.place import ROOT

#: The libraries whose versions matter: ours, and the peers'.
_OURS = ("celery", "kombu", "redis", "requests", "pydantic")
_PEERS = (*_OURS[:-1], "aiohttp", "dramatiq", "taskiq", "taskiq-redis", "huey", "arq", "rq")

_ASK = "import json, sys; from importlib.metadata import version;"
_ASK += "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine, the software on it, and when."""

    cores: int
    processor: str
    memory_gb: float
    system: str
    #: How many wanted a core in the last minute: above zero, others were at work.
    load: float
    python: str
    redis: str
    ours: Mapping[str, str]
    peers: Mapping[str, str]
    commit: str
    date: str

    def to_dict(self) -> dict[str, Any]:
        """Give it as it is."""
        return asdict(self)

    def account(self) -> str:
        """Say in a line what it was measured on, and in another with what."""
        versions = {**self.ours, **self.peers, "Python": self.python, "server": self.redis}
        told = ", ".join(f"{name} {text}" for name, text in versions.items())
        return (
            f"{self.cores} cores of {self.processor}, {self.memory_gb:.0f} GB, {self.system}, "
            f"load {self.load:.1f} at first; commit {self.commit}, {self.date}.\n{told}."
        )


def machine(peers: Path) -> Machine:
    """Look at this machine, before anything is measured."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_found(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()),
        memory_gb=int(_found(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())) / 1e6,
        system=f"{platform.system()} {platform.release()}",
        load=os.getloadavg()[0],
        python=platform.python_version(),
        redis=str(redis_program()),
        ours={name: version(name) for name in _OURS},
        peers=_versions(peers),
        commit=_output("git", "-C", str(ROOT), "describe", "--always", "--dirty").strip(),
        date=datetime.now(UTC).date().isoformat(),
    )


def _versions(peers: Path) -> dict[str, str]:
    told = _output(str(peers / "bin" / "python"), "-c", _ASK, *_PEERS)
    versions: dict[str, str] = json.loads(told) if told else {}
    return versions


def _output(*command: str) -> str:
    """Run a command; what cannot be asked is empty."""
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True).stdout
    except OSError:
        return ""


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else "unknown"
