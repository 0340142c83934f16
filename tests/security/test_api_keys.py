"""API keys: written into Redis by hand, widened there, used for too long or too often."""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from redis import Redis

from ops.health.api_keys import examine_api_keys
from ops.health.finding import Health
from ops.processes.supervisor import classin as command_line
from tests.redis_server import SharedRedis
from tests.stage import PATIENCE, Command, Environment, start, until
from worker.errors import InvalidInputError
from worker.keyring import KeyRing
from worker.ledger.api_keys import ApiKey, ApiKeys
from worker.ledger.keys import Keys

KEYS = Keys()

DAY = 86_400_000

#: What an attacker chose, and knows.
FORGED = "cq_0badc0de_" + "A" * 43

#: What was enough to be a key once.
RECORD = {
    "prefix": "0badc0de",
    "name": "evil",
    "digest": sha256(FORGED.encode()).hexdigest(),
    "schools": [],
    "kinds": [],
    "reads": True,
    "writes": True,
    "made_at": 1,
    "ends_at": None,
    "rate": "",
}


@pytest.fixture
def shared(server: SharedRedis) -> Redis:
    """A Redis in which an attacker may write."""
    return server.client()


@pytest.fixture
def keys(shared: Redis) -> ApiKeys:
    """The API keys in it, as the gateway reads them."""
    return ApiKeys(shared, KeyRing.in_memory())


def _lone(keys: ApiKeys) -> ApiKey:
    (key,) = keys.all()
    return key


def test_a_digest_written_into_redis_by_hand_is_no_api_key(shared: Redis, keys: ApiKeys) -> None:
    """Who writes Redis would make a key that opens all, for the digest of a word of its own."""
    shared.hset(KEYS.api_keys, "0badc0de", json.dumps(RECORD))
    assert keys.find(FORGED) is None

    theirs = KeyRing.in_memory()
    text = json.dumps(RECORD, sort_keys=True, separators=(",", ":")).encode()
    forged = {**RECORD, "mac": theirs.mac("api-key", text)}
    shared.hset(KEYS.api_keys, "0badc0de", json.dumps(forged))
    assert keys.find(FORGED) is None


def test_a_key_made_by_hand_is_shown_as_such(shared: Redis, keys: ApiKeys) -> None:
    """Whoever looks at the keys, or asks the doctor, learns that somebody writes that Redis."""
    shared.hset(KEYS.api_keys, "0badc0de", json.dumps(RECORD))

    found = _lone(keys)

    assert (found.prefix, found.valid, found.reads, found.writes) == (
        "0badc0de",
        False,
        False,
        False,
    )
    (finding,) = examine_api_keys([found], 0)
    assert finding.health is Health.ILL
    assert "0badc0de" in finding.said


@pytest.mark.parametrize(
    "change",
    [
        {"schools": []},
        {"schools": ["main", "north"]},
        {"kinds": ["*"]},
        {"reads": True},
        {"writes": True},
        {"ends_at": None},
        {"ends_at": 2 * DAY},
        {"rate": ""},
        {"rate": "999999/s"},
        {"name": "admin"},
        {"made_at": DAY},
        {"digest": sha256(FORGED.encode()).hexdigest()},
        {"more": "rights"},
    ],
    ids=str,
)
def test_a_limited_key_widened_in_redis_opens_nothing(
    shared: Redis, keys: ApiKeys, change: Mapping[str, object]
) -> None:
    """Who holds a limited key and writes Redis would take the limits out of its record."""
    limits = {"schools": ["main"], "kinds": ["get_*"], "ends_at": DAY, "rate": "1/m"}
    token, key = keys.add("small", 0, reads=False, writes=False, **limits)  # type: ignore[arg-type]  # as add takes them
    assert keys.find(token) == key
    record = json.loads(str(shared.hget(KEYS.api_keys, key.prefix)))

    shared.hset(KEYS.api_keys, key.prefix, json.dumps({**record, **change}))

    assert keys.find(token) is None
    assert not keys.opens_still(key, 0)
    assert not _lone(keys).valid


