"""Resumption: a file that is handed in again goes on with its batch, if that broke off."""

from dataclasses import replace

from producers.intake.checked import Checked
from producers.intake.ledger import IntakeLedger
from worker.ledger.batch import BatchInfo


def resumed(ledger: IntakeLedger, checked: Checked, about: BatchInfo) -> Checked:
    """Return the same operations as the rest of a batch that broke off, or as they were.

    Its file and webhook must be the same, and its first operation known by its dedup key. So
    whoever is to be told of the batch is told of all of it, and not of two parts. Raises
    UnavailableError.
    """
    first = next((each for each in checked.submissions if each.dedup_key), None)
    if first is None or about.webhook is None or about.digest is None:
        return checked
    owners = ledger.find_ids(first.school, [str(first.dedup_key)]).values()
    batch = next((record.batch for record in ledger.find_all([*owners])), None)
    known = ledger.batches.info(batch) if batch else None
    if batch is None or known is None or known.webhook is None or known.webhook.complete:
        return checked
    if (known.digest, known.webhook.url) != (about.digest, about.webhook.url):
        return checked
    submissions = [replace(each, batch=batch) for each in checked.submissions]
    return checked._replace(batch=batch, submissions=submissions)
