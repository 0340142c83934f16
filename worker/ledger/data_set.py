"""Which data set Redis has: told by a mark, so that somebody notices when all is gone."""

import logging
import secrets
from collections.abc import Callable

from redis import Redis

from worker.ledger.decoding import decoding
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors

log = logging.getLogger(__name__)

#: How records and indexes are written; another one whenever that changes.
LAYOUT = "2"

FOREIGN = (
    "another version of classin-queue wrote what Redis has, and this one cannot read it:"
    " use that version, or a database or prefix without data"
)

#: Seconds for which it is told that a data set has vanished.
TOLD_FOR = 7 * 86_400


class DataSet:
    """The mark of a Redis database's data set. Each method raises UnavailableError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = keys_of(redis)

    def mark(self) -> str:
        """Return the mark; one that has none gets one."""
        found = self.found()
        if found is None:
            with translate_redis_errors():
                marks = {self._keys.data_set: secrets.token_hex(8), self._keys.layout: LAYOUT}
                self._redis.msetnx(marks)
            found = self.found()
        return found or ""

    def found(self) -> str | None:
        """Return the mark; None if there is none, for nobody has worked with this data set."""
        with translate_redis_errors():
            found = self._redis.get(self._keys.data_set)
        return None if found is None else str(found)

    def is_foreign(self) -> bool:
        """Return whether another version wrote this data set, in a layout of its own."""
        with translate_redis_errors():
            mark, layout = self._redis.mget(self._keys.data_set, self._keys.layout)
        return mark is not None and layout != LAYOUT

    def note_vanished(self) -> None:
        """Note that what was here before is gone."""
        with translate_redis_errors():
            seconds, _ = self._redis.time()
            self._redis.set(self._keys.vanished, str(seconds * 1000), ex=TOLD_FOR)

    @decoding("the time at which all was gone")
    def vanished_at(self) -> int | None:
        """Return when it was noticed (ms since 1970) that the one before is gone, if it was."""
        with translate_redis_errors():
            found = self._redis.get(self._keys.vanished)
        return None if found is None else int(found)


class DataSetWatch:
    """Notices, from one look to the next, that a data set has vanished.

    `prepare` is called then, and at the first look: what this data set must be told.
    """

    def __init__(self, data_set: DataSet, prepare: Callable[[], object]) -> None:
        self._data_set = data_set
        self._prepare = prepare
        self._mark: str | None = None
        self._is_prepared = False

    def look(self) -> None:
        """Look once. Raises UnavailableError."""
        mark = self._data_set.mark()
        if mark != self._mark:
            if self._mark is not None:
                self._data_set.note_vanished()
                log.error(
                    "all that Redis had is gone: it was emptied, or is another server now;"
                    " what was recorded before is lost unless a backup is restored"
                )
            if self._data_set.is_foreign():
                log.error(FOREIGN)
            self._mark, self._is_prepared = mark, False
        if not self._is_prepared:
            self._prepare()
            self._is_prepared = True
