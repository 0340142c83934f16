"""Where the commands find Redis, and what they say when it is away."""

from dataclasses import replace
from typing import TYPE_CHECKING

from worker.config.settings import from_env
from worker.errors import RedisUnavailableError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from ops.admin.retry import RetryService
    from ops.admin.service import AdminService
    from producers.intake.submitter import Submitter
    from producers.retry.nightly import NightlyRetry
    from worker.config.file_access import FileAccess
    from worker.config.settings import Settings
    from worker.ledger.audit import Audit
    from worker.ledger.pruner import Pruner
    from worker.ledger.queries import LedgerQueries
    from worker.ledger.store import RedisLedger


def open_ledger() -> "RedisLedger":
    """Open the ledger; whether it answers shows at its first use."""
    from worker.ledger.redis_client import connect
    from worker.ledger.store import RedisLedger

    return RedisLedger(connect(from_env().ledger_url))


def open_queries() -> "LedgerQueries":
    """Open what reads the ledger for people; says on stderr what is wrong with Redis."""
    from worker.ledger.queries import LedgerQueries
    from worker.ledger.redis_client import connect

    redis = connect(from_env().ledger_url)
    _say_if_unwell(redis)
    return LedgerQueries(redis)


def _say_if_unwell(redis: "Redis") -> None:
    """Say that a Redis which can be read takes no writes, or has lost its data."""
    from ops.cli.output import err, local
    from worker.ledger.data_set import DataSet
    from worker.ledger.redis_errors import READABLE, TROUBLES
    from worker.ledger.script_runner import try_write

    try:
        try_write(redis)
    except RedisUnavailableError as error:
        if error.code not in READABLE:
            raise
        err().print(f"{error}. {TROUBLES[error.code].todo}", soft_wrap=True)
    noticed = DataSet(redis).vanished_at()
    if noticed is not None:
        err().print(f"At {local(noticed)} all that Redis had was lost.", soft_wrap=True)


def open_submitter(*, for_job: bool = False) -> "Submitter":
    """Open what takes operations in from this user, or from a job.

    A job names only files that the settings list: who can write to Redis might have written it.
    """
    return _submitter(from_env(), for_job=for_job)


def open_checker(*, for_job: bool) -> "Submitter":
    """Open what checks operations and submits none: it asks neither Redis nor the key ring."""
    from worker.keyring import KeyRing

    return _submitter(replace(from_env(), ring=KeyRing.in_memory()), for_job=for_job)


def _submitter(settings: "Settings", *, for_job: bool) -> "Submitter":
    from producers.intake.submitter import Submitter

    files = settings.listed_files if for_job else typed(settings)
    return Submitter.from_settings(settings).limited_to(files)


def typed(settings: "Settings") -> "FileAccess":
    """Return what files this user may name as an argument: all that may be read, also by `~/`."""
    return replace(settings.typed_files, home=True)


def open_mending() -> "AdminService":
    """Open what changes a running system by hand."""
    from ops.admin.actor import actor
    from ops.admin.service import AdminService
    from worker.broker.queue import build_queues
    from worker.ledger.audit import Audit
    from worker.ledger.redis_client import connect
    from worker.ledger.store import RedisLedger

    settings = from_env()
    redis = connect(settings.ledger_url)
    return AdminService(
        settings,
        RedisLedger(redis, keyring=settings.keyring),
        build_queues(settings),
        Audit(redis),
        actor(),
    )


def open_retrying(run: str | None = None) -> "RetryService":
    """Open what tries records again; `run`: of a job, by its id."""
    from ops.admin.actor import author
    from ops.admin.retry import RetryService
    from producers.intake.submitter import Submitter
    from worker.ledger.audit import Audit
    from worker.ledger.redis_client import connect
    from worker.ledger.store import RedisLedger

    settings = from_env()
    redis = connect(settings.ledger_url, submits=True)
    ledger = RedisLedger(redis, keyring=settings.keyring)
    submitter = Submitter(settings, ledger).limited_to(typed(settings))
    return RetryService(submitter, ledger, Audit(redis), author(run))


def open_nightly() -> "NightlyRetry":
    """Open what tries again each night what failed."""
    from producers.intake.submitter import Submitter
    from producers.retry.nightly import NightlyRetry
    from worker.ledger.audit import Audit
    from worker.ledger.redis_client import connect
    from worker.ledger.store import RedisLedger

    settings = from_env()
    redis = connect(settings.ledger_url, submits=True)
    ledger = RedisLedger(redis, keyring=settings.keyring)
    return NightlyRetry(Submitter(settings, ledger), ledger, Audit(redis))


def open_audit() -> "Audit":
    """Open the audit trail."""
    from worker.ledger.audit import Audit
    from worker.ledger.redis_client import connect

    return Audit(connect(from_env().ledger_url))


def note_seen(what: str, about: str, ids: "Sequence[str]" = ()) -> None:
    """Write into the audit trail that somebody is about to see what is masked elsewhere.

    Call it before anything is shown or written. Raises UnavailableError, also where Redis takes no
    writes: then nothing may be shown.
    """
    from ops.admin.actor import actor

    open_audit().note(actor(), what, about=about, ids=ids)


def open_pruning() -> "Pruner":
    """Open what takes old records out."""
    from worker.ledger.pruner import Pruner
    from worker.ledger.redis_client import connect

    settings = from_env()
    redis = connect(settings.ledger_url, submits=True)
    return Pruner(redis, settings.keyring)


def in_one_line(error: UnavailableError) -> str:
    """Say what is away; of the private Redis, how to start it."""
    settings = from_env()
    if settings.redis_url is None and _is_refused_by_redis(error, settings.broker_url):
        return (
            f"The private Redis in {settings.home} is not running: start it with `classin up`,"
            " or set CLASSIN_REDIS_URL to a Redis of yours."
        )
    return " ".join(str(error).split())


def _is_refused_by_redis(error: UnavailableError, broker: str | None) -> bool:
    """Return whether nothing listens at the ledger's Redis (and the queue's, by default)."""
    from redis.exceptions import ConnectionError as NoConnectionError

    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(cause)
        cause = cause.__cause__
    of_ledger = broker is None or any(isinstance(each, RedisUnavailableError) for each in causes)
    return of_ledger and any(isinstance(each, NoConnectionError) for each in causes)