def test_a_record_moved_to_another_public_half_opens_nothing(shared: Redis, keys: ApiKeys) -> None:
    """Who writes Redis would put a wide record in the place of a limited one."""
    wide, _ = keys.add("wide", 0)
    small, key = keys.add("small", 0, schools=["main"])
    shared.hset(KEYS.api_keys, key.prefix, str(shared.hget(KEYS.api_keys, wide.split("_")[1])))

    assert keys.find(small) is None
    assert keys.find(f"cq_{key.prefix}_{wide.split('_', 2)[2]}") is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", '"x"', "[" * 5000, '{"mac": []}', '{"mac": "é"}', '{"a": NaN}'],
    ids=lambda text: text[:12],
)
def test_a_broken_record_takes_down_neither_gateway_nor_list(
    shared: Redis, keys: ApiKeys, text: str
) -> None:
    """Who writes one bad record would keep all keys from being found or listed."""
    token, key = keys.add("sis", 0)
    shared.hset(KEYS.api_keys, "0badc0de", text)
    shared.hset(KEYS.api_keys, "\x1b[2J", text)
    shared.hset(KEYS.api_keys_used, key.prefix, "-1e9\x1b")

    assert keys.find(FORGED) is None
    assert keys.find(token) == key
    assert sorted(each.valid for each in keys.all()) == [False, False, True]


def test_a_revoked_key_put_back_lives_no_longer_than_it_was_to(
    shared: Redis, keys: ApiKeys
) -> None:
    """Who writes Redis can undo a revocation, as SECURITY.md says; the key's end it cannot undo."""
    token, key = keys.add("sis", 0, ends_at=DAY)
    record = str(shared.hget(KEYS.api_keys, key.prefix))
    keys.revoke("sis")
    assert keys.find(token) is None

    shared.hset(KEYS.api_keys, key.prefix, record)

    found = keys.find(token)
    assert found is not None
    assert found.ended(DAY)
    assert not keys.opens_still(found, DAY)


def test_a_key_used_more_often_than_its_rate_is_refused_by_all_gateways_together(
    shared: Redis, keys: ApiKeys
) -> None:
    """Who has a key with a rate would ask several gateways, and have the rate of each."""
    _, key = keys.add("sis", 0, rate="3/m")
    other = ApiKeys(shared, KeyRing.in_memory())

    spent = [each.spend(key) for each in (keys, other, keys, other)]

    assert [(each.left, each.over) for each in spent if each] == [
        (2, False),
        (1, False),
        (0, False),
        (0, True),
    ]
    assert all(0 < each.resets_in <= 60 for each in spent if each)
    assert 0 < int(str(shared.pttl(KEYS.api_rate(key.prefix)))) <= 60_000


def test_a_wrong_secret_uses_up_nobodys_rate(shared: Redis, keys: ApiKeys) -> None:
    """Who knows a public half, as logs have it, would use up the rate of its owner."""
    token, key = keys.add("sis", 0, rate="3/m")

    assert keys.find(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert shared.exists(KEYS.api_rate(key.prefix)) == 0


def test_the_use_of_a_key_costs_a_write_a_minute(shared: Redis, keys: ApiKeys) -> None:
    """Who asks often would make Redis write at each request."""
    _, key = keys.add("sis", 0)

    for now in range(60_000, 120_000, 1000):
        keys.note_use(key, now)
        assert str(shared.hget(KEYS.api_keys_used, key.prefix)) == "60000"

    keys.note_use(key, 120_000)
    assert _lone(keys).used_at == 120_000


@pytest.mark.parametrize(
    ("limits", "now", "said"),
    [
        ({"ends_at": 13 * DAY}, 0, "ended, or end soon: sis (1970-01-14"),
        ({"ends_at": 13 * DAY}, 14 * DAY, "ended, or end soon: sis"),
        ({"ends_at": 400 * DAY}, 91 * DAY, "not used for 90 days: sis"),
    ],
)
def test_a_forgotten_key_is_named_by_the_doctor(
    keys: ApiKeys, limits: Mapping[str, int], now: int, said: str
) -> None:
    """A key that nobody needs any more is one that nobody misses when it is stolen."""
    keys.add("sis", 0, **limits)  # type: ignore[arg-type]  # as add takes them

    (finding,) = examine_api_keys(keys.all(), now)

    assert (finding.health, finding.said[: len(said)]) == (Health.WARNING, said)


@dataclass(frozen=True)
class Running:
    """A gateway that runs, and the command beside it."""

    address: str
    classin: Command
    redis: Redis

    def client(self, token: str) -> httpx.Client:
        """A client with a key."""
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.address, headers=headers, timeout=PATIENCE)

    def add(self, *words: str) -> str:
        """Make a key by the command."""
        return self.classin("keys", "add", *words).stdout.strip()


