"""Reception: ill-formed messages are set aside, and those of another Celery recorded.

On Redis each message is checked as it comes out of the queue (`redis_transport.py`), and what slips
through is set aside as well; another broker's are checked here: what cannot be used is logged,
without its content, and dropped.

A message of another Celery is all that there is of its operation. It is recorded before it waits
for a thread, so that a worker that is killed meanwhile loses none.
"""

import itertools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

from celery.exceptions import InvalidTaskError
from celery.worker import state, strategy
from celery.worker.consumer import Consumer
from kombu.exceptions import ContentDisallowed, DecodeError

from worker.broker.message_check import (
    MOST_BYTES,
    fault_of_ids,
    fault_within,
    faults_of_times,
    is_name,
)
from worker.broker.messages import IDS, PRIORITIES, QUEUE, RECORDED, SEVERAL
from worker.broker.redis_transport import CheckedChannel
from worker.broker.remote_control import consumes
from worker.classin.catalogue import read
from worker.classin.credentials import sealed_faults
from worker.classin.lanes import lane_of
from worker.classin.operation import Operation
from worker.classin.references import Reference, places_of, written
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.errors import FieldError, InvalidInputError, InvalidOperationError, UnavailableError
from worker.ledger.decoding import UNREADABLE
from worker.ledger.record import Priority, Submission
from worker.ledger.redis_errors import trouble_of
from worker.trouble_log import RareLog

log = logging.getLogger(__name__)
_rare = RareLog(__name__)

#: What Celery knows of the requests in its hands; the stubs know less of it.
_state: Any = state

#: The header in which a message's own faults are passed on to its record.
_FAULTS = "classin_faults"

#: Messages that wait in one process for the time that they name, and bytes of all their bodies.
MOST_WAITING = 1000
MOST_WAITING_BYTES = 16 * MOST_BYTES

#: Characters of what is told about a refused message.
_LONGEST_REFUSAL = 2000

#: Seconds from one look at whether messages are consumed to the next.
_LOOK = 1.0

#: Seconds between two tries to record a message.
_PAUSE = 0.5

#: Seconds between two tries to reach the broker: first, and added each time up to the last.
_TRIES = {"interval_start": 1, "interval_step": 1, "interval_max": 5}


@dataclass(frozen=True, slots=True)
class ForeignTask:
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
        except InvalidOperationError as error:
            faults += map(str, error.faults)
        else:
            faults += map(str, [*sealed_faults(operation), *_references(operation)])
            fields = operation.identified(self.id).to_dict()
            lane = lane_of(school, operation, settings.keyring.mark)
            accepts = operation.spec.accepts_existing if said is None else accepts
        return Submission(
            id=self.id,
            operation=self.operation,
            school=school,
            fields=FieldCipher(settings.keyring).sealed(self.operation, fields, school, self.id),
            lane=lane,
            source="celery",
            accepts_existing=accepts,
            refused="; ".join(faults)[:_LONGEST_REFUSAL],
        )

    def _faults(self) -> Iterator[str]:
        """Say what is wrong with the message itself, besides its school and fields."""
        if self.positional:
            yield "fields should be given by name (kwargs), not by position (args)"
        if self.linked:
            yield "links, chains and chords cannot be kept: they would start too early"
        yield from self.headers.get(_FAULTS, ())

    def _school(self, settings: Settings) -> tuple[str, str | None]:
        """Name the school, and say what is wrong with it."""
        named = str(self.headers["school"]) if "school" in self.headers else None
        if named and not is_name(named):
            return "", "school: should be one of those that are configured"
        try:
            return settings.school(named).name, None
        except InvalidInputError as error:
            return named or "", str(error.faults[0])


def _references(operation: Operation) -> Iterator[FieldError]:
    """Name references: a message waits for nothing, and says nothing of who may see what."""
    for place in places_of(operation, Reference):
        yield FieldError(written(place), "cannot be a reference here: give the value itself")


class Recorder(Protocol):
    """A task that can record what arrives for it."""

    @property
    def stopping(self) -> threading.Event:
        """Set as soon as the worker is to end."""

    def arrival(self, request: Any) -> ForeignTask:  # noqa: ANN401  # Celery's Context
        """Read what a message asks for."""

    def arrive(self, arrival: ForeignTask) -> None:
        """Record what a message asks for, unless that was done. Raises UnavailableError."""

    def take_in(self, arrival: ForeignTask, accepted: Callable[[], object]) -> None:
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
        ids: Sequence[str] = headers[IDS]
        fault = fault_of_ids(ids)
        if fault is not None:
            raise ValueError(fault)
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
        except UnavailableError as error:
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


