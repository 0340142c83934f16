"""Cron schedules (cronsim, imported only here) in local time, by the rules of Debian's cron.

Daylight saving: a job of fixed minutes and hours ticks once for each time of day that it names. A
time that the clocks skip becomes the first moment after the gap; of a time that occurs twice, the
first one counts. Where minute or hour begin with `*`, the job ticks whenever the clocks show the
time: an hourly one in each hour that passes.

Pure: the current time is an argument. Moments are ms since 1970; ticks are whole minutes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from worker.errors import FieldError, InvalidInputError

#: Maximum in ms by which clocks go back.
_LONGEST_FOLD = 3 * 3_600_000

#: The fields of an expression: minute, hour, day of month, month, day of week.
_FIELDS = 5

#: Debian's names for common expressions.
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

#: Age in ms from which a tick counts as missed.
_LATE = 60_000


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
        self._cron = _in_full(cron)
        self._zone = ZoneInfo(tz)

    def after(self, moment: int) -> int | None:
        """Return the first tick after a moment; None if there is none within fifty years."""
        ticks = map(_ms, CronSim(self._cron, self._local(moment)))
        # Where clocks were put back, those of the first pass come first.
        return next((tick for tick in ticks if tick > moment), None)

    def latest(self, since: int, until: int) -> int | None:
        """Return the last tick after `since` and not after `until`; None if there is none."""
        start = self._local(until + 1)
        before, after = self._local(until - _LONGEST_FOLD), self._local(until + _LONGEST_FOLD)
        if before.utcoffset() != after.utcoffset():
            start = after  # what the clocks show later may have come earlier
        ticks = map(_ms, CronSim(self._cron, start, reverse=True))
        last = next((tick for tick in ticks if tick <= until), None)
        return last if last is not None and last > since else None

    def due(self, last: int, now: int, catch_up: float) -> Tick | None:
        """Return the tick to run now; `last` is the one that was run last.

        Of several missed ticks only the last counts, and only if it is less than `catch_up` seconds
        old.
        """
        if now <= last:  # a clock was put back
            return None
        at = self.latest(max(last, now - round(catch_up * 1000)), now)
        return None if at is None else Tick(at, now - at > _LATE)

    def _local(self, moment: int) -> datetime:
        return datetime.fromtimestamp(moment / 1000, self._zone)


def _in_full(cron: str) -> str:
    return _NAMED.get(cron.strip().lower(), cron)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _cron_faults(cron: str) -> Iterator[FieldError]:
    example = 'should be five fields, like "30 2 * * *": minute, hour, day, month, day of week'
    fields = _in_full(cron)
    try:
        times = CronSim(fields, datetime(2000, 1, 1, tzinfo=UTC))
        if len(fields.split()) != _FIELDS:
            yield FieldError("cron", f"{example}; got {cron[:80]!r}")
        elif next(times, None) is None:
            yield FieldError("cron", f"names a day that never comes; got {cron[:80]!r}")
    except CronSimError as error:
        yield FieldError("cron", f"{example}; got {cron[:80]!r} ({error})")


def _zone_faults(tz: str) -> Iterator[FieldError]:
    try:
        ZoneInfo(tz)
    except (ValueError, OSError, KeyError):
        yield FieldError("tz", f"there is no time zone {tz[:80]!r}; they are like Asia/Shanghai")
