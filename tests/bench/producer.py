"""A process that hands operations in, seen from outside."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any, Self

from tests.bench.candidates import Candidate
from tests.bench.samples import UnmeasurableError


class Producer:
    """Runs `tests.bench.producing` with a candidate's Python."""

    def __init__(
        self, candidate: Candidate, environment: Mapping[str, str], manner: str, numbers: range
    ) -> None:
        asked = [candidate.module, manner, str(numbers.start), str(len(numbers))]
        self._process = subprocess.Popen(
            [candidate.python, "-m", "tests.bench.producing", *asked],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._process.poll() is not None

    def look(self) -> None:
        """Raise UnmeasurableError if it has failed."""
        if self._process.poll():
            self.said()

    def said(self) -> Mapping[str, Any]:
        """Wait for its end; gives what it says. Raises UnmeasurableError."""
        told, error = self._process.communicate()
        if self._process.returncode:
            raise UnmeasurableError(f"operations were not handed in:\n{error[-2000:]}")
        said: Mapping[str, Any] = json.loads(told)
        return said
