"""Submitting straight to the ledger, however much it is."""

from collections.abc import Iterable, Sequence

from worker.ledger.record import Submission
from worker.ledger.store import RedisLedger, chunks
from worker.ledger.types import InlineQueue, SubmitResult


def submit_all(
    ledger: RedisLedger, submissions: Iterable[Submission], inline_queue: InlineQueue | None = None
) -> Sequence[SubmitResult]:
    """Record submissions in as many chunks as they need."""
    return [each for chunk in chunks(submissions) for each in ledger.submit(chunk, inline_queue)]
