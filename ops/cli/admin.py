"""What changes a running system by hand."""

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
    redis = connect(settings.ledger_url, settings.redis_prefix)
    ledger = RedisLedger(redis, keyring=settings.keyring)
    return AdminService(settings, ledger, build_queues(settings), Audit(redis), actor())
