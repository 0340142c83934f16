"""Bare Celery: results on, everything else as it comes."""

from celery import Celery
from celery.signals import worker_ready

from tests.bench.peers import errand

_URL = f"redis+socket://{errand.SOCKET}"

app = Celery("bench", broker=_URL, backend=_URL)
_post = app.task(name="post")(errand.post)


def send_all(numbers: range) -> None:
    """Send messages: there is no other way than one by one."""
    for number in numbers:
        send_one(number)


def send_one(number: int) -> None:
    """Send one message."""
    _post.apply_async((number,))


def _tell(**_: object) -> None:
    print("worker is ready", flush=True)  # noqa: T201  # who started it waits


worker_ready.connect(_tell, weak=False)
