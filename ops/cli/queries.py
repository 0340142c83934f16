"""What reads the ledger for people."""

from ops.cli.output import err, local
from worker.config.settings import from_env
from worker.errors import RedisUnavailableError
from worker.ledger.data_set import DataSet
from worker.ledger.queries import LedgerQueries
from worker.ledger.redis_client import connect
from worker.ledger.redis_errors import READABLE, TROUBLES
from worker.ledger.script_runner import try_write


def open_queries() -> LedgerQueries:
    """Open the queries; prints to stderr if Redis takes no writes, or has lost its data."""
    settings = from_env()
    redis = connect(settings.ledger_url, settings.redis_prefix)
    try:
        try_write(redis)
    except RedisUnavailableError as error:
        if error.code not in READABLE:
            raise
        err().print(f"{error}. {TROUBLES[error.code].todo}", soft_wrap=True)
    lost_at = DataSet(redis).vanished_at()
    if lost_at is not None:
        err().print(f"At {local(lost_at)} all that Redis had was lost.", soft_wrap=True)
    return LedgerQueries(redis)
