"""Dispatch: records that came in are claimed, carried out side by side, and noted.

One thread speaks with the ledger, about all of a moment at once: what is to be noted, and what can
be begun. The others carry operations out, and never wait for it.
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
from worker.ledger.quarantine import Question, exchange, turns
from worker.ledger.record import Priority
from worker.ledger.states import State
from worker.ledger.types import (
    Claim,
    ClaimUpdate,
    Exchanged,
    Ledger,
    ReadyRecord,
    Turns,
    UpdateResult,
)
from worker.runtime.fair_share import FairShare
from worker.runtime.suspects import Suspects
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

#: So many operations of a lane go one after the other; the next one's message goes to the end.
IN_A_ROW = 10

#: Notes, and records asked for, of which the ledger is told in one round: Redis waits for them.
MOST_TOGETHER = 256

#: Seconds between two looks whose turn it is, by the pace of its kind: at least, and at most.
SOONEST_LOOK, LATEST_LOOK = 0.05, 1.0

#: What waits here is little while it is less than the threads, divided by this: then more may come.
_LITTLE = 4

#: Claimed ahead of free threads: at most threads / the first, and the second for each that ended.
_AHEAD, _FOR_EACH_ENDED = 4, 2


@dataclass(slots=True)
class QueuedRecord:
    """A record that may be claimed."""

    id: str
    priority: Priority = Priority.NORMAL
    #: Whether its message came through the queue just now, which tells how far that has come.
    by_message: bool = True
    #: How many of its lane were carried out here just before it.
    row: int = 0
    #: The lease that was asked for: the same again, should an answer get lost.
    lease: str = ""


class Backlog:
    """Counts what waits here; from `most` on, nothing more is accepted for a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._number = 0
        self._held: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def add(self, number: int, accepted: Callable[[], object]) -> None:
        """Count so many more; `accepted` is called as soon as still more may come."""
        with self._lock:
            self._number += number
            if self._number >= self._most:
                self._held.append(accepted)
                return
        accepted()

    def remove(self, number: int) -> None:
        """Count so many less."""
        with self._lock:
            self._number -= number
            if self._number >= self._most or not self._held:
                return
            held, self._held = self._held, []
        for accepted in held:
            accepted()


