"""Read the ledger in Redis; nothing is changed."""

import base64
from collections.abc import Mapping, Sequence
from itertools import chain, islice

from redis import Redis

from worker.errors import NotFoundError, UnreadableValueError
from worker.keyring import NO_KEYS, KeyRing
from worker.ledger.clock import LedgerClock
from worker.ledger.codec import counts_of, owner_in, record_of, whole
from worker.ledger.decoding import decoding
from worker.ledger.events import EventStream, position_of
from worker.ledger.index_scan import IndexScan
from worker.ledger.keys import dedup_mark
from worker.ledger.record import Priority, Record, clean
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.states import Closure, State
from worker.ledger.types import Counts, Filter, Page, QueueHealth, SchoolPause, WaitReason


def no_record(record_id: str) -> NotFoundError:
    """Return the error for an id that does not exist."""
    return NotFoundError(f"there is no record {record_id!r}")


def _pruned(record_id: str, ended: str) -> NotFoundError:
    """Return the error for a record that was pruned, whose dedup key is still known."""
    return NotFoundError(
        f"{record_id} ended as {ended}; its record was pruned and is kept no longer"
    )


class LedgerReader:
    """What can be asked of the ledger without changing it. Times are ms since 1970.

    `keyring` is needed to find records by dedup keys, which Redis has only as marks. Each method
    raises UnavailableError, and UnreadableValueError for what was changed in Redis by hand.
    """

    def __init__(self, redis: Redis, keyring: KeyRing = NO_KEYS) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._keyring = keyring
        self.events = EventStream(redis)

    def find_ids(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys; return the ids of those that exist."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.exists(self._keys.record(clean(name)))
                pipeline.get(self._keys.dedup(dedup_mark(self._keyring, school, name)))
            found = pipeline.execute()
        known = {}
        for name, is_id, owner in zip(names, found[::2], found[1::2], strict=True):
            if is_id:
                known[name] = name
            elif owner:
                known[name] = owner_in(owner)
        return known

    def clock_state(self) -> LedgerClock:
        """Return how far the ledger's time is ahead of Redis's clock."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hgetall(self._keys.clock)
            pipeline.time()
            values, (seconds, micros) = pipeline.execute()
        return LedgerClock.of(values, seconds * 1000 + micros // 1000)

    def school_pauses(self) -> Sequence[SchoolPause]:
        """Return the schools that are closed, by name."""
        with translate_redis_errors():
            names = sorted(map(str, self._redis.smembers(self._keys.closed)))
        return list(self._pauses_of(names).values())

    @decoding("what is known of closed schools")
    def _pauses_of(self, schools: Sequence[str]) -> dict[str, SchoolPause]:
        if not schools:
            return {}
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for school in schools:
                pipeline.hgetall(self._keys.school(school))
                pipeline.zcard(self._keys.parked(school))
            pipeline.hgetall(self._keys.clock)
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

    def wait_reasons(self, records: Sequence[Record]) -> Mapping[str, WaitReason]:
        """Return by id what each record waits for; most wait for nothing and are left out."""
        pauses = self._pauses_of(sorted({each.school for each in records if _may_park(each)}))
        behind = self._behind([each for each in records if each.state is State.BLOCKED])
        ahead = self._ahead([each for each in records if each.paced])
        found = {}
        for record in records:
            if record.id in behind:
                found[record.id] = behind[record.id]
            elif _may_park(record) and record.school in pauses:
                found[record.id] = WaitReason(closure=pauses[record.school])
            elif record.state is State.DEFERRED and record.quiet:
                found[record.id] = WaitReason(quiet=True, due_at=record.due_at)
            elif record.id in ahead:
                found[record.id] = WaitReason(pace=True, ahead=ahead[record.id])
        return found

    def _ahead(self, records: Sequence[Record]) -> dict[str, int]:
        """Return by id how many records of its kind have their turn before it."""
        if not records:
            return {}
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record in records:
                pipeline.zrank(self._keys.paced(f"{record.school} {record.operation}"), record.id)
            ranks = pipeline.execute()
        return {
            record.id: rank for record, rank in zip(records, ranks, strict=True) if rank is not None
        }

    def _behind(self, records: Sequence[Record]) -> dict[str, WaitReason]:
        """Return by id the first unsettled record that each blocked one waits for."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record in records:
                pipeline.zrange(self._keys.lane(record.lane or ""), 0, 0)
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
        """Return by name of a worker process when it counts as gone, unless it reports before."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zrange(self._keys.workers, 0, -1, withscores=True)
            pipeline.hgetall(self._keys.clock)
            found, clock = pipeline.execute()
        told = LedgerClock.of(clock).told
        return {str(name): told(int(until)) for name, until in found}

    @decoding("what tells whether work gets on")
    def health(self) -> QueueHealth:
        """Return whether work gets on."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            pipeline.hgetall(self._keys.clock)
            pipeline.xrevrange(self._keys.events, count=1)
            pipeline.zrange(self._keys.workers, 0, -1, withscores=True)
            for index in (self._keys.due, *map(self._keys.queued, Priority)):
                # 0: a message is missing, and is sent with the next look
                pipeline.zrangebyscore(index, "(0", "+inf", 0, 1, withscores=True)
            (seconds, micros), values, events, workers, *firsts = pipeline.execute()
        now = seconds * 1000 + micros // 1000
        told = LedgerClock.of(values, now).told
        waiting = [told(int(since)) for _, since in chain(*firsts) if told(since) <= now]
        return QueueHealth(
            now=now,
            oldest_due=min(waiting, default=None),
            last_settled=min(now, position_of(str(events[0][0]))[0]) if events else None,
            workers=sum(told(until) > now for _, until in workers),
        )

    def find(self, record_id: str) -> Record:
        """Return a record. Raises NotFoundError."""
        found = self.find_all([record_id])
        if not found:
            with translate_redis_errors():
                ended = self._redis.get(self._keys.pruned(record_id))
            raise no_record(record_id) if ended is None else _pruned(record_id, str(ended))
        return found[0]

    def find_all(
        self, record_ids: Sequence[str], unreadable: list[str] | None = None
    ) -> Sequence[Record]:
        """Return the records that exist, in this order.

        The ids of records that cannot be read are appended to `unreadable`, if it is given.
        """
        if not record_ids:
            return []
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record_id in record_ids:
                pipeline.hgetall(self._keys.record(record_id))
            pipeline.hgetall(self._keys.clock)
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
    def file_piece(self, record_id: str, name: str, number: int) -> bytes:
        """Return a piece, from 0, of a file that is stored with a record; empty behind its end."""
        with translate_redis_errors():
            return base64.b64decode(
                self._redis.hget(self._keys.file(record_id), f"{name}:{number}") or ""
            )

    def page(self, chosen: Filter, limit: int, cursor: str | None = None) -> Page:
        """List records, newest first. Raises InvalidInputError for a malformed cursor."""
        scan = IndexScan(self._redis, self.find_all, chosen, limit + 1, cursor)
        records = list(islice(scan, limit + 1))
        more = len(records) > limit
        end = str(records[limit - 1].sequence) if more else scan.stopped_at
        return Page(records[:limit], end, scan.unreadable)

    def counts(self) -> Counts:
        """Count all records."""
        with translate_redis_errors():
            found = self._redis.hgetall(self._keys.counts)
        return Counts(counts_of(found))

    @decoding("the counts of a batch")
    def batch_counts(self, batch: str) -> Mapping[State, int]:
        """Count the records of a batch by state; empty if there is no such batch."""
        with translate_redis_errors():
            found = self._redis.hgetall(self._keys.batch(batch))
        return {State(name): int(n) for name, n in found.items() if name in list(State)}

    @decoding("the counts of codes")
    def code_counts(self) -> Mapping[int, int]:
        """Count the records by the code that they met last."""
        with translate_redis_errors():
            found = self._redis.hgetall(self._keys.codes)
        return {int(code): int(number) for code, number in found.items()}


def _may_park(record: Record) -> bool:
    """Return whether it is in a state in which a closed school keeps it waiting."""
    return record.state in {State.QUEUED, State.DEFERRED}
