"""Where the commands find Redis, and what they say when it is away."""

from typing import TYPE_CHECKING

from worker.classin.errors import Unavailable
from worker.settings import from_env

if TYPE_CHECKING:
    from ops.mending import Mending
    from producers.submission import Submitter
    from worker.ledger.in_redis import RedisLedger


def open_ledger() -> "RedisLedger":
    """Open the ledger; whether it answers shows at its first use."""
    from worker.ledger.in_redis import RedisLedger, connect

    return RedisLedger(connect(from_env().ledger_url))


def open_submitter() -> "Submitter":
    """Open what takes operations in."""
    from producers.submission import Submitter

    return Submitter.from_settings(from_env())


def open_mending() -> "Mending":
    """Open what changes a running system by hand."""
    from ops.mending import Mending
    from worker.ledger.in_redis import RedisLedger, connect
    from worker.queues import build_queues

    settings = from_env()
    ledger = RedisLedger(connect(settings.ledger_url))
    return Mending(settings, ledger, build_queues(settings))


def in_one_line(error: Unavailable) -> str:
    """Say what is away; of the private Redis, how to start it."""
    settings = from_env()
    if settings.redis_url is None and str(settings.socket) in str(error):
        return (
            f"The private Redis in {settings.home} is not running: start it with `classin up`,"
            " or set CLASSIN_REDIS_URL to a Redis of yours."
        )
    return " ".join(str(error).split())
