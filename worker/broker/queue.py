"""The queues: a Celery without tasks, and how an operation's message is put on it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError

from worker.broker.messages import (
    IDS,
    MOST,
    PRIORITIES,
    RECORDED,
    SEVERAL,
    list_of,
    task_name,
)
from worker.config.settings import Settings
from worker.config.urls import split_address
from worker.errors import FieldError, InvalidSettingsError, UnavailableError
from worker.ledger.keys import PREFIX, Keys
from worker.ledger.record import Priority
from worker.ledger.redis_errors import trouble_of
from worker.ledger.script_runner import try_write
from worker.ledger.types import ReadyRecord

#: How a broker says, as a number or as text, that it has no such queue.
_NOT_FOUND = "404"

#: Seconds until a broker that does not say a word is given up.
_PATIENCE = 5


def _bound_waits(connection: Any) -> None:  # noqa: ANN401  # amqp's; the stubs know less of it
    """Let no wait of an open connection last for good; amqp's own read_timeout only loops."""
    connection.transport.sock.settimeout(_PATIENCE)


#: Without bounds on every wait for it a dead broker blocks for good.
_REDIS = {
    "broker_transport_options": {
        "socket_connect_timeout": 1,
        "socket_timeout": _PATIENCE,
        "socket_keepalive": True,
        "health_check_interval": 5,
        "max_retries": 1,
        "connect_retries_timeout": 2,
        # Emulated acknowledgements hang or lose messages when Redis restarts; the ledger
        # makes every delivery safe without them.
        "ack_emulation": False,
        # Each priority has a list of its own; another Celery may use any of the ten.
        "priority_steps": list(range(10)),
    },
}
_AMQP = {
    "broker_transport_options": {
        "connect_timeout": 2,
        "on_open": _bound_waits,
        # Else a message counts as sent that no broker has seen.
        "confirm_publish": True,
        "max_retries": 1,
        "interval_start": 0,
        "connect_retries_timeout": 2,
    },
    # The consumer's; the connections that send would not keep it up. Its loop sleeps until the next
    # message or heartbeat, and only then acknowledges or ends: ten times a second.
    "broker_heartbeat": 30,
    "broker_heartbeat_checkrate": 300,
    # Else RabbitMQ locks a second worker of the same name out, as those of one machine have.
    "control_queue_exclusive": False,
    # What was kept from before the broker's restart is found dead only when it is used.
    "task_publish_retry": True,
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0},
}

#: What Celery is told besides, by the URL's scheme; of other brokers it knows itself.
_BROKERS: Mapping[str, Mapping[str, Any]] = {
    "redis": _REDIS,
    "rediss": _REDIS,
    "redis+socket": _REDIS,
    "amqp": _AMQP,
    "amqps": _AMQP,
    "pyamqp": _AMQP,
}


class Queues(Celery):
    """A Celery that knows its settings and how to send operations."""

    settings: Settings
    #: Named here, and not in the configuration, so that no CELERY_RESULT_BACKEND takes its place.
    backend_cls = "worker.broker.result_backend:LedgerResults"

    def publish(self, due: Sequence[ReadyRecord]) -> None:
        """Put messages on the queue for these records: their ids, and nothing of their fields.

        Each suspect has a message of its own.
        Raises UnavailableError; some may be out then.
        """
        for priority in Priority:
            records = [each for each in due if each.priority is priority]
            several = [each for each in records if not each.suspect]
            alone = [each for each in records if each.suspect or len(several) == 1]
            for each in alone:
                self._send(task_name(each.operation), each.id, {}, priority)
            if len(several) > 1:
                self.put_back([each.id for each in several], priority)

    def put_back(self, ids: Sequence[str], priority: Priority) -> None:
        """Put messages on the queue for these records, of whatever kinds.

        Raises UnavailableError.
        """
        for start in range(0, len(ids), MOST):
            together = ids[start : start + MOST]
            self._send(SEVERAL, together[0], {IDS: together}, priority)

    def _send(
        self, task: str, task_id: str, headers: Mapping[str, Any], priority: Priority
    ) -> None:
        with self._reaching_broker(), self.producer_pool.acquire(block=True) as producer:
            self.send_task(
                task,
                task_id=task_id,
                queue=self.settings.queue,
                headers={RECORDED: True, **headers},
                producer=producer,
                priority=PRIORITIES[priority],
            )

    def is_empty(self) -> bool:
        """Return whether no message waits, of any priority. Raises UnavailableError."""
        with self._reaching_broker(), self.connection_for_read() as connection:
            queue = self.amqp.queues[self.settings.queue].bind(connection.default_channel)
            try:
                declared: Any = queue.queue_declare(passive=True)  # a named tuple; stubs say str
            except connection.channel_errors as error:
                if str(getattr(error, "reply_code", None)) != _NOT_FOUND:
                    raise
                return True  # a queue that nobody has used yet
            return bool(declared.message_count == 0)

    def empty(self) -> Collection[Priority]:
        """Return the priorities of which no message waits. Raises UnavailableError.

        Where all of them share one queue these are all or none.
        """
        if _BROKERS.get(urlsplit(self.conf.broker_read_url or "").scheme) is not _REDIS:
            return tuple(Priority) if self.is_empty() else ()
        with self._reaching_broker(), self.connection_for_read() as connection:
            channel: Any = connection.default_channel  # the stubs do not know Redis's
            lists = {each: list_of(self.settings.queue, each) for each in Priority}
            return [each for each, name in lists.items() if not channel.client.llen(name)]

    def try_write(self) -> None:
        """Try whether a broker that is a Redis takes writes. Raises UnavailableError if not."""
        with self._reaching_broker(), self.connection_for_read() as connection:
            channel: Any = connection.default_channel  # the stubs do not know Redis's
            try_write(channel.client, Keys(self.settings.redis_prefix))

    @cached_property
    def _no_answer(self) -> tuple[type[BaseException], ...]:
        """What is raised when the broker, of whatever kind, does not answer."""
        with self.connection_for_read() as connection:  # not opened for that
            return (
                OperationalError,
                OSError,
                *connection.connection_errors,
                *connection.recoverable_connection_errors,
                *connection.channel_errors,
            )

    @contextmanager
    def _reaching_broker(self) -> Iterator[None]:
        """Raise UnavailableError, with the reason in one line, where the broker does not answer."""
        try:
            yield
        except self._no_answer as error:
            trouble = trouble_of(error)
            said = f"does not answer as it should: {error}" if trouble is None else trouble.said
            raise UnavailableError(f"the broker {said}") from error


