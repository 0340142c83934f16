"""The ledger's client of Redis: redis-py's, except for what it does about two kinds of errors."""

from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ReadOnlyError

from worker.ledger.decoding import unreadable


class LedgerClient(Redis):
    """A client that connects anew once its server has become a replica.

    The name may lead to another server by then.
    """

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
