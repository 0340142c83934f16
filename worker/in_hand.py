"""In hand: what a worker process holds a lease on, and the heartbeat that renews it."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from worker.classin.errors import LeaseLost
from worker.ledger.ledger import Claim, Ledger

#: Beats in the time that a lease lasts.
BEATS = 6


@dataclass(slots=True)
class _Held:
    claim: Claim
    #: When its lease ends unless it is renewed, and when its thread last got on.
    ends: float
    got_on: float


class InHand:
    """The claims of one worker process. `clock` gives seconds, from any start.

    `lasts`: seconds that a lease lasts; `stuck_after`: what does not get on for so long is not
    renewed any more, so that others may take it. `on_progress` is told when one gets on.
    """

    def __init__(
        self,
        worker: str,
        *,
        lasts: float,
        stuck_after: float,
        on_progress: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = worker
        self.lasts = lasts
        self._stuck_after = stuck_after
        self.on_progress = on_progress
        self.clock = clock
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def take(self, claims: Sequence[Claim], since: float) -> None:
        """Keep the leases of these, which were asked for at that moment."""
        with self._lock:
            for claim in claims:
                self._held[claim.lease] = _Held(claim, since + self.lasts, since)
        self.on_progress()

    def drop(self, claims: Iterable[Claim]) -> None:
        """Let these go: nothing more is to be noted of them."""
        with self._lock:
            for claim in claims:
                self._held.pop(claim.lease, None)

    def got_on(self, claim: Claim) -> None:
        """Note that its thread gets on. Raises LeaseLost once others may have it."""
        now = self.clock()
        held = self._held[claim.lease]
        if held.ends <= now:
            raise LeaseLost(f"the lease on {claim.record.id} ran out")
        held.got_on = now
        self.on_progress()

    def beat(self, ledger: Ledger) -> None:
        """Renew the leases of all that gets on. Raises Unavailable."""
        now = self.clock()
        with self._lock:
            held = [each for each in self._held.values() if now - each.got_on < self._stuck_after]
        lost = set(ledger.beat(self.worker, self.lasts, [each.claim for each in held]))
        for each in held:
            each.ends = now if each.claim.lease in lost else now + self.lasts
