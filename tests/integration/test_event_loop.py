"""An event loop goes on while Redis is slow."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ops.processes.redis_server import PrivateRedis
from producers import EditCourse, State, Submitter, submit_async, submitting_to

#: Turns of the loop that show that it goes on.
TURNS = 50


@contextmanager
def halted(redis: PrivateRedis) -> Iterator[None]:
    """Let Redis answer nobody meanwhile; what it is asked it answers later."""
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.pid, signal.SIGCONT)


def test_the_loop_goes_on_while_redis_answers_nobody(
    redis: PrivateRedis, submitter: Submitter
) -> None:
    """While an operation is submitted, and while its receipt waits."""

    async def see_turns(of: asyncio.Task[object]) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0.001)
        assert not of.done()

    async def story() -> None:
        with halted(redis):
            submitting = asyncio.create_task(submit_async(EditCourse(course_id=352861)))
            await see_turns(submitting)
        receipt = await submitting
        with halted(redis):
            waiting = asyncio.create_task(receipt.wait_async())
            await see_turns(waiting)
        await asyncio.to_thread(submitter.cancel, receipt.id)
        assert (await waiting).state is State.CANCELLED

    with submitting_to(submitter):
        asyncio.run(story())
