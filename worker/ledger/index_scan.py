"""Find records by a filter: one index is scanned, and the others are asked about what it names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict

from redis import Redis

from worker.errors import FieldError, InvalidInputError
from worker.ledger.codec import flag
from worker.ledger.keys import INDEXED
from worker.ledger.record import Record
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.scripts import load_script
from worker.ledger.types import Filter

#: Records that each round after the first loads, and ids that a round looks at.
WINDOW, LOOKS = 200, 10_000

#: Rounds without a full window after which a scan stops: more would take too long.
MOST_ROUNDS = 10


class IndexScan:
    """The records that a filter describes, in order of their submission.

    Of all indexes that serve, the one with the fewest ids between the bounds is scanned. `find_all`
    loads records by their ids and appends to its second argument the ids that cannot be read;
    `first`: records that the first round loads. Raises InvalidInputError for a malformed cursor,
    and UnavailableError.
    """

    def __init__(  # what is looked for, where, and from where on
        self,
        redis: Redis,
        find_all: Callable[[Sequence[str], list[str]], Sequence[Record]],
        chosen: Filter,
        first: int,
        cursor: str | None,
        *,
        oldest_first: bool = False,
    ) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._find_all = find_all
        self._wanted = indexed_values(chosen)
        self._first = first
        self._oldest_first = oldest_first
        self._start, self._end = _bounds_of(chosen, cursor, oldest_first=oldest_first)
        #: The ids that were met and cannot be read.
        self.unreadable: list[str] = []
        #: The cursor to go on with, if the scan stopped before its end.
        self.stopped_at: str | None = None

    def __iter__(self) -> Iterator[Record]:
        """Return what is found, until nothing is left or enough was looked at."""
        script = load_script(self._redis, "scan_index")
        indexes = self._indexes()
        start, most = self._start, self._first
        left = MOST_ROUNDS
        while left:
            bounds = (flag(self._oldest_first), start, self._end)
            with translate_redis_errors():
                last, *ids = script(args=["", *bounds, LOOKS, most, *indexes])
            records = self._find_all(ids, self.unreadable)
            fitting = [record for record in records if matches(record, self._wanted)]
            yield from fitting
            if not last:
                return
            left -= len(fitting) < most
            start, most = f"({last}", WINDOW
        self.stopped_at = start.removeprefix("(")

    def _indexes(self) -> list[str]:
        """Return the keys of the indexes that serve, the smallest first."""
        bounds = (self._start, self._end)
        lowest, highest = bounds if self._oldest_first else reversed(bounds)
        indexes = [self._keys.index(*each) for each in self._wanted.items()] or [self._keys.all]
        with translate_redis_errors():
            sizes = {index: self._redis.zcount(index, lowest, highest) for index in indexes}
        return sorted(indexes, key=lambda index: sizes[index])


def indexed_values(chosen: Filter) -> dict[str, str]:
    """Return the indexed properties that a filter names, as they are written in Redis."""
    return {
        name: str(value)
        for name, value in asdict(chosen).items()
        if name in INDEXED and value is not None
    }


def matches(found: object, wanted: Mapping[str, str]) -> bool:
    """Return whether a record, or the event of one, has all values that are wanted."""
    return all(str(getattr(found, name)) == value for name, value in wanted.items())


def malformed_cursor() -> InvalidInputError:
    """Return the error for a cursor that no page has returned."""
    return InvalidInputError("cursor", [FieldError("cursor", "should come from an earlier page")])


def _bounds_of(chosen: Filter, cursor: str | None, *, oldest_first: bool) -> tuple[str, str]:
    """Return the sequences at which a scan begins and ends. Raises InvalidInputError."""
    lowest = "-inf" if chosen.since is None else str(chosen.since * 1000)
    highest = "+inf" if chosen.until is None else f"({chosen.until * 1000}"
    start, end = (lowest, highest) if oldest_first else (highest, lowest)
    if cursor is None:
        return start, end
    if not (cursor.isascii() and cursor.isdecimal()):
        raise malformed_cursor()
    return f"({cursor}", end
