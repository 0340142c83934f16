"""A worker that dies, as of a segmentation fault, of whatever has the word `poison` in its fields.

python -m tests.acceptance.allergic_worker CALL [arguments of Celery's worker]. It dies in place of
the call: `mark_sending`, before it is written down that a request goes out, or `send`, right after
that.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from worker.app import app
from worker.classin.request import Request
from worker.ledger.types import Claim

WORD = "poison"

#: What of the worker has the call.
PARTS = {"mark_sending": "ledger", "send": "sender"}


class Allergic:
    """Does what the real thing does, but for one call about one operation."""

    def __init__(self, real: object, call: str) -> None:
        self._real = real
        self._call = call

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the real thing has
        found = getattr(self._real, name)
        return partial(self._try, found) if name == self._call else found

    def _try(self, real: Callable[..., object], about: object, *more: object) -> object:
        if WORD in _fields_of(about):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(about, *more)


def _fields_of(about: object) -> str:
    """Write the fields of what is claimed, or of a request."""
    if isinstance(about, Claim):
        return str(about.record.fields)
    assert isinstance(about, Request)
    return str(about.form)


def main() -> None:
    """Run the worker, with one of its parts allergic."""
    call = sys.argv[1]
    part = PARTS[call]
    vars(app.container)[part] = Allergic(getattr(app.container, part), call)
    app.worker_main(["worker", "--loglevel", "info", *sys.argv[2:]])


if __name__ == "__main__":
    main()
