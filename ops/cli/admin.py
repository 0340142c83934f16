"""Changes by hand, and the audit trail that has them."""

from collections.abc import Sequence

from ops.admin.actor import actor
from ops.admin.service import AdminService
from worker.config.settings import from_env
from worker.ledger.audit import Audit
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger


def open_admin_service() -> AdminService:
    """Open what changes a running system by hand."""
    from worker.broker.queue import build_queues  # noqa: PLC0415  # Celery

    settings = from_env()
    redis = connect(settings.ledger_url)
    ledger = RedisLedger(redis, keyring=settings.keyring)
    return AdminService(settings, ledger, build_queues(settings), Audit(redis), actor())


def open_audit() -> Audit:
    """Open the audit trail."""
    return Audit(connect(from_env().ledger_url))


def audit_reveal(what: str, about: str, ids: Sequence[str] = ()) -> None:
    """Record that somebody is about to see what is masked elsewhere.

    Call it before anything is shown or written. Raises UnavailableError, also where Redis takes no
    writes: then nothing may be shown.
    """
    open_audit().note(actor(), what, about=about, ids=ids)
