"""Claiming one record, as a worker with nothing to report does."""

from collections.abc import Collection

from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, Claim, ClaimRequest


def try_claim(
    ledger: RedisLedger,
    record_id: str,
    lease: str,
    worker: str,
    lasts: float,
    full: Collection[str] = (),
) -> Claim | None:
    """A claim on one record; None if there is nothing to do now, or its school is `full`."""
    capacity = Capacity(of=dict.fromkeys(full, 0))
    found = ledger.report_and_claim(
        ClaimRequest(leases={record_id: lease}, worker=worker, lasts=lasts, capacity=capacity)
    )
    assert not found.missing
    return found.claims[0] if found.claims else None
