"""Redis health: version, writes, persistence, eviction and memory."""

from collections.abc import Iterator, Mapping

from redis import Redis

from ops.health.finding import Finding, Health
from ops.processes.home_mark import HomeMark
from ops.processes.redis_program import OLDEST, number_of
from worker.errors import RedisUnavailableError
from worker.ledger.data_set import DataSet
from worker.ledger.key_sizes import Family, sizes
from worker.ledger.record import iso
from worker.ledger.redis_errors import TROUBLES
from worker.ledger.script_runner import try_write
from worker.ledger.store import RedisLedger

#: Key families that are named.
LARGEST = 10

#: Records that are named.
NAMED = 5

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def examine_server(redis: Redis, info: Mapping[str, object], home: HomeMark) -> Iterator[Finding]:
    """Examine a server that answers. Raises UnavailableError."""
    yield server(info)
    yield writes(redis)
    yield persistence(append_only=bool(info["aof_enabled"]))
    yield eviction(str(info["maxmemory_policy"]), int(str(info["maxmemory"])))
    yield from vanished(DataSet(redis), home)
    yield from set_aside(RedisLedger(redis))
    yield memory(redis, info)


def server(info: Mapping[str, object]) -> Finding:
    """Judge the server's version."""
    # Valkey has its own version, and reports a compatible Redis version as well.
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info[f"{name.lower()}_version"])
    if number_of(version) >= OLDEST:
        return Finding("Redis", Health.WELL, f"{name} {version} answers")
    todo = f"Use Redis {OLDEST[0]}.{OLDEST[1]} or newer, or Valkey."
    return Finding("Redis", Health.ILL, f"{name} {version} is too old", todo)


def writes(redis: Redis) -> Finding:
    """Try a write that leaves nothing behind."""
    try:
        try_write(redis)
    except RedisUnavailableError as error:
        known = TROUBLES.get(error.code)
        return Finding("writes", Health.ILL, str(error), known.todo if known else "See its log.")
    return Finding("writes", Health.WELL, "one was tried, and taken")


def persistence(*, append_only: bool) -> Finding:
    """Judge whether data survive a restart."""
    if append_only:
        return Finding("persistence", Health.WELL, "the append-only file is on")
    todo = "Set `appendonly yes` in Redis."
    return Finding("persistence", Health.ILL, "a restart of Redis loses operations", todo)


def eviction(policy: str, limit: int) -> Finding:
    """Judge whether a full server refuses writes, or evicts data."""
    if policy == "noeviction":
        return Finding("eviction", Health.WELL, "off")
    if limit == 0:
        return Finding("eviction", Health.WELL, f"{policy}, but no memory limit is set")
    todo = "Set `maxmemory-policy noeviction` in Redis."
    return Finding(
        "eviction", Health.ILL, f"{policy}: when full, Redis throws operations away", todo
    )


def vanished(data_set: DataSet, home: HomeMark) -> Iterator[Finding]:
    """Report a changed data set, if anybody has noticed, and one of another version."""
    if data_set.is_foreign():
        todo = "Use the version that wrote it, or a database or prefix without data."
        yield Finding("layout", Health.ILL, "another version wrote what Redis has", todo)
    noticed = data_set.vanished_at()
    if noticed is None and not home.differs(data_set.found()):
        return
    when = "since `classin up` ran" if noticed is None else f"noticed at {iso(noticed)}"
    todo = "Restore a backup, or hand in anew what is missing."
    yield Finding("data", Health.WARNING, f"all that Redis had was lost, {when}", todo)


def set_aside(ledger: RedisLedger) -> Iterator[Finding]:
    """Report records on which the ledger's scripts fail."""
    asides = ledger.quarantine.records()
    if not asides:
        return
    named = ", ".join(aside.id for aside in asides[:NAMED])
    more = f" and {len(asides) - NAMED} more" if len(asides) > NAMED else ""
    said = f"set aside, because the ledger fails on them: {named}{more}; last: {asides[0].why}"
    todo = "Report it. A worker tries them once more as it starts, such as a newer version's."
    yield Finding("records", Health.ILL, said, todo)


def memory(redis: Redis, info: Mapping[str, object]) -> Finding:
    """Report the used memory, and the largest users."""
    used, limit = int(str(info["used_memory"])), int(str(info["maxmemory"]))
    try:
        found = sizes(redis)
    except RedisUnavailableError as error:
        return Finding("memory", Health.WARNING, f"{size(used)}; by what cannot be told: {error}")
    of = f" of {size(limit)}" if limit else ""
    exact = "" if found.exact else ", estimated from a sample"
    families = [_line(family) for family in found.families[:LARGEST]]
    return Finding("memory", Health.WELL, "\n".join([f"{size(used)}{of}{exact}", *families]))


def _line(family: Family) -> str:
    return f"{size(family.bytes):>9}  {family.name} ({family.keys:,})"


def size(number: int) -> str:
    """Return a number of bytes for people."""
    power = min((len(str(number)) - 1) // 3, len(_UNITS) - 1)
    return f"{number / 1000**power:.{min(power, 1)}f} {_UNITS[power]}"
