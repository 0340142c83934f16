"""Waiting for what was submitted, and printing what became of it."""

import time
from collections.abc import Sequence

from ops.cli.markup import marked
from ops.cli.output import err, out, print_json, state_of
from ops.cli.progress_bar import show
from ops.cli.record_view import print_record
from ops.cli.wiring import open_ledger
from ops.insight.progress import follow
from producers.intake.receipt import Receipt
from worker.ledger.record import Record
from worker.ledger.states import State


def wait_for_all(
    receipts: Sequence[Receipt],
    timeout: float | None,
    *,
    batch: str | None,
    as_json: bool,
    in_short: bool,
) -> bool:
    """Wait for all (timeout in seconds), print each, and return whether all succeeded."""
    ends = None if timeout is None else time.monotonic() + timeout
    if batch is not None and not as_json:
        _show_progress(batch, timeout)
    with err().status("waiting ...", spinner="dots"):
        records = [_settled(receipt, ends) for receipt in receipts]
    for record in records:
        if as_json:
            print_json(record.to_dict())
        elif in_short and len(records) == 1:
            out().print(marked("{} {}: {}", record.operation, record.id, state_of(record)))
        elif len(records) == 1:
            print_record(record)
    done = sum(record.state is State.SUCCEEDED for record in records)
    if not as_json and len(records) > 1:
        out().print(f"{done:,} of {len(records):,} succeeded")
    return done == len(records)


def _show_progress(batch: str, timeout: float | None) -> None:
    ledger = open_ledger()
    if ledger.batch_counts(batch):  # else all of it was known from before
        show(follow(ledger, [batch], patience=timeout))


def _settled(receipt: Receipt, ends: float | None) -> Record:
    """Wait for one until then (monotonic seconds); gives the record, settled or not."""
    try:
        return receipt.wait(None if ends is None else max(0.0, ends - time.monotonic()))
    except TimeoutError as error:
        err().print(str(error))
        return receipt.record()
