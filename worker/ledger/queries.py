"""What operators ask of the ledger in Redis beyond what workers and producers do.

Each answer is read from an index or a count: none looks through the keys.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple

from worker.ledger.clock import LedgerClock
from worker.ledger.decoding import decoding
from worker.ledger.events import SettledEvent, position_of
from worker.ledger.hourly_stats import HOUR, HourStats, happenings_of
from worker.ledger.index_scan import (
    WINDOW,
    IndexScan,
    indexed_values,
    malformed_cursor,
    matches,
)
from worker.ledger.limits import LEVEL_LASTS
from worker.ledger.reader import LedgerReader
from worker.ledger.record import Record
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.scripts import load_script
from worker.ledger.states import State
from worker.ledger.types import Filter, SchoolPause


class Order(StrEnum):
    """The orders in which records can be listed: those of an index."""

    NEWEST = "newest"
    OLDEST = "oldest"
    #: Last settled first, as far back as the events go.
    FINISHED = "finished"
    #: Next due first: deferred records, and running ones by the end of their lease.
    DUE = "due"


class ListedRecord(NamedTuple):
    """A record in a list, and the cursor of what follows it."""

    record: Record
    cursor: str


class Listing(NamedTuple):
    """Records, perhaps fewer than asked for, and the cursor of the rest (None: there is none)."""

    found: Sequence[ListedRecord]
    cursor: str | None
    #: Ids of records that cannot be read: somebody changed them in Redis.
    unreadable: Sequence[str] = ()


class Lane(NamedTuple):
    """A lane in which records wait behind the first."""

    name: str
    #: When a record of it settled last, or first had to wait (ms since 1970).
    moved_at: int
    #: Its unsettled records, and the first of them.
    length: int
    head: Record
    #: The record because of which all others of the lane will fail, if any.
    stopped_by: str | None


class Slowdown(NamedTuple):
    """How ClassIn's "too fast" slows down an operation or a school."""

    #: "SCHOOL OPERATION" or "SCHOOL".
    what: str
    #: Doublings of the interval by now, and until when nothing is sent (ms since 1970).
    level: int
    free_at: int


class SchoolStatus(NamedTuple):
    """The status of a school."""

    name: str
    #: Its unsettled records, and those of them that are running.
    unsettled: int
    running: int
    closure: SchoolPause | None
    parked: int
    #: Operations that alone are locked out, by since when (ms since 1970).
    barred: Mapping[str, int]


class QueuePosition(NamedTuple):
    """The positions of an unsettled record; None: it has none there."""

    #: Its position among the unsettled records of its lane, from 0, and their number.
    lane_place: int | None = None
    lane_length: int = 0
    #: When its message was sent last (ms since 1970), and how many records of its priority are
    #: older.
    sent_at: int | None = None
    ahead: int | None = None
    #: Its position among those that wait for their school, from 0.
    parked_place: int | None = None
    #: The worker that has its lease, and when that ends unless it is renewed (ms since 1970).
    worker: str | None = None
    lease_ends: int | None = None


