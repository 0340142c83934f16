"""The ledger's books: what every key must hold, given what the records say."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from redis import Redis
from redis.client import Pipeline

from worker.ledger.keys import INDEXED
from worker.ledger.record import Priority
from worker.ledger.redis_client import keys_of
from worker.ledger.states import State

UNSETTLED = {state.value for state in State if not state.settled}
WELL = {State.SUCCEEDED.value, State.PARTIAL.value}

#: Where nothing is left once all records are settled.
_OF_WORK = (
    "queued", "due", "lane:", "lanes", "stops", "followers:", "releasing",
    "parked:", "parking", "paced:", "turns", "file:",
)  # fmt: skip

#: Types of keys, by the word after the prefix; all others are hashes.
_SORTED = {
    "ix",
    "queued",
    "due",
    "lane",
    "lanes",
    "open-batches",
    "paced",
    "parked",
    "quiet",
    "receivers",
    "turns",
    "webhooks",
    "workers",
}
_SETS = {"batch-kinds", "followers", "closed", "parking"}
_STRINGS = {"sequence", "dedup", "pruned"}
_STREAMS = {"events", "audit"}


@dataclass(frozen=True)
class Books:
    """Everything that is in Redis, by key, without its prefix."""

    of: Mapping[str, Any]

    @classmethod
    def read(cls, redis: Redis) -> "Books":
        """Read all that belongs to the system of a client."""
        prefix = keys_of(redis).prefix
        names = [str(name) for name in redis.scan_iter(f"{prefix}:*", count=1000)]
        with redis.pipeline(transaction=False) as pipeline:
            for name in names:
                _ask(pipeline, name)
            found = pipeline.execute()
        return cls(
            {
                name.removeprefix(f"{prefix}:"): dict(value) if _is_sorted(name) else value
                for name, value in zip(names, found, strict=True)
            }
        )

    def starting(self, start: str) -> dict[str, Any]:
        """What stands under keys that start so, by the rest of the key."""
        return {
            name.removeprefix(start): value
            for name, value in self.of.items()
            if name.startswith(start)
        }

    def get(self, name: str) -> Any:  # noqa: ANN401  # whatever stands there
        """What stands under a key; something empty where there is none."""
        return self.of.get(name, {})

    @property
    def records(self) -> dict[str, dict[str, str]]:
        """The records' hashes, by id and in order."""
        found = self.starting("op:")
        return dict(sorted(found.items(), key=lambda item: int(item[1]["sequence"])))

    def check(self) -> None:
        """Compare all with the records."""
        records = self.records
        self._check_indexes(records)
        self._check_counts(records)
        self._check_tries(records)
        self._check_queued(records)
        self._check_due(records)
        self._check_lanes(records)
        self._check_waits(records)
        self._check_blocked(records)
        self._check_schools()
        self._check_events(records)

    def check_done(self) -> None:
        """See that nothing of the work is left."""
        self.check()
        left = {name for name in self.of if name.startswith(_OF_WORK)}
        assert left == set()
        assert {each["state"] for each in self.records.values()}.isdisjoint(UNSETTLED)

    def _check_events(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """What settled was told once, as it was."""
        told = sorted(
            (news["id"], news["state"]) for _, news in self.get("events") if news["id"] in records
        )
        each = [(record_id, values["state"]) for record_id, values in records.items()]
        each += [(name, "uncertain") for name, values in records.items() if "decided" in values]
        assert told == sorted(pair for pair in each if pair[1] not in UNSETTLED)

    def _check_indexes(self, records: Mapping[str, Mapping[str, str]]) -> None:
        expected: dict[str, dict[str, float]] = {}
        for record_id, values in records.items():
            sequence = float(values["sequence"])
            expected.setdefault("all", {})[record_id] = sequence
            for name in INDEXED:
                if value := values.get(name):
                    expected.setdefault(f"{name}:{value}", {})[record_id] = sequence
        assert self.starting("ix:") == expected
        sequences = [values["sequence"] for values in records.values()]
        assert len(set(sequences)) == len(sequences)

    def _check_counts(self, records: Mapping[str, Mapping[str, str]]) -> None:
        each = records.values()
        states = Counter(_list_of(values["operation"], values["state"]) for values in each)
        codes = Counter(values["code"] for values in each if "code" in values)
        batches: dict[str, Counter[str]] = {}
        for values in each:
            if "batch" in values:
                batches.setdefault(values["batch"], Counter())[values["state"]] += 1
        assert _counter(self.get("counts")) == states
        assert _counter(self.get("codes")) == codes
        schools = Counter(values["school"] for values in each if values["state"] in UNSETTLED)
        assert _counter(self.get("schools")) == schools
        counted = {name: _counter(each) for name, each in self.starting("batch:").items()}
        assert counted == batches
        listed = self.starting("batch-kinds:")
        assert listed.keys() == batches.keys()
        for values in each:
            if "batch" in values:
                kind = _list_of(values["school"], values["operation"])
                assert kind in listed[values["batch"]]

    def _check_tries(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """Of a try that is kept no longer it is known how it ended, and who has its key."""
        for record_id, values in records.items():
            last = values.get("retried_by")
            assert ("retry_ended" in values) == (last is not None and last not in records), (
                record_id
            )
        assert set(self.starting("pruned:")).isdisjoint(records)

    def _check_queued(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """Who is queued stands with its priority, or is parked with its school."""
        by_priority = self.starting("queued:")
        for priority, ids in by_priority.items():
            assert {records[each].get("priority", "normal") for each in ids} == {priority}
        parked = self.starting("parked:")
        aside = [record_id for ids in parked.values() for record_id in ids]
        queued = sorted([*(each for ids in by_priority.values() for each in ids), *aside])
        assert queued == sorted(_in_state(records, "queued"))
        assert set(parked) <= set(self.get("parking") or ())
        for school, ids in parked.items():
            for record_id, sequence in ids.items():
                assert records[record_id]["school"] == school
                assert float(records[record_id]["sequence"]) == sequence
        for record_id in _in_state(records, "queued"):
            assert not records[record_id].get("lease")

    def _check_due(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """Who runs is due at the end of its lease; who was put off, at its time.

        Who was so by its pace has no time: it waits with others of its kind.
        """
        due = self.get("due")
        deferred = _in_state(records, "deferred")
        assert sorted(due) == sorted([*deferred, *_in_state(records, "running")])
        paced = [each for each in deferred if "paced" in records[each]]
        timed = [each for each in deferred if each not in paced]
        assert all(due[each] == float(records[each]["due_at"]) for each in timed)
        assert [each for each, values in records.items() if "due_at" in values] == timed
        assert all("paced" not in records[each] for each in _in_state(records, "running"))
        assert {each for each, values in records.items() if "quiet" in values} <= set(timed)
        self._check_paced(records, paced)

    def _check_paced(self, records: Mapping[str, Mapping[str, str]], paced: list[str]) -> None:
        """Who waits for its turn does so among its kind, in order."""
        waiting = self.starting("paced:")
        assert set(waiting) <= set(self.get("turns"))
        assert sorted(chain(*waiting.values())) == sorted(paced)
        for kind, ids in waiting.items():
            assert {f"{records[each]['school']} {records[each]['operation']}" for each in ids} == {
                kind
            }
            assert sorted(ids, key=lambda each: ids[each]) == sorted(
                ids, key=lambda each: _order(records[each])
            )

    def _check_lanes(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """A lane has its unsettled records, and only the first of them may be about."""
        expected: dict[str, dict[str, float]] = {}
        for record_id, values in records.items():
            if "lane" in values and values["state"] in UNSETTLED:
                expected.setdefault(values["lane"], {})[record_id] = float(values["sequence"])
        assert self.starting("lane:") == expected
        for ids in expected.values():
            first, *others = ids
            assert {records[each]["state"] for each in others} <= {"blocked"}, first
        assert set(self.get("stops")) <= set(expected)
        crowded = {lane for lane, ids in expected.items() if len(ids) > 1}
        releasing = self.get("releasing") or []
        to_look_at = {item[1:] for item in releasing if item[0] == "="}
        assert set(self.get("lanes")) - to_look_at == crowded - to_look_at

    def _check_waits(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """Who follows whom is known from both sides, as long as neither is settled."""
        followers = self.starting("followers:")
        releasing = self.get("releasing") or []
        told = {item[1:]: item[0] for item in releasing if item[0] != "="}
        for record_id in followers:
            state = records[record_id]["state"]
            expected = None if state in UNSETTLED else "+" if state in WELL else "-"
            assert told.get(record_id) == expected, record_id
        for record_id in _in_state(records, "blocked"):
            after = set(json.loads(records[record_id].get("after", "[]")))
            waits = {each for each in after if record_id in followers.get(each, ())}
            assert int(records[record_id].get("waits", 0)) == len(waits), record_id
            assert {each for each in after if records[each]["state"] in UNSETTLED} <= waits

    def _check_blocked(self, records: Mapping[str, Mapping[str, str]]) -> None:
        """Nobody is blocked without something that will let it go on."""
        for record_id in _in_state(records, "blocked"):
            assert any(self._reasons(records, record_id)), record_id

    def _reasons(self, records: Mapping[str, Mapping[str, str]], record_id: str) -> Iterator[bool]:
        values = records[record_id]
        releasing = self.get("releasing") or []
        lane = values.get("lane", "")
        yield f"={lane}" in releasing
        yield next(iter(self._lane(lane)), record_id) != record_id
        for other in json.loads(values.get("after", "[]")):
            yield records[other]["state"] in UNSETTLED
            is_told = {f"+{other}", f"-{other}"} & set(releasing)
            yield bool(is_told) and record_id in self.get(f"followers:{other}")

    def _lane(self, lane: str) -> list[str]:
        ids: Mapping[str, float] = self.get(f"lane:{lane}")
        return sorted(ids, key=lambda each: ids[each])

    def _check_schools(self) -> None:
        closed = self.starting("school:")
        assert set(closed) == set(self.get("closed") or ())
        for values in closed.values():
            assert values["state"] in {"paused", "held"}
            assert "by_hand" in values or "next_look" in values


def _list_of(*texts: str) -> str:
    """Write a list as the scripts do."""
    return json.dumps(texts, separators=(",", ":"))


def _ask(pipeline: Pipeline, name: str) -> None:
    """Ask for what stands under a key, of the type that keys.py lists."""
    kind = name.split(":")[1]
    if _is_sorted(name):
        pipeline.zrange(name, 0, -1, withscores=True)
    elif kind in _SETS:
        pipeline.smembers(name)
    elif kind in _STRINGS:
        pipeline.get(name)
    elif kind in _STREAMS:
        pipeline.xrange(name)
    elif kind == "releasing":
        pipeline.lrange(name, 0, -1)
    elif kind == "events":
        pipeline.xrange(name)
    else:
        pipeline.hgetall(name)


def _is_sorted(name: str) -> bool:
    return name.split(":")[1] in _SORTED


def _order(values: Mapping[str, str]) -> tuple[int, int]:
    """By priority, then by sequence."""
    return [*Priority].index(Priority(values.get("priority", "normal"))), int(values["sequence"])


def _in_state(records: Mapping[str, Mapping[str, str]], state: str) -> list[str]:
    return [record_id for record_id, values in records.items() if values["state"] == state]


def _counter(found: Mapping[str, str]) -> Counter[str]:
    """Read counts; one that is nothing has no business there."""
    assert all(int(number) > 0 for number in found.values())
    return Counter({name: int(number) for name, number in found.items()})
