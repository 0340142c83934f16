"""Memory of each family of keys: measured where keys are few, else estimated."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from redis import Redis

from worker.ledger.codec import counts_of
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.states import Reason, State

#: Keys that are looked through at most, and that one question brings.
MOST, AT_A_TIME = 100_000, 1000

#: Keys of a family that are measured; of more, these stand for all.
MEASURED = 30

#: What kombu puts between the name of a queue and the number of a priority.
_QUEUE_SEPARATOR = "\x06\x16"

#: Keys measured in one go.
_TOGETHER = 200


class Family(NamedTuple):
    """Keys that begin alike."""

    name: str
    keys: int
    bytes: int


class Sizes(NamedTuple):
    """The largest families first, and whether all keys were looked through."""

    families: Sequence[Family]
    exact: bool


def family_of(key: str, prefix: str) -> str:
    """Return what keys of one kind have in common; indexes are told apart by property."""
    first, *rest = key.split(":")
    if first == prefix and rest:
        return ":".join((first, *rest[: 2 if rest[0] == "ix" else 1]))
    is_queue = first.partition(_QUEUE_SEPARATOR)[0] == prefix
    return prefix if is_queue else "others"


def sizes(redis: Redis, most: int = MOST) -> Sizes:
    """Measure the families, by a look at so many keys. Raises UnavailableError."""
    prefix = keys_of(redis).prefix
    with translate_redis_errors():
        known = _measured(redis, _few_and_large(redis))
        found, exact = _looked_through(redis, known, most)
        total = max(0, int(redis.dbsize()) - len(known))
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for key, each in known.items():
        of = counted[family_of(key, prefix)]
        of[0], of[1] = of[0] + 1, of[1] + each
    looked_through = sum(map(len, found.values()))
    share = 1.0 if exact or not looked_through else max(1.0, total / looked_through)
    for name, names in found.items():
        with translate_redis_errors():
            taken = _measured(redis, islice(names, MEASURED))
        mean = sum(taken.values()) / max(1, len(taken))
        of = counted[name]
        of[0] += round(len(names) * share)
        of[1] += round(len(names) * share * mean)
    families = sorted((Family(name, *of) for name, of in counted.items()), key=lambda it: -it.bytes)
    return Sizes(families, exact)


def _looked_through(
    redis: Redis, known: Mapping[str, int], most: int
) -> tuple[Mapping[str, Sequence[str]], bool]:
    """Return the names of other keys by family, and whether those are all."""
    prefix = keys_of(redis).prefix
    found: dict[str, list[str]] = defaultdict(list)
    cursor, number = 0, 0
    while number < most:
        cursor, some = redis.scan(cursor, count=AT_A_TIME)
        number += len(some)
        for key in map(str, some):
            if key not in known:
                found[family_of(key, prefix)].append(key)
        if cursor == 0:
            return found, True
    return found, False


def _few_and_large(redis: Redis) -> Iterator[str]:
    """Name the keys of which each may be large; a sample would miss them, or take them for all."""
    keys = keys_of(redis)
    yield from keys.singles()
    operations = {operation for operation, _ in counts_of(redis.hgetall(keys.counts))}
    values: Mapping[str, Iterable[object]] = {
        "state": State,
        "reason": Reason,
        "operation": operations,
        "code": redis.hkeys(keys.codes),
        "school": redis.hkeys(keys.schools),
    }
    for name, all_of_it in values.items():
        for value in all_of_it:
            yield keys.index(name, str(value))


def _measured(redis: Redis, names: Iterable[str]) -> dict[str, int]:
    """Return the bytes that each of those keys takes that are there."""
    taken: dict[str, int] = {}
    waiting = iter(names)
    while some := list(islice(waiting, _TOGETHER)):
        pipeline = redis.pipeline(transaction=False)
        for name in some:
            pipeline.memory_usage(name)
        for name, size in zip(some, pipeline.execute(), strict=True):
            if size is not None:
                taken[name] = int(size)
    return taken
