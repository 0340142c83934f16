"""Sources: what is remembered of where a school's people and courses come from, and each sync."""

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from redis import Redis, WatchError
from redis.client import Pipeline

from worker.errors import FieldError, InvalidInputError, NotFoundError, UnreadableValueError
from worker.ledger.decoding import decoding
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors

#: What a source may be called.
NAME_OF_SOURCE = re.compile("[A-Za-z0-9_.-]{1,64}")

#: Ids that are read in one call.
_SOME = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a sync leaves behind; nothing in it is written without the rest."""

    #: What is known of the sync from now on.
    about: Mapping[str, Any]
    #: The roster as it is now, as plain lists and texts.
    snapshot: Any = field(repr=False)
    #: What ClassIn calls people and courses, as far as that is new or changed.
    directory: Mapping[str, str]
    #: What was changed by this sync, as plain lists and texts.
    changes: Any = field(repr=False)
    #: People whose sealed passwords are of no use.
    useless: Sequence[str] = ()
    #: Whether the sync goes on: then the source stays its own.
    goes_on: bool = False


class Source:
    """One source of one school, in the ledger's Redis.

    Each method raises UnavailableError when that is away.
    """

    def __init__(self, redis: Redis, school: str, name: str) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self.syncs = SyncStore(redis)
        #: As keys and people name it.
        self.name = f"{school}:{name}"
        #: The right that whoever works on it must hold.
        self.hold = f"source:{self.name}"

    def snapshot(self) -> Any:  # noqa: ANN401  # plain lists and texts
        """Give the roster as last applied; None before the first sync."""
        with translate_redis_errors():
            return _unpacked(self._redis.hget(self._keys.source(self.name), "snapshot"))

    def directory(self) -> Mapping[str, str]:
        """Give what ClassIn calls people and courses."""
        with translate_redis_errors():
            found = self._redis.hscan_iter(self._keys.directory(self.name), count=_SOME)
            return {str(name): str(text) for name, text in found}

    def passwords(self, people: Sequence[str] | None = None) -> dict[str, str]:
        """Give sealed passwords that were not handed out: of some people, or of all."""
        key = self._keys.passwords(self.name)
        with translate_redis_errors():
            if people is None:
                found = self._redis.hgetall(key)
                return {str(name): str(text) for name, text in found.items()}
            values = self._redis.hmget(key, list(people)) if people else []
        return {
            name: str(text) for name, text in zip(people, values, strict=True) if text is not None
        }

    def keep_passwords(self, sealed: Mapping[str, str]) -> None:
        """Keep sealed passwords until they are handed out."""
        if sealed:
            with translate_redis_errors():
                self._redis.hset(self._keys.passwords(self.name), items=_flat(sealed))

    def drop_passwords(self, people: Sequence[str]) -> None:
        """Forget what was handed out."""
        with translate_redis_errors():
            for start in range(0, len(people), _SOME):
                self._redis.hdel(self._keys.passwords(self.name), *people[start : start + _SOME])

    def claim(self, who: str) -> None:
        """Let nobody write but whoever holds the source now, until somebody else claims it.

        Raises InvalidInputError if somebody else has it by now; so does all that writes after it.
        """
        with self._own(who, {}) as pipeline:
            pipeline.hset(self._keys.source(self.name), "who", who)

    def open_sync(self) -> str | None:
        """Name the sync that has begun and not ended."""
        with translate_redis_errors():
            found = self._redis.hget(self._keys.source(self.name), "sync")
        return None if found is None else str(found)

    def begin(self, sync: str, now: int, about: Mapping[str, Any], who: str) -> None:
        """Note that a sync begins; from then on until it ends it is the source's own."""
        with self._own(who, {"who": who}) as pipeline:
            pipeline.hset(self._keys.source(self.name), "sync", sync)
            pipeline.hset(self._keys.sync(sync), "about", _text(about))
            pipeline.zadd(self._keys.syncs, {sync: now})

    def note(self, sync: str, about: Mapping[str, Any], who: str) -> None:
        """Note what is known of a sync by now."""
        with self._own(who, {"who": who, "sync": sync}) as pipeline:
            pipeline.hset(self._keys.sync(sync), "about", _text(about))

    def keep_steps(self, sync: str, steps: Sequence[Any], who: str) -> None:
        """Keep some more steps, before any of them is submitted."""
        with self._own(who, {"who": who, "sync": sync}) as pipeline:
            pipeline.rpush(self._keys.steps(sync), _packed(steps))

    def steps(self, sync: str) -> Iterator[Sequence[Any]]:
        """Give the steps in the parts in which they were kept."""
        number = 0
        while True:
            with translate_redis_errors():
                part = _unpacked(self._redis.lindex(self._keys.steps(sync), number))
            if part is None:
                return
            yield part
            number += 1

    def keep_records(self, sync: str, records: Sequence[str], who: str) -> None:
        """Keep the ids of the records of the next part of the steps, which are submitted now."""
        with self._own(who, {"who": who, "sync": sync}) as pipeline:
            pipeline.rpush(self._keys.sync_records(sync), _text(records))

    def records(self, sync: str) -> list[list[str]]:
        """Give the ids of the records by parts of the steps, as far as they are submitted."""
        with translate_redis_errors():
            found = self._redis.lrange(self._keys.sync_records(sync), 0, -1)
        with decoding(f"the list of records of sync {sync}"):
            return [json.loads(str(text)) for text in found]

    def drop_steps(self, sync: str, who: str) -> None:
        """Forget steps that were kept, and their records."""
        with self._own(who, {"who": who, "sync": sync}) as pipeline:
            pipeline.delete(self._keys.steps(sync), self._keys.sync_records(sync))

    def settle(self, sync: str, ending: Ending, who: str) -> None:
        """Write down what a sync, or a round of it, has achieved, and forget its steps."""
        with self._own(who, {"who": who, "sync": sync}) as pipeline:
            self._settle(pipeline, sync, ending)

    @contextmanager
    def _own(self, who: str, told: Mapping[str, str]) -> Iterator[Pipeline]:
        """Write all of it or nothing, if one holds the source and it still says this of itself.

        To hold it is not enough: somebody else may have held it in between.
        """
        own, held = self._keys.source(self.name), self._keys.lock(self.hold)
        with translate_redis_errors(), self._redis.pipeline() as pipeline:
            pipeline.watch(held, own)  # type: ignore[no-untyped-call]  # redis-py has no types for it
            if pipeline.hget(held, "who") != who or pipeline.hmget(own, [*told, "who"])[:-1] != [
                *told.values()
            ]:
                raise _taken(self.name)
            pipeline.multi()
            yield pipeline
            try:
                pipeline.execute()
            except WatchError:
                raise _taken(self.name) from None

    def _settle(self, pipeline: Pipeline, sync: str, ending: Ending) -> None:
        own = self._keys.source(self.name)
        pipeline.hset(own, "snapshot", _packed(ending.snapshot))
        if ending.directory:
            pipeline.hset(self._keys.directory(self.name), items=_flat(ending.directory))
        for start in range(0, len(ending.useless), _SOME):
            some = ending.useless[start : start + _SOME]
            pipeline.hdel(self._keys.passwords(self.name), *some)
        changed = {"about": _text(ending.about), "changes": _packed(ending.changes)}
        pipeline.hset(self._keys.sync(sync), items=_flat(changed))
        pipeline.delete(self._keys.steps(sync), self._keys.sync_records(sync))
        if not ending.goes_on:
            pipeline.hdel(own, "sync")


