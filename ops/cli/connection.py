"""Where the commands find Redis."""

from typing import TYPE_CHECKING

from worker.classin.errors import Unavailable
from worker.settings import Settings, from_env

if TYPE_CHECKING:
    from producers.submission import Submitter
    from worker.ledger.in_redis import RedisLedger


def open_ledger(settings: Settings | None = None) -> "RedisLedger":
    """Open the ledger. Raises Unavailable, saying what to start or set."""
    from worker.ledger.in_redis import RedisLedger, connect

    settings = settings or from_env()
    ledger = RedisLedger(connect(settings.ledger_url))
    try:
        ledger.counts()
    except Unavailable as error:
        if settings.redis_url is not None:
            raise
        raise Unavailable(
            f"The private Redis in {settings.home} is not running: start it with `classin up`,"
            " or set CLASSIN_REDIS_URL to a Redis of yours."
        ) from error
    return ledger


def open_submitter() -> "Submitter":
    """Open what takes operations in. Raises Unavailable."""
    from producers.submission import Submitter
    from worker.queues import build_queues

    settings = from_env()
    return Submitter(settings, open_ledger(settings), build_queues(settings))
