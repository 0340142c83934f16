"""Quarantine: records on which the ledger's scripts fail, and would again, are set aside."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis

from worker.ledger.decoding import decoding
from worker.ledger.record import clean
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.script_runner import ScriptRunner


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record that was set aside: when (ms since 1970), and why."""

    id: str
    at: int
    why: str


class Quarantine:
    """The records of one Redis database that are set aside. Each method raises UnavailableError."""

    def __init__(self, redis: Redis, scripts: ScriptRunner) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._scripts = scripts

    def add(self, record_id: str, why: str) -> None:
        """Set a record aside: no script comes upon it. It does not change, nor do its followers."""
        self._scripts.run("aside", "set", record_id, clean(why))

    def add_first_due(self, why: str) -> str:
        """Set aside the record that `requeue_due` would look at first; return its id, or ''."""
        return str(self._scripts.run("aside", "set", "", clean(why)))

    def records(self) -> Sequence[QuarantinedRecord]:
        """Return what is set aside, the latest first."""
        with translate_redis_errors():
            found = self._redis.hgetall(self._keys.aside)
        records = [_record_of(str(record_id), str(said)) for record_id, said in found.items()]
        return sorted(records, key=lambda record: -record.at)

    def release_all(self) -> int:
        """Let workers try again what is set aside; return how many records that are."""
        return int(self._scripts.run("aside", "back"))


@decoding("the list of what was set aside")
def _record_of(record_id: str, said: str) -> QuarantinedRecord:
    values = json.loads(said)
    return QuarantinedRecord(record_id, int(values["at"]), str(values["why"]))
