"""A system in small, by the test's clock: workers, rescue, and a queue that takes its time."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import cycle
from queue import Empty

from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, entry
from worker.execution.executor import ExecutionResult
from worker.execution.leases import LeaseTable
from worker.ledger.record import Priority
from worker.ledger.store import RedisLedger
from worker.ledger.types import (
    Claim,
    ClaimRequest,
    ClaimResult,
    ClaimUpdate,
    ReadyRecord,
    Transition,
)
from worker.runtime.dispatcher import Dispatcher, QueuedRecord
from worker.runtime.fair_share import FairShare

#: Milliseconds between two looks of rescue.
RESCUE = 1000


class CountingLedger(RedisLedger):
    """Counts how many records were asked for."""

    asked = 0

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Count, then do it."""
        self.asked += len(request.leases)
        return super().report_and_claim(request)


@dataclass
class PacedSystem:
    """Plays workers, rescue and queue; what goes out to ClassIn is answered at once.

    `latency`: the seconds that the next message takes from the queue to a worker; `step`: ms from
    one round of the workers to the next.
    """

    redis: Redis
    clock: Clock
    latency: Callable[[], float] = lambda: 0.0
    workers: int = 1
    step: int = 50
    #: What came of a request.
    answer: Callable[[Claim], Transition] = lambda _: DONE
    #: Each request: when it went out (ms), and its record.
    sent: list[tuple[int, str]] = field(default_factory=list)
    messages: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = CountingLedger(self.redis, self.clock.millis)
        self._dispatches = [self._worker(f"w{number}") for number in range(self.workers)]
        self._next = cycle(self._dispatches)

    def _worker(self, name: str) -> Dispatcher:
        return Dispatcher(
            ledger=self.ledger,
            executor=self,  # type: ignore[arg-type]  # all that is asked of it
            publisher=self,
            leases=LeaseTable(name, lasts=30, stuck_after=3600, clock=self.clock),
            shares=FairShare(),
            stopping=threading.Event(),
            threads=64,
            sleep=self.clock.sleep,
        )

    def submit(
        self, number: int, operation: str, school: str = "main", name: str = ""
    ) -> list[str]:
        """Hand so many in, of which each gets a message; gives their ids, in order."""
        ids = [f"{school} {operation} {name}{each}" for each in range(number)]
        submissions = [replace(entry(each), operation=operation, school=school) for each in ids]
        self.ledger.submit(submissions)
        self._send(ids)
        return ids

    def run(self, seconds: float) -> None:
        """Let time pass."""
        ends = self.clock.ms + round(seconds * 1000)
        while self.clock.ms < ends:
            self._play()
            self.clock.ms += self.step

    def sent_of(self, operation: str, since: int = 0) -> list[int]:
        """Moments at which requests of a kind went out, in order."""
        return sorted(at for at, each in self.sent if f" {operation} " in each and at >= since)

    def execute(self, claim: Claim) -> ExecutionResult:
        """Send a request."""
        self.sent.append((self.clock.ms + round(claim.wait * 1000), claim.record.id))
        return ExecutionResult(claim, ClaimUpdate(claim, self.answer(claim)), [])

    def publish(self, due: Sequence[ReadyRecord]) -> None:
        """Take messages."""
        self._send([each.id for each in due])

    def put_back(self, ids: Sequence[str], priority: Priority) -> None:
        """Take a message for several."""
        del priority
        self._send(ids)

    def empty(self) -> Sequence[Priority]:
        """Say that messages may wait."""
        return ()

    def _send(self, ids: Sequence[str]) -> None:
        now = self.clock.ms
        self.messages += [(now + round(self.latency() * 1000), each) for each in ids]

    def _play(self) -> None:
        if self.clock.ms % RESCUE < self.step:
            self.publish(self.ledger.requeue_due(1000, orphans=False))
        here = [each for at, each in self.messages if at <= self.clock.ms]
        self.messages = [each for each in self.messages if each[0] > self.clock.ms]
        for each in here:
            next(self._next).enqueue([QueuedRecord(each)], lambda: None)
        for dispatch in self._dispatches:
            dispatch.drain_inbox(wait=False)
            if dispatch.is_due:
                dispatch.run_once()
            with suppress(Empty):
                while job := dispatch.jobs.get_nowait():
                    job()
