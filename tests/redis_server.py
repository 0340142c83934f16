"""A Redis that many tests share: one server for a process, emptied for each test."""

from typing import Any, TypeVar

from redis import ConnectionPool, Redis, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from ops.processes.redis_server import PrivateRedis

Client = TypeVar("Client", bound=Redis)


class SharedRedis:
    """A server whose clients can be cut off: `connected = False` takes it away from them."""

    def __init__(self, server: PrivateRedis) -> None:
        self.connected = True
        self._pool = ConnectionPool.from_url(
            server.url,
            connection_class=_Connection,
            server=self,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )

    def client(self) -> Redis:
        """Return a client; all clients share their connections."""
        return self.client_of(Redis)

    def client_of(self, kind: type[Client]) -> Client:
        """Return a client of this class."""
        return kind(connection_pool=self._pool)

    def empty(self) -> None:
        """Delete all keys, and connect the clients again."""
        self.connected = True
        self.client().flushall()

    def close(self) -> None:
        """Close all connections."""
        self._pool.disconnect()


class _Connection(UnixDomainSocketConnection):
    """A connection that breaks while its server is not to be reached."""

    def __init__(self, *, server: SharedRedis, **options: Any) -> None:  # noqa: ANN401  # as redis-py has it
        super().__init__(**options)  # type: ignore[no-untyped-call]  # untyped in redis-py
        self._server = server

    def send_packed_command(self, *command: Any, **options: Any) -> None:  # noqa: ANN401  # the same
        """Send a command, or fail as redis-py does without a server."""
        if not self._server.connected:
            raise RedisConnectionError("the test took the server away")
        super().send_packed_command(*command, **options)  # type: ignore[no-untyped-call]  # the same
