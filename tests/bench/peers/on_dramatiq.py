"""dramatiq, everything as it comes."""

import dramatiq  # type: ignore[import-not-found]  # in .venv-bench only
from dramatiq.brokers.redis import RedisBroker  # type: ignore[import-not-found]  # the same

from tests.bench.peers import errand

dramatiq.set_broker(RedisBroker(url=f"unix://{errand.SOCKET}"))
_post = dramatiq.actor(errand.post)


def send_all(numbers: range) -> None:
    """Send messages."""
    for number in numbers:
        _post.send(number)
