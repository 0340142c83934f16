"""huey, everything as it comes."""

from huey import RedisHuey  # type: ignore[import-not-found]  # in .venv-bench only

from tests.bench.peers import errand

huey = RedisHuey("bench", url=f"unix://{errand.SOCKET}")
_post = huey.task()(errand.post)


def send_all(numbers: range) -> None:
    """Send messages."""
    for number in numbers:
        _post(number)
