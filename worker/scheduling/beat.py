"""Celery's beat with its schedule in Redis: `classin beat`, `celery -A worker.app beat`."""

import logging
import os
import socket
from typing import Any

from celery.beat import Scheduler, Service

from worker.broker.queue import Queues, build_queues
from worker.config.settings import Settings
from worker.errors import ClassinError
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger, connect
from worker.scheduling.tick_claimer import BEAT, Ticker
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

#: Seconds between two looks.
INTERVAL = 1.0

#: For so many seconds it counts as being about.
_ABOUT = 30.0


class TickScheduler(Scheduler):
    """Claims ticks; others carry their runs out. It sends no messages and has no entries."""

    app: Queues

    def __init__(self, app: Queues, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # Celery's
        super().__init__(app, *args, **kwargs)
        redis = connect(app.settings.ledger_url)
        self.ticker = Ticker(ScheduleStore(redis, keyring=app.settings.keyring))
        self._ledger = RedisLedger(redis)
        self._troubles = TroubleLog(log)
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def setup_schedule(self) -> None:
        """Prepare nothing: Redis has it all."""

    def tick(self, *_: Any, **__: Any) -> float:  # noqa: ANN401  # Celery's
        """Look once; gives the seconds until the next look, whatever happened in this one."""
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
        """Nothing that Celery's banner should say besides."""
        return ""


def keep_time(settings: Settings, scheduler: type[TickScheduler] = TickScheduler) -> None:
    """Look through the schedule every second, until something is raised, as by a signal."""
    service: Any = Service(build_queues(settings), scheduler_cls=scheduler)
    service.start()
