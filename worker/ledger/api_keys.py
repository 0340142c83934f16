"""API keys: who may ask over HTTP, for what, until when, how often.

What is kept tells nobody the key itself, and bears a MAC of the key ring: whoever writes Redis can
neither make a key nor let one do more.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import NamedTuple

from redis import Redis

from worker.errors import FieldError, InvalidInputError, NotFoundError, UnavailableError
from worker.keyring import KeyRing, canonical
from worker.ledger.record import iso
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors

#: What a key looks like: its public half, by which it is found, and its secret one.
_SHAPE = re.compile(r"cq_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")

#: What the key ring's key for these records is derived for.
_PURPOSE = "api-key"

#: The use of a key is written down so often at most (ms): no request waits for it but one a minute.
_USED_EVERY = 60_000

#: A rate as it is written, and its units in ms.
_RATE = re.compile(r"([1-9][0-9]{0,5})/([smh])")
_UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000}

#: What stands with a key that no MAC covers.
_UNCOVERED = ("used_at", "valid")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of one key. Empty limits are none."""

    prefix: str
    name: str
    #: SHA-256 of the whole key, in hex digits.
    digest: str = ""
    schools: tuple[str, ...] = ()
    #: Names of operations, with `*` and `?` for what may differ.
    kinds: tuple[str, ...] = ()
    reads: bool = True
    writes: bool = True
    #: Ms since 1970; None: it does not end.
    made_at: int = 0
    ends_at: int | None = None
    #: Requests in a unit of time, like 60/m.
    rate: str = ""
    #: When it was used last, to the minute (ms since 1970).
    used_at: int | None = None
    #: Whether its record is one that this installation wrote, unchanged.
    valid: bool = True

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

    def ended(self, now: int) -> bool:
        """Return whether its time is over (ms since 1970)."""
        return self.ends_at is not None and self.ends_at <= now

    def to_dict(self) -> dict[str, object]:
        """Give it for showing: without the digest."""
        return {
            "prefix": self.prefix,
            "name": self.name,
            "schools": list(self.schools),
            "kinds": list(self.kinds),
            "read": self.reads,
            "write": self.writes,
            "rate": self.rate or None,
            "made_at": iso(self.made_at),
            "ends_at": None if self.ends_at is None else iso(self.ends_at),
            "used_at": None if self.used_at is None else iso(self.used_at),
            "valid": self.valid,
        }


class Spent(NamedTuple):
    """How a key stands with its rate after a request."""

    limit: int
    left: int
    #: Seconds until it may ask as often again.
    resets_in: int
    #: Whether this request was one too many.
    over: bool


