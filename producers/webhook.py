"""Check a batch's webhook address before anything is submitted."""

from worker.config.settings import Settings
from worker.config.webhook_urls import fault_of_address, origin_of
from worker.errors import FieldError, InvalidInputError
from worker.ledger.batch import Webhook


def webhook_to(url: str, settings: Settings, where: str) -> Webhook:
    """Return the webhook at an address of the option `where`. Raises InvalidInputError."""
    fault = fault_of_address(url)
    if fault is None and settings.webhook_secret is None:
        fault = "needs CLASSIN_WEBHOOK_SECRET, here and with the workers, to be signed with"
    if fault is not None:
        raise InvalidInputError("nothing was submitted", [FieldError(where, fault)])
    return Webhook(url=url)


def foreign_webhook(url: str, settings: Settings, where: str) -> Webhook:
    """Return a webhook that a client asks for, at an allowed origin.

    Otherwise a client could make us call addresses that only we can reach. Raises
    InvalidInputError.
    """
    webhook = webhook_to(url, settings, where)
    if origin_of(url) not in map(origin_of, settings.webhook_origins):
        what = "is no origin that may be called from here (CLASSIN_WEBHOOK_ORIGINS)"
        raise InvalidInputError("nothing was submitted", [FieldError(where, what)])
    return webhook