def build_queues(settings: Settings) -> Queues:
    """Build a Celery that can send operations; see `configured`."""
    return configured(Queues, settings)


Q = TypeVar("Q", bound=Queues)


def configured(kind: type[Q], settings: Settings) -> Q:
    """Build a Celery of that kind; `worker.app` gives its own the tasks.

    Raises InvalidSettingsError where Celery cannot use the broker's address.
    """
    if settings.broker_url and (what := fault_of_broker(settings.broker_url)):
        raise InvalidSettingsError(
            "the settings are not right", [FieldError("CLASSIN_BROKER_URL", what)]
        )
    app = kind("classin", set_as_current=False)
    app.settings = settings
    broker = broker_url(settings)
    app.conf.update(
        broker_url=broker,
        # These too, so that no CELERY_BROKER_URL of the environment takes their place.
        broker_read_url=broker,
        broker_write_url=broker,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        task_publish_retry=False,
        task_default_queue=settings.queue,
        # A prefix has a remote control of its own, too. That of the usual one is Celery's: whoever
        # runs `celery inspect` need not know the application.
        control_exchange="celery" if settings.redis_prefix == PREFIX else settings.redis_prefix,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=False,
        worker_pool="threads",
        worker_concurrency=settings.threads,  # of our own: see worker.runtime.threads
        worker_prefetch_multiplier=1,
        # After a reconnection Celery would fetch more than worker.broker.consumer asks for.
        worker_enable_prefetch_count_reduction=False,
        worker_send_task_events=False,
        beat_scheduler="worker.scheduling.beat:TickScheduler",
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        enable_utc=True,
    )
    app.conf.update(_BROKERS.get(urlsplit(broker).scheme, {}))
    return app


def fault_of_broker(url: str) -> str | None:
    """Return what keeps Celery from using an address (several: separated by ;), if anything."""
    if not all(parts and parts.scheme for parts in map(split_address, url.split(";"))):
        return "should be an address like redis://host:6379/0 or amqp://user:password@host//"
    scheme = url.partition(":")[0]
    try:
        Connection(url).get_transport_cls()
    except KeyError:
        return f"Celery knows no {scheme!r}; it should be an address like redis:// or amqp://"
    except ImportError as error:
        return f"Celery needs a package for {scheme!r} that is not there: {error.name}"
    except Exception as error:  # noqa: BLE001  # kombu's transports fail in ways of their own
        return f"Celery cannot use {scheme!r} here ({type(error).__name__})"
    return None


def broker_url(settings: Settings) -> str:
    """Return the broker's URL: as set, else the ledger's Redis in Celery's way of writing."""
    if settings.broker_url:
        return settings.broker_url
    parts = urlsplit(settings.ledger_url)
    if parts.scheme != "unix":
        return settings.ledger_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    login = f"{parts.username or ''}:{parts.password}@" if parts.password else ""
    return f"redis+socket://{login}{parts.path}?virtual_host={database}"
