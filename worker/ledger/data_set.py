"""Which data set Redis has: told by a mark, so that somebody notices when all is gone."""

import logging
import secrets
from collections.abc import Callable

from redis import Redis

from worker.ledger import keys
from worker.ledger.decoding import decoding
from worker.ledger.redis_errors import translate_redis_errors

log = logging.getLogger(__name__)

#: Seconds for which it is told that a data set has vanished.
TOLD_FOR = 7 * 86_400


class DataSet:
    """The mark of a Redis database's data set. Each method raises UnavailableError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def mark(self) -> str:
        """Return the mark; one that has none gets one."""
        found = self.found()
        if found is None:
            with translate_redis_errors():
                self._redis.set(keys.DATA_SET, secrets.token_hex(8), nx=True)
            found = self.found()
        return found or ""

    def found(self) -> str | None:
        """Return the mark; None if there is none, for nobody has worked with this data set."""
        with translate_redis_errors():
            found = self._redis.get(keys.DATA_SET)
        return None if found is None else str(found)

    def note_vanished(self) -> None:
        """Note that what was here before is gone."""
        with translate_redis_errors():
            seconds, _ = self._redis.time()
            self._redis.set(keys.VANISHED, str(seconds * 1000), ex=TOLD_FOR)

    @decoding("the time at which all was gone")
    def vanished_at(self) -> int | None:
        """Return when it was noticed (ms since 1970) that the one before is gone, if it was."""
        with translate_redis_errors():
            found = self._redis.get(keys.VANISHED)
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
            self._mark, self._is_prepared = mark, False
        if not self._is_prepared:
            self._prepare()
            self._is_prepared = True
