"""The audit trail: who changed what by hand, when and why; no field, no secret."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from redis import Redis

from worker.ledger.codec import dump
from worker.ledger.decoding import decoding
from worker.ledger.events import position_of
from worker.ledger.record import clean, iso
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.script_runner import ScriptRunner

#: Ids that one entry names; more make several entries.
MOST_IDS = 500

#: Entries that each round of reading looks at.
_WINDOW = 500


class AuditEntry(NamedTuple):
    """What somebody did by hand."""

    #: Where it stands in the trail: later ones have greater numbers.
    entry: str
    #: The user of a machine, `key NAME` over HTTP, or the job of a schedule.
    who: str
    #: The command: retry, cancel, settle, pause ...
    what: str
    #: What it was about, in words: a filter, a school, a key's name.
    about: str
    #: The records that it was about.
    ids: tuple[str, ...]
    why: str

    @property
    def at(self) -> int:
        """When, in ms since 1970."""
        return position_of(self.entry)[0]

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
        return {
            "at": iso(self.at),
            "who": self.who,
            "what": self.what,
            "about": self.about,
            "ids": list(self.ids),
            "why": self.why,
        }


class Audit:
    """The trail in the ledger's Redis. Each method raises UnavailableError when that is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = ScriptRunner(redis)
        self._keys = keys_of(redis)

    def note(
        self, who: str, what: str, *, about: str = "", ids: Sequence[str] = (), why: str = ""
    ) -> None:
        """Write down what is about to be done; to be called before it takes effect.

        Give no value of a field: names of fields, ids and filters tell enough.
        """
        starts = range(0, max(len(ids), 1), MOST_IDS)
        parts = (dump(list(ids[start : start + MOST_IDS])) for start in starts)
        self._scripts.run("note", *map(clean, (who, what, about, why)), *parts)

    def deeds(
        self, limit: int, *, since: int | None = None, who: str = "", what: str = ""
    ) -> list[AuditEntry]:
        """Give the last so many, the newest first; `since` is ms since 1970."""
        found: list[AuditEntry] = []
        for deed in self._backwards("-" if since is None else str(max(since, 0))):
            if len(found) == limit:
                break
            if who in {"", deed.who} and what in {"", deed.what}:
                found.append(deed)
        return found

    def forget(self, before: int) -> int:
        """Take out what was done before (ms since 1970); gives how many entries that were."""
        with translate_redis_errors():
            return int(
                self._redis.xtrim(self._keys.audit, minid=str(max(before, 0)), approximate=False)
            )

    def _backwards(self, first: str) -> Iterator[AuditEntry]:
        last = "+"
        while True:
            with translate_redis_errors():
                found: Any = self._redis.xrevrange(self._keys.audit, last, first, _WINDOW)
            for entry, said in found:
                yield _deed_of(entry, said)
            if len(found) < _WINDOW:
                return
            last = f"({found[-1][0]}"


@decoding("an entry of the audit trail")
def _deed_of(entry: str, said: Mapping[str, str]) -> AuditEntry:
    ids = tuple(map(str, json.loads(said["ids"])))
    return AuditEntry(entry, said["who"], said["what"], said["about"], ids, said["why"])
