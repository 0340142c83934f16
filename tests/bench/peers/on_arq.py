"""arq, with aiohttp; results not kept."""

import asyncio
from typing import Any

from arq import create_pool  # type: ignore[import-not-found]  # in .venv-bench only
from arq.connections import RedisSettings  # type: ignore[import-not-found]  # the same

from tests.bench.peers import errand, errand_async

#: Messages that are on their way to Redis together.
_TOGETHER = 100


async def post(context: dict[str, Any], number: int) -> None:
    """Do one."""
    del context
    await errand_async.post(number)


class Worker:
    """What arq's own command reads."""

    functions = (post,)
    redis_settings = RedisSettings(unix_socket_path=errand.SOCKET)
    max_jobs = errand.THREADS
    keep_result = 0


def send_all(numbers: range) -> None:
    """Send messages."""
    asyncio.run(_send_all(numbers))


async def _send_all(numbers: range) -> None:
    pool = await create_pool(Worker.redis_settings)
    for start in range(0, len(numbers), _TOGETHER):
        several = numbers[start : start + _TOGETHER]
        await asyncio.gather(*(pool.enqueue_job("post", number) for number in several))
    await pool.aclose()
