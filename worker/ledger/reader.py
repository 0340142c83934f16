"""Reading the ledger in Redis: nothing is changed."""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain, islice
from typing import Any

from redis import Redis

from worker.errors import FieldError, InvalidInputError, NotFoundError, UnreadableValueError
from worker.keyring import NO_KEYS, KeyRing
from worker.ledger import keys
from worker.ledger.clock import LedgerClock
from worker.ledger.codec import counts_of, flag, ms, owner_in, record_of, whole
from worker.ledger.decoding import decoding
from worker.ledger.events import BEGINNING, SettledEvent, place_of, settlement_of
from worker.ledger.pages import Counts, Page
from worker.ledger.queue_health import QueueHealth
from worker.ledger.record import Priority, Record, clean
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.scripts import load_script
from worker.ledger.states import Closure, State
from worker.ledger.types import Filter, SchoolPause, WaitReason

#: Records that each further round of paging loads, and ids that one looks through for them.
WINDOW, LOOKS = 200, 10_000

#: Ids that a page looks through at most: more would take longer than anybody waits.
MOST_LOOKS = 100_000


def no_record(record_id: str) -> NotFoundError:
    """Say that there is none."""
    return NotFoundError(f"there is no record {record_id!r}")


def pruned(record_id: str, ended: str) -> NotFoundError:
    """Say of a record that is kept no longer how it ended; its dedup key is known still."""
    return NotFoundError(
        f"{record_id} ended as {ended}; its record was pruned and is kept no longer"
    )


class Walk:
    """Records on the way through an index, and where it was broken off."""

    def __init__(
        self,
        look: Callable[[str, int], tuple[str, Sequence[Record]]],
        start: str,
        first: int,
        unreadable: Sequence[str],
    ) -> None:
        self._look = look
        self._start = start
        self._first = first
        #: What was met and could not be read; `look` names it.
        self.unreadable = unreadable
        #: The cursor to go on with, once too much was looked through in vain; None: it ended.
        self.stopped_at: str | None = None

    def __iter__(self) -> Iterator[Record]:
        """Give what is found, until nothing is left or enough was looked through."""
        start, most = self._start, self._first
        left = MOST_LOOKS // LOOKS
        while left:
            last, records = self._look(start, most)
            yield from records
            if not last:
                return
            left -= len(records) < most
            start, most = f"({last}", WINDOW
        self.stopped_at = start.removeprefix("(")


