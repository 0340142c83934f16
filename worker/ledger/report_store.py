"""Reports in Redis: those that are kept, and what of the ledger only they ask for."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from redis import Redis

from worker.ledger.decoding import decoding
from worker.ledger.events import SettledEvent, event_of
from worker.ledger.limits import EVENTS_KEPT
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.scripts import load_script
from worker.ledger.states import State

#: So many reports are kept.
KEPT = 100

#: Events that one round of reading looks at.
_WINDOW = 2000


class Kept(NamedTuple):
    """A report that is kept, as text."""

    id: str
    #: Ms since 1970.
    made_at: int
    text: str


class ReportStore:
    """The reports in the ledger's Redis. Each method raises UnavailableError when that is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._settled = load_script(redis, "settled")

    def keep(self, its_id: str, made_at: int, text: str) -> None:
        """Keep a report, in the place of one with that id, and forget the oldest."""
        with translate_redis_errors():
            old = self._redis.zrange(self._keys.reports, 0, -KEPT - 1)
            pipeline = self._redis.pipeline()
            pipeline.set(self._keys.report(its_id), text)
            pipeline.zadd(self._keys.reports, {its_id: made_at})
            for each in map(str, old):
                pipeline.delete(self._keys.report(each))
                pipeline.zrem(self._keys.reports, each)
            pipeline.execute()

    @decoding("the list of reports")
    def last(self, limit: int) -> Sequence[Kept]:
        """Give the last reports, the newest first."""
        with translate_redis_errors():
            found: Any = self._redis.zrevrange(self._keys.reports, 0, limit - 1, withscores=True)
            pipeline = self._redis.pipeline(transaction=False)
            for each, _ in found:
                pipeline.get(self._keys.report(each))
            texts = pipeline.execute()
        return [
            Kept(its_id, int(made_at), text)
            for (its_id, made_at), text in zip(found, texts, strict=True)
            if text
        ]

    @decoding("what settled")
    def settled(
        self, since: int, until: int, wanted: Collection[State]
    ) -> tuple[Counter[State], list[SettledEvent]]:
        """Count by state what settled between two moments (ms since 1970), as far as is remembered.

        Gives also each settlement in one of the states that are wanted, the first first.
        """
        counts: Counter[State] = Counter()
        found: list[SettledEvent] = []
        start = str(since)
        while start:
            with translate_redis_errors():
                more, numbers, events = self._settled(args=(start, until, _WINDOW, *wanted))
            for state, number in zip(numbers[::2], numbers[1::2], strict=True):
                counts[State(state)] += number
            for event, fields in events:
                values = dict(zip(fields[::2], fields[1::2], strict=True))
                found.append(event_of(event, values))
            start = f"({more}" if more else ""
        return counts, found

    def forgotten_until(self) -> int:
        """Give when the first event was that is still remembered; 0 if none was forgotten."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.xlen(self._keys.events)
            pipeline.xrange(self._keys.events, count=1)
            length, first = pipeline.execute()
        return int(first[0][0].partition("-")[0]) if length >= EVENTS_KEPT else 0

    def sizes(self, states: Sequence[State]) -> Mapping[State, int]:
        """Count the records that stand in these states."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for state in states:
                pipeline.zcard(self._keys.index("state", state.value))
            return dict(zip(states, pipeline.execute(), strict=True))

    def oldest(self, state: State, limit: int) -> Sequence[str]:
        """Give the ids of those records in a state that were submitted first."""
        with translate_redis_errors():
            found = self._redis.zrange(self._keys.index("state", state.value), 0, limit - 1)
        return [str(each) for each in found]