class SafeConsumer(Consumer):
    """Celery's consumer, which records what needs it, and shows nothing of what it cannot use."""

    #: Told about once in `_LOOK` seconds while the loop turns and messages are consumed.
    turned: Callable[[], None]

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc, valid-type]  # a variable in the stubs
        """Celery's steps, but for remote control: ours does what is meant, and no more."""

        default_steps = tuple(
            step.replace("celery.worker.consumer.control:", "worker.broker.remote_control:")
            for step in Consumer.Blueprint.default_steps
        )

    def __init__(self, begin: Callable[[Any], None], **options: Any) -> None:  # noqa: ANN401
        del begin  # the pool's: what there is to do, threads of our own do
        # Workers have nothing to tell each other; what strangers told them so, they would believe.
        quiet = {"without_gossip": True, "without_mingle": True}
        options["worker_options"] = {**(options.get("worker_options") or {}), **quiet}
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

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], Any]:  # noqa: ANN401
        """Check what no transport of ours has checked on its way, then do as Celery does."""
        handle = super().create_task_handler(*args, **options)

        def handle_carefully(message: Any) -> Any:  # noqa: ANN401  # kombu's
            # It says of itself where it came from, and would be put back there.
            message.delivery_info = {"exchange": "", "routing_key": QUEUE}
            fault = None
            if not isinstance(message.channel, CheckedChannel):
                kind, body = message.content_type, message.body
                fault = fault_within(message.headers, kind, body, self.app.tasks)
            return handle(message) if fault is None else self._drop(message, fault)

        return handle_carefully

    def register_with_event_loop(self, hub: Any) -> None:  # noqa: ANN401
        """Show about once a second that the loop turns."""
        super().register_with_event_loop(hub)
        hub.call_repeatedly(_LOOK, self._look)

    def perform_pending_operations(self) -> None:
        """Show that the loop turns where there is no hub: it calls this each time."""
        super().perform_pending_operations()
        self._look()

    def _look(self) -> None:
        if consumes(self):
            self.turned()

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
            with suppress(UnavailableError):
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
            _rare.error(f"a message was dropped: {fault}")
        message.reject_log_error(log, self.connection_errors)  # type: ignore[attr-defined]  # missing in the stubs


def careful_strategy(task: Any, app: Any, consumer: Any) -> Callable[..., None]:  # noqa: ANN401  # Celery's
    """Take what messages of our own name; receive others as Celery does.

    One that breaks it counts as invalid.
    """
    receive = strategy.default(task, app, consumer)
    trouble = (*consumer.connection_errors, *consumer.channel_errors)

    def receive_carefully(message: Any, body: Any, ack: Any, *more: Any) -> None:  # noqa: ANN401
        try:
            ids = recorded_ids(message)
            if ids is None:
                message.headers.update(_times(message.headers))
                receive(message, body, ack, *more)
            else:
                task.take(
                    ids,
                    _priority(message.properties),
                    partial(ack, log, consumer.connection_errors),
                )
        except UNREADABLE as error:
            raise InvalidTaskError(type(error).__name__) from None
        except (*trouble, InvalidTaskError, ContentDisallowed, DecodeError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, another message may be well
            raise InvalidTaskError(type(error).__name__) from None

    return receive_carefully


def _times(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say which times of a message's hold: what is wrong with them refuses its record at once."""
    faults = faults_of_times(headers, time.time())
    if headers.get("eta") and not faults and _is_full():
        faults.append("eta: too many messages wait here for their time already")
    eta = None if faults else headers.get("eta")
    # Celery would drop what has expired, without a word to anybody.
    return {"eta": eta, "expires": None, _FAULTS: faults}


def _is_full() -> bool:
    """Whether as many messages wait here for their time as this process has room for."""
    waiting: Any = list(_state.scheduled_requests)
    size = sum(len(each.body) for each in waiting)
    return len(waiting) >= MOST_WAITING or size >= MOST_WAITING_BYTES
