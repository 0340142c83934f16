"""A small thread pool for ledger calls, shared by all requests."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


class Pool:
    """A fixed number of threads; further calls wait."""

    def __init__(self, threads: int, name: str = "ledger") -> None:
        self._threads = ThreadPoolExecutor(threads, name)

    async def ask(
        self, question: Callable[_Given, _Found], *given: _Given.args, **more: _Given.kwargs
    ) -> _Found:
        """Run a call in a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(question, *given, **more))

    def close(self) -> None:
        """Let running calls finish, and end the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
