"""What lists and counts of records are made of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from worker.ledger.lifecycle import State
from worker.ledger.record import Record


class Page(NamedTuple):
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: Sequence[Record]
    cursor: str | None


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