class LedgerReader:
    """What can be asked of the ledger without changing it.

    `keyring`: for dedup keys, of which Redis knows marks only.
    """

    def __init__(self, redis: Redis, keyring: KeyRing = NO_KEYS) -> None:
        self._redis = redis
        self._keyring = keyring

    def named(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys; see Ledger."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.exists(keys.record(clean(name)))
                pipeline.get(keys.dedup(self.dedup_mark(school, name)))
            found = pipeline.execute()
        known = {}
        for name, is_id, owner in zip(names, found[::2], found[1::2], strict=True):
            if is_id:
                known[name] = name
            elif owner:
                known[name] = owner_in(owner)
        return known

    def dedup_mark(self, school: str, key: str, scope: str = "") -> str:
        """Return what stands in Redis for a dedup key."""
        return keys.dedup_mark(self._keyring, school, key, scope)

    def clock_state(self) -> LedgerClock:
        """Say how the ledger's time stands to Redis's clock."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hgetall(keys.CLOCK)
            pipeline.time()
            values, (seconds, micros) = pipeline.execute()
        return LedgerClock.of(values, seconds * 1000 + micros // 1000)

    def closures(self) -> Sequence[SchoolPause]:
        """Give the schools that are closed; see Ledger."""
        with translate_redis_errors():
            names = sorted(map(str, self._redis.smembers(keys.CLOSED)))
        return list(self._closures(names).values())

    @decoding("what is known of closed schools")
    def _closures(self, schools: Sequence[str]) -> dict[str, SchoolPause]:
        if not schools:
            return {}
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for school in schools:
                pipeline.hgetall(keys.school(school))
                pipeline.zcard(keys.parked(school))
            pipeline.hgetall(keys.CLOCK)
            *found, clock = pipeline.execute()
        told = LedgerClock.of(clock).told
        return {
            school: SchoolPause(
                school=school,
                held=values["state"] == Closure.HELD,
                by_hand="by_hand" in values,
                since=int(values["since"]),
                code=whole(values.get("code")),
                why=values.get("why", ""),
                next_look=None if "by_hand" in values else told(int(values["next_look"])),
                parked=parked,
            )
            for school, values, parked in zip(schools, found[::2], found[1::2], strict=True)
            if values
        }

    def obstacles(self, records: Sequence[Record]) -> Mapping[str, WaitReason]:
        """Say what each of these records waits for; see Ledger."""
        closures = self._closures(sorted({each.school for each in records if _may_park(each)}))
        behind = self._behind([each for each in records if each.state is State.BLOCKED])
        ahead = self._ahead([each for each in records if each.paced])
        found = {}
        for record in records:
            if record.id in behind:
                found[record.id] = behind[record.id]
            elif _may_park(record) and record.school in closures:
                found[record.id] = WaitReason(closure=closures[record.school])
            elif record.state is State.DEFERRED and record.quiet:
                found[record.id] = WaitReason(quiet=True, due_at=record.due_at)
            elif record.id in ahead:
                found[record.id] = WaitReason(pace=True, ahead=ahead[record.id])
        return found

    def _ahead(self, records: Sequence[Record]) -> dict[str, int]:
        """Say of those that wait for their turn how many have theirs before them."""
        if not records:
            return {}
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record in records:
                pipeline.zrank(keys.paced(f"{record.school} {record.operation}"), record.id)
            ranks = pipeline.execute()
        return {
            record.id: rank for record, rank in zip(records, ranks, strict=True) if rank is not None
        }

    def _behind(self, records: Sequence[Record]) -> dict[str, WaitReason]:
        """Find for blocked records whom they wait for: the first unsettled one."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record in records:
                pipeline.zrange(keys.lane(record.lane or ""), 0, 0)
            heads = pipeline.execute()
            ahead = {
                record.id: [*record.after, *(head for head in first if head != record.id)]
                for record, first in zip(records, heads, strict=True)
            }
            ids = sorted({*chain(*ahead.values())})
            others = {each.id: each for each in self.find_all(ids, [])}
        found = {}
        for record in records:
            waited = (others[other] for other in ahead[record.id] if other in others)
            if (
                other := next((each for each in waited if not each.state.settled), None)
            ) is not None:
                found[record.id] = WaitReason(
                    behind=other.id, state=other.state, due_at=other.due_at
                )
        return found

    @decoding("the list of workers")
    def workers(self) -> Mapping[str, int]:
        """Give the worker processes; see Ledger."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zrange(keys.WORKERS, 0, -1, withscores=True)
            pipeline.hgetall(keys.CLOCK)
            found, clock = pipeline.execute()
        told = LedgerClock.of(clock).told
        return {str(name): told(int(until)) for name, until in found}

    def events(self, after: str, limit: int, wait: float = 0.0) -> Sequence[SettledEvent]:
        """Give what settled after an event; see Ledger."""
        with translate_redis_errors():
            found: Any = self._redis.xread({keys.EVENTS: after}, limit, ms(wait) if wait else None)
        return [settlement_of(*each) for _, all_of_it in found or () for each in all_of_it]

    def last_event(self) -> str:
        """Name the last event; see Ledger."""
        with translate_redis_errors():
            found = self._redis.xrevrange(keys.EVENTS, count=1)
        return str(found[0][0]) if found else BEGINNING

    def keeps_event(self, event: str) -> bool:
        """Say whether what came after an event is still known; see Ledger."""
        with translate_redis_errors():
            first = self._redis.xrange(keys.EVENTS, count=1)
        return not first or place_of(str(first[0][0])) <= place_of(event)

    @decoding("what tells whether work gets on")
    def pulse(self) -> QueueHealth:
        """Say whether work gets on; see Ledger."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            pipeline.hgetall(keys.CLOCK)
            pipeline.xrevrange(keys.EVENTS, count=1)
            pipeline.zrange(keys.WORKERS, 0, -1, withscores=True)
            for index in (keys.DUE, *map(keys.queued, Priority)):
                # 0: a message is missing, and is sent with the next look
                pipeline.zrangebyscore(index, "(0", "+inf", 0, 1, withscores=True)
            (seconds, micros), values, events, workers, *firsts = pipeline.execute()
        now = seconds * 1000 + micros // 1000
        told = LedgerClock.of(values, now).told
        waiting = [told(int(since)) for _, since in chain(*firsts) if told(since) <= now]
        return QueueHealth(
            now=now,
            oldest_due=min(waiting, default=None),
            last_settled=min(now, place_of(str(events[0][0]))[0]) if events else None,
            workers=sum(told(until) > now for _, until in workers),
        )

    def find(self, record_id: str) -> Record:
        """Give one record; see Ledger."""
        found = self.find_all([record_id])
        if not found:
            with translate_redis_errors():
                ended = self._redis.get(keys.pruned(record_id))
            raise no_record(record_id) if ended is None else pruned(record_id, str(ended))
        return found[0]

    def find_all(
        self, record_ids: Sequence[str], unreadable: list[str] | None = None
    ) -> Sequence[Record]:
        """Give those that are there; see Ledger. What is `unreadable` is named there, if given."""
        if not record_ids:
            return []
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record_id in record_ids:
                pipeline.hgetall(keys.record(record_id))
            pipeline.hgetall(keys.CLOCK)
            *found, clock = pipeline.execute()
        told = LedgerClock.of(clock).told
        records = []
        for record_id, values in zip(record_ids, found, strict=True):
            try:
                records += [record_of(record_id, values, told)] if values else []
            except UnreadableValueError:
                if unreadable is None:
                    raise
                unreadable.append(record_id)
        return records

    @decoding("a file of a record")
    def piece(self, record_id: str, name: str, number: int) -> bytes:
        """Give a piece of a file; see Ledger."""
        with translate_redis_errors():
            return base64.b64decode(
                self._redis.hget(keys.file(record_id), f"{name}:{number}") or ""
            )

    def page(self, chosen: Filter, limit: int, cursor: str | None = None) -> Page:
        """List records, newest first; see Ledger."""
        walk = self._walk(chosen, limit + 1, cursor)
        records = list(islice(walk, limit + 1))
        more = len(records) > limit
        end = str(records[limit - 1].sequence) if more else walk.stopped_at
        return Page(records[:limit], end, walk.unreadable)

    def counts(self) -> Counts:
        """Count the records; see Ledger."""
        with translate_redis_errors():
            found = self._redis.hgetall(keys.COUNTS)
        return Counts(counts_of(found))

    @decoding("the counts of a batch")
    def batch(self, batch: str) -> Mapping[State, int]:
        """Count the records of a batch by state; see Ledger."""
        with translate_redis_errors():
            found = self._redis.hgetall(keys.batch(batch))
        return {State(name): int(n) for name, n in found.items() if name in list(State)}

    @decoding("the counts of codes")
    def codes(self) -> Mapping[int, int]:
        """Count the records by code; see Ledger."""
        with translate_redis_errors():
            found = self._redis.hgetall(keys.CODES)
        return {int(code): int(number) for code, number in found.items()}

    def _walk(
        self, chosen: Filter, first: int, cursor: str | None, *, oldest_first: bool = False
    ) -> "Walk":
        """Go through the smallest index that serves, and leave out what the others lack.

        So many are found at `first`: often they are enough.
        """
        wanted = wanted_of(chosen)
        start, end = bounds_of(chosen, cursor, oldest_first=oldest_first)
        indexes = self._indexes(wanted, *((start, end) if oldest_first else (end, start)))
        sift = load_script(self._redis, "scan_index")

        unreadable: list[str] = []

        def look(start: str, most: int) -> tuple[str, Sequence[Record]]:
            with translate_redis_errors():
                last, *ids = sift(args=["", flag(oldest_first), start, end, LOOKS, most, *indexes])
            return last, [each for each in self.find_all(ids, unreadable) if fits(each, wanted)]

        return Walk(look, start, first, unreadable)

    def _indexes(self, wanted: Mapping[str, str], lowest: str, highest: str) -> list[str]:
        """Give the indexes that serve, the one with the least between these places first."""
        indexes = [keys.index(name, value) for name, value in wanted.items()] or [keys.ALL]
        with translate_redis_errors():
            sizes = {index: self._redis.zcount(index, lowest, highest) for index in indexes}
        return sorted(indexes, key=lambda index: sizes[index])


def wanted_of(chosen: Filter) -> dict[str, str]:
    """Give the indexed properties that are asked for, as the ledger writes them."""
    return {
        name: str(value)
        for name, value in asdict(chosen).items()
        if name in keys.INDEXED and value is not None
    }


def bounds_of(chosen: Filter, cursor: str | None, *, oldest_first: bool) -> tuple[str, str]:
    """Give the places where a walk begins and ends. Raises InvalidInputError for a false cursor."""
    lowest = "-inf" if chosen.since is None else str(chosen.since * 1000)
    highest = "+inf" if chosen.until is None else f"({chosen.until * 1000}"
    start, end = (lowest, highest) if oldest_first else (highest, lowest)
    if cursor is None:
        return start, end
    if not (cursor.isascii() and cursor.isdecimal()):
        raise no_cursor()
    return f"({cursor}", end


def no_cursor() -> InvalidInputError:
    """Say that what was given is none."""
    return InvalidInputError("cursor", [FieldError("cursor", "should come from an earlier page")])


def fits(record: Record, wanted: Mapping[str, str]) -> bool:
    """Whether a record has all that is asked for."""
    return all(str(getattr(record, name)) == value for name, value in wanted.items())


def _may_park(record: Record) -> bool:
    """Whether it is in a state in which a closed school keeps it waiting."""
    return record.state in {State.QUEUED, State.DEFERRED}
