"""The Celery application: the queues, a task for each operation, and one for several together.

`celery -A worker.app worker` and `classin worker` run it.
"""

import gc
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from celery import Task, bootsteps, signals

from worker.broker.consumer import ForeignTask, SafeConsumer
from worker.broker.messages import SEVERAL, task_name
from worker.broker.queue import Queues, build_queues
from worker.broker.redis_transport import check_messages_for
from worker.classin.catalogue import CATALOGUE
from worker.config.settings import Settings, from_env
from worker.errors import ClassinError, ValidationError
from worker.ledger.record import Priority
from worker.periodic import PeriodicThread
from worker.runtime.container import WorkerContainer
from worker.runtime.dispatcher import QueuedRecord
from worker.runtime.file_descriptors import make_room_for_threads
from worker.runtime.shutdown import Shutdown, end_now
from worker.runtime.watchdog import Watchdog
from worker.trouble_log import log_plainly

log = logging.getLogger(__name__)

#: When the collector looks at what is new: hardly anything here is in a circle.
_COLLECTED = (20_000, 20, 50)


class IntakeTask(Task):  # type: ignore[type-arg]  # generic in its stubs only
    """A task whose messages name records, which are carried out by threads of our own.

    Celery's pool has no part in it.
    """

    abstract = True
    typing = False
    ignore_result = False
    Strategy = "worker.broker.consumer:careful_strategy"
    equipment: WorkerContainer

    def take(self, ids: Sequence[str], priority: Priority, accepted: Callable[[], object]) -> None:
        """Let records wait to be carried out; `accepted` is called as soon as more may come."""
        self.equipment.dispatch.enqueue([QueuedRecord(each, priority) for each in ids], accepted)


class OperationTask(IntakeTask):
    """The task of one operation: its messages name a record, or are to become one."""

    abstract = True
    operation: str

    @property
    def stopping(self) -> threading.Event:
        """Set as soon as the worker is asked to end."""
        return self.equipment.stopping

    def arrival(self, request: Any) -> ForeignTask:  # noqa: ANN401  # Celery's Context
        """Read what a message of another Celery asks for."""
        return ForeignTask.of(self.operation, request)

    def arrive(self, arrival: ForeignTask) -> None:
        """Record what a message of another Celery asks for; see Recorder.

        What is recorded already stays as it is. Whether it may begin, its claim will say: not if it
        is refused, which its record says from its first moment.
        """
        self.equipment.pulse.worked()  # a ledger that is away is no stall of the worker's
        submission = arrival.submission(self.equipment.settings)
        (entered,) = self.equipment.intake_ledger.submit([submission])
        if submission.refused and entered.new:
            log.info("%s %s: failed/refused on arrival", arrival.operation, arrival.id)

    def take_in(self, arrival: ForeignTask, accepted: Callable[[], object]) -> None:
        """Let what is recorded now wait; see Recorder."""
        waiting = QueuedRecord(arrival.id, arrival.priority, by_message=False)
        self.equipment.dispatch.enqueue([waiting], accepted)


class BackgroundStep(bootsteps.StartStopStep):
    """Sets the threads to work, tells that they live, and looks for what must come back."""

    #: What they are of, given by `build_app`.
    equipment: WorkerContainer
    rescue: PeriodicThread | None = None

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start all; what keeps them from it is told in one line, and by the exit code."""
        try:
            self._start(parent)
        except (ClassinError, RuntimeError) as error:  # the latter: no more threads are to be had
            log.critical("the worker does not start: %s", error)
            raise SystemExit(1) from None

    def _start(self, parent: Any) -> None:  # noqa: ANN401
        equipment, settings = self.equipment, self.equipment.settings
        equipment.threads = parent.concurrency
        make_room_for_threads(equipment.threads)
        equipment.ledger.set_paces(settings.paces)
        self.rescue = equipment.rescue(parent.app)
        self.rescue.start()
        if settings.webhook_secret is not None:
            equipment.webhooks(settings.webhook_secret).start()
        equipment.heartbeat().start()
        equipment.crew.start()
        _save_effort()

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Stop looking; the heart beats until the process ends, for what is still under way."""
        del parent
        if self.rescue is not None:
            self.rescue.stop()


