"""When jobs tick: by the clocks of their place, whatever is done to those."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import InvalidInputError
from worker.scheduling.cron import CronSchedule, Tick

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

#: Two for each zone that somebody lives in, and the odd ones: half hours, midnight, far east.
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc", "System"))
)
ODD = ["Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Africa/Casablanca", "Asia/Beirut"]


def ms(text: str) -> int:
    """Read a moment with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def shown(tick: int, tz: str) -> str:
    """Give what the clocks of a place show then."""
    return datetime.fromtimestamp(tick / 1000, ZoneInfo(tz)).strftime("%d %H:%M")


def ticks(timing: CronSchedule, start: int, end: int) -> list[int]:
    """Give all ticks after one moment, until another."""
    found = []
    tick = timing.after(start)
    while tick is not None and tick <= end:
        found.append(tick)
        tick = timing.after(tick)
    return found


def test_a_job_ticks_by_the_clocks_of_its_place() -> None:
    """Half past two in Shanghai is the evening before in Greenwich."""
    timing = CronSchedule("30 2 * * *", "Asia/Shanghai")

    assert timing.after(ms("2026-09-01T00:00+00:00")) == ms("2026-09-02T02:30+08:00")
    assert timing.after(ms("2026-09-02T02:30+08:00")) == ms("2026-09-03T02:30+08:00")


def test_a_time_that_is_left_out_is_the_first_moment_after_the_gap() -> None:
    """Berlin has no 02:30 on the last Sunday of March: the job runs at three, once."""
    timing = CronSchedule("30 2 * * *", "Europe/Berlin")
    start, end = ms("2026-03-28T00:00+01:00"), ms("2026-03-31T00:00+02:00")

    found = ticks(timing, start, end)

    assert [shown(t, "Europe/Berlin") for t in found] == ["28 02:30", "29 03:00", "30 02:30"]


def test_two_times_that_are_left_out_together_are_one() -> None:
    """Both would run at the same moment."""
    timing = CronSchedule("0,30 2 * * *", "Europe/Berlin")
    found = ticks(timing, ms("2026-03-29T00:00+01:00"), ms("2026-03-30T00:00+02:00"))
    assert [shown(t, "Europe/Berlin") for t in found] == ["29 03:00"]


def test_a_job_by_the_clock_ticks_whenever_the_clocks_show_it() -> None:
    """As Debian's cron has it: its minutes or hours are no fixed ones."""
    timing = CronSchedule("*/30 2 * * *", "Europe/Berlin")
    assert ticks(timing, ms("2026-03-29T00:00+01:00"), ms("2026-03-30T00:00+02:00")) == []
    found = ticks(timing, ms("2026-10-25T00:00+02:00"), ms("2026-10-26T00:00+01:00"))
    assert [shown(t, "Europe/Berlin") for t in found] == ["25 02:00", "25 02:30"] * 2


@pytest.mark.parametrize("name", ["@daily", "@midnight", " @Daily "])
def test_common_expressions_have_names(name: str) -> None:
    """Those of Debian's cron."""
    named, written = (CronSchedule(cron, "Asia/Shanghai") for cron in (name, "0 0 * * *"))
    start = ms("2026-09-01T00:00+08:00")
    assert ticks(named, start, start + 3 * DAY) == ticks(written, start, start + 3 * DAY)


def test_a_time_that_comes_twice_counts_once() -> None:
    """New York has two 01:30 on the first Sunday of November: the job runs at the first."""
    timing = CronSchedule("30 1 * * *", "America/New_York")
    found = ticks(timing, ms("2026-10-31T12:00-04:00"), ms("2026-11-02T12:00-05:00"))
    assert found == [ms("2026-11-01T01:30-04:00"), ms("2026-11-02T01:30-05:00")]


@pytest.mark.parametrize("looked", ["02:10+02:00", "02:40+02:00", "02:10+01:00", "02:40+01:00"])
def test_what_was_due_is_known_in_both_passes_of_an_hour(looked: str) -> None:
    """Berlin has 02:10 twice; the job of 02:30 ran in the first pass, or is still to come."""
    timing = CronSchedule("30 2 * * *", "Europe/Berlin")
    yesterday, today = ms("2026-10-24T02:30+02:00"), ms("2026-10-25T02:30+02:00")
    now = ms(f"2026-10-25T{looked}")

    assert timing.latest(yesterday - 1, now) == (today if now >= today else yesterday)


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/Havana", "2026-11-01", 25),
        ("Asia/Shanghai", "2026-11-01", 24),
    ],
)
def test_an_hourly_job_runs_each_hour_that_passes(tz: str, day: str, hours: int) -> None:
    """On a day of 23 hours 23 times, on one of 25 hours 25 times."""
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(tz))
    end = start + timedelta(days=1)  # by the clocks
    first, last = (round(each.timestamp() * 1000) for each in (start, end))

    found = ticks(CronSchedule("0 * * * *", tz), first - 1, last - 1)

    assert len(found) == hours
    assert {later - tick for tick, later in pairwise(found)} == {HOUR}


@st.composite
def places(draw: st.DrawFn, zones: Sequence[str] = ()) -> tuple[str, int]:
    """A time zone, and a moment shortly before its clocks are changed, if they are in that year."""
    tz = draw(st.sampled_from(zones or ODD) | st.sampled_from(zones or ZONES))
    year = ms(f"{draw(st.integers(2008, 2036))}-01-01T00:00+00:00")
    days = [year + n * DAY for n in range(366)]
    changes = [day for day in days if offset(day, tz) != offset(day + DAY, tz)]
    return tz, draw(st.sampled_from(changes or days)) - draw(st.integers(0, 2 * DAY))


