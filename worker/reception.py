"""Reception: ill-formed messages are set aside, and those of another Celery recorded.

Celery and kombu crash, some of them for good, on messages that are not shaped like Celery's own.
On Redis each message is checked as it comes out of the queue, and what slips through is set aside
as well; of another broker's, what cannot be used is logged, without its content, and dropped.

A message of another Celery is all that there is of its operation. It is recorded before it waits
for a thread, so that a worker that is killed meanwhile loses none.
"""

import base64
import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

from celery.exceptions import InvalidTaskError
from celery.worker import state, strategy
from celery.worker.consumer import Consumer
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis import Redis

from worker.classin.catalogue import read
from worker.classin.errors import InvalidInput, InvalidOperation, Unavailable
from worker.classin.lane import lane_of
from worker.ledger.record import Priority, Submission
from worker.ledger.redis_errors import trouble_of
from worker.message import IDS, PRIORITIES, QUEUE, RECORDED, SEVERAL
from worker.sealing import sealed
from worker.settings import Settings

log = logging.getLogger(__name__)

#: The list, in the broker's Redis, of messages that no worker could read.
ILL_FORMED = "classin:ill-formed"

#: So many of them are kept, the newest.
MOST_ILL_FORMED = 1000

#: Seconds between two tries to record a message.
_PAUSE = 0.5

#: Seconds between two tries to reach the broker: first, and added each time up to the last.
_TRIES = {"interval_start": 1, "interval_step": 1, "interval_max": 5}


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
        ours = queue.startswith(QUEUE.encode())
        return None if ours and not self._check(item) else answer


class CheckedChannel(kombu_redis.Channel):
    """A Redis channel whose messages are checked as they come."""

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
        log.error("a message was set aside in %s: %s", ILL_FORMED, fault)
        with self.conn_or_acquire() as client:
            put_aside(client, item)


def put_aside(client: Redis, item: bytes | str) -> None:
    """Keep an ill-formed message; of too many the oldest goes."""
    pipeline = client.pipeline()
    pipeline.lpush(ILL_FORMED, item)
    pipeline.ltrim(ILL_FORMED, 0, MOST_ILL_FORMED - 1)
    pipeline.execute()


class CheckedTransport(kombu_redis.Transport):
    """Kombu's Redis transport with checked channels."""

    Channel = CheckedChannel
    #: Names of the tasks that this process has.
    tasks: Container[str] = ()
    #: Told whenever Redis answers the question for messages, be it with none.
    answered: Callable[[], None]


def check_messages_for(tasks: Container[str], answered: Callable[[], None]) -> None:
    """Let every Redis connection that Celery opens in this process check its messages.

    `answered` is told whenever Redis answers the question for messages, be it with none.
    """
    CheckedTransport.tasks = tasks
    CheckedTransport.answered = staticmethod(answered)
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{CheckedTransport.__name__}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a message asks for, and how."""

    id: str
    operation: str
    fields: Mapping[str, Any]
    headers: Mapping[str, Any]
    #: Whether it gives fields by position.
    positional: bool
    #: Whether it names what Celery should start at the end of its delivery.
    linked: bool
    priority: Priority = Priority.NORMAL

    @classmethod
    def of(cls, operation: str, request: Any) -> Self:  # noqa: ANN401  # Celery's Context
        """Read it from Celery's account of a request."""
        links = (request.callbacks, request.errbacks, request.chain, request.chord)
        return cls(
            id=str(request.id),
            operation=operation,
            fields=request.kwargs or {},
            headers=request.headers or {},
            positional=bool(request.args),
            linked=any(links),
            priority=_priority(request.delivery_info or {}),
        )

    def submission(self, settings: Settings) -> Submission:
        """Give what to record, its credentials sealed; what does not pass is refused in it."""
        school, fault = self._school(settings)
        fields, lane, said = self.fields, None, self.headers.get("if_exists")
        accepts = said == "accept"
        faults = [*([fault] if fault else []), *self._faults()]
        try:
            operation = read(self.operation, self.fields)
        except InvalidOperation as error:
            faults += map(str, error.faults)
        else:
            fields, lane = operation.identified(self.id).to_json(), lane_of(school, operation)
            accepts = operation.spec.accepts_existing if said is None else accepts
        return Submission(
            id=self.id,
            operation=self.operation,
            school=school,
            fields=sealed(self.operation, fields, settings.schools.get(school)),
            lane=lane,
            source="celery",
            accepts_existing=accepts,
            refused="; ".join(faults),
        )

    def _faults(self) -> Iterator[str]:
        """Say what is wrong with the message itself, besides its school and fields."""
        if self.positional:
            yield "fields should be given by name (kwargs), not by position (args)"
        if self.linked:
            yield "links, chains and chords cannot be kept: they would start too early"

    def _school(self, settings: Settings) -> tuple[str, str | None]:
        """Name the school, and say what is wrong with it."""
        named = str(self.headers["school"]) if "school" in self.headers else None
        try:
            return settings.school(named).name, None
        except InvalidInput as error:
            return named or "", str(error.faults[0])


