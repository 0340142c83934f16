"""A system of its own for one door: a private Redis, a simulator, and the variables for both."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ops.processes.redis_server import PrivateRedis
from ops.simulator import DEFAULT_SCHOOL, create_app, in_thread
from tests.stage import Environment


@dataclass
class Log:
    """A log that grows; `news` gives what came since the last time."""

    path: Path
    _read: int = field(default=0, init=False)

    def news(self) -> str:
        """Give what is new."""
        with self.path.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        return new.decode("utf-8", "replace")


@contextmanager
def a_system() -> Iterator[Environment]:
    """Give the variables of a system that runs, but for workers and a gateway."""
    home = Path(tempfile.mkdtemp(prefix="cq-"))
    (home / "data").mkdir(mode=0o700)
    try:
        with (
            PrivateRedis(home / "data", home / "data" / "redis.sock"),
            in_thread(create_app()) as url,
        ):
            environment = Environment({})
            environment.set(
                home=str(home / "data"),
                keys=str(home / "keys.json"),
                base_url=url,
                sid=DEFAULT_SCHOOL.sid,
                secret=DEFAULT_SCHOOL.secret,
                first_wait="0.05s",
                longest_wait="0.2s",
                rescue_every="0.2s",
                late_window="0.2s",
                worker_processes="1",
                threads="4",
            )
            yield environment
    finally:
        shutil.rmtree(home, ignore_errors=True)
