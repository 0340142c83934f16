"""Ledger: what any store of records must be able to do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from worker.ledger.lifecycle import Reason, State
from worker.ledger.record import Attempt, Record, Submission


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's lease on a record, with the record as it was when the lease began."""

    lease: str
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an attempt leaves its record."""

    state: State
    reason: Reason | None = None
    #: ClassIn's number and words, or ours when there was no reply.
    code: int | None = None
    message: str = ""
    result: Mapping[str, Any] | None = None
    already: bool = False
    #: The attempt may have been carried out, and nobody read what came of it.
    unread: bool = False
    #: Seconds until it is due again, for a deferred one.
    due_in: float = 0.0
    #: Whether this deferral lengthens the next.
    counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records to list; what is None does not matter; `since` is ms since 1970."""

    state: str | None = None
    operation: str | None = None
    school: str | None = None
    code: int | None = None
    batch: str | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: Sequence[Record]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Due:
    """A record that somebody must carry to a worker."""

    id: str
    operation: str


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


class Ledger(Protocol):
    """The account of all operations. Each method raises Unavailable when the store is away."""

    def submit(self, submissions: Sequence[Submission]) -> int:
        """Record new operations; one whose id is there stays as it is. Gives how many were new."""

    def claim(self, record_id: str, lease: str, lasts: float) -> Claim | None:
        """Take the lease for so many seconds; None if there is nothing to do now.

        Raises NotFound.
        """

    def advance(
        self, claim: Claim, standing: Standing, attempt: Attempt | None, lasts: float = 0.0
    ) -> None:
        """Note an attempt and put the record where it stands now; running renews the lease.

        Raises LeaseLost: then nothing was changed.
        """

    def due(self, limit: int, again_after: float) -> Sequence[Due]:
        """Give what must be carried to a worker now; given again after so many seconds."""

    def waiting(self, limit: int, longer_than: float) -> Sequence[Due]:
        """Give what has been queued for more than so many seconds, longest first."""

    def hold(self, what: str, who: str, seconds: float) -> bool:
        """Take, or renew, the sole right to something."""

    def holder(self, what: str) -> str | None:
        """Say who has the sole right to something now."""

    def find(self, record_id: str) -> Record:
        """Give one record. Raises NotFound."""

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Give those of the records that are there, in this order."""

    def piece(self, record_id: str, name: str, number: int) -> bytes:
        """Give a piece, from 0, of a file that travels with its record; empty if there is none."""

    def page(self, chosen: Filter, limit: int, cursor: str | None = None) -> Page:
        """List records, newest first. Raises InvalidInput for a cursor that is none."""

    def counts(self) -> Counts:
        """Count the records."""

    def batch(self, batch: str) -> Mapping[State, int]:
        """Count the records of a batch by state; empty if there is no such batch."""

    def codes(self) -> Mapping[int, int]:
        """Count the records by the code that they met last."""
