"""Run a beat that claims ticks, and beside it a runner that executes them."""

import logging
from collections.abc import Callable

from ops.scheduling.runner import LEASE, Runner
from worker.config.settings import Settings
from worker.ledger.redis_client import connect
from worker.ledger.schedule_store import ScheduleStore
from worker.periodic import PeriodicThread
from worker.scheduling.beat import TickScheduler, keep_time

#: Seconds between two passes of the runner.
INTERVAL = 0.5


def beat(
    settings: Settings,
    tell_ready: Callable[[], None] = lambda: None,
    scheduler: type[TickScheduler] = TickScheduler,
) -> None:
    """Run until an exception such as that of a signal; then give running jobs back."""
    for quiet in ("kombu", "celery.beat"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    schedule = ScheduleStore(
        connect(settings.ledger_url, settings.redis_prefix), keyring=settings.keyring
    )
    runner = Runner(schedule, lasts=min(LEASE, settings.patience.lease))
    rounds = PeriodicThread("runner", runner.run_once, INTERVAL)
    rounds.start()
    tell_ready()
    try:
        keep_time(settings, scheduler)
    finally:
        rounds.stop()
        rounds.join()
        runner.stop()
