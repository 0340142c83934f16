"""The Celery application: the queues plus one task for each operation of the catalogue.

`celery -A worker.app worker` and `classin worker` run it.
"""

import logging
from contextlib import suppress
from functools import cached_property
from typing import Any

from celery import Task, bootsteps

from worker.classin.catalogue import CATALOGUE
from worker.classin.errors import InvalidInput, NotFound
from worker.execution import Execution
from worker.ledger.in_redis import RedisLedger, connect
from worker.ledger.record import Submission
from worker.queues import Queues, build_queues, task_name
from worker.reception import check_messages_for
from worker.rescue import RescueThread
from worker.settings import Settings, from_env
from worker.transport import Transport


class Equipment:
    """What the tasks of one process share, made when first needed (after any fork)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def ledger(self) -> RedisLedger:
        """The ledger, patient with a Redis that restarts."""
        return RedisLedger(connect(self.settings.ledger_url, patient=True))

    @cached_property
    def execution(self) -> Execution:
        """What carries operations out."""
        settings = self.settings
        return Execution(
            ledger=self.ledger,
            sender=Transport(settings.base_url, settings.deadlines),
            schools=settings.schools,
            patience=settings.patience,
        )


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
        self.run(*positional, **fields)

    def run(self, /, *positional: object, **fields: object) -> None:
        """Carry out the record that bears this task's id.

        A message that carries fields, or whose id has no record, comes from another Celery: it is
        recorded first.
        """
        record_id = str(self.request.id)
        execution = self.equipment.execution
        linked = self._take_links()
        if not (positional or fields or linked):
            with suppress(NotFound):
                execution.perform(record_id)
                return
        faults = [self._record(record_id, fields)]
        if positional:
            faults.append("fields should be given by name (kwargs), not by position (args)")
        if linked:
            faults.append("links, chains and chords cannot be kept: they would start too early")
        if found := [fault for fault in faults if fault]:
            execution.refuse(record_id, "; ".join(found))
        else:
            execution.perform(record_id)

    def _record(self, record_id: str, fields: dict[str, object]) -> str | None:
        """Enter another Celery's message into the ledger; gives what is wrong with its school."""
        headers = self.request.headers or {}
        named = str(headers["school"]) if "school" in headers else None
        fault = None
        try:
            school = self.equipment.settings.school(named).name
        except InvalidInput as error:
            school, fault = named or "", str(error.faults[0])
        submission = Submission(
            id=record_id,
            operation=self.operation,
            school=school,
            fields=fields,
            source="celery",
            accepts_existing=headers.get("if_exists") == "accept",
        )
        self.equipment.ledger.submit([submission])
        return fault

    def _take_links(self) -> bool:
        """Take off what Celery would start at the end of this delivery; say whether it was there.

        A delivery's end is not the operation's: it may be deferred.
        """
        found = False
        for link in ("callbacks", "errbacks", "chain", "chord"):
            found = found or bool(getattr(self.request, link))
            setattr(self.request, link, None)
        return found


class RescueStep(bootsteps.StartStopStep):
    """Looks for what is due while the worker runs."""

    thread: RescueThread | None = None

    def start(self, parent: Any) -> None:  # noqa: ANN401
        """Start looking."""
        app: Queues = parent.app
        ledger = Equipment(app.settings).ledger
        self.thread = RescueThread(
            ledger,
            app,
            every=app.settings.rescue_every,
            adrift_after=app.settings.adrift_after,
        )
        self.thread.start()

    def stop(self, parent: Any) -> None:  # noqa: ANN401
        """Stop looking."""
        del parent
        if self.thread is not None:
            self.thread.stop()


def build_app(settings: Settings) -> Queues:
    """Build the worker's Celery from the catalogue."""
    app = build_queues(settings)
    equipment = Equipment(settings)
    app.conf.worker_consumer = "worker.reception:CarefulConsumer"
    app.steps["worker"].add(RescueStep)
    names = {task_name(operation) for operation in CATALOGUE}
    check_messages_for(names)
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
