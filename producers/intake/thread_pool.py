"""Small thread pools for blocking calls, so that event loops are not blocked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")

#: Threads for submissions from event loops. More would not be faster: Python runs one at a time.
_SUBMITTING = 4


class Pool:
    """A fixed number of threads; further calls wait."""

    def __init__(self, threads: int, name: str = "ledger") -> None:
        self._threads = ThreadPoolExecutor(threads, name)

    async def ask(
        self, question: Callable[_Given, _Found], *given: _Given.args, **more: _Given.kwargs
    ) -> _Found:
        """Run a call in a thread, with the context variables of the current task.

        Cancelling the task drops a call that has not started; one that has started runs to its end.
        """
        loop, run = asyncio.get_running_loop(), copy_context().run
        return await loop.run_in_executor(self._threads, partial(run, question, *given, **more))

    def close(self) -> None:
        """Let running calls finish, and end the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@cache
def submitting_threads() -> Pool:
    """Return the pool of `submit_async`, `submit_many_async` and `Receipt.wait_async`."""
    return Pool(_SUBMITTING, "submit")
