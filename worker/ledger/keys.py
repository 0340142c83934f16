"""Every key in Redis: its type, how long it lives, what it holds, and who writes it.

All begin with a prefix, by which two systems can share a database. The scripts get them from here
(see scripts.py); `make reference` writes docs/internals/redis-keys.md.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from worker.keyring import KeyRing
from worker.ledger.record import clean

#: The prefix of a system that has none of its own.
PREFIX = "classin"

#: Properties by which records can be listed.
INDEXED = ("state", "operation", "school", "code", "batch", "reason")

_PREFIX = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class KeyInfo(NamedTuple):
    """What is known of one key, or of a family of keys."""

    #: What stands behind the prefix; of a family, the parts in capitals stand for anything.
    pattern: str
    type: str
    lives: str
    holds: str
    #: Scripts, and modules of worker/ledger, with a comma and a blank between them.
    writers: str


class _Key:
    """A single key."""

    def __init__(self, *info: str) -> None:
        self.info = KeyInfo(*info)

    def __get__(self, keys: "Keys", _: type) -> str:
        return self.in_script(keys.prefix)

    def in_script(self, prefix: str) -> str:
        """Return what stands for it in a script."""
        return f"{prefix}:{self.info.pattern}"


class _Family:
    """Keys that differ in their last parts."""

    def __init__(self, *info: str) -> None:
        self.info = KeyInfo(*info)
        self._stem = self.info.pattern.partition(":")[0]

    def __get__(self, keys: "Keys", _: type) -> Callable[[str], str]:
        stem = self.in_script(keys.prefix)
        return lambda rest: stem + clean(rest)

    def in_script(self, prefix: str) -> str:
        """Return what stands for it in a script, which puts the rest behind it."""
        return f"{prefix}:{self._stem}:"


class Keys:
    """The keys of one system.

    A sequence is the time of submission in microseconds, made unique; it orders records and makes
    the cursor of a page. An hour is counted from 1970. All moments are ms since 1970.
    """

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix

    record = _Family("op:ID", "hash", "until it is pruned", "one record", "lib/ledger")
    file = _Family(
        "file:ID",
        "hash",
        "until it is settled",
        "its small files, in pieces: base 64 by name and number",
        "submit",
    )
    sequence = _Key(
        "sequence", "string", "for good", "the last sequence number given out", "submit"
    )
    all = _Key("ix:all", "sorted set", "while any is kept", "ids by sequence", "submit, prune")
    indexes = _Family(
        "ix:PROPERTY:VALUE", "sorted set", "while a record has it", "ids by sequence", "lib/ledger"
    )
    counts = _Key(
        "counts",
        "hash",
        "while any is kept",
        "records by [operation, state]",
        "lib/ledger",
    )
    batch = _Family(
        "batch:ID",
        "hash",
        "while any is kept",
        "a batch's records by state",
        "lib/ledger, submit, prune",
    )
    batch_about = _Family(
        "batch-about:ID",
        "hash",
        "as long as its batch",
        "what was said of a batch",
        "batch, lib/batches, webhook",
    )
    batch_kinds = _Family(
        "batch-kinds:ID", "set", "while any is kept", "a batch's [school, operation]s", "submit"
    )
    open_batches = _Key(
        "open-batches",
        "sorted set",
        "while handed in",
        "batches by when they broke off",
        "batch, lib/batches",
    )
    receivers = _Key(
        "receivers",
        "sorted set",
        "until all are told",
        "origins by when to call next",
        "lib/batches",
    )
    webhooks = _Family(
        "webhooks:ORIGIN",
        "sorted set",
        "until it is told",
        "batches by when to call",
        "lib/batches, webhook",
    )
    codes = _Key("codes", "hash", "while any is kept", "records by the code last met", "lib/ledger")
    schools = _Key(
        "schools",
        "hash",
        "while work is left",
        "unsettled records by school",
        "submit, lib/followers",
    )
    hour = _Family(
        "hour:HOUR",
        "hash",
        "100 days",
        "what happened in it, counted: see hourly_stats.py",
        "lib/ledger",
    )
    dedup = _Family(
        "dedup:DIGEST",
        "string",
        "400 days longer than its record",
        "who has a dedup key, and what it asks for",
        "submit",
    )
    queued = _Family(
        "queued:PRIORITY",
        "sorted set",
        "while work waits",
        "ids by when a message went",
        "lib/ledger, submit, requeue_lost, unpark, aside",
    )
    frontier = _Key(
        "frontier", "hash", "for good", "how far workers came, by priority", "report_and_claim"
    )
    due = _Key(
        "due",
        "sorted set",
        "while work is under way",
        "ids by when rescue looks",
        "lib/ledger, requeue_due, aside",
    )
    lane = _Family(
        "lane:LANE",
        "sorted set",
        "while it has work",
        "unsettled ids by sequence",
        "submit, lib/followers",
    )
    lanes = _Key(
        "lanes",
        "sorted set",
        "while any has a queue",
        "lanes by when they last moved",
        "submit, lib/followers",
    )
    stops = _Key(
        "stops",
        "hash",
        "while a lane stops",
        "behind which sequence, up to which, and why",
        "lib/followers",
    )
    quiet = _Key(
        "quiet", "sorted set", "for the late window", "lanes by an unanswered attempt", "lib/quiet"
    )
    followers = _Family(
        "followers:ID",
        "set",
        "until they are told",
        "ids that wait for it",
        "submit, lib/followers",
    )
    releasing = _Key(
        "releasing", "list", "while followers wait", "whose followers to tell", "lib/followers"
    )
    school = _Family(
        "school:NAME",
        "hash",
        "while it is closed",
        "why, since when, what next",
        "lib/schools",
    )
    closed = _Key(
        "closed", "set", "while any is closed", "names of schools", "lib/schools, school_gate"
    )
    barred = _Family(
        "barred:NAME", "hash", "an hour", "what alone is locked out", "lib/schools, school_gate"
    )
    parked = _Family(
        "parked:NAME",
        "sorted set",
        "while any is parked",
        "ids without a message",
        "lib/ledger, unpark, aside",
    )
    parking = _Key(
        "parking", "set", "while any is parked", "names of schools", "lib/ledger, unpark"
    )
    paces = _Key("paces", "hash", "for good", "least ms between two requests", "store")
    pace = _Family(
        "pace:WHAT", "hash", "minutes after its use", "when the next may go out", "lib/paces"
    )
    paced = _Family(
        "paced:KIND",
        "sorted set",
        "while any waits",
        "ids by whose turn comes first",
        "lib/ledger, turns, aside",
    )
    turns = _Key(
        "turns",
        "sorted set",
        "while any waits",
        "kinds by when to look at them",
        "lib/paces, turns",
    )
    workers = _Key(
        "workers", "sorted set", "a day after the last", "processes by their end", "renew_leases"
    )
    lock = _Family("lock:WHAT", "hash", "its time to live", "who alone may do it", "acquire_lock")
    clock = _Key("clock", "hash", "for good", "Redis's clock, the ledger's", "lib/clock")
    events = _Key(
        "events", "stream", "the last 100,000", "what settled, without fields", "lib/followers"
    )
    audit = _Key(
        "audit",
        "stream",
        "two years, if pruned",
        "what persons changed, and why",
        "note, resolve, audit",
    )
    pruned = _Family(
        "pruned:ID", "string", "as long as a dedup key", "how one ended that is gone", "prune"
    )
    group = _Family(
        "group:ID",
        "string",
        "as Celery keeps results",
        "results that belong together",
        "celery_groups",
    )
    api_keys = _Key("api-keys", "hash", "until revoked", "who may ask over HTTP", "api_keys")
    api_keys_used = _Key(
        "api-keys-used", "hash", "until revoked", "when each was used last", "api_keys"
    )
    api_rate = _Family(
        "api-rate:KEY", "string", "a second to an hour", "requests of one of them", "api_keys"
    )
    source = _Family("source:NAME", "hash", "for good", "the roster as last applied", "sync_store")
    directory = _Family(
        "directory:NAME", "hash", "for good", "what ClassIn calls its own", "sync_store"
    )
    passwords = _Family(
        "passwords:NAME", "hash", "until handed out", "sealed passwords by person", "sync_store"
    )
    syncs = _Key(
        "syncs", "sorted set", "400 days, the last: ever", "syncs by when they began", "sync_store"
    )
    sync = _Family("sync:ID", "hash", "the same", "what a sync did", "sync_store")
    steps = _Family(
        "sync-steps:ID", "list", "while it goes on", "what it is to do, in parts", "sync_store"
    )
    sync_records = _Family(
        "sync-records:ID", "list", "while it goes on", "ids of what it submitted", "sync_store"
    )
    jobs = _Key("jobs", "set", "while there are any", "names of scheduled jobs", "schedule_change")
    job = _Family(
        "job:NAME",
        "hash",
        "until taken out",
        "what it does, its last tick",
        "lib/runs",
    )
    run = _Family(
        "run:ID",
        "hash",
        "the job's last 1000",
        "what became of a job's tick",
        "lib/runs, schedule_store",
    )
    runs = _Key(
        "runs", "sorted set", "the same", "ids of runs by when recorded", "lib/runs, schedule_store"
    )
    runs_of = _Family(
        "runs:NAME", "sorted set", "the same", "the same of one job", "lib/runs, schedule_store"
    )
    open_runs = _Key(
        "open-runs",
        "sorted set",
        "while any is open",
        "ids of runs that are not over",
        "claim_tick, lib/runs, take_run",
    )
    aside = _Key(
        "aside",
        "hash",
        "until tried once more",
        "ids on which scripts fail: when, and why",
        "aside",
    )
    data_set = _Key("data-set", "string", "for good", "which data set this is", "data_set")
    layout = _Key("layout", "string", "for good", "how this data set is written", "data_set")
    keyring = _Key(
        "keyring", "string", "for good", "which key ring goes with it", "key_fingerprint"
    )
    vanished = _Key("vanished", "string", "a week", "when it was seen to be gone", "data_set")
    trial = _Key("trial", "string", "a moment", "a write that is tried", "trial, script_runner")
    report = _Family("report:ID", "string", "the last 100", "a report, as JSON", "report_store")
    reports = _Key(
        "reports", "sorted set", "the last 100", "ids of reports by when made", "report_store"
    )
    ill_formed = _Key(
        "ill-formed", "list", "the last 1000", "messages set aside", "worker/broker/redis_transport"
    )

    def index(self, name: str, value: str) -> str:
        """Name the index of the records with this value of a property."""
        return self.indexes(f"{name}:{value}")

    def singles(self) -> Iterator[str]:
        """Go through the keys that belong to no family."""
        return (key.in_script(self.prefix) for _, key in all_keys() if isinstance(key, _Key))


def all_keys() -> Iterator[tuple[str, _Key | _Family]]:
    """Go through the keys, with the names that they have here and in the scripts."""
    for name, key in vars(Keys).items():
        if isinstance(key, _Key | _Family):
            yield name, key


def fault_of_prefix(text: str) -> str | None:
    """Say what is wrong with a prefix, if anything is."""
    if _PREFIX.fullmatch(text):
        return None
    return "should be up to 64 letters, digits, _ . and -, the first a letter or a digit"


def dedup_mark(keyring: KeyRing, school: str, key: str, scope: str = "") -> str:
    """A dedup key in a form that tells nobody without the key ring what it says.

    One with a scope is nobody else's, and is the same in all schools.
    """
    said = f"\n{scope}\n{key}" if scope else f"{school}\n{key}"
    return keyring.mark("dedup-key", clean(said))
