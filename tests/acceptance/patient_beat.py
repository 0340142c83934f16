"""A beat whose time is what a test says: a number of ms under the key `test:now` of its Redis.

python -m tests.acceptance.patient_beat. All of it is the real beat, with its runner; only its clock
is the test's.
"""

from contextlib import suppress
from typing import Any

from ops.processes.supervisor import Stop, stop_on_signals
from ops.scheduling.beat import beat
from worker.config.settings import from_env
from worker.ledger.redis_client import connect
from worker.ledger.schedule_store import ScheduleStore
from worker.scheduling.beat import TickScheduler
from worker.scheduling.tick_claimer import Ticker

#: The key.
NOW = "test:now"


class PatientScheduler(TickScheduler):
    """Looks often, at a clock that stands still between two moments."""

    def __init__(self, app: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Celery's
        super().__init__(app, *args, **kwargs)
        redis = connect(app.settings.ledger_url)
        schedule = ScheduleStore(redis, keyring=app.settings.keyring)
        self.ticker = Ticker(schedule, lambda: int(redis.get(NOW) or 0))

    def tick(self, *args: Any, **kwargs: Any) -> float:  # noqa: ANN401  # Celery's
        """Look, and come back soon."""
        super().tick(*args, **kwargs)
        return 0.02


if __name__ == "__main__":
    stop_on_signals()
    with suppress(Stop):
        beat(from_env(), scheduler=PatientScheduler)
