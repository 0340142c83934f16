"""A thread that repeats a task at an interval."""

import logging
import threading
from collections.abc import Callable

from worker.errors import ClassinError
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)


class PeriodicThread(threading.Thread):
    """Repeat a task at an interval until stopped; errors are logged once."""

    def __init__(self, name: str, do: Callable[[], object], every: float) -> None:
        super().__init__(name=name, daemon=True)
        self._do = do
        self._every = every
        self._stopped = threading.Event()
        self._troubles = TroubleLog(log)

    def run(self) -> None:
        """Run the task; the next run follows whatever happened in this one."""
        while not self._stopped.is_set():
            try:
                self._do()
            except ClassinError as error:
                self._troubles.trouble(self.name, error)
            except Exception as error:  # noqa: BLE001  # told in full
                said = f"{self.name}: the next round comes all the same"
                self._troubles.trouble(said, error, in_full=True)
            else:
                self._troubles.over(f"{self.name} goes on")
            self._stopped.wait(self._every)

    def stop(self) -> None:
        """Stop after the current run."""
        self._stopped.set()
