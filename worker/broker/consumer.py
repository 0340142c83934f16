"""Reception: Celery's consumer passes messages on, and sets ill-formed ones aside.

On Redis each message is checked as it comes out of the queue (`redis_transport.py`), and what slips
through is set aside as well. Another broker's messages are checked here: what cannot be used is
logged, without its content, and dropped.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker import state, strategy
from celery.worker.consumer import Consumer
from kombu.exceptions import ContentDisallowed, DecodeError

from worker.broker.foreign_task import ForeignTask, checked_times
from worker.broker.message_check import MOST_BYTES, fault_of_ids, fault_within
from worker.broker.messages import IDS, RECORDED, SEVERAL, priority_of
from worker.broker.redis_transport import CheckedChannel
from worker.broker.remote_control import consumes
from worker.errors import UnavailableError
from worker.ledger.decoding import UNREADABLE
from worker.ledger.record import Priority
from worker.ledger.redis_errors import trouble_of
from worker.trouble_log import RareLog

log = logging.getLogger(__name__)
_rare = RareLog(__name__)

#: What Celery knows of the requests in its hands; the stubs know less of it.
_state: Any = state

#: Messages that wait in one process for the time that they name, and bytes of all their bodies.
MOST_WAITING = 1000
MOST_WAITING_BYTES = 16 * MOST_BYTES

#: Seconds from one look at whether messages are consumed to the next.
_LOOK = 1.0

#: Seconds between two looks whether a broker takes writes again.
_PAUSE = 0.5

#: Seconds between two tries to reach the broker: first, and added each time up to the last.
_TRIES = {"interval_start": 1, "interval_step": 1, "interval_max": 5}


@dataclass(frozen=True, slots=True)
class Reception:
    """Where a consumer's messages go, and whom it shows that it works.

    `accepted` is called as soon as another message may come; `put_back` puts the message on its
    queue again.
    """

    #: Takes the ids of records, their priority, and `accepted`.
    enqueue: Callable[[Sequence[str], Priority, Callable[[], object]], object]
    #: Takes what another Celery asks for, `put_back`, and `accepted`.
    record: Callable[[ForeignTask, Callable[[], object], Callable[[], object]], object]
    #: Called about once in `_LOOK` seconds while the loop turns and messages are consumed.
    turned: Callable[[], object]


def recorded_ids(message: Any) -> Sequence[str] | None:  # noqa: ANN401  # kombu's
    """Return the records that a message is for; None if it is to become one.

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


class SafeConsumer(Consumer):
    """Celery's consumer without its pool; messages that it cannot use are set aside or dropped."""

    reception: Reception

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
        super().__init__(self._receive_foreign, **options)
        # The next message comes when there is room for what this one brings.
        self.initial_prefetch_count = 1

    def _receive_foreign(self, request: Any) -> None:  # noqa: ANN401  # Celery's
        """Pass on what another Celery asks for."""
        try:
            task = ForeignTask.of(request.task.operation, request._context)  # noqa: SLF001  # as its task would get it
            self.reception.record(task, request.message.requeue, request.acknowledge)
        except Exception as error:  # noqa: BLE001  # whatever it is
            # Were it to end the worker, it would end the next one, too.
            raise InvalidTaskError(type(error).__name__) from None
        finally:
            state.task_ready(request)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], Any]:  # noqa: ANN401
        """Check what no transport of ours has checked on its way, then do as Celery does."""
        handle = super().create_task_handler(*args, **options)
        queue = self.app.conf.task_default_queue

        def handle_carefully(message: Any) -> Any:  # noqa: ANN401  # kombu's
            # It says of itself where it came from, and would be put back there.
            message.delivery_info = {"exchange": "", "routing_key": queue}
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
            self.reception.turned()

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


def safe_strategy(task: Any, app: Any, consumer: Any) -> Callable[..., None]:  # noqa: ANN401  # Celery's
    """Pass on the ids in our own messages; receive others as Celery does.

    One that breaks it counts as invalid.
    """
    receive = strategy.default(task, app, consumer)
    trouble = (*consumer.connection_errors, *consumer.channel_errors)

    def receive_safely(message: Any, body: Any, ack: Any, *more: Any) -> None:  # noqa: ANN401
        try:
            ids = recorded_ids(message)
            if ids is None:
                message.headers.update(checked_times(message.headers, is_full=_is_full))
                receive(message, body, ack, *more)
            else:
                accepted = partial(ack, log, consumer.connection_errors)
                consumer.reception.enqueue(ids, priority_of(message.properties), accepted)
        except UNREADABLE as error:
            raise InvalidTaskError(type(error).__name__) from None
        except (*trouble, InvalidTaskError, ContentDisallowed, DecodeError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, another message may be well
            raise InvalidTaskError(type(error).__name__) from None

    return receive_safely


def _is_full() -> bool:
    """Whether as many messages wait here for their time as this process has room for."""
    waiting: Any = list(_state.scheduled_requests)
    size = sum(len(each.body) for each in waiting)
    return len(waiting) >= MOST_WAITING or size >= MOST_WAITING_BYTES