@pytest.fixture
def running(environment: Environment, tmp_path: Path) -> Iterator[Running]:
    """A gateway process."""
    log = tmp_path / "gateway.log"
    with log.open("wb") as output:
        process = start(
            command_line("gateway", "--port", "0"), environment, stdout=output, stderr=output
        )

    def said() -> str:
        return log.read_text(encoding="utf-8")

    until(lambda: "described at" in said(), "the gateway listens")
    found = re.search(r"http://\S+:\d+", said())
    assert found is not None
    redis = Redis.from_url(environment.settings.ledger_url, decode_responses=True)
    yield Running(found[0], Command(environment), redis)
    process.terminate()
    process.wait(30)
    assert "Traceback" not in said()


def test_streams_and_long_waits_end_with_their_key(running: Running) -> None:
    """Whose key was revoked would go on reading what settles for as long as the stream lasts."""
    token = running.add("sis")
    other = running.add("other")
    body = {"operation": "create_folder", "fields": {"folderId": 747759, "folderName": "t"}}
    with running.client(token) as sis, ThreadPoolExecutor(1) as pool:
        place = sis.post("/v1/operations", json=body).headers["location"]
        waits = pool.submit(sis.get, place, params={"wait": 60})
        with sis.stream("GET", "/v1/events") as events:
            lines = events.iter_lines()
            until(lambda: next(lines).startswith("id: "), "the stream has begun")
            assert running.classin("keys", "revoke", "sis").returncode == 0
            rest = list(lines)  # it ends

        assert "event: closed" in rest
        assert (waits.result().status_code, sis.get(place).status_code) == (401, 401)
    with running.client(other) as client:
        assert client.get(place).status_code == 200


def test_a_key_over_http_obeys_its_record_and_nothing_else(running: Running) -> None:
    """End to end: what is written by hand is 401, what has ended is told so, a rate is 429."""
    short = running.add("short", "--until", "1h")
    slow = running.add("slow", "--rate", "2/h", "--no-end")
    running.redis.hset(KEYS.api_keys, "0badc0de", json.dumps(RECORD))

    def ask(token: str) -> httpx.Response:
        with running.client(token) as client:
            return client.get("/v1/operations")

    answers = [ask(slow) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each.headers["ratelimit-remaining"] for each in answers] == ["1", "0", "0"]
    assert 0 < int(answers[2].headers["retry-after"]) <= 3600
    assert ask(FORGED).status_code == 401
    assert ask(short).status_code == 200
    listed = running.classin("keys", "ls", "--json").stdout.splitlines()
    known = {each["prefix"]: each for each in map(json.loads, listed)}
    assert known[slow.split("_")[1]]["ends_at"] is None
    assert known[short.split("_")[1]]["used_at"] is not None
    assert known["0badc0de"]["valid"] is False
    assert "opens nothing" in running.classin("keys", "ls").stdout
    assert "0badc0de" in running.classin("doctor").stdout


def test_a_key_ends_after_a_year_unless_somebody_says_otherwise(
    environment: Environment,
) -> None:
    """A key that is made and forgotten would open the gateway for ever."""
    classin = Command(environment)

    def life(*words: str) -> int | None:
        made = json.loads(classin("keys", "add", *words, "--json").stdout)
        return None if made["ends_at"] is None else _day(made["ends_at"]) - _day(made["made_at"])

    assert [life("a"), life("b", "--until", "90d"), life("c", "--no-end")] == [365, 90, None]
    for words in (["--until", "2020-01-01"], ["--until", "1d", "--no-end"]):
        done = classin("keys", "add", "d", *words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 2), done.stderr


@pytest.mark.parametrize("rate", ["fast", "0/m", "60", "1e9/s", "-1/m", "60/d", "9999999/s"])
def test_a_rate_that_is_none_makes_no_key(keys: ApiKeys, rate: str) -> None:
    """A mistyped rate would be no limit at all."""
    with pytest.raises(InvalidInputError):
        keys.add("sis", 0, rate=rate)

    assert keys.all() == []


def _day(moment: str) -> int:
    return datetime.fromisoformat(moment).toordinal()
