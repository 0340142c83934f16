"""The same unit of work for queues that live in an event loop."""

import aiohttp

from tests.bench.peers.errand import URL, form

_sessions: list[aiohttp.ClientSession] = []


async def post(number: int) -> None:
    """Send one request, and read the answer."""
    if not _sessions:
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    async with _sessions[0].post(URL, data=form(number)) as answer:
        answer.raise_for_status()
        await answer.read()
