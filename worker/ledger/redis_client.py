"""The ledger's client of Redis: redis-py's, except for what it does about two kinds of errors."""

from typing import Any

from redis import ConnectionPool, DriverInfo, Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from worker.errors import FieldError, InvalidSettingsError
from worker.ledger.decoding import unreadable
from worker.ledger.keys import PREFIX, Keys

#: What Redis's CLIENT LIST calls this program; redis-py would read its own version from a file.
_DRIVER = DriverInfo(name="classin-queue", lib_version=None)


class LedgerClient(Redis):
    """A client that connects anew once its server has become a replica.

    The name may lead to another server by then.
    """

    #: The names of the keys of its system.
    names = Keys()

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  # as redis-py
        """Send a command and return its answer."""
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # untyped in redis-py
        except UnicodeDecodeError as error:
            raise unreadable("an answer", error) from error
        except ReadOnlyError:
            self.connection_pool.disconnect(inuse_connections=False)
            raise

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:  # noqa: ANN401, FBT001, FBT002  # as redis-py
        """Return a pipeline whose errors are as Redis replied them."""
        callbacks = self.response_callbacks
        return LedgerPipeline(self.connection_pool, callbacks, transaction, shard_hint)


class LedgerPipeline(Pipeline):
    """A pipeline that does not write its command into an error.

    The reply's code stays its first word, and what is no business of a log stays out of it.
    """

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # as redis-py
        """Send all commands and return their answers."""
        try:
            return super().execute(raise_on_error)
        except UnicodeDecodeError as error:
            raise unreadable("an answer", error) from error
        except ReadOnlyError:
            self.connection_pool.disconnect(inuse_connections=False)
            raise

    def annotate_exception(self, exception: Exception, number: int, command: object) -> None:
        """Leave an error as it is."""


def keys_of(redis: Redis) -> Keys:
    """Return the names of the keys of the system that a client belongs to."""
    return redis.names if isinstance(redis, LedgerClient) else LedgerClient.names


def connect(
    url: str,
    prefix: str = PREFIX,
    *,
    patient: bool = False,
    submits: bool = False,
    connections: int | None = None,
) -> Redis:
    """Open a client of the system with that prefix.

    A patient one (a worker's) sits out half a minute without Redis. One that `submits` sits out a
    few seconds, in which Redis may start again. `connections`: how many threads may use it at the
    same time; None: few. Raises InvalidSettingsError.
    """
    retries = 20 if patient else 5 if submits else 0
    try:
        pool = ConnectionPool.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=2,
            socket_timeout=5,
            retry=Retry(ExponentialWithJitterBackoff(base=0.1, cap=2), retries),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
            max_connections=connections,
            driver_info=_DRIVER,
        )
        pool.connection_class(**pool.connection_kwargs)  # else its faults show at the first use
    except (TypeError, ValueError):
        what = "has an option behind its ? that there is not, or whose value cannot be read"
        raise InvalidSettingsError(
            "the settings are not right", [FieldError("CLASSIN_REDIS_URL", what)]
        ) from None
    redis = LedgerClient(connection_pool=pool)
    redis.auto_close_connection_pool = True  # as Redis.from_url has it
    redis.names = Keys(prefix)
    return redis
