"""Rescue: what is due, was left behind by a silent worker, or lost its message, comes back."""

import logging
from collections.abc import Callable, Iterator, Sequence

from worker.boottime import boottime
from worker.broker.messages import MessagePublisher
from worker.ledger.fault_isolation import requeue_due
from worker.ledger.store import RedisLedger
from worker.ledger.types import ReadyRecord

log = logging.getLogger(__name__)

#: Records that one call of the ledger brings back or tells: Redis does nothing else meanwhile.
MOST = 500

#: Calls of a kind in one look; what is left then waits for the next.
ROUNDS = 40

#: Of each school that is open again, so many records are brought back in one look.
MOST_OF_A_SCHOOL = 256

#: Seconds between two looks for what is due.
TICK = 1.0

#: A worker that looks keeps the right to it for so many ticks: then another takes over.
_KEPT_FOR = 5


class Rescuer:
    """Looks for what must come back, unless another worker does.

    A look that dies between ledger and queue loses nothing: what it had found is queued without a
    message, and a later look sees that. One message too many does no harm: the claim decides.

    `who`: the worker process; `every`: seconds between two looks for lost messages;
    `adrift_after`: a record whose message was sent so many seconds ago may have lost it; `lease`:
    how long a worker may be silent. `clock` gives seconds, from any start.
    """

    def __init__(  # noqa: PLR0913  # its times are its trade
        self,
        ledger: RedisLedger,
        publisher: MessagePublisher,
        *,
        who: str,
        every: float,
        adrift_after: float,
        lease: float,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self.every = every
        self.tick = min(TICK, every)
        self._adrift_after = adrift_after
        self._lease = lease
        self._clock = clock
        self._who = who
        #: Since when the ledger has been answering, and when it last did.
        self._answers_since = self._answered = float("-inf")
        self._lost_looked_at = float("-inf")
        #: Which schools have their turn next.
        self._school_cursor = "0"

    def run_once(self) -> int:
        """Look once; gives how many messages were sent. Raises UnavailableError."""
        number = 0
        for found in self._found():
            if found:
                self._publisher.publish(found)
            number += len(found)
        if number:
            log.info("rescue: %d brought back", number)
        return number

    def _found(self) -> Iterator[Sequence[ReadyRecord]]:
        holds = self._ledger.acquire_lock("rescue", self._who, self.tick * _KEPT_FOR)
        now = self._clock()
        # After an outage of the ledger, or after all machines slept, every lease has run out: those
        # who live renew theirs first.
        a_while = self._lease / 2
        if now - self._answered >= a_while:
            self._answers_since = now
        self._answered = now
        if not holds:
            return
        yield from self._due(orphans=now - self._answers_since >= a_while)
        yield from self._released()
        yield from self._unparked()
        if now - self._lost_looked_at >= self.every:
            empty = self._publisher.empty()
            yield self._ledger.requeue_lost(MOST, self._adrift_after, empty=empty)
            self._lost_looked_at = now

    def _due(self, *, orphans: bool) -> Iterator[Sequence[ReadyRecord]]:
        for _ in range(ROUNDS):
            found = requeue_due(self._ledger, MOST, orphans=orphans)
            yield found
            if len(found) < MOST:
                return

    def _released(self) -> Iterator[Sequence[ReadyRecord]]:
        for _ in range(ROUNDS):
            found, more = self._ledger.release(MOST)
            yield found
            if not more:
                return

    def _unparked(self) -> Iterator[Sequence[ReadyRecord]]:
        """Let each school have its turn; of very many, the rest go on with the next look."""
        for _ in range(ROUNDS):
            found, self._school_cursor = self._ledger.unpark_some(
                MOST, MOST_OF_A_SCHOOL, self._school_cursor
            )
            yield found
            if self._school_cursor == "0":
                return
