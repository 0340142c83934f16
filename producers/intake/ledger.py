"""The part of a ledger that submitting needs."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from worker.ledger.batch import BatchInfo
from worker.ledger.record import Record, Submission
from worker.ledger.states import State
from worker.ledger.types import InlineQueue, ReadyRecord, SubmitResult


class IntakeBatches(Protocol):
    """The batches of an IntakeLedger. Each method raises UnavailableError."""

    def open(self, batch: str, info: BatchInfo) -> bool:
        """Store a new batch; return False if it exists."""

    def close(self, batch: str) -> None:
        """Mark a batch as complete."""

    def drop(self, batch: str) -> None:
        """Delete a batch that has no records."""

    def info(self, batch: str) -> BatchInfo | None:
        """Return what was stored of a batch; None if there is no such batch."""


class IntakeLedger(Protocol):
    """RedisLedger, or the ledger of producers.testing. Each method raises UnavailableError."""

    def submit(
        self, submissions: Sequence[Submission], inline_queue: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record new operations, all or none. Raises SubmitRefusedError."""

    def find_ids(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys."""

    def find(self, record_id: str) -> Record:
        """Return a record. Raises NotFoundError."""

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Return the records that exist, in this order."""

    def cancel(self, record_id: str) -> tuple[State, Sequence[ReadyRecord]]:
        """Cancel a record; see RedisLedger. Raises NotFoundError."""

    @property
    def batches(self) -> IntakeBatches:
        """The batches that the records belong to."""
