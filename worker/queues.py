"""The queues: a Celery without tasks, and how an operation's message is put on it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from celery import Celery
from kombu.exceptions import OperationalError

from worker.classin.errors import Unavailable
from worker.ledger.ledger import Due
from worker.settings import Settings

#: The one queue of all operations.
QUEUE = "classin"

#: Bounds on every wait for the broker, in seconds; without them a dead Redis blocks for good.
_BOUNDS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 5,
    "max_retries": 1,
    "connect_retries_timeout": 2,
}


class Queues(Celery):
    """A Celery that knows its settings and how to send operations."""

    settings: Settings
    #: Named here, and not in the configuration, so that no CELERY_RESULT_BACKEND takes its place.
    backend_cls = "worker.results:LedgerResults"

    def publish(self, due: Sequence[Due]) -> None:
        """Put a message on the queue for each record: its id, and nothing of its fields.

        Raises Unavailable; some may be out then.
        """
        with _reaching_broker(), self.producer_pool.acquire(block=True) as producer:
            for record in due:
                self.send_task(
                    task_name(record.operation), task_id=record.id, queue=QUEUE, producer=producer
                )

    def is_empty(self) -> bool:
        """Say whether no message waits. Raises Unavailable."""
        with _reaching_broker(), self.connection_for_read() as connection:
            queue = self.amqp.queues[QUEUE].bind(connection.default_channel)
            try:
                declared: Any = queue.queue_declare(passive=True)  # a named tuple; stubs say str
            except connection.channel_errors:
                return True  # a queue that nobody has used yet
            return bool(declared.message_count == 0)


def build_queues(settings: Settings) -> Queues:
    """Build a Celery that can send operations, and that `worker.app` gives its tasks."""
    app = Queues("classin", set_as_current=False)
    app.settings = settings
    broker = broker_url(settings)
    app.conf.update(
        broker_url=broker,
        # These too, so that no CELERY_BROKER_URL of the environment takes their place.
        broker_read_url=broker,
        broker_write_url=broker,
        # Emulated acknowledgements hang or lose messages when Redis restarts; the ledger
        # makes every delivery safe without them.
        broker_transport_options={**_BOUNDS, "ack_emulation": False},
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        task_publish_retry=False,
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=False,
        worker_pool="threads",
        worker_concurrency=settings.threads,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        enable_utc=True,
    )
    return app


def task_name(operation: str) -> str:
    """Name the Celery task of an operation."""
    return f"classin.{operation}"


def broker_url(settings: Settings) -> str:
    """Give the broker's URL: as set, else the ledger's Redis in Celery's way of writing."""
    if settings.broker_url:
        return settings.broker_url
    parts = urlsplit(settings.ledger_url)
    if parts.scheme != "unix":
        return settings.ledger_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    login = f"{parts.username or ''}:{parts.password}@" if parts.password else ""
    return f"redis+socket://{login}{parts.path}?virtual_host={database}"


@contextmanager
def _reaching_broker() -> Iterator[None]:
    """Say in one line what keeps the broker from answering."""
    try:
        yield
    except (OperationalError, OSError) as error:
        raise Unavailable(f"the broker does not answer as it should: {error}") from error
