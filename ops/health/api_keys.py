"""API key health: forged, expiring and unused keys. Pure."""

from collections.abc import Iterator, Sequence

from ops.health.finding import Finding, Health
from worker.ledger.api_keys import ApiKey
from worker.ledger.record import iso

#: A key that ends so soon (ms) should be replaced; one unused for so long, revoked.
_SOON, _LONG = 14 * 86_400_000, 90 * 86_400_000

#: Keys that are named.
_NAMED = 5


def examine_api_keys(keys: Sequence[ApiKey], now: int) -> Iterator[Finding]:
    """Examine the keys, at a moment in ms since 1970."""
    foreign = [key.prefix for key in keys if not key.valid]
    if foreign:
        said = f"not written by this installation, and open nothing: {_listed(foreign)}"
        todo = "`classin keys revoke` each; then see who may write that Redis."
        yield Finding("API keys", Health.ILL, said, todo)
    known = [key for key in keys if key.valid]
    ending = [key for key in known if key.ends_at is not None and key.ends_at < now + _SOON]
    if ending:
        said = _listed(f"{key.name} ({iso(key.ends_at or 0)})" for key in ending)
        todo = "Make new ones with `classin keys add`, then revoke these."
        yield Finding("API keys", Health.WARNING, f"ended, or end soon: {said}", todo)
    unused = [key for key in known if key not in ending and _last(key) < now - _LONG]
    if unused:
        said = f"not used for 90 days: {_listed(key.name for key in unused)}"
        todo = "`classin keys revoke` those that nobody needs."
        yield Finding("API keys", Health.WARNING, said, todo)


def _last(key: ApiKey) -> int:
    return max(key.made_at, key.used_at or 0)


def _listed(names: Iterator[str] | Sequence[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
