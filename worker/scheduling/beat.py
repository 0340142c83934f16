"""Celery's beat with its schedule in Redis: `classin beat`, `celery -A worker.app beat`."""

import logging
import os
import socket
from typing import Any

from celery.beat import Scheduler, Service

from worker.broker.queue import Queues, build_queues
from worker.config.settings import Settings
from worker.errors import ClassinError
from worker.ledger.redis_client import connect
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.scheduling.tick_claimer import BEAT, Ticker
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

#: Seconds between two passes.
INTERVAL = 1.0

#: Seconds for which a beat counts as alive after a pass.
_ABOUT = 30.0


class TickScheduler(Scheduler):
    """Claim ticks; runners execute the runs. It sends no messages and has no entries."""

    app: Queues

    def __init__(self, app: Queues, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Celery's
        super().__init__(app, *args, **kwargs)
        redis = connect(app.settings.ledger_url, app.settings.redis_prefix)
        self.ticker = Ticker(ScheduleStore(redis, keyring=app.settings.keyring))
        self._ledger = RedisLedger(redis)
        self._troubles = TroubleLog(log)
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def setup_schedule(self) -> None:
        """Do nothing: the schedule is in Redis."""

    def tick(self, *_: Any, **__: Any) -> float:  # noqa: ANN401  # Celery's
        """Claim due ticks once; return the seconds until the next pass, even after an error."""
        try:
            self._ledger.acquire_lock(BEAT, self._name, _ABOUT)
            self.ticker.claim_due()
        except ClassinError as error:
            self._troubles.trouble("beat", error)
        except Exception as error:  # noqa: BLE001  # told in full
            self._troubles.trouble("beat: the next look comes all the same", error, in_full=True)
        else:
            self._troubles.over("beat goes on")
        return INTERVAL

    @property
    def info(self) -> str:
        """Return nothing for Celery's banner."""
        return ""


def keep_time(settings: Settings, scheduler: type[TickScheduler] = TickScheduler) -> None:
    """Claim due ticks every second, until an exception such as that of a signal."""
    service: Any = Service(build_queues(settings), scheduler_cls=scheduler)
    service.start()
