"""The doctor: check everything that operations need, and change nothing."""

import time
from collections.abc import Callable, Iterator

from ops.health.api_keys import examine_api_keys
from ops.health.finding import Finding, Health
from ops.health.redis_server import examine_server
from ops.processes.home_mark import HomeMark
from worker.classin.classify import classify_reply
from worker.classin.operations.cloud import GetTopFolderId
from worker.classin.request import prepare
from worker.classin.response import Reply
from worker.classin.school import School
from worker.classin.verdicts import Verdict
from worker.config.settings import Settings, from_env
from worker.durations import duration_text
from worker.errors import (
    InvalidSettingsError,
    NoReplyError,
    NotSentError,
    RedisUnavailableError,
    ValidationError,
)
from worker.execution.clock_skew import CLOSE_ENOUGH, CORRECTABLE, ClockSample, explains
from worker.execution.http_client import Transport
from worker.ledger.api_keys import ApiKeys
from worker.ledger.clock import LedgerClock
from worker.ledger.key_fingerprint import KeyFingerprint
from worker.ledger.record import iso
from worker.ledger.redis_client import connect, keys_of
from worker.ledger.redis_errors import TROUBLES, translate_redis_errors
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.store import RedisLedger
from worker.scheduling.tick_claimer import BEAT

#: Skew to Redis's clock (seconds) from which deadlines are noticeably wrong.
TOO_FAR = 120.0


def examine() -> Iterator[Finding]:
    """Yield all findings."""
    try:
        settings = from_env()
    except ValidationError as error:
        for fault in error.faults:
            yield Finding("settings", Health.ILL, str(fault), "Correct it and look again.")
        return
    yield from examine_redis(settings)
    yield from examine_key_ring(settings)
    yield from examine_schools(settings)


def examine_redis(settings: Settings) -> Iterator[Finding]:
    """Examine Redis: reachable, writable, durable, on our time; and the workers."""
    redis = connect(settings.ledger_url, settings.redis_prefix)
    ledger, keys = RedisLedger(redis), keys_of(redis)
    try:
        with translate_redis_errors():
            info = redis.info()
            seconds, microseconds = redis.time()
            ill_formed = redis.llen(keys.ill_formed)
            has_jobs = redis.exists(keys.jobs)
        clock_state = ledger.clock_state()
        worker_seen = ledger.health().workers > 0
        beat_missed = has_jobs and ledger.holder(BEAT) is None
        home = HomeMark(settings.home if settings.redis_url is None else None)
        yield from examine_server(redis, info, home)
    except RedisUnavailableError as error:
        start = "Start `classin up`, or set CLASSIN_REDIS_URL."
        todo = start if settings.redis_url is None else "Start it, or correct CLASSIN_REDIS_URL."
        known = TROUBLES.get(error.code)
        yield Finding("Redis", Health.ILL, str(error), known.todo if known else todo)
        return
    yield clock("clock against Redis", time.time() - (seconds + microseconds / 1e6))
    if clock_state.stepped_lately(seconds * 1000):
        yield clock_step(clock_state)
    if worker_seen:
        yield Finding("workers", Health.WELL, "at least one is running")
    else:
        yield Finding(
            "workers",
            Health.WARNING,
            "none consumes what waits",
            "Start `classin up` or `classin worker`.",
        )
    if beat_missed:
        todo = "Start `classin up` or `classin beat`."
        yield Finding("schedule", Health.WARNING, "there are jobs, and no beat runs", todo)
    if ill_formed:
        todo = f"Look at the Redis list {keys.ill_formed}; somebody sends what is no operation."
        yield Finding(
            "messages", Health.WARNING, f"{ill_formed} could not be read and were set aside", todo
        )


def examine_key_ring(settings: Settings) -> Iterator[Finding]:
    """Examine the key ring, without creating one, and the API keys that it authenticates."""
    subject, path, redis = (
        "key ring",
        settings.keys,
        connect(settings.ledger_url, settings.redis_prefix),
    )
    try:
        if path is None or not KeyFingerprint(path, redis).are_there():
            said = f"{path} is not there yet: it is made at the first use"
            yield Finding(subject, Health.WARNING, said, "Make it now: classin keys init")
        else:
            yield Finding(subject, Health.WELL, f"{path}; have a backup of it")
            found = ApiKeys(redis, settings.keyring).all()
            yield from examine_api_keys(found, round(time.time() * 1000))
            yield from _examine_jobs(ScheduleStore(redis, keyring=settings.keyring))
    except InvalidSettingsError as error:
        todo = "Correct it: without it no job runs and nothing can be submitted."
        yield Finding(subject, Health.ILL, str(error.faults[0]), todo)
    except RedisUnavailableError:
        return


