"""Retry one record: submit its successor, or what completes a partial one."""

from collections.abc import Sequence

from producers.intake.receipt import Receipt
from producers.intake.submitter import Submitter
from producers.retry.submissions import RetryBuilder, RetryOptions


def retry(submitter: Submitter, record_id: str, *, mend: bool = False) -> Sequence[Receipt]:
    """Retry a record, or submit what mends a partial one, linked to it both ways.

    A record is retried once: a later call returns the receipt of the retry that there is, which is
    not `new`; retry that one, should it not succeed either. Raises NotFoundError, InvalidInputError
    (there is nothing to retry, another must be retried first, or its credentials can no longer be
    decrypted) or UnavailableError.
    """
    builder = RetryBuilder(submitter.ledger, submitter.builder, RetryOptions(mend=mend))
    return submitter.enter(builder.of(submitter.ledger.find(record_id)))
