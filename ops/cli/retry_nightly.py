"""`classin retry --nightly`: what a job tries again each night."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ops.admin.actor import author
from ops.cli.output import out, print_json
from producers.intake.submitter import Submitter
from producers.retry.nightly import NightlyRetry, Retried, RetryJob
from producers.time_args import moment_of
from worker.config.settings import from_env
from worker.errors import FieldError, InvalidInputError
from worker.ledger.audit import Audit
from worker.ledger.record import new_id
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger

#: What may be said besides of what is tried again each night.
_ALLOWED = frozenset({"school", "since"})


class NightlyOptions(NamedTuple):
    """What the command says of the nightly retry, unread."""

    school: str | None
    since: str | None
    codes: str | None
    most: int | None


def retry_nightly(
    asked: NightlyOptions,
    given: Sequence[str],
    *,
    nightly: bool,
    run: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Try again what ran out of time, and what the codes name; `given`: what else was said.

    Raises InvalidInputError.
    """
    if not nightly:
        raise InvalidInputError(
            "retry", [FieldError("--nightly", "--codes and --most belong to it")]
        )
    faults: list[FieldError] = []
    job = _read(asked, faults)
    others = sorted({*given} - _ALLOWED)
    if others:
        what = f"chooses by itself: leave out {', '.join(name or 'the IDs' for name in others)}"
        faults.append(FieldError("--nightly", what))
    if faults:
        raise InvalidInputError("retry", faults)
    retried = _open_service().run(job, run or new_id(), who=author(run), dry_run=dry_run)
    if as_json:
        print_json({**retried.to_dict(), "dry_run": dry_run})
    else:
        out().print("; ".join(_told(retried, job.most, dry_run=dry_run)))


def _open_service() -> NightlyRetry:
    settings = from_env()
    redis = connect(settings.ledger_url, settings.redis_prefix, submits=True)
    ledger = RedisLedger(redis, keyring=settings.keyring)
    return NightlyRetry(Submitter(settings, ledger), ledger, Audit(redis))


def _read(asked: NightlyOptions, faults: list[FieldError]) -> RetryJob:

    words = (asked.codes or "").replace(",", " ").split()
    codes = frozenset(int(word) for word in words if word.isascii() and word.isdecimal())
    if asked.codes is not None and len(codes) != len({*words}):
        faults.append(FieldError("--codes", f"should be like 144,193; got {asked.codes[:40]!r}"))
    start = moment_of("--since", asked.since, time.time(), faults)
    usual = RetryJob()
    return replace(
        usual, codes=codes, school=asked.school, since=start, most=asked.most or usual.most
    )


def _told(retried: Retried, most: int, *, dry_run: bool) -> Iterator[str]:
    """Say it in one line: of a job, the last one is kept."""
    said = "would be tried again" if dry_run else "tried again"
    batch = f" as batch {retried.batch}" if retried.number and not dry_run else ""
    yield f"{retried.number:,} {said}{batch}"
    for (operation, cause), number in retried.by_cause.most_common():
        yield f"{number:,} {operation} {cause}"
    if retried.spent:
        yield f"{len(retried.spent):,} were tried {most} times already: a person should look"
    if left := retried.left_out.total():
        yield f"{left:,} left out"
