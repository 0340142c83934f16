"""Rescue: what is due, was left behind by a silent worker, or lost its message, comes back."""

import logging
import threading
import uuid
from collections.abc import Sequence
from typing import Protocol

from worker.classin.errors import ClassinError
from worker.ledger.ledger import Due, Ledger

log = logging.getLogger(__name__)

#: Records brought back in one look.
MOST = 1000

#: A record that nobody claimed is looked at again after this (seconds).
AGAIN_AFTER = 60.0


class Outlet(Protocol):
    """Where messages go."""

    def publish(self, due: Sequence[Due]) -> None:
        """Put a message for each on the queue."""

    def is_empty(self) -> bool:
        """Say whether no message waits there."""


def rescue(ledger: Ledger, outlet: Outlet, who: str, *, every: float, adrift_after: float) -> int:
    """Look once, unless another worker does; gives how many messages were sent.

    With no message on the queue, what has been queued for longer than `adrift_after` seconds has
    lost its own.

    A look that dies between ledger and queue loses nothing: the next one finds the same. One
    message too many does no harm: the claim decides.
    """
    if not ledger.hold("rescue", who, every * 3):
        return 0
    found = list(ledger.due(MOST, AGAIN_AFTER))
    if outlet.is_empty():
        found += ledger.waiting(MOST, adrift_after)
    if found:
        outlet.publish(found)
    return len(found)


class RescueThread(threading.Thread):
    """Looks every so many seconds until it is stopped."""

    def __init__(
        self, ledger: Ledger, outlet: Outlet, *, every: float, adrift_after: float
    ) -> None:
        super().__init__(name="rescue", daemon=True)
        self._ledger = ledger
        self._outlet = outlet
        self._every = every
        self._adrift_after = adrift_after
        self._who = str(uuid.uuid4())
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look, wait, look again; trouble is logged, and the next look comes all the same."""
        while not self._stopped.is_set():
            try:
                found = rescue(
                    self._ledger,
                    self._outlet,
                    self._who,
                    every=self._every,
                    adrift_after=self._adrift_after,
                )
            except ClassinError as error:
                log.warning("rescue: %s", error)
            except Exception:
                log.exception("rescue: the next look comes all the same")
            else:
                if found:
                    log.info("rescue: %d brought back", found)
            self._stopped.wait(self._every)

    def stop(self) -> None:
        """Let the present look be the last."""
        self._stopped.set()
