"""The door of Redis itself: all that lies there, as nobody of us writes it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st
from redis import Redis

from producers import Submitter
from producers.files.jsonl import check_lines
from tests.security.fuzz.canaries import PASSWORD
from tests.security.fuzz.command import run
from tests.security.fuzz.damage import ODD_TEXTS, odd_values
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import Take
from tests.security.fuzz.system import a_system
from worker.ledger.batch import BatchInfo
from worker.ledger.keys import Keys
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger

KEYS = Keys()

#: Stands for the id of a record that there is.
_ID = "@ID@"

#: Stands for the batch that there is; what the sync is called.
_BATCH, _SYNC = "@BATCH@", "f6qirykeam6nkbnh"

#: What looks at what lies in Redis.
_LOOKS: tuple[tuple[str, ...], ...] = (
    ("show", _ID),
    ("show", _ID, "--json"),
    ("why", _ID),
    ("ls",),
    ("ls", "--json", "--state", "queued"),
    ("keys", "ls"),
    ("schedule", "ls"),
    ("schedule", "show", "a"),
    ("schedule", "runs"),
    ("retry", _ID),
    ("cancel", _ID),
    ("ls", "--sort", "finished"),
    ("ls", "--sort", "due"),
    ("stats",),
    ("stats", "--json"),
    ("lanes",),
    ("schools",),
    ("audit",),
    ("sync", "runs"),
    ("sync", "show", _SYNC),
    ("report", "--text"),
    ("report", "ls"),
    ("report", "--last"),
    ("watch", _BATCH),
    ("prune", "--dry-run"),
    ("doctor",),
)  # fmt: skip

_SEEDS: tuple[tuple[str, ...], ...] = (
    ("enqueue", "register", "telephone=19900000001", f"password={PASSWORD}"),
    ("keys", "add", "sis", "--school", "main"),
    ("schedule", "add", "a", "--cron", "0 7 * * mon", "--", "report"),
    ("pause", "main", "--why", "holidays"),
    ("schedule", "run", "a"),
    ("report",),
)


@st.composite
def _changes(draw: st.DrawFn) -> tuple[int, str, int, int, Any]:
    """Which key, how, which part of it, what to look with, and with what instead."""
    how = draw(st.sampled_from(("part", "part", "part", "json", "remove", "type", "more")))
    value = draw(
        st.one_of(
            st.sampled_from(ODD_TEXTS).map(lambda text: text.encode("utf-8", "surrogatepass")),
            odd_values.map(lambda value: json.dumps(value).encode()),
            st.binary(max_size=20),
        )
    )
    look = draw(st.integers(0, len(_LOOKS) - 1))
    return draw(st.integers(0, 200)), how, draw(st.integers(0, 60)), look, value


class _Redis:
    """A Redis whose values are changed and put back."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.kept: Mapping[bytes, bytes] = {
            key: value for key in redis.scan_iter() if (value := redis.dump(key)) is not None
        }

    def put_back(self) -> None:
        """Let all be as it was."""
        self._redis.flushall()
        for key, value in self.kept.items():
            self._redis.restore(key, 0, value)

    def change(self, number: int, how: str, part: int, value: bytes) -> str:
        """Change one value, and name its key; numbers choose among what there is."""
        redis, keys = self._redis, sorted(self.kept)
        key = keys[number % len(keys)]
        kind = redis.type(key)
        if how in {"remove", "type"}:
            redis.delete(key)
            if how == "type" and kind == b"string":
                redis.hset(key, value, value)
            elif how == "type":
                redis.set(key, value)
        elif kind == b"hash":
            names = sorted(redis.hkeys(key))
            name = names[part % len(names)]
            redis.hset(key, value if how == "more" else name, value)
        elif kind == b"string":
            redis.set(key, value)
        elif kind == b"zset":
            redis.zadd(key, {value: part})
        elif kind == b"set":
            redis.sadd(key, value)
        elif kind == b"list":
            redis.lpush(key, value)
        elif kind == b"stream":
            redis.xadd(key, {value: value})
        return key.decode()


def _filled(submitter: Submitter, url: str) -> tuple[str, str]:
    """Let there be something of each kind; gives the ids of a record and of a batch."""
    fields = {"folderId": 747759, "folderName": "x"}
    record, *_ = [submitter.submit("create_folder", fields, lane="a").id for _ in range(3)]
    line = {"operation": "create_folder", "fields": fields}
    checked = check_lines([json.dumps(line).encode()], submitter, "a file")
    (receipt,) = submitter.enter_batch(checked, BatchInfo(source="a file"))
    redis = connect(url)
    ledger = RedisLedger(redis)
    ledger.cancel(receipt.id)
    numbers = {"created": 1, "changed": 2, "removed": 3, "unchanged": 4, "failed": 5}
    about = {
        "id": _SYNC, "source": "main:sis", "export": "x.zip", "state": "done", "operations": 1,
        "began_at": "2026-12-01T08:00:00+00:00", "batches": ["x"], "counts": {"people": numbers},
        "failures": [{"number": 1, "operation": "x", "why": "y", "record": record}],
    }  # fmt: skip
    redis.hset(KEYS.sync(_SYNC), "about", json.dumps(about))
    redis.zadd(KEYS.syncs, {_SYNC: 1})
    return record, str(ledger.find(receipt.id).batch)


@contextmanager
def _opened() -> Iterator[Take]:
    with a_system() as environment:
        for words in _SEEDS:
            run(words, environment.variables)
        url = environment.settings.ledger_url
        record, batch = _filled(Submitter.from_settings(environment.settings), url)
        held = _Redis(Redis.from_url(url))

        def take(given: tuple[int, str, int, int, bytes]) -> Iterable[str]:
            number, how, part, look, value = given
            held.put_back()
            changed = held.change(number, how, part, value)
            words = [word.replace(_ID, record).replace(_BATCH, batch) for word in _LOOKS[look]]
            if words[0] == "watch" and changed == KEYS.batch(batch):
                return  # it may well be told of work that never ends
            yield run(words, environment.variables)

        yield take


DOOR = Door("redis_values", _changes(), _opened, examples=60)


def test_whatever_lies_in_redis_a_command_says_what_is_wrong() -> None:
    """Who may write to Redis: no traceback, no hang, and no canary in what commands say."""
    passes(DOOR)
