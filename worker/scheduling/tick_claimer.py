"""Find due jobs and claim their ticks; any number of processes may do so at once.

There is no lock: each computes the same ticks, and the schedule grants each tick once.
"""

import logging
from collections.abc import Callable
from functools import cache

from worker.errors import ValidationError
from worker.ledger.record import iso
from worker.ledger.schedule_models import UNSIGNED, Planned
from worker.ledger.schedule_store import ScheduleStore
from worker.scheduling.cron import CronSchedule, Tick

#: A last tick so far ahead (ms) was claimed by a wrong clock: ticks are computed anew. A smaller
#: step back is waited out, and each tick is still run once.
WRONG = 3 * 3_600_000

#: Marks a beat as alive. It is no lock.
BEAT = "beat"

log = logging.getLogger(__name__)


class Ticker:
    """Claim the ticks of due jobs. `clock` returns ms since 1970; by default the schedule's own."""

    def __init__(self, schedule: ScheduleStore, clock: Callable[[], int] | None = None) -> None:
        self._schedule = schedule
        self._clock = clock or schedule.now
        #: By job as last read: since when its ticks count, and its next tick, before which nothing
        #: is computed.
        self._next: dict[str, tuple[Planned, int, int | None]] = {}
        #: Names of jobs with invalid times, each of which is logged once.
        self._told: dict[str, str] = {}

    def claim_due(self) -> int:
        """Claim all due ticks; return their number. Raises UnavailableError."""
        now = self._clock()
        return sum(self._claim(planned, now) for planned in self._schedule.jobs())

    def _claim(self, planned: Planned, now: int) -> bool:
        """Claim one job's tick, if it is due and nobody else was first."""
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
        """Return the due tick of a job. Raises ValidationError."""
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
    """Return the parsed schedule of an expression, cached. Raises InvalidInputError."""
    return CronSchedule(cron, tz)
