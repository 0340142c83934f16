"""An IntakeLedger in memory."""

from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from threading import RLock
from typing import NamedTuple

from producers.testing.outcomes import Outcome
from worker.errors import RedisUnavailableError
from worker.ledger.batch import BatchInfo
from worker.ledger.codec import digest_of
from worker.ledger.reader import no_record
from worker.ledger.record import FailedBecause, Record, Submission
from worker.ledger.states import DependencyKind, Reason, State
from worker.ledger.store import refusal
from worker.ledger.types import InlineQueue, ReadyRecord, SubmitResult

#: States after which dependent records may run.
_GOOD = frozenset({State.SUCCEEDED, State.PARTIAL})


class _Owner(NamedTuple):
    """The record that has a dedup key, and the digest of what was asked for."""

    id: str
    asked: str


class InMemoryLedger:
    """Records, dedup keys, dependencies and lanes, by the same rules as RedisLedger.

    `clock` returns seconds since 1970. `outcome_of` is called for each record that becomes queued;
    None leaves it queued. There are no attempts, rate limits, school pauses or messages.
    """

    def __init__(
        self, clock: Callable[[], float], outcome_of: Callable[[Record], Outcome | None]
    ) -> None:
        self._clock = clock
        self._outcome_of = outcome_of
        self._lock = RLock()
        self._records: dict[str, Record] = {}
        self._owners: dict[tuple[str, str], _Owner] = {}
        #: The ids of the records that wait for a record.
        self._followers: dict[str, list[str]] = defaultdict(list)
        #: The unsettled records of each lane, in order.
        self._lanes: dict[str, list[str]] = defaultdict(list)
        #: The records whose lane was stopped, with the record that stopped it.
        self._stopped: dict[str, str] = {}
        #: Whether each call raises RedisUnavailableError.
        self.unavailable = False
        self.batches = InMemoryBatches(self)

    def submit(
        self, submissions: Sequence[Submission], inline_queue: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record new operations, all or none. Raises SubmitRefusedError."""
        del inline_queue
        with self.reached():
            owners = ChainMap[tuple[str, str], _Owner]({}, self._owners)
            ids = _stand_for(submissions, owners, self._records)
            self._owners |= owners.maps[0]
            return [self._enter(each, owner) for each, owner in zip(submissions, ids, strict=True)]

    def find_ids(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys."""
        with self.reached():
            ids = {name: name for name in names if name in self._records}
            owners = {name: self._owners.get((school, name)) for name in names}
            return {name: owner.id for name, owner in owners.items() if owner} | ids

    def find(self, record_id: str) -> Record:
        """Return a record. Raises NotFoundError."""
        with self.reached():
            if record_id not in self._records:
                raise no_record(record_id)
            return self._records[record_id]

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Return the records that exist, in this order."""
        with self.reached():
            return [self._records[each] for each in record_ids if each in self._records]

    def cancel(self, record_id: str) -> tuple[State, Sequence[ReadyRecord]]:
        """Cancel a record that is not settled. Raises NotFoundError."""
        with self.reached():
            record = self.find(record_id)
            if not record.state.settled:
                self._end(record, Outcome(state=State.CANCELLED))
            return self.find(record_id).state, ()

    def records(self) -> Sequence[Record]:
        """Return all records in submission order."""
        with self._lock:
            return tuple(self._records.values())

    def settle(self, record_id: str, outcome: Outcome) -> None:
        """Settle a queued record. Raises NotFoundError, and ValueError if it is not queued."""
        with self.reached():
            record = self.find(record_id)
            if record.state is not State.QUEUED:
                raise ValueError(f"{record_id} is {record.state}: only a queued one can be settled")
            self._end(record, outcome)

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Let one thread in at a time. Raises RedisUnavailableError."""
        with self._lock:
            if self.unavailable:
                raise RedisUnavailableError("Redis does not answer: a test set `unavailable`")
            yield

    def now(self) -> int:
        """Return ms since 1970."""
        return round(self._clock() * 1000)

    def _enter(self, entry: Submission, owner: str) -> SubmitResult:
        """Write a record, unless it exists or its dedup key belongs to another."""
        if owner != entry.id or entry.id in self._records:
            return SubmitResult(owner, new=False, ready=False)
        record = Record(
            id=entry.id,
            operation=entry.operation,
            school=entry.school,
            fields=entry.fields,
            state=State.BLOCKED,
            sequence=len(self._records) + 1,
            enqueued_at=self.now(),
            batch=entry.batch,
            lane=entry.lane,
            source=entry.source,
            accepts_existing=entry.accepts_existing,
            retry_of=entry.retry_of,
            edits=entry.edits,
            after=entry.after,
            stops_lane=entry.stops_lane,
            priority=entry.priority,
            dedup_key=entry.dedup_key,
            row=entry.row,
        )
        self._records[entry.id] = record
        for other in entry.after:
            self._followers[other].append(entry.id)
        if entry.lane:
            self._lanes[entry.lane].append(entry.id)
        if entry.retry_of in self._records:
            origin = self._records[entry.retry_of]
            self._records[origin.id] = replace(origin, retried_by=entry.id)
        self._look_at([entry.id])
        return SubmitResult(entry.id, new=True, ready=False)

    def _end(self, record: Record, outcome: Outcome) -> None:
        self._look_at(self._write(record, outcome))

    def _look_at(self, ids: Sequence[str]) -> None:
        """Advance these records if they can, then those that wait for them."""
        looked_at = [*ids]
        for each in looked_at:  # grows meanwhile
            outcome = self._next(self._records[each])
            if outcome is not None:
                looked_at += self._write(self._records[each], outcome)

    def _next(self, record: Record) -> Outcome | None:
        """Queue a record if nothing holds it; return its outcome, None if it does not settle."""
        if record.state.settled:
            return None
        ends = {each: self._records[each].state for each in record.after}
        for other, state in ends.items():
            if state.settled and state not in _GOOD:
                what = f"{other}, which it waited for, did not succeed"
                return _failed_because(DependencyKind.AFTER, other, what)
        if record.lane and self._lanes[record.lane][0] != record.id:
            return None
        if record.id in self._stopped:
            stopper = self._stopped[record.id]
            what = f"its lane was to stop when {stopper} did not succeed"
            return _failed_because(DependencyKind.LANE, stopper, what)
        if not all(state.settled for state in ends.values()):
            return None
        self._records[record.id] = replace(record, state=State.QUEUED)
        return self._outcome_of(self._records[record.id])

    def _write(self, record: Record, outcome: Outcome) -> list[str]:
        """Settle a record; return the ids of those that waited for it."""
        self._records[record.id] = replace(record, finished_at=self.now(), **asdict(outcome))
        followers = self._followers.pop(record.id, [])
        if not record.lane:
            return followers
        behind = self._lanes[record.lane]
        behind.remove(record.id)
        if record.stops_lane and outcome.state not in _GOOD:
            self._stopped |= dict.fromkeys(behind, record.id)
        return followers + behind[:1]


class InMemoryBatches:
    """The batches of an InMemoryLedger: only their records are kept."""

    def __init__(self, ledger: InMemoryLedger) -> None:
        self._ledger = ledger

    def open(self, batch: str, info: BatchInfo) -> bool:
        """Accept any batch as new."""
        del batch, info
        with self._ledger.reached():
            return True

    def close(self, batch: str) -> None:
        """Do nothing."""

    def drop(self, batch: str) -> None:
        """Do nothing."""

    def info(self, batch: str) -> BatchInfo | None:
        """Return None."""


def _failed_because(kind: DependencyKind, other: str, message: str) -> Outcome:
    because = FailedBecause(kind, (other,))
    reason = Reason.DEPENDENCY
    return Outcome(state=State.FAILED, reason=reason, message=message, failed_because=because)


def _stand_for(
    submissions: Sequence[Submission],
    owners: MutableMapping[tuple[str, str], _Owner],
    records: Mapping[str, Record],
) -> list[str]:
    """Return the record id of each submission: its own, or that of the record with its dedup key.

    New keys enter `owners`. Raises SubmitRefusedError for the first conflict or unknown id.
    """
    ids, others, refused = list[str](), list[int | str](), None
    known = {*records}
    for position, entry in enumerate(submissions, 1):
        own = _Owner(entry.id, entry.digest or digest_of(entry.operation, entry.fields))
        owner = _Owner(_stands_for_retry(entry, records) or entry.id, own.asked)
        if entry.dedup_key is not None:
            owner = owners.setdefault((entry.school, entry.dedup_key), owner)
        if owner.id != entry.id:
            others += [position, owner.id]
        missing = next((each for each in entry.after if each not in known), None)
        if refused is None and owner.asked != own.asked:
            refused = ["conflict", position, owner.id]
        elif refused is None and missing:
            refused = ["unknown", position, missing]
        known.add(entry.id)
        ids.append(owner.id)
    if refused is not None:
        raise refusal(submissions, [*refused, *others])
    return ids


def _stands_for_retry(entry: Submission, records: Mapping[str, Record]) -> str | None:
    """Return the record that replaces a retry that came too late; None if it came in time."""
    if entry.retry_of is None:
        return None
    origin = records.get(entry.retry_of)
    if origin is None or not origin.state.settled or origin.state is State.SUCCEEDED:
        return entry.retry_of
    return None if origin.retried_by == entry.last_retry else origin.retried_by or origin.id