def _examine_jobs(schedule: ScheduleStore) -> Iterator[Finding]:
    """Report jobs without a valid signature: somebody else may have written them."""
    unsigned = [planned.job.name for planned in schedule.jobs() if not planned.signed]
    if unsigned:
        said = (
            f"not signed by this installation, and not run: {', '.join(map(repr, unsigned))[:200]}"
        )
        todo = "Look who wrote them into Redis; sign those that are right: classin schedule apply."
        yield Finding("jobs", Health.WARNING, said, todo)


def clock(subject: str, skew: float) -> Finding:
    """Judge by how many seconds our clock is ahead of Redis's."""
    if abs(skew) <= CLOSE_ENOUGH:
        return Finding(subject, Health.WELL, _apart(skew))
    health = Health.WARNING if abs(skew) < TOO_FAR else Health.ILL
    return Finding(subject, health, _apart(skew), "Let NTP set the clock of this machine.")


def clock_step(seen: LedgerClock) -> Finding:
    """Report a step back of Redis's clock, and its effects."""
    by, at = duration_text(seen.stepped_by), iso(seen.stepped_at)
    said = (
        f"went back by {by} at {at}; leases and due times are not affected,"
        " jobs tick again when it is past their last tick"
    )
    todo = "Let NTP set the clock of Redis's machine before Redis starts there."
    return Finding("clock of Redis", Health.WARNING, said, todo)


def signing_clock(seen: ClockSample) -> Finding:
    """Judge the skew to ClassIn's clock by one reply, and what workers make of it."""
    subject, said = "clock against ClassIn", _apart(seen.ahead)
    if not seen.skew:
        return Finding(subject, Health.WELL, said)
    if abs(seen.skew) <= CORRECTABLE:
        todo = "Let NTP set the clock of this machine all the same."
        return Finding(subject, Health.WARNING, f"{said}; the worker corrects that", todo)
    said += f"; the worker corrects at most {duration_text(CORRECTABLE * 1000)}"
    return Finding(subject, Health.ILL, said, "Let NTP set the clock of this machine.")


def _apart(skew: float) -> str:
    return f"{duration_text(abs(skew) * 1000)} {'ahead' if skew > 0 else 'behind'}"


def examine_schools(settings: Settings) -> Iterator[Finding]:
    """Try each school's credentials with a read-only request."""
    if not settings.schools:
        todo = "Set CLASSIN_SID and CLASSIN_SECRET, or CLASSIN_SCHOOLS."
        yield Finding("schools", Health.ILL, "none is configured", todo)
    transport = Transport(settings.base_url, settings.deadlines)
    for school in settings.schools.values():
        yield from _examine_school(school, transport, time.time)


def _examine_school(
    school: School, transport: Transport, now: Callable[[], float]
) -> Iterator[Finding]:
    subject, operation, at = f"school {school.name}", GetTopFolderId(), now()
    try:
        reply = transport.send(prepare(operation, school, int(at)), operation.spec.endpoint.version)
    except NoReplyError as accident:
        todo = (
            "Check CLASSIN_BASE_URL and the network."
            if isinstance(accident, NotSentError)
            else "Look again later."
        )
        yield Finding(subject, Health.ILL, f"ClassIn does not answer: {accident}", todo)
        return
    seen = None if reply.date is None else ClockSample(at, now(), reply.date)
    yield credentials(subject, operation, reply, seen.skew if seen else 0.0)
    if seen:
        yield signing_clock(seen)


def credentials(subject: str, operation: GetTopFolderId, reply: Reply, skew: float) -> Finding:
    """Judge by the reply, and by our clock's skew, whether SID and secret are accepted."""
    said = f"{reply.code} {reply.message}" if reply.code is not None else reply.message
    match classify_reply(operation, reply, expected=False):
        case Verdict.DONE | Verdict.REFUSED:  # refused for another reason: we were let in
            return Finding(subject, Health.WELL, "SID and secret are accepted")
        case Verdict.LOCKED_OUT if explains(reply.code, skew):
            todo = "Let NTP set the clock of this machine, and look again."
            return Finding(subject, Health.ILL, f"our time was not accepted: {said}", todo)
        case Verdict.LOCKED_OUT:
            todo = "Check SID and secret, the permission for the API, and that the account is paid."
            return Finding(subject, Health.ILL, said, todo)
        case _:
            return Finding(
                subject, Health.WARNING, f"could not be tried: {said}", "Look again later."
            )
