"""Ticker: finds which jobs are due, and claims their ticks. Any number may do so at once.

There is no lock: each works out the same ticks, and the schedule gives each of them to one.
"""

import logging
from collections.abc import Callable
from functools import cache

from worker.errors import ValidationError
from worker.ledger.record import iso
from worker.ledger.schedule_models import UNSIGNED, Planned
from worker.ledger.schedule_store import ScheduleStore
from worker.scheduling.cron import CronSchedule, Tick

#: A last tick that lies so far ahead (ms) was claimed by a clock that was wrong: ticks count anew.
#: By less a clock may be put back for a while, and each tick is run once all the same.
WRONG = 3 * 3_600_000

#: What a beat holds to show that it is about. It is no lock.
BEAT = "beat"

log = logging.getLogger(__name__)


class Ticker:
    """Looks through the schedule; `clock` gives ms since 1970, else the schedule's own."""

    def __init__(self, schedule: ScheduleStore, clock: Callable[[], int] | None = None) -> None:
        self._schedule = schedule
        self._clock = clock or schedule.now
        #: Of each job as it was read last, since when its ticks count, and its next one: until then
        #: there is nothing to reckon.
        self._next: dict[str, tuple[Planned, int, int | None]] = {}
        #: Jobs whose times mean nothing here, by name: each is told of once.
        self._told: dict[str, str] = {}

    def claim_due(self) -> int:
        """Claim what is due; gives how many ticks that were. Raises UnavailableError."""
        now = self._clock()
        return sum(self._claim(planned, now) for planned in self._schedule.jobs())

    def _claim(self, planned: Planned, now: int) -> bool:
        """Claim the tick of one job, if it is due and nobody else was first."""
        job = planned.job
        if not planned.signed:
            self._tell(job.name, UNSIGNED)
            return False
        if planned.paused:
            return False
        try:
            tick = self._due(planned, now)
        except ValidationError as error:  # this machine knows the zone no more, or not yet
            self._tell(job.name, str(error))
            return False
        if tick is None:
            return False
        state = self._schedule.claim(planned, tick.at, late=tick.late)
        if state is None:
            return False
        caught_up = ", which was missed" if tick.late else ""
        log.info("%s: tick %s%s: %s", job.name, iso(tick.at), caught_up, state.value)
        return True

    def _due(self, planned: Planned, now: int) -> Tick | None:
        """Say which tick is due. Raises ValidationError."""
        job = planned.job
        known, since, following = self._next.get(job.name, (None, 0, None))
        if known != planned or since - now > WRONG:
            since = planned.last if planned.last - now <= WRONG else now
            following = timing(job.cron, job.tz).after(since)
            self._next[job.name] = planned, since, following
        if following is None or now < following:
            return None
        return timing(job.cron, job.tz).due(since, now, job.catch_up)

    def _tell(self, name: str, what: str) -> None:
        if self._told.get(name) != what:
            self._told[name] = what
            log.error("%s cannot run: %s", name, what)


@cache
def timing(cron: str, tz: str) -> CronSchedule:
    """Return the timing of an expression, which is read once. Raises InvalidInputError."""
    return CronSchedule(cron, tz)
