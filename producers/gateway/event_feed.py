"""Settled events for all open streams of this process; one reader asks the ledger."""

import asyncio
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from producers.gateway.thread_pool import Pool
from worker.errors import UnavailableError
from worker.ledger.events import BEGINNING, SettledEvent, place_of
from worker.ledger.record import Record
from worker.ledger.types import Ledger

log = logging.getLogger(__name__)

#: Tells whether somebody may still be told.
Lasts = Callable[[], Awaitable[bool]]

#: Events that are asked for together, and that are kept here for all.
_TOGETHER, _KEPT = 500, 2000

#: Seconds that a question waits for news; also between two looks while the ledger is away.
_PATIENCE = 1.0

#: Seconds after which who waits for a record looks again, whatever was told.
_LOOK_AGAIN = 5.0


class Feed:
    """Follows what settles. `run` must be running for anybody to hear of it."""

    def __init__(self, ledger: Ledger, pool: Pool) -> None:
        self._ledger = ledger
        self._pool = pool
        #: Its question may wait: it has a thread of its own.
        self._own = Pool(1, "feed")
        #: The last events, with their places beside them.
        self._recent: list[SettledEvent] = []
        self._places: list[tuple[int, int]] = []
        #: Up to where everything is known here, and from where on.
        self._last: str | None = None
        self._news = asyncio.Event()
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._closed = False

    async def run(self) -> None:
        """Follow what settles, until cancelled."""
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
        """Let all who wait go home."""
        self._closed = True
        self._tell([])
        for waiting in self._waiting.values():
            for event in waiting:
                event.set()

    async def _follow(self) -> None:
        if self._last is None:
            self._last = await self._own.ask(self._ledger.last_event)
            self._recent, self._places = [], [place_of(self._last)]
        if found := await self._own.ask(self._ledger.events, self._last, _TOGETHER, _PATIENCE):
            self._tell(found)

    def _tell(self, found: Sequence[SettledEvent]) -> None:
        for each in found:
            self._recent.append(each)
            self._places.append(place_of(each.event))
            for event in self._waiting.get(each.id, ()):
                event.set()
        if found:
            self._last = found[-1].event
        if (over := len(self._recent) - _KEPT) > 0:
            del self._recent[:over], self._places[:over]
        self._news.set()
        self._news = asyncio.Event()

    async def last_event(self) -> str:
        """Name the last event that is known."""
        if self._last is not None:
            return self._last
        return await self._pool.ask(self._ledger.last_event)

    async def settled(self, record_id: str, seconds: float, lasts: Lasts) -> Record:
        """Return a record once it is settled, or as it is after so many seconds.

        Raises NotFoundError.

        Waits no longer than the right to be told lasts.
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
        """Return what settled after an event, and what settles from now on, until it is closed.

        Ends as the right to be told does.
        """
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
        """Return what is remembered here; None: it does not reach back so far."""
        place = place_of(event)
        if not self._places or place < self._places[0]:
            return None
        # The first place is that of the event before those which are remembered.
        return self._recent[bisect_right(self._places, place) - 1 :]

    async def _asked_after(self, event: str) -> list[SettledEvent]:
        try:
            return list(await self._pool.ask(self._ledger.events, event, _TOGETHER))
        except UnavailableError:
            return []

    async def has_gap(self, event: str) -> bool:
        """Say whether something settled after an event that nobody can tell any more."""
        if event in {BEGINNING, "0"}:
            return False
        return not await self._pool.ask(self._ledger.keeps_event, event)