class WatchdogStep(bootsteps.StartStopStep):
    """Sees to it that the worker fetches what is due."""

    equipment: WorkerContainer

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start the watchdog, which ends with the process."""
        app: Queues = parent.app
        self.equipment.pulse.turned()  # it is about to
        Watchdog(
            self.equipment.pulse,
            app.is_empty,
            reconnect=partial(_reconnect, parent.hub),
            end=end_now,
            stalled_after=app.settings.stalled_after,
            stopping=self.equipment.stopping,
        ).start()


class ShutdownStep(bootsteps.StartStopStep):
    """Ends the worker in time, and gives back at once what it has fetched and not begun."""

    equipment: WorkerContainer
    shutdown: Shutdown

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Listen for Celery's word that the worker was asked to end."""
        del parent
        self.shutdown = shutdown = Shutdown(self.equipment.stopping, self.equipment.settings.grace)
        signals.worker_shutting_down.connect(lambda **_: shutdown.begin(), weak=False)

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Leave the broker, which takes back what was not acknowledged; then wait for the rest.

        Celery itself would leave last of all. Where its loop broke, nobody has asked us to end.
        """
        self.shutdown.begin(parent.exitcode or 0)
        parent.consumer.shutdown()
        self.equipment.crew.stop()


def _save_effort() -> None:
    """Spare this process work that nobody needs, now that all is loaded."""
    # What is there stays there: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    # No format of ours tells who logged, from where.
    logging._srcfile = None  # noqa: SLF001  # as logging's documentation says
    logging.logThreads = False


def _reconnect(hub: Any) -> None:  # noqa: ANN401
    """Let the consumer believe that its connection is lost; without a hub nobody can."""
    if hub is not None:
        hub.call_soon(_lose_connection)


def _lose_connection() -> None:
    raise ConnectionError("the watchdog wants a new one")


def build_app(settings: Settings) -> Queues:
    """Build the worker's Celery from the catalogue."""
    app = build_queues(settings)
    equipment = WorkerContainer(settings, app)
    turned = {"turned": staticmethod(equipment.pulse.turned)}
    app.conf.worker_consumer = type("WatchedConsumer", (SafeConsumer,), turned)
    for step in (BackgroundStep, WatchdogStep, ShutdownStep):
        app.steps["worker"].add(type(f"{step.__name__}Step", (step,), {"equipment": equipment}))
    names = {SEVERAL, *map(task_name, CATALOGUE)}
    check_messages_for(names, equipment.pulse.fetched)
    for operation in CATALOGUE:
        kind = type(
            f"{operation}_task",
            (OperationTask,),
            {"name": task_name(operation), "operation": operation, "equipment": equipment},
        )
        app.register_task(kind())
    several = type("several_task", (IntakeTask,), {"name": SEVERAL, "equipment": equipment})
    app.register_task(several())
    # Celery says "received" of every delivery; what became of the operation, we say ourselves.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    return app


def work(log_level: str, node: str) -> NoReturn:
    """Be Celery's worker, with that name among the nodes, and exit with its exit code.

    `Celery.worker_main` would drop that.
    """
    from celery.bin.celery import celery  # noqa: PLC0415  # who starts from there has it already

    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    options = ["--loglevel", log_level, "--hostname", node, *quiet]
    celery.main(["--app", "worker.app", "--quiet", "worker", *options])
    raise AssertionError("it exits by itself")


def _app_of_environment() -> Queues:
    """Build the app; whoever cannot is told what is wrong, without Celery's traceback."""
    log_plainly()
    try:
        return build_app(from_env())
    except ValidationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


app = _app_of_environment()
