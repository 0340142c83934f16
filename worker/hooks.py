"""Hooks: functions that are told what a worker did, for metrics, tracing and the like.

Write a module that attaches functions:

    from worker.hooks import AttemptMade, RecordSettled, on_attempt, on_settled

    @on_attempt
    def count(made: AttemptMade) -> None: ...

and name it in CLASSIN_HOOKS (several: with blanks between them). Every process that executes or
submits operations imports these modules when it starts, from where Python finds any module:
installed, or in a folder of PYTHONPATH. A program that submits by itself may import them instead.

A hook observes. It is called after the fact, in one of the worker's threads and from several at the
same time, so it should be quick and thread-safe. What it raises is logged once, with a traceback,
and changes nothing; it is called again for the next event. Events hold neither fields nor results;
messages have every masked value taken out. Submissions have a hook of their own: see
`producers.hooks`.

`on_attempt` is told of each request that was sent, or would have been. `on_settled` is told of each
record that this worker's report settled. What settles without a report is not told here: a record
that was cancelled or resolved by a person, whose dependency failed, that expired, or that killed
its workers; the ledger's stream of events has all of them (`GET /v1/events`).
"""

import logging
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Generic, NamedTuple, TypeVar

from worker.errors import FieldError, InvalidSettingsError
from worker.ledger.record import Attempt, Priority
from worker.ledger.states import Reason, State

log = logging.getLogger(__name__)

E = TypeVar("E")


class Hook(Generic[E]):
    """The functions that are told of one kind of event, in the order in which they attached.

    Call it, as a decorator, to attach one. It is true if there is any: without one no event needs
    to be built.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._functions: tuple[Callable[[E], object], ...] = ()
        #: Functions whose failure was logged.
        self._failed: list[Callable[[E], object]] = []

    def __bool__(self) -> bool:
        return bool(self._functions)

    def __call__(self, function: Callable[[E], object]) -> Callable[[E], object]:
        """Attach a function; one that is attached already is not called twice."""
        if function not in self._functions:
            self._functions += (function,)
        return function

    def detach(self, function: Callable[[E], object]) -> None:
        """Detach a function, if it is attached."""
        self._functions = tuple(each for each in self._functions if each != function)

    def tell(self, event: E) -> None:
        """Tell every function of an event."""
        for function in self._functions:
            try:
                function(event)
            except (Exception, SystemExit):  # each fails by itself
                if function not in self._failed:
                    self._failed.append(function)
                    log.exception("a function of %s failed; it is told of once", self._name)


class AttemptMade(NamedTuple):
    """One attempt: a signed request and what came of it, or why none was sent."""

    id: str
    operation: str
    school: str
    batch: str | None
    #: When (ms since 1970, by ClassIn's clock), how long (ms), HTTP status, code, and verdict.
    attempt: Attempt


class RecordSettled(NamedTuple):
    """A record that a worker's report settled."""

    id: str
    operation: str
    school: str
    batch: str | None
    source: str | None
    priority: Priority
    state: State
    reason: Reason | None
    #: ClassIn's code, or None without a reply; its message, or ours.
    code: int | None
    message: str
    #: Attempts in the whole life of the record.
    attempts: int
    #: When it was submitted, in ms since 1970.
    enqueued_at: int


on_attempt: Hook[AttemptMade] = Hook("on_attempt")
on_settled: Hook[RecordSettled] = Hook("on_settled")


def load_hooks(modules: Iterable[str]) -> None:
    """Import modules that attach hooks. Raises InvalidSettingsError, which names every fault."""
    faults = []
    for name in modules:
        try:
            import_module(name)
        except ImportError as error:
            faults.append(FieldError("CLASSIN_HOOKS", f"{name} cannot be imported: {error}"))
        except Exception as error:  # whatever it does when it is imported
            log.exception("%s, which CLASSIN_HOOKS names, fails as it is imported", name)
            what = f"{name} cannot be imported: it raises {type(error).__name__}"
            faults.append(FieldError("CLASSIN_HOOKS", what))
    if faults:
        raise InvalidSettingsError("the settings are not right", faults)