class Recorder(Protocol):
    """A task that can record what arrives for it."""

    @property
    def stopping(self) -> threading.Event:
        """Set as soon as the worker is to end."""

    def arrival(self, request: Any) -> Arrival:  # noqa: ANN401  # Celery's Context
        """Read what a message asks for."""

    def arrive(self, arrival: Arrival) -> None:
        """Record what a message asks for, unless that was done. Raises Unavailable."""

    def take_in(self, arrival: Arrival, accepted: Callable[[], object]) -> None:
        """Let what is recorded wait; `accepted` is called as soon as more may come."""


def _priority(properties: Mapping[str, Any]) -> Priority:
    """Read a message's priority; what is none of ours is normal."""
    number = properties.get("priority")
    return next((name for name, its in PRIORITIES.items() if its == number), Priority.NORMAL)


def recorded_ids(message: Any) -> Sequence[str] | None:  # noqa: ANN401  # kombu's
    """Give the records that a message is for; None if it is to become one.

    Raises ValueError, TypeError or LookupError for one that is shaped like neither.
    """
    headers = message.headers
    if headers["task"] == SEVERAL:
        ids = headers[IDS]
        if not (isinstance(ids, list) and all(isinstance(each, str) for each in ids)):
            raise TypeError("ids are texts")
        return ids
    if not headers.get(RECORDED) or headers.get("eta"):
        return None
    args, kwargs, links = message.payload
    bare = not (args or kwargs or any((links or {}).values()))
    return [headers["id"]] if bare else None


def recorded(
    record: Callable[[], None],
    put_back: Callable[[], None],
    stopping: threading.Event,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Record a message, however long the ledger is away.

    Meanwhile the worker takes no other: it could not begin one. False: the worker is to end, and
    the message is on its queue again.
    """
    for tries in itertools.count():
        try:
            record()
        except Unavailable as error:
            if tries == 0:
                log.warning("nothing is fetched until a message is recorded: %s", error)
        else:
            break
        if stopping.is_set():
            with suppress(Exception):  # of whatever broker; perhaps the next time
                put_back()
                return False
        sleep(_PAUSE)
    return True


class CarefulConsumer(Consumer):
    """Celery's consumer, which records what needs it, and shows nothing of what it cannot use."""

    def __init__(self, begin: Callable[[Any], None], **options: Any) -> None:  # noqa: ANN401
        del begin  # the pool's: what there is to do, threads of our own do
        super().__init__(self._pass_on, **options)
        # The next message comes when there is room for what this one brings.
        self.initial_prefetch_count = 1

    def _pass_on(self, request: Any) -> None:  # noqa: ANN401  # Celery's
        """Let what another Celery asks for wait for a thread once it is recorded."""
        recorder: Recorder = request.task
        try:
            arrival = recorder.arrival(request._context)  # noqa: SLF001  # as its task would get it
            record = partial(recorder.arrive, arrival)
            done = recorded(record, request.message.requeue, recorder.stopping)
        except Exception as error:  # noqa: BLE001  # whatever it is
            # Were it to end the worker, it would end the next one, too.
            raise InvalidTaskError(type(error).__name__) from None
        finally:
            state.task_ready(request)
        if done:
            recorder.take_in(arrival, request.acknowledge)

    def ensure_connected(self, conn: Any) -> Any:  # noqa: ANN401
        """Connect, however long that takes; half a minute between two tries is Celery's way."""
        conn.ensure_connection = partial(conn.ensure_connection, **_TRIES)
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Wait for a Redis that answers, and takes no writes: Celery would try without a pause."""
        trouble = trouble_of(exc)
        if trouble is not None:
            log.warning("nothing is fetched: the broker %s", trouble.said)
        super().on_connection_error_after_connected(exc)
        queues: Any = self.app  # ours, of which the stubs know nothing
        while trouble is not None:
            state.maybe_shutdown()
            time.sleep(_PAUSE)
            with suppress(Unavailable):
                queues.try_write()
                trouble = None

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


def careful_strategy(task: Any, app: Any, consumer: Any) -> Callable[..., None]:  # noqa: ANN401  # Celery's
    """Take what messages of our own name; receive others as Celery does.

    One that breaks it counts as invalid.
    """
    receive = strategy.default(task, app, consumer)

    def receive_carefully(message: Any, body: Any, ack: Any, *more: Any) -> None:  # noqa: ANN401
        try:
            ids = recorded_ids(message)
            if ids is None:
                receive(message, body, ack, *more)
            else:
                task.take(
                    ids,
                    _priority(message.properties),
                    partial(ack, log, consumer.connection_errors),
                )
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InvalidTaskError(type(error).__name__) from None

    return receive_carefully
