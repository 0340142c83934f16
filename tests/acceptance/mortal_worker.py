"""A worker that is killed, as by a power cut, when its first operation has come to a given step.

python -m tests.acceptance.mortal_worker STEP [arguments of Celery's worker]. All of it is the real
worker; only what it calls is watched.
"""

import os
import signal
import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

from worker.app import app
from worker.ledger.types import ClaimResult


class Step(StrEnum):
    """Where the worker dies."""

    #: It has the lease.
    CLAIMED = "claimed"
    #: It has written down that a request goes out.
    ANNOUNCED = "announced"
    #: The request went out, no reply came.
    SENT = "sent"
    #: The reply was read, and not noted.
    READ = "read"
    #: The reply was noted, and nobody told of it.
    NOTED = "noted"


#: The call whose end is that step.
_CALLS = {
    Step.CLAIMED: "report_and_claim",
    Step.ANNOUNCED: "mark_sending",
    Step.SENT: "send",
    Step.READ: "send",
    Step.NOTED: "report_and_claim",
}


class Watched:
    """Does what the real thing does, and dies after one of its calls."""

    def __init__(self, real: object, step: Step) -> None:
        self._real = real
        self._step = step

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the real thing has
        found = getattr(self._real, name)
        return partial(self._call, found) if name == _CALLS[self._step] else found

    def _call(self, real: Callable[..., object], *args: object, **more: object) -> object:
        try:
            answer = real(*args, **more)
        except Exception:
            if self._step is Step.SENT:
                _die()
            raise
        if self._step is not Step.SENT and not self._too_early(answer):
            _die()
        return answer

    def _too_early(self, answer: object) -> bool:
        """Say whether an exchange with the ledger was about something else."""
        if not isinstance(answer, ClaimResult):
            return False
        return not (answer.claims if self._step is Step.CLAIMED else answer.results)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the worker, with its ledger and its way to ClassIn watched."""
    step = Step(sys.argv[1])
    for name in ("ledger", "sender"):
        real = getattr(app.container, name)
        if hasattr(real, _CALLS[step]):
            vars(app.container)[name] = Watched(real, step)
    app.worker_main(["worker", "--loglevel", "info", *sys.argv[2:]])


if __name__ == "__main__":
    main()
