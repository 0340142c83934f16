"""Pruning: records that settled long ago leave the ledger; what others may need stays."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from worker.keyring import KeyRing
from worker.ledger.audit import Audit
from worker.ledger.decoding import decoding
from worker.ledger.keys import dedup_mark
from worker.ledger.record import clean
from worker.ledger.redis_client import keys_of
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.script_runner import ScriptRunner
from worker.ledger.states import State
from worker.ledger.sync_store import SyncStore

DAY = 86400.0

#: Records that one step takes out; Redis does nothing else meanwhile.
CHUNK = 100

#: Newer records, of which no pruner knows whom they need, that one step looks at.
NEWER = 1000

#: Records of each index that one call asks whom they need.
NEEDY = 250

_SETTLED = [state for state in State if state.settled]


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many seconds things are kept."""

    #: Records after they settled: those that did not succeed until somebody has had time to look at
    #: them. `others` is also for runs of jobs that were taken out.
    succeeded: float = 7 * DAY
    others: float = 90 * DAY
    #: Dedup keys after their records went.
    dedup: float = 400 * DAY
    #: Syncs after they began; the last of each source stays.
    syncs: float = 400 * DAY
    #: Entries of the audit trail.
    audit: float = 2 * 365 * DAY

    def of(self, state: State) -> float:
        """Give how long what settled so is kept."""
        return self.succeeded if state is State.SUCCEEDED else self.others


@dataclass(slots=True)
class Pruned:
    """What a run took out, or would take out."""

    records: Counter[State] = field(default_factory=Counter)
    #: Old enough, but needed by others that are not settled.
    kept: int = 0
    #: Entries of the audit trail, syncs, and runs of jobs that were taken out.
    deeds: int = 0
    syncs: int = 0
    runs: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
        return {
            "pruned": {state.value: number for state, number in self.records.items()},
            "kept": self.kept,
            "audit": self.deeds,
            "syncs": self.syncs,
            "runs": self.runs,
        }


class Pruner:
    """Takes old records out of the ledger's Redis. Each method raises UnavailableError.

    `clock` returns ms since 1970; None: Redis's own time.
    """

    def __init__(
        self, redis: Redis, keyring: KeyRing, clock: Callable[[], int] | None = None
    ) -> None:
        self._redis = redis
        self._keys = keys_of(redis)
        self._keyring = keyring
        self._scripts = ScriptRunner(redis, clock)
        #: Who may be needed by what is not settled, and up to which place that is known.
        self._needed: set[str] = set()
        self._known_to = 0

    def run(
        self,
        ages: Retention,
        now: int,
        *,
        who: str,
        why: str = "",
        dry_run: bool = False,
        on_step: Callable[[int], None] = lambda _: None,
    ) -> Pruned:
        """Take out what is older than that at `now` (ms since 1970), and note it in the trail.

        May be stopped at any step, and run again. `on_step` is told after each chunk how many went.
        """
        pruned = Pruned()
        before = {state: now - round(ages.of(state) * 1000) for state in _SETTLED}
        audit = Audit(self._redis)
        if not dry_run:
            days = (
                f"succeeded after {ages.succeeded / DAY:g} d, others after {ages.others / DAY:g} d"
            )
            audit.note(who, "prune", about=days, why=why)
        self._learn()
        for state, moment in before.items():
            for old in self._old(state, moment):
                some = {each: old[each] for each in old if each not in self._needed}
                gone = len(some) if dry_run else self._drop(state, moment, some, ages.dedup)
                pruned.records[state] += gone
                pruned.kept += len(old) - gone
                on_step(gone)
        if not dry_run:
            pruned.deeds = audit.forget(now - round(ages.audit * 1000))
            pruned.syncs = SyncStore(self._redis).forget(now - round(ages.syncs * 1000))
            pruned.runs = ScheduleStore(self._redis).forget(now - round(ages.others * 1000))
        pruned.records = +pruned.records
        return pruned

    def _drop(self, state: State, before: int, digests: Mapping[str, str], kept: float) -> int:
        """Take these out, those excepted that somebody has come to need meanwhile.

        `digests`: by id that of its dedup key, or ''; those keys stay known for `kept` seconds.
        """
        lasts = max(1, round(kept))
        while digests:
            pairs = [text for each in digests.items() for text in map(clean, each)]
            limits = (before, self._known_to, NEWER, lasts)
            gone = int(self._scripts.run("prune", state.value, *limits, *pairs))
            if gone >= 0:
                return gone
            self._learn()  # too much has come since: nothing was taken out
            digests = {each: digests[each] for each in digests if each not in self._needed}
        return 0

    def _old(self, state: State, before: int) -> Iterator[Mapping[str, str]]:
        """Go through what settled so before, by place: no place is later than its end.

        But where Redis's clock went back in between: that is found once the clock has caught up.
        Gives ids with the digests of their dedup keys, or ''.
        """
        index, first = self._keys.index("state", state.value), "-inf"
        while True:
            with translate_redis_errors():
                found: Any = self._redis.zrangebyscore(
                    index, first, f"({before * 1000}", start=0, num=CHUNK, withscores=True
                )
            if not found:
                return
            ids = [str(each) for each, _ in found]
            ends = zip(ids, self._ends(ids), strict=True)
            yield {each: digest for each, (at, digest) in ends if at is not None and at < before}
            first = f"({found[-1][1]:.0f}"

    def _learn(self) -> None:
        """Find who may be needed: by what is not settled, and later by all that came since."""
        with translate_redis_errors(), decoding("the last sequence number"):
            place = int(self._redis.get(self._keys.sequence) or 0)
        unsettled = [self._keys.index("state", state) for state in State if not state.settled]
        indexes = [self._keys.all] if self._known_to else unsettled
        behind: int | None = self._known_to
        while behind is not None:
            last, *needed = self._scripts.run("dependencies", behind, NEEDY, *indexes)
            self._needed.update(needed)
            behind = int(last) if last else None
        self._known_to = place

    def _ends(self, ids: Sequence[str]) -> list[tuple[int | None, str]]:
        """Return when each settled, and the digest of its dedup key, or ''.

        The time is None where it cannot be read: somebody has changed it in Redis.
        """
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            for record_id in ids:
                names = ["finished_at", "school", "dedup_key", "dedup_scope"]
                pipeline.hmget(self._keys.record(record_id), names)
            found = pipeline.execute()
        return [
            (
                int(at) if at and at.isdecimal() else None,
                "" if key is None else dedup_mark(self._keyring, school, key, scope or ""),
            )
            for at, school, key, scope in found
        ]
