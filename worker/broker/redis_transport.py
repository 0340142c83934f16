"""Redis transport: kombu's, which lets nothing reach kombu and Celery that could stop them.

Each message is checked as it comes out of the queue, each command to all workers as Redis
publishes it. What is ill formed is set aside, or refused, and said without its content.
"""

from collections.abc import Callable, Container
from functools import partial
from typing import Any

from kombu import compression
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis import Redis

from worker.broker.message_check import fault_of, fault_of_broadcast
from worker.broker.messages import SEPARATOR
from worker.ledger.keys import PREFIX, Keys
from worker.trouble_log import RareLog

#: So many ill-formed messages are kept, the newest, and of each so many bytes.
MOST_ILL_FORMED = 1000
MOST_KEPT_BYTES = 16 * 1024

#: How the name of the exchange ends by which commands come to all workers, and their replies go.
PIDBOX = ".pidbox"
_REPLIES = "reply."

_rare = RareLog(__name__)


class CheckedRedis(Redis):
    """A client that looks at what it takes from a queue, and sets aside what is ill formed."""

    def __init__(
        self,
        *,
        check: Callable[[bytes], bool],
        answered: Callable[[], None],
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**options)
        self._check = check
        self._answered = answered

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:  # noqa: ANN401
        """Read an answer; an ill-formed message reads like an empty queue."""
        answer = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]  # untyped in redis-py
        if command_name != "BRPOP":
            return answer
        self._answered()
        if not answer:
            return answer
        queue, item = answer
        # Celery's remote control has lists of its own, which are none of our business.
        ours = queue.partition(SEPARATOR.encode())[0] == CheckedTransport.keys.prefix.encode()
        return None if ours and not self._check(item) else answer


class CheckedChannel(kombu_redis.Channel):
    """A Redis channel whose messages are checked as they come."""

    _fanout_queues: dict[str, tuple[str, str]]

    def _get_client(self) -> Callable[..., Redis]:
        return partial(CheckedRedis, check=self._accept, answered=CheckedTransport.answered)

    def _accept(self, item: bytes) -> bool:
        fault = fault_of(item, CheckedTransport.tasks)
        if fault is None:
            return True
        self.set_aside(item, fault)
        return False

    def set_aside(self, item: bytes | str, fault: str) -> None:
        """Keep a message for whoever looks into it, out of every worker's way."""
        ill_formed = CheckedTransport.keys.ill_formed
        _rare.error(f"a message was set aside in {ill_formed}: {fault}")
        with self.conn_or_acquire() as client:
            put_aside(client, ill_formed, item)

    def _handle_message(self, client: Any, r: Any) -> dict[str, Any]:  # noqa: ANN401  # redis-py's
        """Read what Redis published; of an ill-formed command nothing is left."""
        told: dict[str, Any] = super()._handle_message(client, r)  # type: ignore[misc]  # unknown to the stubs
        if told["type"].endswith(b"message") and told["channel"].endswith(PIDBOX.encode()):
            fault = fault_of_broadcast(told["data"])
            if fault is not None:
                _rare.error(f"a command to all workers was refused: {fault}")
                told["data"] = None
        return told

    def _queue_bind(self, exchange: str, routing_key: str, pattern: Any, queue: str) -> None:  # noqa: ANN401
        """Remember what is subscribed to; only who waits for replies says so in Redis.

        Kombu would write all of it there for others, who publish without looking.
        """
        if exchange.startswith(_REPLIES):
            super()._queue_bind(exchange, routing_key, pattern, queue)  # type: ignore[misc]  # unknown to the stubs
        elif self.typeof(exchange).type == "fanout":
            self._fanout_queues[queue] = (exchange, routing_key.replace("#", "*"))

    def maybe_refresh_binding_expiry(self) -> None:
        """Refresh nothing: see `_queue_bind`."""

    def _lookup(self, exchange: str, routing_key: str, default: str | None = None) -> list[str]:
        """Name the queue for something: ours, or that of who waits for a reply.

        Kombu would ask a set in Redis, to which anybody may have added any key's name.
        """
        del default
        if not exchange:
            return [routing_key]
        if not exchange.startswith(_REPLIES):
            return []
        queue = f"{routing_key}.{exchange}"
        with self.conn_or_acquire() as client:
            member = self.sep.join((routing_key, "", queue))
            waits = client.sismember(self.keyprefix_queue % exchange, member)
        return [queue] if waits else []


def put_aside(client: Redis, key: str, item: bytes | str) -> None:
    """Keep an ill-formed message, or how it begins; of too many the oldest goes."""
    pipeline = client.pipeline()
    pipeline.lpush(key, item[:MOST_KEPT_BYTES])
    pipeline.ltrim(key, 0, MOST_ILL_FORMED - 1)
    pipeline.execute()


class CheckedTransport(kombu_redis.Transport):
    """Kombu's Redis transport with checked channels."""

    Channel = CheckedChannel
    #: Names of the tasks that this process has.
    tasks: Container[str] = ()
    #: The names of its system's keys; the queue is named as their prefix.
    keys = Keys()
    #: Told whenever Redis answers the question for messages, be it with none.
    answered: Callable[[], None]


def check_messages_for(
    tasks: Container[str], answered: Callable[[], None], prefix: str = PREFIX
) -> None:
    """Let every Redis connection that Celery opens in this process check its messages.

    `answered` is told whenever Redis answers the question for messages, be it with none.
    """
    CheckedTransport.tasks = tasks
    CheckedTransport.keys = Keys(prefix)
    CheckedTransport.answered = staticmethod(answered)
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{CheckedTransport.__name__}"
    refuse_compressed()


def refuse_compressed() -> None:
    """Unpack no message, from whatever broker: a few bytes may become gigabytes."""
    for kind in compression.encoders():
        compression.register(_refuse, _refuse, kind)


def _refuse(_: bytes) -> bytes:
    raise ValueError("messages are not compressed here")
