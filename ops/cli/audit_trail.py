"""The audit trail, as commands read and extend it."""

from collections.abc import Sequence

from ops.admin.actor import actor
from worker.config.settings import from_env
from worker.ledger.audit import Audit
from worker.ledger.redis_client import connect


def open_audit() -> Audit:
    """Open the audit trail."""
    settings = from_env()
    return Audit(connect(settings.ledger_url, settings.redis_prefix))


def audit_reveal(what: str, about: str, ids: Sequence[str] = ()) -> None:
    """Record that somebody is about to see what is masked elsewhere.

    Call it before anything is shown or written. Raises UnavailableError, also where Redis takes no
    writes: then nothing may be shown.
    """
    open_audit().note(actor(), what, about=about, ids=ids)