class LedgerQueries(LedgerReader):
    """The questions of operators. Times are ms since 1970; errors are as LedgerReader's."""

    def now(self) -> int:
        """Return Redis's time."""
        with translate_redis_errors():
            seconds, micros = self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def listing(
        self, chosen: Filter, order: Order, limit: int, cursor: str | None = None
    ) -> Listing:
        """List records, `limit` at most.

        With FINISHED, `since` and `until` are about when they settled. Raises InvalidInputError for
        a malformed cursor.
        """
        scan = None
        unreadable: list[str] = []
        found: Iterator[ListedRecord]
        match order:
            case Order.NEWEST | Order.OLDEST:
                oldest_first = order is Order.OLDEST
                scan = IndexScan(
                    self._redis, self.find_all, chosen, limit + 1, cursor, oldest_first=oldest_first
                )
                found = (ListedRecord(record, str(record.sequence)) for record in scan)
            case Order.FINISHED:
                found = self._by_end(chosen, cursor, unreadable)
            case Order.DUE:
                found = self._by_due(chosen, cursor, unreadable)
        listed = list(islice(found, limit + 1))
        unreadable += scan.unreadable if scan else ()
        if len(listed) > limit:
            return Listing(listed[:limit], listed[limit - 1].cursor, unreadable)
        return Listing(listed, scan.stopped_at if scan else None, unreadable)

    def _by_end(
        self, chosen: Filter, cursor: str | None, unreadable: list[str]
    ) -> Iterator[ListedRecord]:
        wanted = indexed_values(chosen)
        for events in self._settled_before(chosen, cursor):
            fitting = [each for each in events if matches(each, wanted)]
            ids = [each.id for each in fitting]
            records = {each.id: each for each in self.find_all(ids, unreadable)}
            for each in fitting:
                if each.id in records and matches(records[each.id], wanted):
                    yield ListedRecord(records[each.id], each.event)

    def _settled_before(
        self, chosen: Filter, cursor: str | None
    ) -> Iterator[Sequence[SettledEvent]]:
        highest = "+" if chosen.until is None else f"({chosen.until}-0"
        if cursor is not None:
            try:
                position_of(cursor)
            except ValueError:
                raise malformed_cursor() from None
            highest = f"({cursor}"
        lowest = "-" if chosen.since is None else f"{chosen.since}-0"
        return self.events.backwards(highest, lowest, at_a_time=WINDOW)

    def _by_due(
        self, chosen: Filter, cursor: str | None, unreadable: list[str]
    ) -> Iterator[ListedRecord]:
        wanted = indexed_values(chosen)
        passed = _due_cursor(cursor)
        following = load_script(self._redis, "following")
        while True:
            with translate_redis_errors():
                found = following(args=["", self._keys.due, *passed, WINDOW])
            if not found:
                return
            moments = _moments(found)
            for record in self.find_all(list(moments), unreadable):
                if matches(record, wanted) and _is_between(record, chosen):
                    yield ListedRecord(record, f"{moments[record.id]}:{record.id}")
            passed = moments[str(found[-2])], str(found[-2])

    @decoding("the counts of an hour")
    def hours(self, since: int, until: int) -> Mapping[int, HourStats]:
        """Return by start of the hour what happened, from that of `since` to that of `until`."""
        numbers = range(since // HOUR, until // HOUR + 1)
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for number in numbers:
                pipeline.hgetall(self._keys.hour(str(number)))
            found = pipeline.execute()
        return {
            number * HOUR: happenings_of(counted)
            for number, counted in zip(numbers, found, strict=True)
        }

    def settled_since(self, since: int, most: int) -> Sequence[SettledEvent]:
        """Return what settled since a time, the latest first, `most` at most."""
        pages = self.events.backwards(lowest=f"{since}-0")
        return list(islice(chain.from_iterable(pages), most))

    def submitted_between(self, moments: Sequence[int]) -> Sequence[int]:
        """Count the records submitted from each of these times to the next."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for first, last in pairwise(moments):
                pipeline.zcount(self._keys.all, first * 1000, f"({last * 1000}")
            return [int(each) for each in pipeline.execute()]

    @decoding("the lanes")
    def lanes(self, limit: int, moved_before: int | None = None) -> tuple[Sequence[Lane], int]:
        """Return lanes in which records wait, the longest still first, and their total number.

        `moved_before`: only lanes that have not moved since.
        """
        highest = "+inf" if moved_before is None else str(moved_before)
        with translate_redis_errors():
            found: Any = self._redis.zrangebyscore(
                self._keys.lanes, "-inf", highest, start=0, num=limit, withscores=True
            )
            number = int(self._redis.zcount(self._keys.lanes, "-inf", highest))
            moved = {str(name): int(at) for name, at in found}
            pipeline = self._redis.pipeline(transaction=False)
            for name in moved:
                pipeline.zcard(self._keys.lane(name))
                pipeline.zrange(self._keys.lane(name), 0, 0)
                pipeline.hget(self._keys.stops, name)
            answers = pipeline.execute()
        heads = [head[0] for head in answers[1::3] if head]
        records = {each.id: each for each in self.find_all(heads)}
        lanes = [
            Lane(name, moved[name], length, records[head[0]], _stopper(stops))
            for name, length, head, stops in zip(
                moved, answers[::3], answers[1::3], answers[2::3], strict=True
            )
            if head and head[0] in records
        ]
        return lanes, number

    @decoding("what is known of schools")
    def schools(self, known: Sequence[str]) -> Sequence[SchoolStatus]:
        """Return the status of schools that are known, have unsettled records, or are closed."""
        with translate_redis_errors():
            unsettled = {
                str(name): int(n) for name, n in self._redis.hgetall(self._keys.schools).items()
            }
        running = self._running()
        closures = {each.school: each for each in self.school_pauses()}
        names = sorted({*known, *unsettled, *closures})
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.zcard(self._keys.parked(name))
                pipeline.hgetall(self._keys.barred(name))
            pipeline.hgetall(self._keys.clock)
            *found, clock = pipeline.execute()
        told = LedgerClock.of(clock).told
        return [
            SchoolStatus(
                name,
                unsettled.get(name, 0),
                running[name],
                closures.get(name),
                parked,
                {kind: told(int(since)) for kind, since in barred.items()},
            )
            for name, parked, barred in zip(names, found[::2], found[1::2], strict=True)
        ]

    def _running(self) -> Counter[str]:
        """Count running records by school: there are no more than workers have threads."""
        with translate_redis_errors():
            ids = self._redis.zrange(self._keys.index("state", State.RUNNING.value), 0, -1)
            pipeline = self._redis.pipeline(transaction=False)
            for record_id in ids:
                pipeline.hget(self._keys.record(str(record_id)), "school")
            return Counter(str(school) for school in pipeline.execute() if school)

    @decoding("the paces")
    def paces(self) -> Mapping[str, float]:
        """Return the minimum ms between two requests, by "SCHOOL OPERATION" or "SCHOOL"."""
        with translate_redis_errors():
            found = self._redis.hgetall(self._keys.paces)
        return {str(what): float(interval) for what, interval in found.items()}

    @decoding("what was slowed down")
    def slowdowns(self, kinds: Sequence[str]) -> Sequence[Slowdown]:
        """Return which of these ("SCHOOL OPERATION" or "SCHOOL") are slowed down."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for kind in kinds:
                pipeline.hmget(self._keys.pace(kind), ["level", "slowed_at", "free_at"])
            pipeline.hgetall(self._keys.clock)
            *found, clock = pipeline.execute()
        now, told = self.now(), LedgerClock.of(clock).told
        slowdowns = [
            Slowdown(
                kind,
                int(level) - max(0, now - told(int(slowed_at))) // LEVEL_LASTS,
                told(int(free_at)),
            )
            for kind, (level, slowed_at, free_at) in zip(kinds, found, strict=True)
            if level
        ]
        return [each for each in slowdowns if each.level > 0 or each.free_at > now]

    @decoding("where a record is")
    def position(self, record: Record) -> QueuePosition:
        """Return the positions of an unsettled record."""
        lane = self._keys.lane(record.lane or "")
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zrank(lane, record.id)
            pipeline.zcard(lane)
            pipeline.zscore(self._keys.queued(record.priority), record.id)
            pipeline.zrank(self._keys.queued(record.priority), record.id)
            pipeline.zrank(self._keys.parked(record.school), record.id)
            pipeline.hget(self._keys.record(record.id), "worker")
            pipeline.zscore(self._keys.due, record.id)
            pipeline.hgetall(self._keys.clock)
            place, length, sent, ahead, parked, worker, due, clock = pipeline.execute()
        told = LedgerClock.of(clock).told
        running = record.state is State.RUNNING
        return QueuePosition(
            lane_place=place,
            lane_length=length,
            sent_at=None if sent is None else told(int(sent)),
            ahead=ahead,
            parked_place=parked,
            worker=worker if running else None,
            lease_ends=told(int(due)) if running and due is not None else None,
        )


def _due_cursor(cursor: str | None) -> tuple[int, str]:
    if cursor is None:
        return 0, ""
    moment, colon, name = cursor.partition(":")
    if not (colon and moment.isascii() and moment.isdecimal()):
        raise malformed_cursor()
    return int(moment), name


@decoding("the index of what is due")
def _moments(found: Sequence[Any]) -> dict[str, int]:
    return {str(name): int(at) for name, at in zip(found[::2], found[1::2], strict=True)}


def _is_between(record: Record, chosen: Filter) -> bool:
    at = record.enqueued_at
    since, until = chosen.since, chosen.until
    return (since is None or since <= at) and (until is None or at < until)


def _stopper(stops: str | None) -> str | None:
    """Return the last record because of which a lane is to stop."""
    return str(json.loads(stops)[-1][2]) if stops else None
