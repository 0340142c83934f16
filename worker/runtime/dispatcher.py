"""The dispatcher: claims queued records, hands them to threads, and reports what came of them.

One thread speaks with the ledger, about all of a moment at once: what is to be reported, and what
can be claimed. The other threads execute operations, and never wait for that one.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from secrets import token_hex

from worker.broker.messages import MessagePublisher
from worker.errors import ClassinError, UnavailableError
from worker.execution.executor import REPORT_AGAIN, ExecutionResult, Executor
from worker.execution.leases import LeaseTable
from worker.hooks import Hook, RecordSettled, on_settled
from worker.ledger.fault_isolation import report_and_claim, turns
from worker.ledger.record import Priority
from worker.ledger.store import RedisLedger
from worker.ledger.types import (
    Claim,
    ClaimRequest,
    ClaimResult,
    ClaimUpdate,
    ReadyRecord,
    TurnList,
    UpdateResult,
)
from worker.runtime.backlog import Backlog
from worker.runtime.fair_share import FairShare
from worker.runtime.outcomes import log_outcome, settled_event
from worker.runtime.suspects import Suspects
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

#: Operations of one lane that are executed here in a row; the next one's message goes to the end.
IN_A_ROW = 10

#: Updates, and records asked for, in one exchange with the ledger: it blocks Redis for others.
MOST_TOGETHER = 256

#: Seconds between two requests for paced records whose turn it is: at least, and at most.
SOONEST_TURNS, LATEST_TURNS = 0.05, 1.0

#: Accept another message while fewer than threads / this number of records wait.
_BACKLOG_PART = 4

#: Claims beyond free threads: at most threads / the first, and the second for each that ended.
_AHEAD, _FOR_EACH_ENDED = 4, 2


@dataclass(slots=True)
class QueuedRecord:
    """A record that waits here to be claimed."""

    id: str
    priority: Priority = Priority.NORMAL
    #: Whether its message came through the queue just now, which shows how far that has come.
    by_message: bool = True
    #: How many of its lane were executed here just before it.
    row: int = 0
    #: The lease that was asked for: the same again, should the answer get lost.
    lease: str = ""


class Dispatcher:
    """The queued and the running records of one worker process.

    `threads`: operations side by side. Any thread may `enqueue` and `wake`; one thread calls
    `drain_inbox` and `run_once`. `turns` asks the ledger for paced records whose turn it is, and
    should not wait for a ledger that is away.
    """

    def __init__(  # noqa: PLR0913  # all that come together here
        self,
        *,
        ledger: RedisLedger,
        executor: Executor,
        publisher: MessagePublisher,
        leases: LeaseTable,
        shares: FairShare,
        stopping: threading.Event,
        threads: int,
        in_a_row: int = IN_A_ROW,
        turns: Callable[[int], TurnList] | None = None,
        on_settled: Hook[RecordSettled] = on_settled,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._turns = turns or ledger.turns
        #: When to ask for turns next, by the clock of the leases.
        self._turns_at = 0.0
        self._executor = executor
        self._publisher = publisher
        self._leases = leases
        self._shares = shares
        self._stopping = stopping
        self._free, self._ahead = threads, threads // _AHEAD
        self._in_a_row = in_a_row
        self._sleep = sleep
        self._on_settled = on_settled
        self._troubles = TroubleLog(log)
        #: From other threads: records that came in, results, or None to look around.
        self._inbox: SimpleQueue[Sequence[QueuedRecord] | ExecutionResult | None] = SimpleQueue()
        #: What the other threads do; None ends one.
        self.jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        #: Leases are numbered behind a prefix that is this worker's alone.
        self._worker_mark, self._number = token_hex(5), count(1)
        self._backlog = Backlog(max(1, threads // _BACKLOG_PART))
        self._queued: deque[QueuedRecord] = deque()
        self._suspects: Suspects[QueuedRecord] = Suspects()
        #: By lease: what is claimed and not yet reported, as it was queued.
        self._begun: dict[str, QueuedRecord] = {}
        self._updates: list[ClaimUpdate] = []
        #: By school: how many operations ended since the last round.
        self._done: Counter[str] = Counter()

    def enqueue(self, waiting: Sequence[QueuedRecord], accepted: Callable[[], object]) -> None:
        """Queue records until they can be claimed.

        `accepted` is called as soon as another message may come: at once, unless many wait.
        """
        self._inbox.put(waiting)
        self._backlog.add(len(waiting), accepted)

    def wake(self) -> None:
        """Let `drain_inbox` return, to see whether the worker is to end."""
        self._inbox.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued, running, or to be reported."""
        return not (self._queued or len(self._suspects) or self._begun or self._inbox.qsize())

    @property
    def is_due(self) -> bool:
        """Whether `run_once` has something to do."""
        ready = self._queued or (len(self._suspects) and self._suspects.room())
        if self._updates or self._done or (ready and self._free > 0):
            return True
        return self._seconds_to_turns() == 0

    def drain_inbox(self, *, wait: bool) -> None:
        """Take in what came from other threads; with `wait`, block for the first."""
        try:
            while True:
                news = self._inbox.get(wait, self._seconds_to_turns())
                wait = False
                if isinstance(news, ExecutionResult):
                    self._end(news)
                elif news is not None:
                    self._queued.extend(news)
        except Empty:
            pass

    def run_once(self) -> None:
        """Exchange with the ledger once, and hand what it let us claim to the threads."""
        if self._stopping.is_set():
            self._put_back()
        self._unpark()
        self._take_turns()
        updates, self._updates = self._updates[:MOST_TOGETHER], self._updates[MOST_TOGETHER:]
        self._queue_first(self._suspects.next({update.claim.lease for update in updates}))
        asked = self._next(self._free + min(self._ahead, _FOR_EACH_ENDED * len(updates)))
        if not (asked or updates):
            return
        since = self._leases.clock()
        found = self._exchange(updates, asked)
        if found is None:
            return
        self._leases.remove(update.claim for update in updates)
        for update, result in zip(updates, found.results, strict=True):
            self._follow(update, result, self._drop(update.claim))
        for record_id in found.missing:
            log.error("there is no record %s", record_id)
        self._hold(found.claims, since)
        self._suspects.take(found.claims)
        for record_id in found.refused_suspects:
            waiting = asked[record_id]
            waiting.by_message = False  # it has told how far the queue has come
            self._suspects.wait(waiting)
        if found.paced:
            self._turns_at = min(self._turns_at, self._leases.clock() + SOONEST_TURNS)
        turned_away = len(found.claims) < len(asked)
        self._shares.take([claim.record.school for claim in found.claims], some_left=turned_away)
        for claim in found.claims:
            self._begin(claim, asked[claim.record.id])

    def _hold(self, claims: Sequence[Claim], since: float) -> None:
        """Hold the leases of claims; where the answer took long, renew them at once."""
        table = self._leases
        table.add(claims, since)
        if claims and table.clock() - since > table.lasts / 2:
            with suppress(UnavailableError):
                table.renew(self._ledger)

    def _end(self, done: ExecutionResult) -> None:
        """Take in the result of an operation."""
        claim, school = done.claim, done.claim.record.school
        self._free += 1
        self._done[school] += 1
        self._shares.give_back(school)
        if done.update is not None:
            self._updates.append(done.update)
            self._publish(done.released)
        else:
            self._leases.remove([claim])
            self._continue_lane(done.released, self._drop(claim))

    def _drop(self, claim: Claim) -> QueuedRecord:
        """Drop a claim of which nothing more is to be reported; return it as it was queued."""
        self._suspects.drop(claim.lease)
        return self._begun.pop(claim.lease)

    def _next(self, room: int) -> dict[str, QueuedRecord]:
        """Return the next queued records, by id: as many as there is room for."""
        asked: dict[str, QueuedRecord] = {}
        taken = 0
        while self._queued and len(asked) < min(room, MOST_TOGETHER):
            waiting = self._queued.popleft()
            waiting.lease = waiting.lease or f"{self._worker_mark}-{next(self._number)}"
            asked.setdefault(waiting.id, waiting)
            taken += 1
        if taken:
            self._backlog.remove(taken)
        return asked

    def _exchange(
        self, updates: Sequence[ClaimUpdate], asked: Mapping[str, QueuedRecord]
    ) -> ClaimResult | None:
        """Report and claim; None: the ledger is away, and all of it is to be said again."""
        table = self._leases
        suspects = self._suspects.room({update.claim.lease for update in updates})
        room = replace(self._shares.room(), suspects=suspects)
        leases = {each.id: each.lease for each in asked.values()}
        local = [each.id for each in asked.values() if not each.by_message]
        try:
            request = ClaimRequest(updates, leases, table.worker, table.lasts, room, local)
            found = report_and_claim(self._ledger, request)
        except UnavailableError as error:
            if self._wait_for_ledger(error, asked.values()):
                self._updates[:0] = updates
                return None
        except Exception:
            log.exception("what was just claimed or executed comes back when its lease ends")
        else:
            if found.full and asked:
                self._wait_for_ledger(UnavailableError("Redis is full (maxmemory)"), asked.values())
            else:
                self._troubles.over("the ledger can be used again")
            return found
        return ClaimResult([None] * len(updates), [], [])

    def _wait_for_ledger(self, why: UnavailableError, asked: Collection[QueuedRecord]) -> bool:
        """Wait until the ledger can be used; return False if the worker is to end."""
        self._troubles.trouble("nothing is begun until the ledger can be used", why)
        if self._stopping.is_set():
            return False
        self._queue_first(asked)
        self._leases.on_progress()  # a ledger that is away is no stall of the worker's
        self._sleep(REPORT_AGAIN)
        return True

    def _queue_first(self, waiting: Collection[QueuedRecord]) -> None:
        """Queue records before all others."""
        if waiting:
            self._backlog.add(len(waiting), _nothing)
            self._queued.extendleft(reversed(tuple(waiting)))

    def _begin(self, claim: Claim, waiting: QueuedRecord) -> None:
        """Let a thread execute a claim."""
        self._begun[claim.lease] = waiting
        self._free -= 1
        self.jobs.put(partial(self._execute, claim))

    def _execute(self, claim: Claim) -> None:
        self._inbox.put(self._executor.execute(claim))

    def _follow(
        self, update: ClaimUpdate, result: UpdateResult | None, waiting: QueuedRecord
    ) -> None:
        """Tell what became of a claim, and let those go on who can because of that."""
        if result is None:
            log.warning("what came of %s is void: its lease is over", update.claim.record.id)
            return
        log_outcome(update, result.state)
        if result.state.settled and self._on_settled:
            event = settled_event(update, result.state)
            self.jobs.put(partial(self._on_settled.tell, event))  # it may take its time
        self._continue_lane(result.released, waiting)

    def _continue_lane(self, released: Sequence[ReadyRecord], waiting: QueuedRecord) -> None:
        """Queue the first here, unless enough of its lane ran in a row; publish the others."""
        row = waiting.row + 1
        if released and row < self._in_a_row and not self._stopping.is_set():
            first, *released = released
            self._queue_first([QueuedRecord(first.id, first.priority, row=row, by_message=False)])
        self._publish(released)

    def _publish(self, released: Sequence[ReadyRecord]) -> None:
        if released:
            self.jobs.put(partial(_send, partial(self._publisher.publish, released)))

    def _seconds_to_turns(self) -> float | None:
        """Return the seconds until turns are asked for; None: not before an operation ends."""
        if self._free <= 0 or self._stopping.is_set():
            return None
        return max(0.0, self._turns_at - self._leases.clock())

    def _take_turns(self) -> None:
        """Queue paced records whose turn it is; where others wait here, for half of the threads."""
        if self._seconds_to_turns() != 0:
            return
        now = self._leases.clock()
        most = (self._free + 1) // 2 if self._queued else self._free
        try:
            found = turns(self._turns, min(most, MOST_TOGETHER))
        except UnavailableError:
            found = TurnList([], None)  # others say that it is away
        soon = LATEST_TURNS if found.next_in is None else found.next_in
        self._turns_at = now + min(max(soon, SOONEST_TURNS), LATEST_TURNS)
        ready = [QueuedRecord(each.id, each.priority, by_message=False) for each in found.ready]
        self._queue_first(ready)

    def _unpark(self) -> None:
        """Queue records that were parked because their school had its share of this worker."""
        done_of, self._done = self._done, Counter()
        for school, number in done_of.items():
            if not self._shares.may_have_waiting(school) or self._stopping.is_set():
                continue
            try:
                found = self._ledger.unpark(number, school)
            except ClassinError as error:
                log.warning("%s waits a little longer: %s", school, error)
                continue
            if not found:
                self._shares.none_waiting(school)
            self._queue_first(
                [QueuedRecord(each.id, each.priority, by_message=False) for each in found]
            )

    def _put_back(self) -> None:
        """Put what is queued back for other workers; where that fails, rescue finds it."""
        left, self._queued = self._queued, deque()
        self._backlog.remove(len(left))
        for priority in Priority:
            ids = [each.id for each in left if each.priority is priority]
            if ids:
                self._send_back(ids, priority)
        for each in self._suspects.leave():
            self._send_back([each.id], each.priority)

    def _send_back(self, ids: Sequence[str], priority: Priority) -> None:
        self.jobs.put(partial(_send, partial(self._publisher.put_back, ids, priority)))


def _send(send: Callable[[], object]) -> None:
    """Send messages; where that fails, rescue finds the records that they are for."""
    try:
        send()
    except UnavailableError as error:
        log.warning("some messages are sent a little later: %s", error)


def _nothing() -> None:
    """Be the `accepted` of records that came without a message."""
