"""The Celery application: the queues plus one task for each operation of the catalogue.

`celery -A worker.app worker` and `classin worker` run it.
"""

import logging
import threading
from functools import partial
from typing import Any, cast

from celery import Task, bootsteps, signals

from worker.classin.catalogue import CATALOGUE
from worker.classin.errors import NotFound
from worker.equipment import Equipment
from worker.ledger.ledger import Due
from worker.ledger.record import Priority
from worker.queues import PRIORITIES, Queues, build_queues, task_name
from worker.reception import Arrival, check_messages_for
from worker.rescue import Rescue
from worker.rounds import Rounds
from worker.settings import Settings, from_env
from worker.shutdown import Shutdown, end_now
from worker.watchdog import Watchdog

log = logging.getLogger(__name__)


class OperationTask(Task):  # type: ignore[type-arg]  # generic in its stubs only
    """The task of one operation: the message names a record, and the record says the rest."""

    abstract = True
    typing = False
    ignore_result = False
    Strategy = "worker.reception:careful_strategy"
    equipment: Equipment
    operation: str

    def __call__(self, /, *positional: object, **fields: object) -> None:
        """Run; Celery's own way there has no room for a field named self."""
        self.equipment.pulse.worked()
        try:
            self.run(*positional, **fields)
        finally:
            self.equipment.pulse.worked()

    def run(self, /, *_: object, **__: object) -> None:
        """Carry out the record that bears this task's id, or refuse it for what its message says.

        Once the worker is to end, nothing begins: the message goes back instead.
        """
        arrival = Arrival.of(self.operation, self.request)
        self._take_links()
        execution = self.equipment.execution
        faults = [] if arrival.is_ours else arrival.faults(self.equipment.settings)
        try:
            if faults:
                execution.refuse(arrival.id, "; ".join(faults))
            elif self.stopping.is_set():
                cast("Queues", self.app).publish([Due(arrival.id, self.operation, self._priority)])
            else:
                execution.perform(arrival.id)
        except NotFound as error:
            log.error("%s: %s", self.operation, error)  # noqa: TRY400  # it says all

    @property
    def _priority(self) -> Priority:
        """That of the message under way."""
        number = (self.request.delivery_info or {}).get("priority")
        return next((name for name, its in PRIORITIES.items() if its == number), Priority.NORMAL)

    @property
    def stopping(self) -> threading.Event:
        """Set as soon as the worker is asked to end."""
        return self.equipment.stopping

    def arrive(self, request: Any) -> None:  # noqa: ANN401  # Celery's Context
        """Record what a message of another Celery asks for; see Recorder.

        What is recorded already stays as it is. Whether it may begin, its claim will say.
        """
        self.equipment.pulse.worked()  # a ledger that is away is no stall of the worker's
        arrival = Arrival.of(self.operation, request)
        if not arrival.is_ours:
            self.equipment.doorstep.submit([arrival.submission(self.equipment.settings)])

    def _take_links(self) -> None:
        """Take off what Celery would start at the end of this delivery.

        A delivery's end is not the operation's: it may be deferred.
        """
        for link in ("callbacks", "errbacks", "chain", "chord"):
            setattr(self.request, link, None)


class LifeSigns(bootsteps.StartStopStep):
    """Tells that the worker lives, and looks for what must come back, while it runs."""

    #: What they are of, given by `build_app`.
    equipment: Equipment
    rescue: Rounds | None = None

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start both."""
        settings, ledger = self.equipment.settings, self.equipment.ledger
        ledger.set_paces(settings.paces)
        rescue = Rescue(
            ledger,
            parent.app,
            who=self.equipment.in_hand.worker,
            every=settings.rescue_every,
            adrift_after=settings.adrift_after,
            lease=settings.patience.lease,
        )
        self.rescue = Rounds("rescue", rescue.look, rescue.tick)
        self.rescue.start()
        self.equipment.heartbeat().start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Stop looking; the heart beats until the process ends, for what is still under way."""
        del parent
        if self.rescue is not None:
            self.rescue.stop()


class Watch(bootsteps.StartStopStep):
    """Sees to it that the worker fetches what is due."""

    equipment: Equipment

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start the watchdog, which ends with the process."""
        app: Queues = parent.app
        Watchdog(
            self.equipment.pulse,
            app.is_empty,
            reconnect=partial(_reconnect, parent.hub),
            end=end_now,
            stalled_after=app.settings.stalled_after,
            stopping=self.equipment.stopping,
        ).start()


class Leave(bootsteps.StartStopStep):
    """Ends the worker in time, and gives back at once what it has fetched and not begun."""

    equipment: Equipment
    #: So that it stops before the pool does, which waits for what is under way.
    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Listen for Celery's word that the worker was asked to end."""
        del parent
        shutdown = Shutdown(self.equipment.stopping, self.equipment.settings.grace)
        signals.worker_shutting_down.connect(lambda **_: shutdown.begin(), weak=False)

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Leave the broker, which takes back what was not acknowledged.

        Celery itself would leave last of all.
        """
        parent.consumer.shutdown()


def _reconnect(hub: Any) -> None:  # noqa: ANN401
    """Let the consumer believe that its connection is lost; without a hub nobody can."""
    if hub is not None:
        hub.call_soon(_lose_connection)


def _lose_connection() -> None:
    raise ConnectionError("the watchdog wants a new one")


def build_app(settings: Settings) -> Queues:
    """Build the worker's Celery from the catalogue."""
    app = build_queues(settings)
    equipment = Equipment(settings, app.publish)
    app.conf.worker_consumer = "worker.reception:CarefulConsumer"
    for step in (LifeSigns, Watch, Leave):
        app.steps["worker"].add(type(f"{step.__name__}Step", (step,), {"equipment": equipment}))
    names = {task_name(operation) for operation in CATALOGUE}
    check_messages_for(names, equipment.pulse.fetched)
    for operation in CATALOGUE:
        kind = type(
            f"{operation}_task",
            (OperationTask,),
            {"name": task_name(operation), "operation": operation, "equipment": equipment},
        )
        app.register_task(kind())
    # At level DEBUG the pool would log messages whole, with what another Celery put in them.
    logging.getLogger("celery.pool").setLevel(logging.INFO)
    # Celery says "succeeded" of every delivery; what became of the operation, we say ourselves.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return app


app = build_app(from_env())
