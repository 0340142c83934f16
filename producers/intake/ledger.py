"""The part of a ledger that submitting needs."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from worker.ledger.batch import BatchInfo
from worker.ledger.record import Record, Submission
from worker.ledger.states import State
from worker.ledger.types import InlineQueue, ReadyRecord, SubmitResult


class IntakeLedger(Protocol):
    """RedisLedger, or the ledger of producers.testing. Each method raises UnavailableError."""

    def submit(
        self, submissions: Sequence[Submission], inline_queue: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record new operations, all or none. Raises SubmitRefusedError."""

    def named(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys."""

    def find(self, record_id: str) -> Record:
        """Return a record. Raises NotFoundError."""

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Return the records that exist, in this order."""

    def cancel(self, record_id: str) -> tuple[State, Sequence[ReadyRecord]]:
        """Cancel a record; see RedisLedger. Raises NotFoundError."""

    def open_batch(self, batch: str, about: BatchInfo) -> bool:
        """Store a new batch; return False if it exists."""

    def close_batch(self, batch: str) -> None:
        """Mark a batch as complete."""

    def drop_batch(self, batch: str) -> None:
        """Delete a batch that has no records."""

    def about(self, batch: str) -> BatchInfo | None:
        """Return what was stored of a batch; None if there is no such batch."""
