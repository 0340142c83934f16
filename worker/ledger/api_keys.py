"""API keys: who may ask over HTTP, for what. What is kept tells nobody the key itself."""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from redis import Redis

from worker.classin.errors import Fault, InvalidInput, NotFound
from worker.ledger import keys
from worker.ledger.reading import reaching_redis
from worker.ledger.record import iso

#: What a key looks like: its public half, by which it is found, and its secret one.
_SHAPE = re.compile(r"cq_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of one key. Empty limits are none."""

    prefix: str
    name: str
    #: SHA-256 of the whole key, in hex digits.
    digest: str
    schools: tuple[str, ...] = ()
    #: Names of operations, with `*` and `?` for what may differ.
    kinds: tuple[str, ...] = ()
    reads: bool = True
    writes: bool = True
    #: Ms since 1970.
    made_at: int = 0

    @property
    def limited(self) -> bool:
        """Whether there are schools or kinds that are not its business."""
        return bool(self.schools or self.kinds)

    def covers(self, school: str, operation: str) -> bool:
        """Say whether an operation of a school is its business."""
        kinds = self.kinds or ("*",)
        return (not self.schools or school in self.schools) and any(
            fnmatchcase(operation, kind) for kind in kinds
        )

    def to_json(self) -> dict[str, object]:
        """Give it for showing: without the digest."""
        return {
            "prefix": self.prefix,
            "name": self.name,
            "schools": list(self.schools),
            "kinds": list(self.kinds),
            "read": self.reads,
            "write": self.writes,
            "made_at": iso(self.made_at),
        }


class ApiKeys:
    """The keys in the ledger's Redis. Each method raises Unavailable when that is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add(
        self,
        name: str,
        now: int,
        *,
        schools: Sequence[str] = (),
        kinds: Sequence[str] = (),
        reads: bool = True,
        writes: bool = True,
    ) -> tuple[str, ApiKey]:
        """Make a key and give it, this once, with what is known of it.

        Raises InvalidInput for a name that another has.
        """
        if any(each.name == name for each in self.all()):
            raise InvalidInput("keys", [Fault("name", f"there is a key named {name!r} already")])
        prefix = secrets.token_hex(4)
        token = f"cq_{prefix}_{secrets.token_urlsafe(32)}"
        key = ApiKey(
            prefix=prefix,
            name=name,
            digest=_digest(token),
            schools=tuple(schools),
            kinds=tuple(kinds),
            reads=reads,
            writes=writes,
            made_at=now,
        )
        with reaching_redis():
            self._redis.hset(keys.API_KEYS, prefix, json.dumps(asdict(key)))
        return token, key

    def all(self) -> Sequence[ApiKey]:
        """Give all keys, the oldest first."""
        with reaching_redis():
            found = self._redis.hvals(keys.API_KEYS)
        return sorted(
            (_key_of(str(each)) for each in found), key=lambda key: (key.made_at, key.prefix)
        )

    def find(self, token: str) -> ApiKey | None:
        """Find what is known of a key that somebody shows; None for one that is none of ours."""
        shape = _SHAPE.fullmatch(token)
        if shape is None:
            return None
        with reaching_redis():
            found = self._redis.hget(keys.API_KEYS, shape[1])
        key = _key_of(str(found)) if found else None
        return key if key and hmac.compare_digest(key.digest, _digest(token)) else None

    def named(self, which: str) -> ApiKey:
        """Find a key by name or public half. Raises NotFound."""
        key = next((each for each in self.all() if which in (each.name, each.prefix)), None)
        if key is None:
            raise NotFound(f"there is no key {which!r}")
        return key

    def revoke(self, which: str) -> ApiKey:
        """Let a key, by name or public half, open nothing any more. Raises NotFound."""
        key = self.named(which)
        with reaching_redis():
            self._redis.hdel(keys.API_KEYS, key.prefix)
        return key


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key_of(text: str) -> ApiKey:
    values = json.loads(text)
    return ApiKey(
        **{**values, "schools": tuple(values["schools"]), "kinds": tuple(values["kinds"])}
    )
