"""Settled events for all open streams of this process; one reader asks the ledger."""

import asyncio
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from producers.intake.thread_pool import Pool
from worker.errors import UnavailableError
from worker.ledger.events import BEGINNING, SettledEvent, position_of
from worker.ledger.record import Record
from worker.ledger.store import RedisLedger

log = logging.getLogger(__name__)

#: Return whether the client still has access.
Lasts = Callable[[], Awaitable[bool]]

#: Events fetched at once, and events remembered for all streams.
_TOGETHER, _KEPT = 500, 2000

#: Seconds that a read waits for events; also the pause while the ledger is away.
_PATIENCE = 1.0

#: Seconds after which a waiter reads its record again, even without an event.
_LOOK_AGAIN = 5.0


class Feed:
    """Follow settled events. `run` must be running for waiters to be notified."""

    def __init__(self, ledger: RedisLedger, pool: Pool) -> None:
        self._ledger = ledger
        self._pool = pool
        #: Blocking reads; they have a thread of their own.
        self._own = Pool(1, "feed")
        #: The last events, with their stream ids.
        self._recent: list[SettledEvent] = []
        self._places: list[tuple[int, int]] = []
        #: The last known stream id, and the first from which all are known.
        self._last: str | None = None
        self._news = asyncio.Event()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = False

    async def run(self) -> None:
        """Read events until cancelled."""
        try:
            while True:
                try:
                    await self._follow()
                except UnavailableError:
                    await asyncio.sleep(_PATIENCE)
                except Exception as error:  # noqa: BLE001  # else nobody would hear of anything more
                    log.error("the feed begins anew: %s", type(error).__name__)  # noqa: TRY400  # its words may hold what is no log's
                    self._last = None
                    await asyncio.sleep(_PATIENCE)
        finally:
            self._own.close()

    def close(self) -> None:
        """End all waits and streams."""
        self._closed = True
        self._tell([])
        for waiting in self._waiting.values():
            for event in waiting:
                event.set()

    async def _follow(self) -> None:
        if self._last is None:
            self._last = await self._own.ask(self._ledger.events.last)
            self._recent, self._places = [], [position_of(self._last)]
        if found := await self._own.ask(
            self._ledger.events.after, self._last, _TOGETHER, _PATIENCE
        ):
            self._tell(found)

    def _tell(self, found: Sequence[SettledEvent]) -> None:
        for each in found:
            self._recent.append(each)
            self._places.append(position_of(each.event))
            for event in self._waiting.get(each.id, ()):
                event.set()
        if found:
            self._last = found[-1].event
        if (over := len(self._recent) - _KEPT) > 0:
            del self._recent[:over], self._places[:over]
        self._news.set()
        self._news = asyncio.Event()

    async def last_event(self) -> str:
        """Return the id of the last known event."""
        if self._last is not None:
            return self._last
        return await self._pool.ask(self._ledger.events.last)

    async def settled(self, record_id: str, seconds: float, lasts: Lasts) -> Record:
        """Return a record once it is settled, or its state after so many seconds.

        The wait ends early when the access does. Raises NotFoundError.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        with self._listening(record_id) as told:
            while True:
                told.clear()
                record = await self._pool.ask(self._ledger.find, record_id)
                left = ends - loop.time()
                if record.state.settled or left <= 0 or self._closed or not await lasts():
                    return record
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, _LOOK_AGAIN)):
                        await told.wait()

    @contextmanager
    def _listening(self, record_id: str) -> Iterator[asyncio.Event]:
        told = asyncio.Event()
        self._waiting[record_id].add(told)
        try:
            yield told
        finally:
            self._waiting[record_id].discard(told)
            if not self._waiting[record_id]:
                del self._waiting[record_id]

    async def after(self, event: str, lasts: Lasts) -> AsyncIterator[SettledEvent]:
        """Yield events after a given one until the feed is closed or the access ends."""
        while not self._closed and await lasts():
            news = self._news
            found = self._known_after(event)
            if found is None:
                found = await self._asked_after(event)
            for each in found:
                if not await lasts():
                    return
                yield each
                event = each.event
            if not found:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_AGAIN):
                        await news.wait()

    def _known_after(self, event: str) -> list[SettledEvent] | None:
        """Return the remembered events after one; None if they no longer reach back so far."""
        place = position_of(event)
        if not self._places or place < self._places[0]:
            return None
        # The first id is that of the event before the remembered ones.
        return self._recent[bisect_right(self._places, place) - 1 :]

    async def _asked_after(self, event: str) -> list[SettledEvent]:
        try:
            return list(await self._pool.ask(self._ledger.events.after, event, _TOGETHER))
        except UnavailableError:
            return []

    async def has_gap(self, event: str) -> bool:
        """Return whether events after this one are lost."""
        if event in {BEGINNING, "0"}:
            return False
        return not await self._pool.ask(self._ledger.events.has_kept, event)
