"""The Celery application: the queues, a task for each operation, and one for several together.

`celery -A worker.app worker` and `classin worker` run it.
"""

import gc
import logging
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any, NoReturn

from celery import Task, bootsteps, signals

from worker.broker.consumer import Reception, SafeConsumer
from worker.broker.messages import SEVERAL, task_name
from worker.broker.queue import Queues, configured
from worker.broker.redis_transport import check_messages_for
from worker.classin.catalogue import CATALOGUE
from worker.config.settings import Settings, from_env
from worker.errors import ClassinError, ValidationError
from worker.hooks import load_hooks
from worker.periodic import PeriodicThread
from worker.runtime.container import WorkerContainer
from worker.runtime.file_descriptors import make_room_for_threads
from worker.runtime.shutdown import Shutdown, end_now
from worker.runtime.watchdog import Watchdog
from worker.trouble_log import log_plainly

#: Thresholds of the garbage collector: hardly anything here is in a cycle.
_COLLECTED = (20_000, 20, 50)


class IntakeTask(Task):  # type: ignore[type-arg]  # generic in its stubs only
    """A task whose messages the consumer passes on; Celery's pool has no part in it."""

    abstract = True
    typing = False
    ignore_result = False
    Strategy = "worker.broker.consumer:safe_strategy"
    #: The operation that another Celery's message for it asks for; our own messages name records.
    operation = ""


class BackgroundStep(bootsteps.StartStopStep):
    """Bootstep: start the worker's threads, heartbeat, webhooks and rescuer."""

    #: Set by `build_app`, here and below.
    container: WorkerContainer
    rescuer: PeriodicThread | None = None

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start all; on an error log one line and exit with code 1."""
        try:
            self._start(parent)
        except (ClassinError, RuntimeError) as error:  # the latter: no more threads are to be had
            logging.getLogger(__name__).critical("the worker does not start: %s", error)
            raise SystemExit(1) from None

    def _start(self, parent: Any) -> None:  # noqa: ANN401
        container, settings = self.container, self.container.settings
        container.concurrency = parent.concurrency
        make_room_for_threads(container.concurrency)
        container.ledger.set_paces(settings.paces)
        self.rescuer = container.rescuer()
        self.rescuer.start()
        if settings.webhook_secret is not None:
            container.webhooks(settings.webhook_secret).start()
        container.heartbeat().start()
        container.threads.start()
        _tune_process()

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Stop the rescuer; the heartbeat goes on for what is still under way."""
        del parent
        if self.rescuer is not None:
            self.rescuer.stop()


class WatchdogStep(bootsteps.StartStopStep):
    """Bootstep: start the watchdog, which ends with the process."""

    container: WorkerContainer

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start it."""
        app: Queues = parent.app
        self.container.health.turned()  # it is about to
        Watchdog(
            self.container.health,
            app.is_empty,
            reconnect=partial(_reconnect, parent.hub),
            end=end_now,
            stalled_after=app.settings.stalled_after,
            stopping=self.container.stopping,
        ).start()


class ShutdownStep(bootsteps.StartStopStep):
    """Bootstep: end the worker in time, and give back at once what it fetched and did not begin."""

    container: WorkerContainer
    shutdown: Shutdown

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Listen for Celery's signal that the worker was asked to end."""
        del parent
        container = self.container
        self.shutdown = shutdown = Shutdown(container.stopping, container.settings.grace)
        signals.worker_shutting_down.connect(lambda **_: shutdown.begin(), weak=False)

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Leave the broker, which takes back what was not acknowledged; then wait for the rest.

        Celery itself would leave last of all. Where its loop broke, nobody has asked us to end.
        """
        self.shutdown.begin(parent.exitcode or 0)
        parent.consumer.shutdown()
        self.container.threads.stop()


def _tune_process() -> None:
    """Spare this process work that nobody needs, now that all is loaded."""
    # What is there stays there: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED)
    # No log format of ours names the caller or its thread.
    logging._srcfile = None  # noqa: SLF001  # as logging's documentation says
    logging.logThreads = False


def _reconnect(hub: Any) -> None:  # noqa: ANN401
    """Let the consumer believe that its connection is lost; without a hub nobody can."""
    if hub is not None:
        hub.call_soon(_lose_connection)


def _lose_connection() -> None:
    raise ConnectionError("the watchdog wants a new one")


class WorkerApp(Queues):
    """The worker's Celery, with what its steps and its consumer share."""

    container: WorkerContainer


def build_app(settings: Settings) -> WorkerApp:
    """Build the worker's Celery from the catalogue. Raises InvalidSettingsError."""
    load_hooks(settings.hooks)
    app = configured(WorkerApp, settings)
    app.container = container = WorkerContainer(settings, app)
    reception = Reception(container.enqueue, container.record, container.health.turned)
    app.conf.worker_consumer = type("WiredConsumer", (SafeConsumer,), {"reception": reception})
    for step in (BackgroundStep, WatchdogStep, ShutdownStep):
        app.steps["worker"].add(type(step.__name__, (step,), {"container": container}))
    for task in _tasks():
        app.register_task(task)
    names = {task.name for task in app.tasks.values() if isinstance(task, IntakeTask)}
    check_messages_for(names, container.health.fetched, settings.redis_prefix)
    # Celery says "received" of every delivery; what became of the operation, we say ourselves.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)
    return app


def _tasks() -> Iterator[IntakeTask]:
    """Build a task for each operation, and one for messages that name several records."""
    for operation in CATALOGUE:
        names = {"name": task_name(operation), "operation": operation}
        yield type(f"{operation}_task", (IntakeTask,), names)()
    yield type("several_task", (IntakeTask,), {"name": SEVERAL})()


def work(log_level: str, node: str) -> NoReturn:
    """Be Celery's worker, with that name among the nodes, and exit with its exit code.

    `Celery.worker_main` would drop that.
    """
    from celery.bin.celery import celery  # noqa: PLC0415  # who starts from there has it already

    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    options = ["--loglevel", log_level, "--hostname", node, *quiet]
    celery.main(["--app", "worker.app", "--quiet", "worker", *options])
    raise AssertionError("it exits by itself")


def _app_of_environment() -> WorkerApp:
    """Build the app; whoever cannot is told what is wrong, without Celery's traceback."""
    log_plainly()
    try:
        return build_app(from_env())
    except ValidationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


app = _app_of_environment()