class Dispatcher:
    """What waits, and what is under way, in one worker process.

    `threads`: operations side by side. Any thread may `take`; one alone does the rounds. `turns`
    asks the ledger whose turn it is, and should not wait for one that is away.
    """

    def __init__(  # noqa: PLR0913  # all that come together here
        self,
        *,
        ledger: Ledger,
        executor: Executor,
        publisher: MessagePublisher,
        leases: LeaseTable,
        shares: FairShare,
        stopping: threading.Event,
        threads: int,
        in_a_row: int = IN_A_ROW,
        turns: Callable[[int], Turns] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._turns = turns or ledger.turns
        #: When to ask for turns next, by the clock of the leases.
        self._look_at = 0.0
        self._executor = executor
        self._publisher = publisher
        self._leases = leases
        self._shares = shares
        self._stopping = stopping
        self._free, self._ahead = threads, threads // _AHEAD
        self._in_a_row = in_a_row
        self._sleep = sleep
        self._troubles = TroubleLog(log)
        #: What comes from other threads: what waits, what is done, or None for a look.
        self._inbox: SimpleQueue[Sequence[QueuedRecord] | ExecutionResult | None] = SimpleQueue()
        #: What other threads are to do; None: to end.
        self.jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        #: Leases are numbered; the mark is this worker's alone.
        self._mark, self._number = token_hex(5), count(1)
        self._backlog = Backlog(max(1, threads // _LITTLE))
        self._waiting: deque[QueuedRecord] = deque()
        self._suspects: Suspects[QueuedRecord] = Suspects()
        #: By lease: what is claimed and not yet noted, as it waited.
        self._begun: dict[str, QueuedRecord] = {}
        self._notes: list[ClaimUpdate] = []
        #: By school: how many were done since the last round.
        self._eased: Counter[str] = Counter()

    def enqueue(self, waiting: Sequence[QueuedRecord], accepted: Callable[[], object]) -> None:
        """Let records wait here until they can be claimed.

        `accepted` is called as soon as more may come: at once, unless many wait already.
        """
        self._inbox.put(waiting)
        self._backlog.add(len(waiting), accepted)

    def wake(self) -> None:
        """Let it look whether it is to stop."""
        self._inbox.put(None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, is under way, or is to be noted."""
        return not (self._waiting or len(self._suspects) or self._begun or self._inbox.qsize())

    @property
    def is_due(self) -> bool:
        """Whether there is something to do in a round."""
        ready = self._waiting or (len(self._suspects) and self._suspects.room())
        if self._notes or self._eased or (ready and self._free > 0):
            return True
        return self._until_look() == 0

    def drain_inbox(self, *, wait: bool) -> None:
        """Take in what came from other threads; wait for the first, if asked, or a time to look."""
        try:
            while True:
                news = self._inbox.get(wait, self._until_look())
                wait = False
                if isinstance(news, ExecutionResult):
                    self._end(news)
                elif news is not None:
                    self._waiting.extend(news)
        except Empty:
            pass

    def run_once(self) -> None:
        """Speak with the ledger once, and set to work what can be begun."""
        if self._stopping.is_set():
            self._put_back()
        self._take_parked()
        self._take_paced()
        notes, self._notes = self._notes[:MOST_TOGETHER], self._notes[MOST_TOGETHER:]
        self._wait_first(self._suspects.next({note.claim.lease for note in notes}))
        asked = self._next(self._free + min(self._ahead, _FOR_EACH_ENDED * len(notes)))
        if not (asked or notes):
            return
        since = self._leases.clock()
        found = self._exchange(notes, asked)
        if found is None:
            return
        self._leases.remove(note.claim for note in notes)
        for note, advanced in zip(notes, found.noted, strict=True):
            self._follow(note, advanced, self._forget(note.claim))
        for record_id in found.missing:
            log.error("there is no record %s", record_id)
        self._keep(found.claims, since)
        self._suspects.take(found.claims)
        for record_id in found.put_off:
            waiting = asked[record_id]
            waiting.by_message = False  # it has told how far the queue has come
            self._suspects.wait(waiting)
        if found.paced:
            self._look_at = min(self._look_at, self._leases.clock() + SOONEST_LOOK)
        turned_away = len(found.claims) < len(asked)
        self._shares.take([claim.record.school for claim in found.claims], some_left=turned_away)
        for claim in found.claims:
            self._begin(claim, asked[claim.record.id])

    def _keep(self, claims: Sequence[Claim], since: float) -> None:
        """Keep the leases of these; where the answer took long, ask whether they still hold."""
        table = self._leases
        table.add(claims, since)
        if claims and table.clock() - since > table.lasts / 2:
            with suppress(UnavailableError):
                table.renew(self._ledger)

    def _end(self, done: ExecutionResult) -> None:
        """Take in what came of an operation."""
        claim, school = done.claim, done.claim.record.school
        self._free += 1
        self._eased[school] += 1
        self._shares.give_back(school)
        if done.update is not None:
            self._notes.append(done.update)
            self._tell(done.released)
        else:
            self._leases.remove([claim])
            self._go_on(done.released, self._forget(claim))

    def _forget(self, claim: Claim) -> QueuedRecord:
        """Let a claim go of which nothing more is to be noted; gives how it had waited."""
        self._suspects.drop(claim.lease)
        return self._begun.pop(claim.lease)

    def _next(self, room: int) -> dict[str, QueuedRecord]:
        """Return what there is room for, by id."""
        asked: dict[str, QueuedRecord] = {}
        taken = 0
        while self._waiting and len(asked) < min(room, MOST_TOGETHER):
            waiting = self._waiting.popleft()
            waiting.lease = waiting.lease or f"{self._mark}-{next(self._number)}"
            asked.setdefault(waiting.id, waiting)
            taken += 1
        if taken:
            self._backlog.remove(taken)
        return asked

    def _exchange(
        self, notes: Sequence[ClaimUpdate], asked: Mapping[str, QueuedRecord]
    ) -> Exchanged | None:
        """Speak with the ledger; None: it is away, and all of it is to be said again."""
        table = self._leases
        suspects = self._suspects.room({note.claim.lease for note in notes})
        room = replace(self._shares.room(), suspects=suspects)
        leases = {each.id: each.lease for each in asked.values()}
        local = [each.id for each in asked.values() if not each.by_message]
        try:
            question = Question(notes, leases, table.worker, table.lasts, room, local)
            found = exchange(self._ledger, question)
        except UnavailableError as error:
            if self._wait_for_it(error, asked.values()):
                self._notes[:0] = notes
                return None
        except Exception:
            log.exception("what was just claimed or done comes back by its lease")
        else:
            if found.full and asked:
                self._wait_for_it(UnavailableError("Redis is full (maxmemory)"), asked.values())
            else:
                self._troubles.over("the ledger can be used again")
            return found
        return Exchanged([None] * len(notes), [], [])

    def _wait_for_it(self, why: UnavailableError, asked: Collection[QueuedRecord]) -> bool:
        """Let some wait until the ledger takes them, unless the worker is to end."""
        self._troubles.trouble("nothing is begun until the ledger can be used", why)
        if self._stopping.is_set():
            return False
        self._wait_first(asked)
        self._leases.on_progress()  # a ledger that is away is no stall of the worker's
        self._sleep(REPORT_AGAIN)
        return True

    def _wait_first(self, waiting: Collection[QueuedRecord]) -> None:
        """Let these wait before all others."""
        if waiting:
            self._backlog.add(len(waiting), _nothing)
            self._waiting.extendleft(reversed(tuple(waiting)))

    def _begin(self, claim: Claim, waiting: QueuedRecord) -> None:
        """Let a thread carry out what is claimed."""
        self._begun[claim.lease] = waiting
        self._free -= 1
        self.jobs.put(partial(self._carry_out, claim))

    def _carry_out(self, claim: Claim) -> None:
        self._inbox.put(self._executor.execute(claim))

    def _follow(
        self, note: ClaimUpdate, advanced: UpdateResult | None, waiting: QueuedRecord
    ) -> None:
        """Say in the log what became of a record, and let go on who can because of that."""
        record = note.claim.record
        if advanced is None:
            log.warning("what came of %s counts no more: its lease is over", record.id)
            return
        log_settled(note, advanced.state)
        self._go_on(advanced.released, waiting)

    def _go_on(self, released: Sequence[ReadyRecord], waiting: QueuedRecord) -> None:
        """Let the first go on here, unless enough of its lane did; the others get messages."""
        row = waiting.row + 1
        if released and row < self._in_a_row and not self._stopping.is_set():
            first, *released = released
            self._wait_first([QueuedRecord(first.id, first.priority, row=row, by_message=False)])
        self._tell(released)

    def _tell(self, released: Sequence[ReadyRecord]) -> None:
        if released:
            self.jobs.put(partial(_send, partial(self._publisher.publish, released)))

    def _until_look(self) -> float | None:
        """Give the seconds until it looks whose turn it is; None: not before something ends."""
        if self._free <= 0 or self._stopping.is_set():
            return None
        return max(0.0, self._look_at - self._leases.clock())

    def _take_paced(self) -> None:
        """Take some of those whose turn it is; where others wait here, for half of the threads."""
        if self._until_look() != 0:
            return
        now = self._leases.clock()
        most = (self._free + 1) // 2 if self._waiting else self._free
        try:
            found = turns(self._turns, min(most, MOST_TOGETHER))
        except UnavailableError:
            found = Turns([], None)  # others say that it is away
        soon = LATEST_LOOK if found.look_in is None else found.look_in
        self._look_at = now + min(max(soon, SOONEST_LOOK), LATEST_LOOK)
        ready = [QueuedRecord(each.id, each.priority, by_message=False) for each in found.ready]
        self._wait_first(ready)

    def _take_parked(self) -> None:
        """Take some of those that were put aside because their school had its share here."""
        eased, self._eased = self._eased, Counter()
        for school, number in eased.items():
            if not self._shares.may_have_waiting(school) or self._stopping.is_set():
                continue
            try:
                found = self._ledger.unpark(number, school)
            except ClassinError as error:
                log.warning("%s waits a little longer: %s", school, error)
                continue
            if not found:
                self._shares.none_waiting(school)
            self._wait_first(
                [QueuedRecord(each.id, each.priority, by_message=False) for each in found]
            )

    def _put_back(self) -> None:
        """Let others have what waits; where that fails, rescue finds it."""
        left, self._waiting = self._waiting, deque()
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
    """Send messages; what they are for is found by rescue where that fails."""
    try:
        send()
    except UnavailableError as error:
        log.warning("some messages are sent a little later: %s", error)


def _nothing() -> None:
    """Nobody waits to be told."""


def log_settled(note: ClaimUpdate, state: State) -> None:
    """Say where a record stands now: no fields, no message."""
    record, standing = note.claim.record, note.standing
    attempts = note.attempt.n if note.attempt else len(record.attempts)
    code = "-" if standing.code is None else standing.code
    where = f"{state}/{standing.reason}" if standing.reason and state is standing.state else state
    log.info("%s %s: %s, code %s, attempts %d", record.operation, record.id, where, code, attempts)
