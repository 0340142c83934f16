"""The bench's own ClassIn, from outside: a process that answers, and what it tells."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from ops.processes.supervisor import end

#: Seconds that one answer may take beyond what it is to wait for.
_PATIENCE = 60.0


class Target:
    """Where all candidates send their requests."""

    def __init__(self, url: str) -> None:
        self.url = url

    def begin(self, latency: float) -> None:
        """Forget what came, and answer so many seconds late from now on."""
        self._ask("begin", latency=latency)

    def answered(self, number: int, wait: float) -> float | None:
        """Wait until so many are answered, so many seconds at most; gives when, or None."""
        said = self._ask("answered", number=number, wait=wait)
        return float(said["at"]) if said["answered"] >= number else None

    def arrivals(self) -> Mapping[int, float]:
        """Tell when each operation came, by its number."""
        return {int(number): at for number, at in self._ask("arrivals").items()}

    def _ask(self, path: str, **asked: float) -> Any:  # noqa: ANN401  # JSON
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=_PATIENCE)) as link:
            link.request("GET", f"/bench/{path}?{urlencode(asked)}")
            return json.loads(link.getresponse().read())


@contextmanager
def target() -> Iterator[Target]:
    """Run the server in a process of its own while inside."""
    command = [sys.executable, "-m", "tests.bench.server"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert server.stdout is not None
        yield Target(server.stdout.readline().split()[-1].decode())
    finally:
        end(server)
        if server.stdout is not None:
            server.stdout.close()
