"""The ledger and the submitter that commands use, opened by the settings."""

from dataclasses import replace

from redis.exceptions import ConnectionError as NoConnectionError

from producers.intake.submitter import Submitter
from worker.config.file_access import FileAccess
from worker.config.settings import Settings, from_env
from worker.errors import RedisUnavailableError, UnavailableError
from worker.keyring import KeyRing
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger


def open_ledger() -> RedisLedger:
    """Open the ledger; whether Redis answers shows at its first use."""
    settings = from_env()
    return RedisLedger(connect(settings.ledger_url, settings.redis_prefix))


def open_submitter(*, for_job: bool = False) -> Submitter:
    """Open the submitter for this user, or for a job.

    A job reads only files that the settings list: who can write to Redis might have written it.
    """
    return _submitter(from_env(), for_job=for_job)


def open_checker(*, for_job: bool) -> Submitter:
    """Open a submitter that only checks operations: it asks neither Redis nor the key ring."""
    return _submitter(replace(from_env(), ring=KeyRing.in_memory()), for_job=for_job)


def _submitter(settings: Settings, *, for_job: bool) -> Submitter:
    files = settings.listed_files if for_job else typed_files(settings)
    return Submitter.from_settings(settings).limited_to(files)


def typed_files(settings: Settings) -> FileAccess:
    """Return which files this user may name as an argument: all that may be read, also by `~/`."""
    return replace(settings.typed_files, home=True)


def in_one_line(error: UnavailableError) -> str:
    """Return what is unavailable, on one line; of the private Redis, how to start it."""
    settings = from_env()
    if settings.redis_url is None and _is_refused_by_redis(error, settings.broker_url):
        return (
            f"The private Redis in {settings.home} is not running: start it with `classin up`,"
            " or set CLASSIN_REDIS_URL to a Redis of yours."
        )
    return " ".join(str(error).split())


def _is_refused_by_redis(error: UnavailableError, broker: str | None) -> bool:
    """Return whether nothing listens at the ledger's Redis (and the queue's, by default)."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__
    of_ledger = broker is None or any(isinstance(each, RedisUnavailableError) for each in causes)
    return of_ledger and any(isinstance(each, NoConnectionError) for each in causes)
