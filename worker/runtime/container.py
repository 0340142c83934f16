"""What the threads of one worker process share, built when first needed."""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from functools import cached_property

from worker.broker.foreign_task import ForeignTask, ForeignTaskRecorder
from worker.broker.messages import MessagePublisher
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.execution.attempt import Sender
from worker.execution.executor import Executor
from worker.execution.file_streams import Files
from worker.execution.http_client import Transport, post_once
from worker.execution.leases import BEATS, LeaseTable
from worker.ledger.data_set import DataSet, DataSetWatch
from worker.ledger.record import Priority
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger
from worker.periodic import PeriodicThread
from worker.runtime.dispatcher import Dispatcher, QueuedRecord
from worker.runtime.fair_share import FairShare
from worker.runtime.rescuer import Rescuer
from worker.runtime.threads import WorkerThreads
from worker.runtime.watchdog import LoopHealth

#: Connections to the ledger besides one for each thread: the dispatcher's, and those of the
#: webhooks, of which several go side by side.
_MORE_CONNECTIONS = 24


class WorkerContainer:
    """Builds the parts of one worker process, each when first needed (after any fork)."""

    def __init__(self, settings: Settings, publisher: MessagePublisher) -> None:
        self.settings = settings
        #: Operations side by side.
        self.concurrency = settings.threads
        #: Set once the worker is to end: no further attempt begins.
        self.stopping = threading.Event()
        #: Shows that this process gets on.
        self.health = LoopHealth()
        self._publisher = publisher

    def enqueue(
        self, ids: Sequence[str], priority: Priority, accepted: Callable[[], object]
    ) -> None:
        """Let records wait to be executed; `accepted` is called as soon as more may come."""
        self.dispatcher.enqueue([QueuedRecord(each, priority) for each in ids], accepted)

    def record(
        self, task: ForeignTask, put_back: Callable[[], object], accepted: Callable[[], object]
    ) -> None:
        """Record what another Celery asks for, then let it wait; see ForeignTaskRecorder.

        Whether it may begin its claim will say: not if it is refused.
        """
        if self.foreign_tasks.record(task, put_back):
            queued = QueuedRecord(task.id, task.priority, by_message=False)
            self.dispatcher.enqueue([queued], accepted)

    @cached_property
    def ledger(self) -> RedisLedger:
        """The ledger, patient with a Redis that restarts; a connection for each thread."""
        return self._patient_ledger(self.concurrency + _MORE_CONNECTIONS)

    @cached_property
    def intake_ledger(self) -> RedisLedger:
        """The same, impatient, for what should not be held up unawares."""
        return RedisLedger(
            connect(self.settings.ledger_url, self.settings.redis_prefix),
            keyring=self.settings.keyring,
        )

    @cached_property
    def foreign_tasks(self) -> ForeignTaskRecorder:
        """What records the tasks of another Celery."""
        return ForeignTaskRecorder(
            self.intake_ledger, self.settings, self.stopping, self.health.worked
        )

    @cached_property
    def leases(self) -> LeaseTable:
        """The leases that this process holds."""
        settings = self.settings
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        return LeaseTable(
            name,
            lasts=settings.patience.lease,
            stuck_after=settings.stalled_after,
            on_progress=self.health.worked,
            present=lambda: not self.health.is_deaf(settings.patience.lease),
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
            leases=self.leases,
            stopping=self.stopping,
        )

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """What speaks with the ledger about queued and executed records."""
        several = len(self.settings.schools) > 1
        most = max(1, self.concurrency * self.settings.share // 100) if several else None
        return Dispatcher(
            ledger=self.ledger,
            executor=self.executor,
            publisher=self._publisher,
            leases=self.leases,
            shares=FairShare(most),
            stopping=self.stopping,
            threads=self.concurrency,
            turns=self.intake_ledger.turns,
        )

    @cached_property
    def threads(self) -> WorkerThreads:
        """The threads that do the work."""
        return WorkerThreads(self.dispatcher, self.concurrency, self.stopping)

    def heartbeat(self) -> PeriodicThread:
        """Build the thread that shows that this process lives, and renews its leases.

        Its connection is its own and impatient: after an outage it is the first to be back.
        """
        redis, leases = connect(self.settings.ledger_url, self.settings.redis_prefix), self.leases
        ledger = RedisLedger(redis)

        def prepare() -> None:
            ledger.set_paces(self.settings.paces)
            ledger.quarantine.release_all()  # this worker may be a newer one

        watch = DataSetWatch(DataSet(redis), prepare)

        def beat() -> None:
            leases.renew(ledger)
            watch.look()

        return PeriodicThread("heartbeat", beat, leases.lasts / BEATS)

    def rescuer(self) -> PeriodicThread:
        """Build the thread that brings back what is due or was left behind.

        Its connection is its own: what the threads do leaves it one.
        """
        settings = self.settings
        rescuer = Rescuer(
            self._patient_ledger(connections=1),
            self._publisher,
            who=self.leases.worker,
            every=settings.rescue_every,
            adrift_after=settings.adrift_after,
            lease=settings.patience.lease,
        )
        return PeriodicThread("rescue", rescuer.run_once, rescuer.tick)

    def webhooks(self, secret: str) -> PeriodicThread:
        """Build the thread that calls the webhooks of settled batches."""
        from worker.runtime.webhooks import TICK, Webhooks  # noqa: PLC0415  # most have no webhooks

        webhooks = Webhooks(
            self.ledger.batches,
            post_once,
            secret=secret,
            patience=self.settings.patience,
            deadlines=self.settings.deadlines,
            stopping=self.stopping,
        )
        return PeriodicThread("webhooks", webhooks.run_once, min(TICK, self.settings.rescue_every))

    def _patient_ledger(self, connections: int) -> RedisLedger:
        redis = connect(
            self.settings.ledger_url,
            self.settings.redis_prefix,
            patient=True,
            connections=connections,
        )
        retry = self.settings.patience
        return RedisLedger(
            redis,
            late_window=retry.late_window,
            give_up_after=retry.give_up_after,
            keyring=self.settings.keyring,
        )
