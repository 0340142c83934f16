"""Tasks that another Celery sends by `send_task`: what they ask for, and how they are recorded.

Such a message is all that there is of its operation. It is recorded before it waits for a thread,
so that a worker that is killed meanwhile loses none.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from worker.broker.message_check import faults_of_times, is_name
from worker.broker.messages import priority_of
from worker.classin.catalogue import read
from worker.classin.credentials import sealed_faults
from worker.classin.lanes import lane_of
from worker.classin.operation import Operation
from worker.classin.references import Reference, places_of, written
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.errors import FieldError, InvalidInputError, InvalidOperationError, UnavailableError
from worker.ledger.record import Priority, Submission
from worker.ledger.store import RedisLedger
from worker.trouble_log import TroubleLog

log = logging.getLogger(__name__)

#: The header in which a message's own faults are passed on to its record.
_FAULTS = "classin_faults"

#: Characters of a refusal that are kept.
_LONGEST_REFUSAL = 2000

#: Seconds between two tries to record a task.
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class ForeignTask:
    """What a message of another Celery asks for."""

    id: str
    operation: str
    fields: Mapping[str, Any]
    headers: Mapping[str, Any]
    #: Whether it passes fields by position.
    positional: bool
    #: Whether it names callbacks, a chain or a chord, which Celery would start too early.
    linked: bool
    priority: Priority = Priority.NORMAL

    @classmethod
    def of(cls, operation: str, request: Any) -> Self:  # noqa: ANN401  # Celery's Context
        """Read it from Celery's account of a request."""
        links = (request.callbacks, request.errbacks, request.chain, request.chord)
        return cls(
            id=str(request.id),
            operation=operation,
            fields=request.kwargs or {},
            headers=request.headers or {},
            positional=bool(request.args),
            linked=any(links),
            priority=priority_of(request.delivery_info or {}),
        )

    def submission(self, settings: Settings) -> Submission:
        """Return what to record, credentials encrypted; faults make it refused from the start.

        Raises UnavailableError while the key ring cannot be read.
        """
        school, fault = self._school(settings)
        fields, lane, if_exists = self.fields, None, self.headers.get("if_exists")
        accepts_existing = if_exists == "accept"
        faults = [*([fault] if fault else []), *self._faults()]
        try:
            operation = read(self.operation, self.fields)
        except InvalidOperationError as error:
            faults += map(str, error.faults)
        else:
            faults += map(str, [*sealed_faults(operation), *_references(operation)])
            fields = operation.identified(self.id).to_dict()
            lane = lane_of(school, operation, settings.keyring.mark)
            if if_exists is None:
                accepts_existing = operation.spec.accepts_existing
        return Submission(
            id=self.id,
            operation=self.operation,
            school=school,
            fields=FieldCipher(settings.keyring).sealed(self.operation, fields, school, self.id),
            lane=lane,
            source="celery",
            accepts_existing=accepts_existing,
            refused="; ".join(faults)[:_LONGEST_REFUSAL],
        )

    def _faults(self) -> Iterator[str]:
        """Return what is wrong with the message itself, besides its school and fields."""
        if self.positional:
            yield "fields should be given by name (kwargs), not by position (args)"
        if self.linked:
            yield "links, chains and chords cannot be kept: they would start too early"
        yield from self.headers.get(_FAULTS, ())

    def _school(self, settings: Settings) -> tuple[str, str | None]:
        """Return the school's name, and what is wrong with it."""
        named = str(self.headers["school"]) if "school" in self.headers else None
        if named and not is_name(named):
            return "", "school: should be one of those that are configured"
        try:
            return settings.school(named).name, None
        except InvalidInputError as error:
            return named or "", str(error.faults[0])


class ForeignTaskRecorder:
    """Records foreign tasks. The consumer's thread alone uses it.

    `on_progress` is called at each try: waiting for a ledger that is away is no stall.
    """

    def __init__(
        self,
        ledger: RedisLedger,
        settings: Settings,
        stopping: threading.Event,
        on_progress: Callable[[], object],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._stopping = stopping
        self._on_progress = on_progress
        self._sleep = sleep
        self._troubles = TroubleLog(log)

    def record(self, task: ForeignTask, put_back: Callable[[], object]) -> bool:
        """Record a task, however long the ledger is away; one that is recorded stays as it is.

        Meanwhile the worker takes no other message: it could not begin one. Return False if the
        worker is to end first, and `put_back` has put the message on its queue again.
        """
        while True:
            self._on_progress()
            try:
                self._submit(task)
            except UnavailableError as error:
                self._troubles.trouble("nothing is fetched until a message is recorded", error)
            else:
                self._troubles.over("messages are recorded again")
                return True
            if self._stopping.is_set():
                with suppress(Exception):  # of whatever broker; perhaps the next time
                    put_back()
                    return False
            self._sleep(_PAUSE)

    def _submit(self, task: ForeignTask) -> None:
        submission = task.submission(self._settings)
        (result,) = self._ledger.submit([submission])
        if submission.refused and result.new:
            log.info("%s %s: failed/refused on arrival", task.operation, task.id)


def checked_times(headers: Mapping[str, Any], *, is_full: Callable[[], bool]) -> dict[str, Any]:
    """Return headers in place of a message's own times; what is wrong with those goes along.

    Its record is refused because of that, at once. `is_full` tells whether no more messages may
    wait here for their time.
    """
    faults = faults_of_times(headers, time.time())
    if headers.get("eta") and not faults and is_full():
        faults.append("eta: too many messages wait here for their time already")
    eta = None if faults else headers.get("eta")
    # Celery would drop an expired message without telling anybody.
    return {"eta": eta, "expires": None, _FAULTS: faults}


def _references(operation: Operation) -> Iterator[FieldError]:
    """Name references: a message waits for nothing, and does not say who may see what."""
    for place in places_of(operation, Reference):
        yield FieldError(written(place), "cannot be a reference here: give the value itself")
