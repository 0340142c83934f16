"""Events: each record that settled, without its fields, in the order in which they settled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from redis import Redis

from worker.ledger.decoding import decoding
from worker.ledger.limits import EVENTS_KEPT
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.states import Reason, State

#: Maximum digits of a number in an event id.
_LONGEST_NUMBER = 19

#: The id before all events.
BEGINNING = "0-0"


class SettledEvent(NamedTuple):
    """The event of a record that settled; without fields and message."""

    #: Its id in the stream: `MS-NUMBER`, later ones are greater.
    event: str
    id: str
    operation: str
    school: str
    state: State
    reason: Reason | None
    code: int | None
    batch: str | None
    #: Ms from submission to settlement; None: an event of an older version.
    took: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that is shown as JSON."""
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
def event_of(event: str, values: Mapping[str, str]) -> SettledEvent:
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


def position_of(event: str) -> tuple[int, int]:
    """Parse an event id: ms since 1970, and the number within that ms. Raises ValueError."""
    moment, dash, number = event.partition("-")
    for part in (moment, number) if dash else (moment,):
        if not (part.isascii() and part.isdecimal() and len(part) <= _LONGEST_NUMBER):
            raise ValueError(event)
    return int(moment), int(number or 0)


class EventStream:
    """The last 100,000 events of one Redis database. Each method raises UnavailableError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._keys = keys_of(redis)

    def after(self, event: str, limit: int, wait: float = 0.0) -> Sequence[SettledEvent]:
        """Return what settled after an event, oldest first; wait up to `wait` seconds for one."""
        block = round(wait * 1000) or None
        with translate_redis_errors():
            found: Any = self._redis.xread({self._keys.events: event}, limit, block)
        return [event_of(*each) for _, all_of_it in found or () for each in all_of_it]

    def last(self) -> str:
        """Return the id of the last event; `0-0` if there is none."""
        with translate_redis_errors():
            found = self._redis.xrevrange(self._keys.events, count=1)
        return str(found[0][0]) if found else BEGINNING

    def has_kept(self, event: str) -> bool:
        """Return whether an event, or an earlier one, is still there: so are all that followed."""
        with translate_redis_errors():
            first = self._redis.xrange(self._keys.events, count=1)
        return not first or position_of(str(first[0][0])) <= position_of(event)

    def reaches_back(self, event: str) -> bool:
        """Return whether all that settled after an event, or after a time, is still there."""
        with translate_redis_errors():
            kept = int(self._redis.xlen(self._keys.events))
        return kept < EVENTS_KEPT or self.has_kept(event)

    def backwards(
        self, highest: str = "+", lowest: str = "-", *, at_a_time: int = 1000
    ) -> Iterator[Sequence[SettledEvent]]:
        """Return the events between two ids, latest first, `at_a_time` together.

        `(ID` leaves out the event of that id; ms since 1970 may stand for an id.
        """
        while True:
            with translate_redis_errors():
                found: Any = self._redis.xrevrange(self._keys.events, highest, lowest, at_a_time)
            if found:
                yield [event_of(*each) for each in found]
            if len(found) < at_a_time:
                return
            highest = f"({found[-1][0]}"
