"""Run scripts in Redis, and tell a script that fails from a Redis that takes no writes."""

from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError

from worker.errors import RedisUnavailableError, ScriptError
from worker.ledger.keys import Keys
from worker.ledger.limits import TRIAL_KEPT
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import is_of_script, translate_redis_errors, unavailable
from worker.ledger.scripts import load_script


class ScriptRunner:
    """The scripts of one Redis database, each loaded when it is first run.

    `clock` returns ms since 1970; None: Redis's own time.
    """

    def __init__(self, redis: Redis, clock: Callable[[], int] | None = None) -> None:
        self._redis = redis
        self._clock = clock
        self._loaded: dict[str, Script] = {}

    def run(self, name: str, *arguments: str | bytes | float) -> Any:  # noqa: ANN401  # as Redis answers
        """Return the answer of a script.

        Raises ScriptError if the script fails on its arguments or on what it finds in Redis, and
        RedisUnavailableError if Redis takes no writes or does not answer.
        """
        now = "" if self._clock is None else self._clock()
        try:
            if name not in self._loaded:
                self._loaded[name] = load_script(self._redis, name)
            return self._loaded[name](args=(now, *arguments))
        except RedisError as error:
            if not is_of_script(error):
                raise unavailable(error) from error
            try_write(self._redis)
            said, *_ = str(error).splitlines() or [""]
            raise ScriptError(f"the script `{name}` failed: {said}") from error


def try_write(redis: Redis, keys: Keys | None = None) -> None:
    """Write a key, by itself and in a script. Raises RedisUnavailableError that says why not.

    `keys`: those of its system, of which only a client of the ledger's knows.
    """
    keys = keys or keys_of(redis)
    with translate_redis_errors():
        # By itself first: before Redis 7 an error within a script arrives without its code.
        redis.set(keys.trial, "", px=TRIAL_KEPT)
    try:
        load_script(redis, "trial", keys)(args=("",))
    except RedisError as error:
        if not is_of_script(error):
            raise unavailable(error) from error
        raise RedisUnavailableError(f"Redis does not let scripts write: {error}") from error
