"""rq; its workers are processes, each of which does one thing at a time."""

from redis import Redis
from rq import Queue  # type: ignore[import-not-found]  # in .venv-bench only

from tests.bench.peers import errand

_queue = Queue(connection=Redis.from_url(f"unix://{errand.SOCKET}"))


def send_all(numbers: range) -> None:
    """Send messages."""
    _queue.enqueue_many([Queue.prepare_data(errand.post, (number,)) for number in numbers])
