"""Rounds: what a worker does every few seconds, beside its work."""

import logging
import threading
from collections.abc import Callable

from worker.classin.errors import ClassinError

log = logging.getLogger(__name__)


class Rounds(threading.Thread):
    """Does something, waits, does it again, until it is stopped; trouble is logged."""

    def __init__(self, name: str, do: Callable[[], object], every: float) -> None:
        super().__init__(name=name, daemon=True)
        self._do = do
        self._every = every
        self._stopped = threading.Event()

    def run(self) -> None:
        """Go round; the next round comes whatever happened in this one."""
        while not self._stopped.is_set():
            try:
                self._do()
            except ClassinError as error:
                log.warning("%s: %s", self.name, error)
            except Exception:
                log.exception("%s: the next round comes all the same", self.name)
            self._stopped.wait(self._every)

    def stop(self) -> None:
        """Let the present round be the last."""
        self._stopped.set()
