"""Threads that do what blocks, for tasks of an event loop."""

import asyncio
from contextvars import ContextVar
from threading import Event

import pytest

from producers.intake.thread_pool import Pool

NUMBER = ContextVar("NUMBER", default=0)


def test_a_thread_sees_the_context_of_the_task() -> None:
    """So whoever traces a request finds what the request did."""

    async def story() -> int:
        NUMBER.set(7)
        return await Pool(1).ask(NUMBER.get)

    assert asyncio.run(story()) == 7


def test_what_no_thread_has_begun_is_not_done_for_a_cancelled_task() -> None:
    """What one has begun it ends."""
    begun, may_end, done = Event(), Event(), list[str]()

    def hold() -> None:
        begun.set()
        assert may_end.wait(60)
        done.append("begun")

    async def story() -> None:
        pool = Pool(1)
        held = asyncio.create_task(pool.ask(hold))
        await asyncio.to_thread(begun.wait)
        behind = asyncio.create_task(pool.ask(done.append, "behind"))
        await asyncio.sleep(0)  # it is in the pool now
        for task in (held, behind):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        may_end.set()
        await pool.ask(done.append, "last")

    asyncio.run(story())
    assert done == ["begun", "last"]
