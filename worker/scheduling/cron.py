"""Cron schedules (croniter, imported only here) in local time.

Daylight saving: a job of fixed hours ticks once for each time of day that it names. A time that the
clocks skip becomes the first moment after the gap; of a time that occurs twice, the first one
counts. An hourly job ticks whenever the clocks show its minute, and so in each hour that passes.

Pure: the current time is an argument. Moments are ms since 1970; ticks are whole minutes.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from croniter import croniter

from worker.errors import FieldError, InvalidInputError

#: Maximum by which clocks go back.
_LONGEST_FOLD = timedelta(hours=3)

_SECOND = timedelta(seconds=1)

#: The fields of an expression: minute, hour, day of month, month, day of week.
_FIELDS = 5

#: Croniter's letters for random and hashed times.
_BY_CHANCE = re.compile(r"(?:^|[\s,])[hr](?:[\s,(/]|$)", re.IGNORECASE)

#: Age in ms from which a tick counts as missed.
_LATE = 60_000

#: First window in ms of the search for the latest tick.
_FIRST_SPAN = 120_000


class Tick(NamedTuple):
    """A job is due."""

    at: int
    #: Whether it was missed, and is run late.
    late: bool


class CronSchedule:
    """The ticks of a five-field cron expression in a time zone.

    Raises InvalidInputError, which names every fault.
    """

    def __init__(self, cron: str, tz: str) -> None:
        faults = [*_cron_faults(cron), *_zone_faults(tz)]
        if faults:
            raise InvalidInputError("timing", faults)
        self._cron = cron
        self._zone = ZoneInfo(tz)
        self._every_hour = croniter(cron).expanded[1] == ["*"]

    def after(self, moment: int) -> int | None:
        """Return the first tick after a moment; None if there is none within fifty years."""
        now = datetime.fromtimestamp(moment / 1000, UTC)
        wall = self._wall(now)
        repeats = self._wall(now + _LONGEST_FOLD) - wall < _LONGEST_FOLD
        found: list[datetime] = []
        for shown in _times(self._cron, wall - _LONGEST_FOLD if repeats else wall):
            instants = [each for each in self._instants(shown) if each > now]
            found += instants
            if instants and shown > wall:  # what the clocks show later comes later
                break
        return min(map(_ms, found), default=None)

    def latest(self, since: int, until: int) -> int | None:
        """Return the last tick after `since` and not after `until`; None if there is none."""
        span = _FIRST_SPAN
        while True:
            start = max(since, until - span)
            found = max(takewhile(lambda tick: tick <= until, self._after_all(start)), default=None)
            if found is not None or start == since:
                return found
            span *= 4

    def due(self, last: int, now: int, catch_up: float) -> Tick | None:
        """Return the tick to run now; `last` is the one that was run last.

        Of several missed ticks only the last counts, and only if it is less than `catch_up` seconds
        old.
        """
        if now <= last:  # a clock was put back
            return None
        at = self.latest(max(last, now - round(catch_up * 1000)), now)
        return None if at is None else Tick(at, now - at > _LATE)

    def _after_all(self, moment: int) -> Iterator[int]:
        tick = self.after(moment)
        while tick is not None:
            yield tick
            tick = self.after(tick)

    def _wall(self, now: datetime) -> datetime:
        """Return the local wall-clock time."""
        return now.astimezone(self._zone).replace(tzinfo=None)

    def _instants(self, shown: datetime) -> list[datetime]:
        """Return when a wall-clock time occurs, or would occur without a change of the clocks."""
        both = [self._instant(shown, fold) for fold in (0, 1)]
        real = [each for each in dict.fromkeys(both) if self._wall(each) == shown]
        if self._every_hour:
            return real
        return real[:1] or [self._end_of_gap(*sorted(both))]

    def _instant(self, shown: datetime, fold: int) -> datetime:
        return shown.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)

    def _end_of_gap(self, before: datetime, after: datetime) -> datetime:
        """Return the moment between these two at which the clocks go forward."""
        old = self._offset(before)
        while after - before > _SECOND:
            middle = before + (after - before) // 2
            middle = middle.replace(microsecond=0)
            before, after = (middle, after) if self._offset(middle) == old else (before, middle)
        return after

    def _offset(self, moment: datetime) -> timedelta | None:
        return moment.astimezone(self._zone).utcoffset()


def _times(cron: str, wall: datetime) -> Iterator[datetime]:
    """Yield an expression's times, until there are none within fifty years."""
    times = croniter(cron, wall, ret_type=datetime)
    while True:
        try:
            yield times.get_next()
        except ValueError:  # croniter has a kind of its own below it
            return


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _cron_faults(cron: str) -> Iterator[FieldError]:
    example = 'should be five fields, like "30 2 * * *": minute, hour, day, month, day of week'
    try:
        fields = len(croniter(cron).expanded)
        if fields != _FIELDS or _BY_CHANCE.search(cron):
            yield FieldError("cron", f"{example}; got {cron[:80]!r}")
        elif next(_times(cron, datetime(2000, 1, 1)), None) is None:  # noqa: DTZ001  # as clocks show it
            yield FieldError("cron", f"names a day that never comes; got {cron[:80]!r}")
    except (ValueError, TypeError, KeyError) as error:
        yield FieldError("cron", f"{example}; got {cron[:80]!r} ({error})")


def _zone_faults(tz: str) -> Iterator[FieldError]:
    try:
        ZoneInfo(tz)
    except (ValueError, OSError, KeyError):
        yield FieldError("tz", f"there is no time zone {tz[:80]!r}; they are like Asia/Shanghai")
