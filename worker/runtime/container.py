"""What the tasks of one worker process share."""

import os
import secrets
import socket
import threading
from functools import cached_property

from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.execution.attempt import Sender
from worker.execution.executor import Executor
from worker.execution.file_streams import Files
from worker.execution.http_client import Transport, post_once
from worker.execution.leases import BEATS, LeaseTable
from worker.ledger.data_set import DataSet, DataSetWatch
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger
from worker.periodic import PeriodicThread
from worker.runtime.dispatcher import Dispatcher, MessagePublisher
from worker.runtime.fair_share import FairShare
from worker.runtime.rescuer import MessagePublisher as RescueOutlet
from worker.runtime.rescuer import Rescuer
from worker.runtime.threads import WorkerThreads
from worker.runtime.watchdog import LoopHealth

#: Who asks the ledger besides the threads: the rounds of the dispatch, and the webhooks, of which
#: several go side by side.
_BESIDES = 24


class WorkerContainer:
    """What carries operations out in this process, made when first needed (after any fork)."""

    def __init__(self, settings: Settings, outlet: MessagePublisher) -> None:
        self.settings = settings
        #: Operations side by side.
        self.threads = settings.threads
        #: Set once the worker is to end: no further attempt begins.
        self.stopping = threading.Event()
        #: What shows that this process gets on.
        self.pulse = LoopHealth()
        self._outlet = outlet

    @cached_property
    def ledger(self) -> RedisLedger:
        """The ledger, patient with a Redis that restarts; a connection for each who may ask."""
        return self._patient_ledger(self.threads + _BESIDES)

    @cached_property
    def intake_ledger(self) -> RedisLedger:
        """The same, impatient, for what should not be held up unawares."""
        return RedisLedger(connect(self.settings.ledger_url), keyring=self.settings.keyring)

    @cached_property
    def in_hand(self) -> LeaseTable:
        """What this process has leases on."""
        settings = self.settings
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        return LeaseTable(
            name,
            lasts=settings.patience.lease,
            stuck_after=settings.stalled_after,
            on_progress=self.pulse.worked,
            present=lambda: not self.pulse.is_deaf(settings.patience.lease),
        )

    @cached_property
    def sender(self) -> Sender:
        """The way to ClassIn."""
        return Transport(self.settings.base_url, self.settings.deadlines)

    @cached_property
    def executor(self) -> Executor:
        """What executes claims."""
        return Executor(
            ledger=self.ledger,
            sender=self.sender,
            files=Files(self.ledger, self.settings),
            schools=self.settings.schools,
            cipher=FieldCipher(self.settings.keyring),
            retry=self.settings.patience,
            leases=self.in_hand,
            stopping=self.stopping,
        )

    @cached_property
    def dispatch(self) -> Dispatcher:
        """What waits, and what is under way."""
        several = len(self.settings.schools) > 1
        most = max(1, self.threads * self.settings.share // 100) if several else None
        return Dispatcher(
            ledger=self.ledger,
            executor=self.executor,
            outlet=self._outlet,
            in_hand=self.in_hand,
            shares=FairShare(most),
            stopping=self.stopping,
            threads=self.threads,
            turns=self.intake_ledger.turns,
        )

    @cached_property
    def crew(self) -> WorkerThreads:
        """The threads that do the work."""
        return WorkerThreads(self.dispatch, self.threads, self.stopping)

    def heartbeat(self) -> PeriodicThread:
        """Build what tells that this process lives, and renews its leases.

        Its connection is its own and impatient: after an outage it is the first to be back.
        """
        redis, in_hand = connect(self.settings.ledger_url), self.in_hand
        ledger = RedisLedger(redis)

        def prepare() -> None:
            ledger.set_paces(self.settings.paces)
            ledger.give_back_asides()  # this worker may be a newer one

        watch = DataSetWatch(DataSet(redis), prepare)

        def beat() -> None:
            in_hand.renew(ledger)
            watch.look()

        return PeriodicThread("heartbeat", beat, in_hand.lasts / BEATS)

    def rescue(self, outlet: RescueOutlet) -> PeriodicThread:
        """Build what brings back what is due or was left behind.

        Its connection is its own: what the threads do leaves it one.
        """
        settings = self.settings
        rescue = Rescuer(
            self._patient_ledger(connections=1),
            outlet,
            who=self.in_hand.worker,
            every=settings.rescue_every,
            adrift_after=settings.adrift_after,
            lease=settings.patience.lease,
        )
        return PeriodicThread("rescue", rescue.run_once, rescue.tick)

    def webhooks(self, secret: str) -> PeriodicThread:
        """Build what tells that batches have settled; it ends with the process."""
        from worker.runtime.webhooks import TICK, Webhooks  # noqa: PLC0415  # most have no webhooks

        webhooks = Webhooks(
            self.ledger,
            post_once,
            secret=secret,
            patience=self.settings.patience,
            deadlines=self.settings.deadlines,
            stopping=self.stopping,
        )
        return PeriodicThread("webhooks", webhooks.run_once, min(TICK, self.settings.rescue_every))

    def _patient_ledger(self, connections: int) -> RedisLedger:
        redis = connect(self.settings.ledger_url, patient=True, connections=connections)
        patience = self.settings.patience
        return RedisLedger(
            redis,
            late_window=patience.late_window,
            give_up_after=patience.give_up_after,
            keyring=self.settings.keyring,
        )
