"""taskiq on Redis streams, with aiohttp; without results, as it comes."""

import asyncio

from taskiq_redis import RedisStreamBroker  # type: ignore[import-not-found]  # in .venv-bench only

from tests.bench.peers import errand, errand_async

#: Messages that are on their way to Redis together.
_TOGETHER = 100

broker = RedisStreamBroker(f"unix://{errand.SOCKET}")
_post = broker.task(task_name="post")(errand_async.post)


def send_all(numbers: range) -> None:
    """Send messages."""
    asyncio.run(_send_all(numbers))


async def _send_all(numbers: range) -> None:
    await broker.startup()
    for start in range(0, len(numbers), _TOGETHER):
        await asyncio.gather(*map(_post.kiq, numbers[start : start + _TOGETHER]))
    await broker.shutdown()
