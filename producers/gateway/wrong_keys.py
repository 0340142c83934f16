"""Slow down clients that present wrong API keys, and log them."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from producers.gateway.client_address import network_of
from producers.gateway.problems import ProblemError

log = logging.getLogger(__name__)

#: Wrong keys per address that are answered at once: people mistype.
_FREE = 5

#: Delay in seconds of the next one, doubled each time; and its maximum.
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0

#: Concurrent delays per address and in total; beyond these, requests are refused at once.
_WAITING, _ALL_WAITING = 4, 40

#: Seconds after which an address is forgiven.
_FORGOTTEN_AFTER = 600.0

#: Remembered addresses: the most recent ones.
_REMEMBERED = 10_000

#: Seconds between two log lines about one address.
_SAID_EVERY = 60.0

#: Schedule a call after so many seconds.
Later = Callable[[float, Callable[[], None]], object]


@dataclass(slots=True)
class _Address:
    """Wrong keys seen from one address."""

    wrong: int = 0
    last_at: float = 0.0
    waiting: int = 0
    #: Wrong keys not yet logged, and whether a line is scheduled.
    unsaid: int = 0
    told: bool = False


class WrongKeys:
    """Slow down addresses that present wrong keys.

    Valid keys are never slowed down: keys cannot be guessed anyway, and many clients may share an
    address.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        later: Later | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._later = later
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return len(self._addresses)

    async def shown(self, client: str, public_half: str) -> None:
        """Record a wrong key, and wait its delay. Raises ProblemError above the limit."""
        where = network_of(client)
        known = self._known(where)
        self._say(where, known, public_half)
        wait = _wait_after(known.wrong)
        if not wait:
            return
        if known.waiting >= _WAITING or self._waiting >= _ALL_WAITING:
            seconds = {"retry-after": str(round(_LONGEST_WAIT))}
            raise ProblemError(
                429, "Too many wrong API keys came from this address.", headers=seconds
            )
        known.waiting += 1
        self._waiting += 1
        try:
            await self._sleep(wait)
        finally:
            known.waiting -= 1
            self._waiting -= 1

    def _known(self, where: str) -> _Address:
        now = self._clock()
        known = self._addresses.setdefault(where, _Address())
        if now - known.last_at > _FORGOTTEN_AFTER:
            known.wrong = 0
        known.wrong, known.last_at = known.wrong + 1, now
        self._addresses.move_to_end(where)
        if len(self._addresses) > _REMEMBERED:
            self._addresses.popitem(last=False)
        return known

    def _say(self, where: str, known: _Address, public_half: str) -> None:
        known.unsaid += 1
        if not known.told:
            self._tell(where, known, public_half)

    def _tell(self, where: str, known: _Address, public_half: str) -> None:
        """Log what is new, and schedule the next look in a minute."""
        known.told = bool(known.unsaid)
        if not known.told:
            return
        log.warning("%d wrong API keys from %s, last %s", known.unsaid, where, public_half)
        known.unsaid = 0
        later = self._later or asyncio.get_running_loop().call_later
        later(_SAID_EVERY, lambda: self._tell(where, known, public_half))


def _wait_after(wrong: int) -> float:
    over = wrong - _FREE
    return 0.0 if over <= 0 else min(_FIRST_WAIT * 2 ** min(over - 1, 10), _LONGEST_WAIT)
