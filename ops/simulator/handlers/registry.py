"""Registry of the handlers, by operation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ops.simulator.state.world import Institution
from worker.classin.codes import Code
from worker.classin.operation import Operation

O = TypeVar("O", bound=Operation)  # noqa: E741  # an operation

#: Takes what the school holds, the operation, and ClassIn's time in seconds since 1970.
Answering = Callable[[Institution, O, float], "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What ClassIn says: a code of its own or any other number, and what comes with it."""

    code: int
    data: object = None
    message: str | None = None
    #: What v1 puts beside `data`, as the lists of a folder's content.
    beside: Mapping[str, object] | None = None

    @property
    def text(self) -> str:
        """The message; unless given, what the code means."""
        known = Code.known(self.code)
        return self.message or (known.phrase if known else "a code that the pages do not list")


#: The answering function of every operation that the simulator can do.
ANSWERS: dict[type[Operation], Callable[[Institution, Any, float], Answer]] = {}


def answers(kind: type[O]) -> Callable[[Answering[O]], Answering[O]]:
    """Enter a function as the one that carries out this operation, and answers for it.

    It is called only with operations whose fields the catalogue found good.
    """

    def enter(function: Answering[O]) -> Answering[O]:
        if kind in ANSWERS:
            message = f"{kind.__name__} is answered twice"
            raise TypeError(message)
        ANSWERS[kind] = function
        return function

    return enter


def answer(institution: Institution, operation: Operation, now: float) -> Answer:
    """Carry out an operation in the pretend world, and say what ClassIn would.

    One without an answering function is told that it was carried out, and changes nothing.
    """
    function = ANSWERS.get(type(operation))
    return Answer(Code.OK) if function is None else function(institution, operation, now)


def listed(operation: Operation, *ways: Code) -> Code | None:
    """Choose the first of these codes that the operation's page lists, if it lists any."""
    return next((code for code in ways if code in operation.spec.codes), None)
