"""Settlement: that a record settled, as the stream of events tells it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from worker.ledger.decoding import decoding
from worker.ledger.states import Reason, State

#: Digits of a number in the name of an event.
_LONGEST_NUMBER = 19

#: The name of what is before all events.
BEGINNING = "0-0"


class SettledEvent(NamedTuple):
    """That a record settled: no field, no message."""

    #: Where it stands in the stream: later ones have greater numbers.
    event: str
    id: str
    operation: str
    school: str
    state: State
    reason: Reason | None
    code: int | None
    batch: str | None
    #: Ms from its submission; None: older events do not tell.
    took: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
        return {
            "id": self.id,
            "operation": self.operation,
            "school": self.school,
            "state": self.state.value,
            "reason": self.reason.value if self.reason else None,
            "code": self.code,
            "batch": self.batch,
        }


@decoding("an event")
def settlement_of(event: str, values: Mapping[str, str]) -> SettledEvent:
    """Read an event. Raises UnreadableValueError."""
    return SettledEvent(
        event=event,
        id=values["id"],
        operation=values["operation"],
        school=values["school"],
        state=State(values["state"]),
        reason=Reason(values["reason"]) if values["reason"] else None,
        code=int(values["code"]) if values["code"] else None,
        batch=values["batch"] or None,
        took=int(values["took"]) if "took" in values else None,
    )


def place_of(event: str) -> tuple[int, int]:
    """Take the name of an event apart: ms since 1970, and which of that ms it is.

    Raises ValueError for what names none.
    """
    moment, dash, number = event.partition("-")
    for part in (moment, number) if dash else (moment,):
        if not (part.isascii() and part.isdecimal() and len(part) <= _LONGEST_NUMBER):
            raise ValueError(event)
    return int(moment), int(number or 0)