def offset(moment: int, tz: str) -> timedelta | None:
    """Give how far the clocks of a place are from Greenwich's."""
    return datetime.fromtimestamp(moment / 1000, ZoneInfo(tz)).utcoffset()


@given(place=places(), minute=st.integers(0, 59), hour=st.integers(0, 23))
def test_a_daily_job_ticks_once_for_each_day(
    place: tuple[str, int], minute: int, hour: int
) -> None:
    """Wherever, whenever: no day is skipped and none is doubled."""
    tz, start = place
    timing = CronSchedule(f"{minute} {hour} * * *", tz)
    zone = ZoneInfo(tz)

    found = ticks(timing, start, start + 6 * DAY)

    for tick, later in pairwise(found):
        days = [datetime.fromtimestamp(each / 1000, zone).date() for each in (tick, later)]
        assert days[1] - days[0] == timedelta(days=1)
        assert 20 * HOUR < later - tick < 28 * HOUR
    clocks = [datetime.fromtimestamp(each / 1000, zone) for each in found]
    asked = timedelta(hours=hour, minutes=minute)
    for clock in clocks:
        off = timedelta(hours=clock.hour, minutes=clock.minute) - asked
        assert timedelta(0) <= off <= timedelta(hours=1)
        assert not off or _was_put_forward(clock)
        assert not clock.fold


def shifts_by_half(tz: str, start: int) -> bool:
    """Say whether the clocks are changed by half an hour in these days."""
    before, after = offset(start, tz) or timedelta(), offset(start + 4 * DAY, tz) or timedelta()
    return (after - before) % timedelta(hours=1) != timedelta()


def _was_put_forward(clock: datetime) -> bool:
    """Say whether the clocks were changed right at this moment."""
    before = (clock.astimezone(UTC) - timedelta(seconds=1)).astimezone(clock.tzinfo)
    return (before.utcoffset() or timedelta()) < (clock.utcoffset() or timedelta())


@given(place=places(), minute=st.integers(0, 59))
def test_an_hourly_job_ticks_in_each_hour(place: tuple[str, int], minute: int) -> None:
    """Wherever, whenever; where clocks change by half an hour, the minute comes so much off."""
    tz, start = place
    found = ticks(CronSchedule(f"{minute} * * * *", tz), start, start + 4 * DAY)

    spans = {later - tick for tick, later in pairwise(found)}

    assert spans <= ({HOUR, HOUR // 2, 3 * HOUR // 2} if shifts_by_half(tz, start) else {HOUR})
    assert {datetime.fromtimestamp(t / 1000, ZoneInfo(tz)).minute for t in found} == {minute}


@given(
    place=places(ODD),
    cron=st.sampled_from(["*/20 * * * *", "30 1,2 * * *", "0 0 * * 1-5", "15 0,6,12,18 1 * *"]),
    looks=st.lists(st.integers(1, DAY), max_size=6),
)
def test_whoever_looks_at_whatever_moments_finds_the_same(
    place: tuple[str, int], cron: str, looks: list[int]
) -> None:
    """What a look finds due is a tick, later than the one before, and the last until then."""
    tz, start = place
    timing = CronSchedule(cron, tz)
    all_of_them = ticks(timing, start, start + sum(looks))
    last = now = start
    for wait in looks:
        now += wait
        due = timing.due(last, now, 7 * 86400.0)
        known = [tick for tick in all_of_them if last < tick <= now]
        assert (due.at if due else None) == max(known, default=None)
        last = due.at if due else last


def test_what_was_missed_runs_once_if_it_is_not_too_old() -> None:
    """All was down for three nights: the last of them is caught up with, for six hours."""
    timing = CronSchedule("30 2 * * *", "Asia/Shanghai")
    last = ms("2026-09-01T02:30+08:00")
    missed = ms("2026-09-04T02:30+08:00")

    assert timing.due(last, missed, 21600) == Tick(missed, late=False)
    assert timing.due(last, missed + 6 * HOUR - 1, 21600) == Tick(missed, late=True)
    assert timing.due(last, missed + 6 * HOUR, 21600) is None
    assert timing.due(missed, missed + HOUR, 21600) is None


def test_a_clock_that_was_put_back_runs_nothing_twice() -> None:
    """What ran at half past two is not due again at twenty past."""
    timing = CronSchedule("*/10 * * * *", "UTC")
    last = ms("2026-09-01T02:30+00:00")
    assert timing.due(last, last - 10 * MINUTE, 21600) is None


@pytest.mark.parametrize(
    ("cron", "what"),
    [
        ("", "five fields"),
        ("30 2 * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("61 2 * * *", "Bad minute"),
        ("30 2 * * someday", "five fields"),
        ("R 2 * * *", "five fields"),
        ("0 h(2-4) * * *", "five fields"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 */20 * 1L", "never comes"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(cron: str, what: str) -> None:
    """In words that say what would be right."""
    with pytest.raises(InvalidInputError, match=what):
        CronSchedule(cron, "UTC")


@pytest.mark.parametrize("tz", ["", "Mars/Olympus", "../../etc/passwd", "Asia/shangai"])
def test_a_place_that_there_is_not_is_refused(tz: str) -> None:
    """With what places look like; both faults are named at once."""
    with pytest.raises(InvalidInputError) as refused:
        CronSchedule("nonsense", tz)
    assert [fault.where for fault in refused.value.faults] == ["cron", "tz"]
