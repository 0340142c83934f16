"""The ledger's own time, which never goes back, and Redis's clock, which may: see clock.lua."""

from collections.abc import Mapping
from typing import NamedTuple

from worker.ledger.decoding import decoding

#: For so many ms people are told that Redis's clock went back.
TOLD_FOR = 7 * 86_400_000


class LedgerClock(NamedTuple):
    """How far the ledger's time is ahead of Redis's clock. Times are ms since 1970, by Redis."""

    #: Ms by which the ledger's time is ahead: leases, due times, paces and locks go by it.
    ahead: int = 0
    #: When Redis's clock went back last, as far as is known, and by how many ms.
    stepped_at: int | None = None
    stepped_by: int = 0

    @classmethod
    @decoding("the ledger's clock")
    def of(cls, values: Mapping[str, str], now: int | None = None) -> "LedgerClock":
        """Read what stands in Redis.

        With `now`, by Redis's clock, a step is seen that no script has met yet.
        """
        ahead, at = int(values.get("offset", 0)), values.get("stepped_at")
        unseen = 0 if now is None else int(values.get("seen", now)) - now
        if unseen > 0:
            return cls(ahead + unseen, now, unseen)
        return cls(ahead, None if at is None else int(at), int(values.get("stepped_by", 0)))

    def stepped_lately(self, now: int) -> bool:
        """Return whether to tell people that Redis's clock went back; `now` is by that clock."""
        return self.stepped_at is not None and now - self.stepped_at < TOLD_FOR

    def told(self, moment: int) -> int:
        """Convert a ledger time to Redis's clock, as people are told it."""
        return moment - self.ahead
