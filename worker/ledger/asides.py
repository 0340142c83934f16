"""Setting aside in Redis: see Asides."""

import json
from collections.abc import Sequence
from typing import Any

from worker.ledger import keys
from worker.ledger.aside import Aside
from worker.ledger.decoding import decoding
from worker.ledger.reader import LedgerReader
from worker.ledger.record import clean
from worker.ledger.redis_errors import translate_redis_errors


class RedisAsides(LedgerReader):
    """What the ledger in Redis does with records on which its scripts fail."""

    def set_aside(self, record_id: str, why: str) -> None:
        """Let nobody find a record by itself; see Asides."""
        self._run("aside", "set", record_id, clean(why))

    def set_first_due_aside(self, why: str) -> str:
        """Do so with the record that `due` would look at first; see Asides."""
        return str(self._run("aside", "set", "", clean(why)))

    def asides(self) -> Sequence[Aside]:
        """Return what was set aside; see Asides."""
        with translate_redis_errors():
            found = self._redis.hgetall(keys.ASIDE)
        asides = [_aside_of(str(name), str(said)) for name, said in found.items()]
        return sorted(asides, key=lambda aside: -aside.at)

    def give_back_asides(self) -> int:
        """Let workers try once more what was set aside; see Asides."""
        return int(self._run("aside", "back"))

    def _run(self, name: str, *arguments: str | bytes | int) -> Any:  # noqa: ANN401  # as Redis answers
        """Run a script."""
        raise NotImplementedError


@decoding("the list of what was set aside")
def _aside_of(record_id: str, said: str) -> Aside:
    values = json.loads(said)
    return Aside(record_id, int(values["at"]), str(values["why"]))
