"""Suspects: records whose worker died are tried one at a time, so that no other dies of them."""

from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar

from worker.ledger.types import Claim


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Named)


class Suspects(Generic[T]):
    """The one suspect that a worker process has in hand, and those that wait here for their turn.

    They wait without a lease: the process may die of the first. One thread uses it.
    """

    def __init__(self) -> None:
        self._lease: str | None = None
        self._waiting: dict[str, T] = {}

    def __len__(self) -> int:
        """Count those that wait here."""
        return len(self._waiting)

    def room(self, ending: Collection[str] = ()) -> int:
        """Return how many more are taken, once these leases have ended."""
        return int(self._lease is None or self._lease in ending)

    def take(self, claims: Sequence[Claim]) -> None:
        """Look for the one in hand among what was claimed."""
        for claim in claims:
            if claim.record.lost_workers:
                self._lease = claim.lease

    def drop(self, lease: str) -> None:
        """Note that nothing more is to be written down of a lease."""
        if lease == self._lease:
            self._lease = None

    def wait(self, waiting: T) -> None:
        """Let one wait here; a second message for it adds nothing."""
        self._waiting.setdefault(waiting.id, waiting)

    def next(self, ending: Collection[str]) -> list[T]:
        """Take out the one that waits longest, if there is room once these leases have ended."""
        if not (self._waiting and self.room(ending)):
            return []
        return [self._waiting.pop(next(iter(self._waiting)))]

    def leave(self) -> list[T]:
        """Take out all that wait."""
        left, self._waiting = list(self._waiting.values()), {}
        return left
