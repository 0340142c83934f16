"""Registry of the handlers, by operation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation

O = TypeVar("O", bound=Operation)  # noqa: E741  # an operation

#: A handler: takes the school's state, the operation, and ClassIn's time in seconds since 1970.
Answering = Callable[[Institution, O, float], "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: a code of ClassIn's or another number, and its data."""

    code: int
    data: object = None
    message: str | None = None
    #: What v1 puts beside `data`, such as the lists of a folder's content.
    beside: Mapping[str, object] | None = None

    @property
    def text(self) -> str:
        """The message; by default, the code's meaning."""
        known = Code.known(self.code)
        return self.message or (known.phrase if known else "a code that the pages do not list")


#: The handler of every supported operation.
ANSWERS: dict[type[Operation], Callable[[Institution, Any, float], Answer]] = {}


def answers(kind: type[O]) -> Callable[[Answering[O]], Answering[O]]:
    """Register a function as the handler of this operation.

    It is called only with operations that the catalogue found valid.
    """

    def enter(function: Answering[O]) -> Answering[O]:
        if kind in ANSWERS:
            message = f"{kind.__name__} is answered twice"
            raise TypeError(message)
        ANSWERS[kind] = function
        return function

    return enter


def answer(institution: Institution, operation: Operation, now: float) -> Answer:
    """Carry out an operation on the state, and return ClassIn's reply.

    An operation without a handler succeeds, and changes nothing.
    """
    function = ANSWERS.get(type(operation))
    return Answer(Code.OK) if function is None else function(institution, operation, now)


def listed(operation: Operation, *ways: Code) -> Code | None:
    """Return the first of these codes that the operation's page lists, if any."""
    return next((code for code in ways if code in operation.spec.codes), None)