def _taken(source: str) -> InvalidInputError:
    return InvalidInputError(
        "sync", [FieldError(source, "another sync has taken it over: nothing is lost")]
    )


class SyncStore:
    """The syncs of all sources."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = keys_of(redis)

    def latest(self, limit: int) -> list[dict[str, Any]]:
        """Give what is known of the last syncs, the latest first. Raises UnavailableError.

        One that was changed in Redis is but named, with the state `unreadable`.
        """
        with translate_redis_errors():
            names = self._redis.zrevrange(self._keys.syncs, 0, limit - 1)
            pipeline = self._redis.pipeline(transaction=False)
            for name in names:
                pipeline.hget(self._keys.sync(str(name)), "about")
            found = pipeline.execute()
        abouts = []
        for name, text in zip(map(str, names), found, strict=True):
            try:
                abouts += [] if text is None else [_about_of(name, text)]
            except UnreadableValueError:
                abouts.append({"id": name, "state": "unreadable"})
        return abouts

    def forget(self, before: int) -> int:
        """Forget those that began before (ms since 1970); return how many. Raises UnavailableError.

        The last of each source stays, and one that is still open.
        """
        with translate_redis_errors():
            found: Any = self._redis.zrevrange(self._keys.syncs, 0, -1, withscores=True)
        seen: set[str] = set()
        number = 0
        for start in range(0, len(found), _SOME):
            some = {str(name): int(at) for name, at in found[start : start + _SOME]}
            old = []
            for sync, source in self._sources_of(list(some)).items():
                if source in seen and some[sync] < before:
                    old.append((sync, source))
                seen.add(source)
            number += self._drop(old)
        return number

    def _sources_of(self, syncs: Sequence[str]) -> dict[str, str]:
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for sync in syncs:
                pipeline.hget(self._keys.sync(sync), "about")
            found = pipeline.execute()
        return {
            sync: str(_about_of(sync, about or "{}").get("source", ""))
            for sync, about in zip(syncs, found, strict=True)
        }

    def _drop(self, syncs: Sequence[tuple[str, str]]) -> int:
        """Take these out, with what hangs on them; each comes with its source."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for _, source in syncs:
                pipeline.hget(self._keys.source(source), "sync")
            found = pipeline.execute()
            closed = [
                sync for (sync, _), under_way in zip(syncs, found, strict=True) if sync != under_way
            ]
            for sync in closed:
                pipeline.delete(
                    self._keys.sync(sync), self._keys.steps(sync), self._keys.sync_records(sync)
                )
                pipeline.zrem(self._keys.syncs, sync)
            pipeline.execute()
        return len(closed)

    def about(self, sync: str) -> dict[str, Any]:
        """Give what is known of one.

        Raises NotFoundError, UnreadableValueError or UnavailableError.
        """
        with translate_redis_errors():
            found = self._redis.hget(self._keys.sync(sync), "about")
        if found is None:
            raise NotFoundError(f"there is no sync {sync!r}")
        return _about_of(sync, found)

    def changes(self, sync: str) -> list[Any]:
        """Give what it has changed by now, as plain lists and texts. Raises UnavailableError."""
        with translate_redis_errors():
            found: list[Any] | None = _unpacked(self._redis.hget(self._keys.sync(sync), "changes"))
        return found or []


def _about_of(sync: str, text: object) -> dict[str, Any]:
    with decoding(f"sync {sync}"):
        about = json.loads(str(text))
        if not isinstance(about, dict):
            raise TypeError
        return about


def _flat(pairs: Mapping[str, str]) -> list[str]:
    return [text for pair in pairs.items() for text in pair]


def _text(said: Any) -> str:  # noqa: ANN401  # plain lists and texts
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _packed(said: Any) -> str:  # noqa: ANN401  # plain lists and texts
    """Put it small, as text: a Redis with other clients may take nothing else."""
    return base64.b64encode(zlib.compress(_text(said).encode(), 6)).decode("ascii")


@decoding("what is kept of a source")
def _unpacked(text: Any) -> Any:  # noqa: ANN401  # as Redis answers, and what was packed
    return None if text is None else json.loads(zlib.decompress(base64.b64decode(text)))
