"""Slow down clients that present wrong API keys, and log them."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from producers.gateway.client_address import network_of
from producers.gateway.problems import ProblemError

log = logging.getLogger(__name__)

#: So many wrong keys of an address are answered at once: people mistype.
_FREE = 5

#: Seconds until the next one is answered, doubled with each; and the most of it.
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0

#: So many of an address wait at once, and so many in all; who comes then is refused at once.
_WAITING, _ALL_WAITING = 4, 40

#: Seconds after its last wrong key when an address is as good as any.
_FORGOTTEN_AFTER = 600.0

#: Addresses that are remembered: those that showed a wrong key last.
_REMEMBERED = 10_000

#: Seconds between two lines of the log about one address.
_SAID_EVERY = 60.0

#: Calls something after so many seconds.
Later = Callable[[float, Callable[[], None]], object]


@dataclass(slots=True)
class _Address:
    """What is known of an address that shows wrong keys."""

    wrong: int = 0
    last_at: float = 0.0
    waiting: int = 0
    #: Wrong keys that the log does not have yet, and whether it is about to.
    unsaid: int = 0
    told: bool = False


class WrongKeys:
    """Slows down who shows wrong keys, by address.

    A right key is not slowed down, whoever else is at its address: keys cannot be guessed anyway,
    and many clients may stand behind one address.
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
        """Note a wrong key and wait as long as it is due. Raises Problem for one too many."""
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
        """Write a line if there is anything to say, and look again in a minute."""
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
