"""What a crash of Redis does to what was written last."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis


@contextmanager
def forgetting(redis: Redis) -> Iterator[None]:
    """Let Redis forget what is written inside."""
    names = list(redis.scan_iter())
    kept = [(name, max(redis.pttl(name), 0), redis.dump(name) or b"") for name in names]
    yield
    redis.flushdb()
    for name, lasts, content in kept:
        redis.restore(name, lasts, content)
