"""What lists and counts of records are made of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from worker.errors import UnreadableValueError
from worker.ledger.decoding import cannot_be_read
from worker.ledger.record import Record
from worker.ledger.states import State


class Page(NamedTuple):
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: Sequence[Record]
    cursor: str | None
    #: The ids of those on the way that cannot be read: somebody changed them in Redis.
    unreadable: Sequence[str] = ()

    def complete(self) -> Sequence[Record]:
        """Return the records where none may be missing. Raises UnreadableValueError."""
        for record_id in self.unreadable:
            raise UnreadableValueError(cannot_be_read(f"record {record_id}"))
        return self.records


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records stand where."""

    #: By operation and state.
    by_operation: Mapping[tuple[str, State], int] = field(default_factory=dict)

    def by_state(self) -> Counter[State]:
        """Add up the operations."""
        total: Counter[State] = Counter()
        for (_, state), number in self.by_operation.items():
            total[state] += number
        return total

    def of(self, operation: str) -> Counter[State]:
        """Give the states of one operation's records."""
        mine = {state: n for (name, state), n in self.by_operation.items() if name == operation}
        return Counter(mine)

    def operations(self) -> list[str]:
        """Give the operations that have records."""
        return sorted({name for name, _ in self.by_operation})
