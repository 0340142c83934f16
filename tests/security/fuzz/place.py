"""A place to hand things in: settings, a ledger, and a look at all that lies in it."""

import base64
import binascii
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from ops.processes.redis_server import PrivateRedis
from producers import Submitter
from tests.security.fuzz.canaries import SCHOOL_SECRET, SECRETS, must_not_sing
from tests.security.fuzz.oracle import BrokenError
from worker.classin.school import School
from worker.config.settings import Settings
from worker.keyring import KeyRing
from worker.ledger.keys import Keys
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger

KEYS = Keys()

#: The hashes of records, whose `fields` hold what is personal.
_RECORD = "classin:op:"

#: Lanes, and the list of them.
_LANE = "classin:lane"

SCHOOL = School("main", "1000082", SCHOOL_SECRET)


@dataclass(frozen=True, slots=True)
class Place:
    """Where operations are handed in."""

    folder: Path
    redis: Redis
    ledger: RedisLedger
    settings: Settings
    submitter: Submitter

    def everything(self) -> Mapping[str, list[str]]:
        """Give all texts that lie in Redis, by their keys."""
        return {str(key): texts_in(self.redis, str(key)) for key in self.redis.scan_iter()}

    def must_be_empty(self) -> None:
        """See that what was refused has left nothing. Raises BrokenError."""
        if left := sorted(str(key) for key in self.redis.scan_iter()):
            raise BrokenError(f"what was refused has left {left[:5]}")

    def must_keep_still(self, *, misplaced: bool = False) -> None:
        """See that nothing lies in Redis that may not be there. Raises LeakedError.

        `misplaced`: who handed it in may have put a password where a name should be, or a phone
        number where an id should be, by which lanes are named.
        """
        for key, texts in self.everything().items():
            if not key.startswith((_RECORD, _LANE) if misplaced else _RECORD):
                must_not_sing(key, texts)
            elif not misplaced:
                must_not_sing(key, texts, SECRETS)

    def clear(self) -> None:
        """Forget all, for the next input."""
        self.redis.flushall()


@contextmanager
def a_place() -> Iterator[Place]:
    """Give a place of its own."""
    with tempfile.TemporaryDirectory(prefix="cq-fuzz-") as folder:
        home = Path(folder)
        with PrivateRedis(home, home / "redis.sock", durable=False) as server:
            redis = connect(server.url)
            ledger = RedisLedger(redis)
            settings = Settings(home=home, schools={"main": SCHOOL}, ring=KeyRing.in_memory())
            yield Place(home, redis, ledger, settings, Submitter(settings, ledger))
            redis.close()


def must_tell_nothing(redis: Redis) -> None:
    """See that no trail in Redis tells what is secret or personal. Raises LeakedError."""
    for key in (KEYS.audit, KEYS.aside, KEYS.events):
        must_not_sing(key, texts_in(redis, key))


def texts_in(redis: Redis, key: str) -> list[str]:
    """Give all texts that lie there, the key itself among them."""
    found: Iterable[object]
    match redis.type(key):
        case "hash":
            found = [text for pair in redis.hgetall(key).items() for text in pair]
        case "list":
            found = redis.lrange(key, 0, -1)
        case "set":
            found = list(redis.smembers(key))
        case "zset":
            found = redis.zrange(key, 0, -1)
        case "stream":
            found = redis.xrange(key) or ()
        case _:
            found = [str(redis.get(key))]
    texts = [key, *map(str, found)]
    return [*texts, *(_opened(text) for text in texts)]


def _opened(text: str) -> str:
    """Read what base 64 hides, if it is that."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
