"""Reading the ledger in Redis: plain commands, no script, nothing is changed."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, islice, repeat
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from worker.classin.errors import Fault, InvalidInput, NotFound, Unavailable
from worker.ledger import keys
from worker.ledger.encoding import ms, record_of, whole
from worker.ledger.ledger import (
    Closure,
    Counts,
    Filter,
    Obstacle,
    Page,
    Pulse,
)
from worker.ledger.lifecycle import State
from worker.ledger.record import Record, clean
from worker.ledger.settlement import BEGINNING, Settlement, place_of, settlement_of

#: Records that each further round of paging looks at.
WINDOW = 200


@contextmanager
def reaching_redis() -> Iterator[None]:
    """Say in one line what keeps Redis from answering."""
    try:
        yield
    except RedisError as error:
        if "OOM" in str(error):
            what = "is full (maxmemory): it keeps what it has, and takes in nothing more"
        else:
            what = f"does not answer as it should: {error}"
        raise Unavailable(f"Redis {what}") from error


def no_record(record_id: str) -> NotFound:
    """Say that there is none."""
    return NotFound(f"there is no record {record_id!r}")


class RedisReader:
    """What can be asked of the ledger without changing it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def named(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys; see Ledger."""
        with reaching_redis():
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.exists(keys.record(clean(name)))
                pipeline.get(keys.dedup(school, name))
            found = pipeline.execute()
        known = {}
        for name, is_id, owner in zip(names, found[::2], found[1::2], strict=True):
            if is_id:
                known[name] = name
            elif owner:
                known[name] = owner.partition(" ")[0]
        return known

    def holder(self, what: str) -> str | None:
        """Say who has the sole right to something now; see Ledger."""
        with reaching_redis():
            holder = self._redis.get(keys.hold(what))
        return None if holder is None else str(holder)

    def closures(self) -> Sequence[Closure]:
        """Give the schools that are closed; see Ledger."""
        with reaching_redis():
            names = sorted(map(str, self._redis.smembers(keys.CLOSED)))
        return list(self._closures(names).values())

    def _closures(self, schools: Sequence[str]) -> dict[str, Closure]:
        with reaching_redis():
            pipeline = self._redis.pipeline(transaction=False)
            for school in schools:
                pipeline.hgetall(keys.school(school))
                pipeline.zcard(keys.parked(school))
            found = pipeline.execute()
        return {
            school: Closure(
                school=school,
                held=values["state"] == "held",
                by_hand="by_hand" in values,
                since=int(values["since"]),
                code=whole(values.get("code")),
                why=values.get("why", ""),
                next_look=None if "by_hand" in values else whole(values.get("next_look")),
                parked=parked,
            )
            for school, values, parked in zip(schools, found[::2], found[1::2], strict=True)
            if values
        }

    def obstacles(self, records: Sequence[Record]) -> Mapping[str, Obstacle]:
        """Say what each of these records waits for; see Ledger."""
        closures = self._closures(sorted({each.school for each in records if _may_park(each)}))
        behind = self._behind([each for each in records if each.state is State.BLOCKED])
        found = {}
        for record in records:
            if record.id in behind:
                found[record.id] = behind[record.id]
            elif _may_park(record) and record.school in closures:
                found[record.id] = Obstacle(closure=closures[record.school])
            elif record.paced and record.state is State.DEFERRED:
                found[record.id] = Obstacle(pace=True, due_at=record.due_at)
        return found

    def _behind(self, records: Sequence[Record]) -> dict[str, Obstacle]:
        """Find for blocked records whom they wait for: the first unsettled one."""
        with reaching_redis():
            pipeline = self._redis.pipeline(transaction=False)
            for record in records:
                pipeline.zrange(keys.lane(record.lane or ""), 0, 0)
            heads = pipeline.execute()
            ahead = {
                record.id: [*record.after, *(head for head in first if head != record.id)]
                for record, first in zip(records, heads, strict=True)
            }
            others = {each.id: each for each in self.find_all(sorted({*chain(*ahead.values())}))}
        found = {}
        for record in records:
            waited = (others[other] for other in ahead[record.id] if other in others)
            if (
                other := next((each for each in waited if not each.state.settled), None)
            ) is not None:
                found[record.id] = Obstacle(behind=other.id, state=other.state, due_at=other.due_at)
        return found

    def workers(self) -> Mapping[str, int]:
        """Give the worker processes; see Ledger."""
        with reaching_redis():
            found = self._redis.zrange(keys.WORKERS, 0, -1, withscores=True)
        return {str(name): int(until) for name, until in found}  # type: ignore[str-unpack]  # pairs, with scores

    def events(self, after: str, limit: int, wait: float = 0.0) -> Sequence[Settlement]:
        """Give what settled after an event; see Ledger."""
        with reaching_redis():
            found: Any = self._redis.xread({keys.EVENTS: after}, limit, ms(wait) if wait else None)
        return [settlement_of(*each) for _, all_of_it in found or () for each in all_of_it]

    def last_event(self) -> str:
        """Name the last event; see Ledger."""
        with reaching_redis():
            found = self._redis.xrevrange(keys.EVENTS, count=1)
        return str(found[0][0]) if found else BEGINNING

    def keeps_event(self, event: str) -> bool:
        """Say whether what came after an event is still known; see Ledger."""
        with reaching_redis():
            first = self._redis.xrange(keys.EVENTS, count=1)
        return not first or place_of(str(first[0][0])) <= place_of(event)

    def pulse(self) -> Pulse:
        """Say whether work gets on; see Ledger."""
        with reaching_redis():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.time()
            # 0: taken without a message
            pipeline.zrangebyscore(keys.QUEUED, "(0", "+inf", 0, 1, withscores=True)
            pipeline.zrange(keys.DUE, 0, 0, withscores=True)
            pipeline.xrevrange(keys.EVENTS, count=1)
            pipeline.zrange(keys.WORKERS, 0, -1, withscores=True)
            (seconds, micros), queued, due, events, workers = pipeline.execute()
        now = seconds * 1000 + micros // 1000
        waiting = [int(since) for _, since in [*queued, *due] if since <= now]
        return Pulse(
            now=now,
            oldest_due=min(waiting, default=None),
            last_settled=place_of(str(events[0][0]))[0] if events else None,
            workers=sum(until > now for _, until in workers),
        )

    def find(self, record_id: str) -> Record:
        """Give one record; see Ledger."""
        found = self.find_all([record_id])
        if not found:
            raise no_record(record_id)
        return found[0]

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Give those records that are there; see Ledger."""
        with reaching_redis():
            pipeline = self._redis.pipeline(transaction=False)
            for record_id in record_ids:
                pipeline.hgetall(keys.record(record_id))
            found = pipeline.execute()
        return [
            record_of(record_id, values)
            for record_id, values in zip(record_ids, found, strict=True)
            if values
        ]

    def piece(self, record_id: str, name: str, number: int) -> bytes:
        """Give a piece of a file; see Ledger."""
        with reaching_redis():
            return base64.b64decode(
                self._redis.hget(keys.file(record_id), f"{name}:{number}") or ""
            )

    def page(self, chosen: Filter, limit: int, cursor: str | None = None) -> Page:
        """List records, newest first; see Ledger."""
        records = list(islice(self._walk(chosen, limit + 1, cursor), limit + 1))
        more = len(records) > limit
        return Page(records[:limit], str(records[limit - 1].place) if more else None)

    def counts(self) -> Counts:
        """Count the records; see Ledger."""
        with reaching_redis():
            found = self._redis.hgetall(keys.COUNTS)
        counts: dict[tuple[str, State], int] = {}
        for name, number in found.items():
            operation, _, state = str(name).partition(" ")
            counts[operation, State(state)] = int(number)
        return Counts(counts)

    def batch(self, batch: str) -> Mapping[State, int]:
        """Count the records of a batch by state; see Ledger."""
        with reaching_redis():
            found = self._redis.hgetall(keys.batch(batch))
        return {State(str(state)): int(number) for state, number in found.items()}

    def codes(self) -> Mapping[int, int]:
        """Count the records by code; see Ledger."""
        with reaching_redis():
            found = self._redis.hgetall(keys.CODES)
        return {int(code): int(number) for code, number in found.items()}

    def _walk(self, chosen: Filter, first: int, cursor: str | None) -> Iterator[Record]:
        """Go through the smallest index that serves, and leave out what does not fit.

        So many are looked at `first`: often they are enough.
        """
        wanted = {
            name: str(value)
            for name, value in asdict(chosen).items()
            if name in keys.INDEXED and value is not None
        }
        index = self._smallest(wanted)
        lowest = "-inf" if chosen.since is None else str(chosen.since * 1000)
        highest = "+inf"
        if cursor is not None:
            if not (cursor.isascii() and cursor.isdecimal()):
                raise InvalidInput("cursor", [Fault("cursor", "should come from an earlier page")])
            highest = f"({cursor}"
        for window in chain([first], repeat(WINDOW)):
            with reaching_redis():
                found = self._redis.zrevrangebyscore(
                    index, highest, lowest, start=0, num=window, withscores=True
                )
            if not found:
                return
            places = [(str(record_id), score) for record_id, score in found]  # type: ignore[str-unpack]  # pairs, with scores
            records = self.find_all([record_id for record_id, _ in places])
            yield from (record for record in records if _fits(record, wanted))
            highest = f"({float(places[-1][1]):.0f}"

    def _smallest(self, wanted: Mapping[str, str]) -> str:
        indexes = [keys.index(name, value) for name, value in wanted.items()] or [keys.ALL]
        with reaching_redis():
            sizes = {index: self._redis.zcard(index) for index in indexes}
        return min(indexes, key=lambda index: sizes[index])


def _fits(record: Record, wanted: Mapping[str, str]) -> bool:
    return all(str(getattr(record, name)) == value for name, value in wanted.items())


def _may_park(record: Record) -> bool:
    """Whether it is in a state in which a closed school keeps it waiting."""
    return record.state in {State.QUEUED, State.DEFERRED}
