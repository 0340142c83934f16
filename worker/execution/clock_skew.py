"""How far this machine's clock is from ClassIn's, and the time to sign with."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from worker.classin.codes import Code
from worker.durations import duration_text

#: Seconds that two clocks may differ without anybody minding.
CLOSE_ENOUGH = 5.0

#: A skew of at most so many seconds is made up for when signing; beyond that somebody should know.
CORRECTABLE = 600.0

#: A round trip of more seconds tells nothing of ClassIn's clock.
SLOWEST = 60.0

#: What was seen counts for so many seconds.
_WINDOW = 300.0

#: Seconds that two clocks may drift apart meanwhile.
_DRIFT = 0.5

#: v1 refuses what was signed 20 minutes off; a slow round trip leaves that much in doubt.
_OUTSIDE_V1 = 20 * 60 - SLOWEST


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One reply's Date, and the time before and after it by this machine's own clock."""

    sent: float
    received: float
    #: ClassIn's time when it answered, in whole seconds: half of one is the likeliest rest.
    date: int

    @property
    def ahead(self) -> float:
        """The seconds by which this machine's clock seems to be ahead."""
        return (self.sent + self.received) / 2 - (self.date + 0.5)

    @property
    def rough(self) -> float:
        """The seconds by which that may be wrong, either way."""
        return (self.received - self.sent + 1) / 2

    @property
    def skew(self) -> float:
        """The seconds by which it is ahead; 0.0 if that is little, or may be none at all."""
        return self.ahead if abs(self.ahead) > max(CLOSE_ENOUGH, self.rough) else 0.0

    def agrees(self, ahead: float, rough: float) -> bool:
        """Return whether another measure may mean the same skew."""
        return abs(self.ahead - ahead) <= self.rough + rough + _DRIFT


class SigningClock:
    """Gives ClassIn's time, as far as its replies tell it, to any number of threads.

    `clock` gives this machine's time in seconds since 1970. For each attempt: sign with `now()`;
    `observe` its reply, `told` if `may_mean_clock` says so of its code. If the verdict is CLOCK, or
    `explains(code, skew())`, the time was at fault: sign anew at once, or defer with `report()` if
    there is one. Without such a refusal a report is no reason to defer: windows differ.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # From the best to the newest: whatever a newer one betters is forgotten.
        self._believed: deque[ClockSample] = deque()
        self._doubted: ClockSample | None = None

    def observe(
        self, sent: float, received: float, date: int | None, *, told: bool = False
    ) -> None:
        """Learn from one reply; sent and received are by the machine's own clock, not by `now()`.

        A single Date may be odd: from a cache, or from a gateway. What contradicts all that is
        known is believed if we were told that our time is wrong, or once the next says the same.
        """
        if date is None or not 0 <= received - sent <= SLOWEST:
            return
        seen = ClockSample(sent, received, date)
        with self._lock:
            if not self._expected(seen):
                doubted, self._doubted = self._doubted, seen
                if not (told or (doubted and _confirms(seen, doubted))):
                    return
                self._believed.clear()
            self._doubted = None
            self._believe(seen)

    def skew(self) -> float:
        """Return the seconds by which our clock is ahead; 0.0 when unknown or negligible."""
        with self._lock:
            return self._believed[0].skew if self._believed else 0.0

    def now(self) -> float:
        """Return the time to sign with: ours, corrected where it can be."""
        skew = self.skew()
        return self._clock() - (skew if abs(skew) <= CORRECTABLE else 0.0)

    def report(self) -> str | None:
        """Return what is wrong with this machine's clock if signing does not make up for it."""
        skew = self.skew()
        if abs(skew) <= CORRECTABLE:
            return None
        side = "ahead of" if skew > 0 else "behind"
        by = duration_text(abs(skew) * 1000)
        return f"this machine's clock is {by} {side} ClassIn's: set it by NTP"

    def _expected(self, seen: ClockSample) -> bool:
        """Return whether it fits what is known; before anything is, clocks are held to be right."""
        if not self._believed:
            return seen.agrees(0.0, CLOSE_ENOUGH)
        return seen.agrees(self._believed[0].ahead, self._believed[0].rough)

    def _believe(self, seen: ClockSample) -> None:
        while self._believed and self._believed[-1].rough >= seen.rough:
            self._believed.pop()
        self._believed.append(seen)
        while abs(seen.received - self._believed[0].received) > _WINDOW:
            self._believed.popleft()


def _confirms(seen: ClockSample, doubted: ClockSample) -> bool:
    """Return whether two mean the same; a Date that stands still is no clock's."""
    return seen.date != doubted.date and seen.agrees(doubted.ahead, doubted.rough)


def may_mean_clock(code: int | None) -> bool:
    """Return whether ClassIn may have answered this because of the time that was signed."""
    return code in {Code.NO_PERMISSION, Code.TIME_OUT_OF_DATE}


def explains(code: int | None, skew: float) -> bool:
    """Return whether a skew explains this code: v1's 102 may mean a wrong secret as well."""
    return code == Code.NO_PERMISSION and abs(skew) > _OUTSIDE_V1
