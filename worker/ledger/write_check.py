"""A write, tried: whether Redis takes what the ledger writes, and if not, whose fault that is."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError

from worker.errors import RedisUnavailableError, ScriptError
from worker.ledger import keys
from worker.ledger.limits import TRIAL_KEPT
from worker.ledger.redis_errors import is_of_script, translate_redis_errors, unavailable
from worker.ledger.scripts import load_script


def try_write(redis: Redis) -> None:
    """Write something and take it away. Raises UnavailableError, saying why that cannot be."""
    with translate_redis_errors():
        # By itself first: before Redis 7 what a script meets arrives without its code.
        redis.set(keys.TRIAL, "", px=TRIAL_KEPT)
    try:
        load_script(redis, "trial")(args=("",))
    except RedisError as error:
        if not is_of_script(error):
            raise unavailable(error) from error
        raise RedisUnavailableError(f"Redis does not let scripts write: {error}") from error


@contextmanager
def running(name: str, redis: Redis) -> Iterator[None]:
    """Tell a script that cannot do what it is asked from a Redis that takes no writes.

    Raises ScriptError for the one, UnavailableError for the other.
    """
    try:
        yield
    except RedisError as error:
        if not is_of_script(error):
            raise unavailable(error) from error
        try_write(redis)
        said, *_ = str(error).splitlines() or [""]
        raise ScriptError(f"the script `{name}` failed: {said}") from error
