"""In hand: what a worker process holds a lease on, and the heartbeat that renews it.

A process may stand still at any point: its machine is suspended, it is stopped, or its virtual
machine is paused, in which case none of its clocks tells. So nothing is sent after a wait before
the ledger has said that the lease still holds.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from worker.boottime import boottime
from worker.errors import LeaseLostError
from worker.ledger.fault_isolation import renew_leases
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim

#: Beats in the time that a lease lasts.
BEATS = 6

#: Seconds for which the ledger's word that a lease holds is enough, if nobody waited meanwhile.
SURE_FOR = 0.5


@dataclass(slots=True)
class _Held:
    claim: Claim
    #: When its lease ends unless it is renewed, and when its thread last got on.
    ends: float
    got_on: float
    #: When the ledger was last asked about it, and said that it holds.
    sure: float


class LeaseTable:
    """The claims of one worker process. The clocks give seconds, from any start.

    `lasts`: seconds that a lease lasts, by `clock`; `stuck_after`: what does not get on for so
    long, by `awake`, is not renewed any more, so that others may take it: nobody is stuck while
    the machine is suspended. `on_progress` is told when one gets on. While it is not `present`, its
    leases are renewed, and it does not count as a worker.
    """

    def __init__(  # noqa: PLR0913  # what it tells, and what it is told
        self,
        worker: str,
        *,
        lasts: float,
        stuck_after: float,
        on_progress: Callable[[], object] = lambda: None,
        present: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = boottime,
        awake: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = worker
        self.lasts = lasts
        self._stuck_after = stuck_after
        self.on_progress = on_progress
        self._present = present
        self.clock = clock
        self._awake = awake
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def add(self, claims: Sequence[Claim], since: float) -> None:
        """Keep the leases of these, which were asked for at that moment."""
        got_on = self._awake()
        with self._lock:
            for claim in claims:
                self._held[claim.lease] = _Held(claim, since + self.lasts, got_on, since)
        self.on_progress()

    def remove(self, claims: Iterable[Claim]) -> None:
        """Let these go: nothing more is to be noted of them."""
        with self._lock:
            for claim in claims:
                self._held.pop(claim.lease, None)

    def touch(self, claim: Claim) -> None:
        """Note that its thread gets on. Raises LeaseLostError once others may have it."""
        held = self._held[claim.lease]
        if held.ends <= self.clock():
            raise LeaseLostError(f"the lease on {claim.record.id} ran out")
        held.got_on = self._awake()
        self.on_progress()

    def waited(self, claim: Claim) -> None:
        """Note that its thread has waited: others may have taken the record meanwhile."""
        self._held[claim.lease].sure = float("-inf")

    def told(self, claim: Claim, asked: float) -> None:
        """Note that the ledger, asked at that moment, said that the lease holds."""
        self._held[claim.lease].sure = asked

    def confirm(self, claim: Claim, ledger: RedisLedger) -> None:
        """Make sure that the lease holds, right before something is sent.

        Asks the ledger after a wait, and whenever its last word is not fresh. Raises
        LeaseLostError, or UnavailableError.
        """
        now, held = self.clock(), self._held[claim.lease]
        if now - held.sure >= SURE_FOR or held.ends <= now:
            if ledger.renew_leases(self.worker, self.lasts, [claim]):
                held.ends = now
                raise LeaseLostError(f"another worker has {claim.record.id} now")
            held.ends, held.sure = now + self.lasts, now
        self.touch(claim)

    def renew(self, ledger: RedisLedger) -> None:
        """Renew the leases of all that gets on. Raises UnavailableError."""
        now, awake = self.clock(), self._awake()
        with self._lock:
            held = [each for each in self._held.values() if awake - each.got_on < self._stuck_after]
        worker = self.worker if self._present() else ""
        lost = renew_leases(ledger, worker, self.lasts, [each.claim for each in held])
        for each in held:
            each.ends = now if each.claim.lease in lost else now + self.lasts
