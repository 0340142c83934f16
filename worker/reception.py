"""Reception: ill-formed messages are set aside before they can stop a worker.

Celery and kombu crash, some of them for good, on messages that are not shaped like Celery's own.
On Redis each message is checked as it comes out of the queue, and what slips through is set aside
as well; of another broker's, what cannot be used is logged, without its content, and dropped.
"""

import base64
import json
import logging
from collections.abc import Callable, Container
from functools import partial
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker import strategy
from celery.worker.consumer import Consumer
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis import Redis

from worker.queues import QUEUE

log = logging.getLogger(__name__)

#: The list, in the broker's Redis, of messages that no worker could read.
ILL_FORMED = "classin:ill-formed"


def fault_of(item: bytes | str, tasks: Container[str]) -> str | None:
    """Say what is wrong with a message as it lies in Redis, or None if it is well formed."""
    try:
        message = json.loads(item)
        headers, properties = message["headers"], message["properties"]
        task, task_id = headers["task"], headers["id"]
        tag, encoding = properties["delivery_tag"], properties.get("body_encoding")
        body = message["body"]
        text = base64.b64decode(body, validate=True) if encoding == "base64" else body
        args, kwargs, embed = json.loads(text)
        info = properties["delivery_info"]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return "it is not shaped like a message of Celery's"
    shapes = (
        (task, str), (task_id, str), (tag, str), (info, dict), (args, list), (kwargs, dict),
        (embed, dict | None),
    )  # fmt: skip
    fits = all(isinstance(value, shape) for value, shape in shapes)
    if not fits or not (task_id and task_id.isprintable()):  # no half characters either
        return "its parts are not of the right kinds"
    if message.get("content-type") != "application/json":
        return "it is not JSON"
    if task not in tasks:
        return "it names no operation of the catalogue"
    return None


class CheckedRedis(Redis):
    """A client that looks at what it takes from a queue, and sets aside what is ill formed."""

    def __init__(self, *, check: Callable[[bytes], bool], **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._check = check

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:  # noqa: ANN401
        """Read an answer; an ill-formed message reads like an empty queue."""
        answer = super().parse_response(connection, command_name, **options)  # type: ignore[no-untyped-call]  # untyped in redis-py
        if command_name != "BRPOP" or not answer:
            return answer
        queue, item = answer
        # Celery's remote control has lists of its own, which are none of our business.
        ours = queue.startswith(QUEUE.encode())
        return None if ours and not self._check(item) else answer


class CheckedChannel(kombu_redis.Channel):
    """A Redis channel whose messages are checked as they come."""

    def _get_client(self) -> Callable[..., Redis]:
        return partial(CheckedRedis, check=self._accept)

    def _accept(self, item: bytes) -> bool:
        fault = fault_of(item, CheckedTransport.tasks)
        if fault is None:
            return True
        self.set_aside(item, fault)
        return False

    def set_aside(self, item: bytes | str, fault: str) -> None:
        """Keep a message for whoever looks into it, out of every worker's way."""
        log.error("a message was set aside in %s: %s", ILL_FORMED, fault)
        with self.conn_or_acquire() as client:
            client.lpush(ILL_FORMED, item)


class CheckedTransport(kombu_redis.Transport):
    """Kombu's Redis transport with checked channels."""

    Channel = CheckedChannel
    #: Names of the tasks that this process has.
    tasks: Container[str] = ()


def check_messages_for(tasks: Container[str]) -> None:
    """Let every Redis connection that Celery opens in this process check its messages."""
    CheckedTransport.tasks = tasks
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{CheckedTransport.__name__}"


class CarefulConsumer(Consumer):
    """Celery's consumer, which logs what it cannot use without showing what it holds."""

    def on_unknown_message(self, body: object, message: Any) -> None:  # noqa: ANN401
        """Drop a message of no known kind."""
        del body
        self._drop(message, "of no known kind")

    def on_unknown_task(self, body: object, message: Any, exc: object) -> None:  # noqa: ANN401
        """Drop a message for a task that is none of ours."""
        del body, exc
        self._drop(message, "it names no operation of the catalogue")

    def on_invalid_task(self, body: object, message: Any, exc: object) -> None:  # noqa: ANN401
        """Drop a message whose parts do not fit."""
        del body, exc
        self._drop(message, "its parts do not fit")

    def on_decode_error(self, message: Any, exc: object) -> None:  # noqa: ANN401
        """Drop a message whose body cannot be decoded."""
        del exc
        self._drop(message, "its body cannot be decoded")

    def _drop(self, message: Any, fault: str) -> None:  # noqa: ANN401
        if isinstance(message.channel, CheckedChannel):
            message.channel.set_aside(json.dumps(message.serializable()), fault)
        else:
            log.error("a message was dropped: %s", fault)
        message.reject_log_error(log, self.connection_errors)  # type: ignore[attr-defined]  # missing in the stubs


def careful_strategy(*parts: Any) -> Callable[..., None]:  # noqa: ANN401
    """Receive messages as Celery does, but let one that breaks it count as invalid."""
    receive = strategy.default(*parts)

    def receive_carefully(*message: Any) -> None:  # noqa: ANN401
        try:
            receive(*message)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InvalidTaskError(type(error).__name__) from None

    return receive_carefully