class ApiKeys:
    """The keys in the ledger's Redis. Each method raises UnavailableError when that is away."""

    def __init__(self, redis: Redis, keyring: KeyRing) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._keyring = keyring
        #: When the use of a key was written down, by its public half (ms since 1970).
        self._noted: dict[str, int] = {}

    def add(  # noqa: PLR0913  # each is a property of the key
        self,
        name: str,
        now: int,
        *,
        schools: Sequence[str] = (),
        kinds: Sequence[str] = (),
        reads: bool = True,
        writes: bool = True,
        ends_at: int | None = None,
        rate: str = "",
    ) -> tuple[str, ApiKey]:
        """Make a key and give it, this once, with what is known of it.

        Raises InvalidInputError for a name that another has, and for a rate that is none.
        """
        if rate:
            limit_of(rate)
        if any(each.name == name and each.valid for each in self.all()):
            raise InvalidInputError(
                "keys", [FieldError("name", f"there is a key named {name!r} already")]
            )
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
            ends_at=ends_at,
            rate=rate,
        )
        with translate_redis_errors():
            self._redis.hset(self._keys.api_keys, prefix, self._written(key))
        return token, key

    def all(self) -> Sequence[ApiKey]:
        """Give all keys, the oldest first, also those that open nothing."""
        with translate_redis_errors():
            found = self._redis.hgetall(self._keys.api_keys)
            used = self._redis.hgetall(self._keys.api_keys_used)
        read = (
            replace(self._read(str(prefix), str(text)), used_at=_number(used.get(prefix)))
            for prefix, text in found.items()
        )
        return sorted(read, key=lambda key: (not key.valid, key.made_at, key.prefix))

    def find(self, token: str) -> ApiKey | None:
        """Find what is known of a key that somebody shows; None for one that is none of ours.

        One that has ended is found. It takes as long where only the secret half is wrong.
        """
        shape = _SHAPE.fullmatch(token)
        if shape is None:
            return None
        with translate_redis_errors():
            found = self._redis.hget(self._keys.api_keys, shape[1])
        key = self._read(shape[1], self._decoy if found is None else str(found))
        same = hmac.compare_digest(key.digest.encode(), _digest(token).encode())
        return key if same and key.valid else None

    def opens_still(self, key: ApiKey, now: int) -> bool:
        """Return whether a key that was found is what it was: not revoked, changed or ended."""
        with translate_redis_errors():
            found = self._redis.hget(self._keys.api_keys, key.prefix)
        same = found is not None and self._read(key.prefix, str(found)) == key
        return same and not key.ended(now)

    def note_use(self, key: ApiKey, now: int) -> None:
        """Write down that a key is used: at most once a minute, and only if Redis takes writes."""
        if now - self._noted.get(key.prefix, 0) < _USED_EVERY:
            return
        self._noted[key.prefix] = now
        with suppress(UnavailableError), translate_redis_errors():
            self._redis.hset(self._keys.api_keys_used, key.prefix, now)

    def spend(self, key: ApiKey) -> Spent | None:
        """Count a request against a key's rate, together with all gateways; None: it has none."""
        if not key.rate:
            return None
        limit, window = limit_of(key.rate)
        name = self._keys.api_rate(key.prefix)
        with translate_redis_errors(), self._redis.pipeline() as pipeline:
            pipeline.set(name, 0, px=window, nx=True)
            pipeline.incr(name)
            pipeline.pttl(name)
            _, count, lasts = pipeline.execute()
        resets_in = max(1, -(-int(lasts) // 1000))
        return Spent(limit, max(0, limit - int(count)), resets_in, over=int(count) > limit)

    def named(self, which: str) -> ApiKey:
        """Find a key by name or public half. Raises NotFoundError."""
        key = next((each for each in self.all() if which in (each.name, each.prefix)), None)
        if key is None:
            raise NotFoundError(f"there is no key {which!r}")
        return key

    def revoke(self, which: str) -> ApiKey:
        """Let a key, by name or public half, open nothing any more. Raises NotFoundError."""
        key = self.named(which)
        with translate_redis_errors():
            self._redis.hdel(self._keys.api_keys, key.prefix)
            self._redis.hdel(self._keys.api_keys_used, key.prefix)
        return key

    @cached_property
    def _decoy(self) -> str:
        """A record that no key fits: what is read where there is none."""
        return self._written(ApiKey(prefix="", name="", digest=secrets.token_hex(32)))

    def _written(self, key: ApiKey) -> str:
        values = {name: value for name, value in asdict(key).items() if name not in _UNCOVERED}
        return json.dumps({**values, "mac": self._keyring.mac(_PURPOSE, canonical(values))})

    def _read(self, prefix: str, text: str) -> ApiKey:
        """Read a record; one that nobody here has written opens nothing."""
        try:
            values = json.loads(text)
            mac = str(values.pop("mac", ""))
            known = self._keyring.verify(_PURPOSE, canonical(values), mac)
        except (ValueError, TypeError, AttributeError, RecursionError):
            known = False
        if known and values["prefix"] == prefix:
            limits = {name: tuple(values[name]) for name in ("schools", "kinds")}
            return ApiKey(**{**values, **limits})
        return ApiKey(prefix=prefix, name="", reads=False, writes=False, valid=False)


def limit_of(rate: str) -> tuple[int, int]:
    """Return how many requests a rate allows, and in how many ms. Raises InvalidInputError."""
    found = _RATE.fullmatch(rate)
    if found is None:
        raise InvalidInputError(
            "keys", [FieldError("--rate", f"should be like 60/m; got {rate[:40]!r}")]
        )
    return int(found[1]), _UNITS[found[2]]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _number(text: object) -> int | None:
    """Read a moment that anybody may have written; None: it is none."""
    return int(str(text)) if re.fullmatch(r"[0-9]{1,13}", str(text), re.ASCII) else None
