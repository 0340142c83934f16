"""Digests in Redis: who can read it guesses no person from what stands for them there."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from producers.files.sheets import Layout, check_sheet
from producers.gateway.idempotency import IdempotencyKey
from producers.intake.submitter import Submitter
from tests.unit import conftest as memory
from tests.unit.producers import conftest as door
from tests.unit.stage import RING, Stage, said
from worker.broker.foreign_task import ForeignTask
from worker.config.settings import Settings
from worker.keyring import KeyRing
from worker.ledger.batch import BatchInfo, mark_of_file
from worker.ledger.codec import digest_of
from worker.ledger.pruner import Pruner, Retention
from worker.ledger.store import RedisLedger

clock, ledger, redis, stage = (
    memory.clock,
    memory.ledger,
    memory.redis,
    memory.stage,
)
queues, settings, submitter = memory.queues, memory.settings, door.submitter

#: Invented, among as many others as an attacker tries in a fraction of a second.
FIRST, TRIED = 19_900_000_000, 100_000
PHONE = str(FIRST + 73_912)

REGISTER = {"telephone": PHONE, "password": "canary-word"}


def phones() -> Iterator[str]:
    """Give all the numbers that an attacker tries."""
    return (str(FIRST + n) for n in range(TRIED))


def digests_in(text: str) -> set[str]:
    """Find what may be a digest, cut to the first 16 digits: a lane had no more."""
    return {each[:16] for each in re.findall(r"(?<![0-9a-f])[0-9a-f]{16,64}(?![0-9a-f])", text)}


def guessed(text: str, spellings: Iterable[str]) -> list[str]:
    """Try texts until the digest of one is found."""
    found = digests_in(text)
    return [each for each in spellings if hashlib.sha256(each.encode()).hexdigest()[:16] in found]


def all_of(redis: Redis) -> str:
    """Write what the fields of records do not say by themselves: all keys, and other values."""
    parts = []
    for name in map(str, redis.scan_iter()):
        parts.append(name)
        kind = redis.type(name)
        if kind == "string":
            parts.append(str(redis.get(name)))
        elif kind == "hash":
            parts += [text for pair in redis.hgetall(name).items() for text in map(str, pair)]
        elif kind in {"zset", "set"}:
            members = redis.zrange(name, 0, -1) if kind == "zset" else redis.smembers(name)
            parts += map(str, members)
    return "\n".join(parts)


def test_a_phone_number_is_not_found_from_its_lane(submitter: Submitter, redis: Redis) -> None:
    """Who reads Redis, or is shown a lane by a command or over HTTP, would try all numbers."""
    record = submitter.submit("register", REGISTER).record()
    assert record.lane
    assert PHONE not in record.lane
    assert guessed(record.lane, phones()) == []
    assert guessed(all_of(redis), phones()) == []


def test_a_phone_number_is_not_found_from_the_lane_of_what_another_celery_sent(
    settings: Settings, ledger: RedisLedger, redis: Redis
) -> None:
    """The same by a message, which a worker records: it names the same lane as a producer."""
    arrival = ForeignTask("x", "register", REGISTER, {}, positional=False, linked=False)
    ledger.submit([arrival.submission(settings)])
    lane = ledger.find("x").lane or ""
    assert guessed(lane, phones()) == []
    assert guessed(all_of(redis), phones()) == []
    assert lane == Submitter(settings, ledger).submit("register", REGISTER).record().lane


def test_a_pruned_record_leaves_no_digest_that_can_be_guessed(
    submitter: Submitter, stage: Stage, redis: Redis
) -> None:
    """A dedup key outlives its record by 400 days: what was asked would be found from it."""
    asked = {"courseId": 1, "courseName": PHONE}
    receipt = submitter.submit("edit_course", asked, dedup_key=PHONE)
    stage.perform(receipt.id, said(1))
    Pruner(redis, RING, stage.clock.millis).run(Retention(-1, -1), stage.clock.ms, who="ada")
    left = all_of(redis)
    assert "classin:dedup:" in left
    names = (f"main\n{phone}" for phone in phones())
    assert guessed(left, names) == []
    found = digests_in(left)
    asks = (digest_of("edit_course", {**asked, "courseName": phone}) for phone in phones())
    assert not [each for each in asks if each[:16] in found]


def test_a_phone_number_is_not_found_from_the_dedup_key_of_a_row(submitter: Submitter) -> None:
    """Dedup keys are shown to whoever may see a record, masked as that is."""
    layout = Layout(
        operation="register",
        columns={"telephone": "Phone", "password": "Word"},
        dedup="Phone",
    )
    sheet = f"Phone,Word\n{PHONE},canary-word\n".encode()
    (submission,) = check_sheet(sheet, layout, submitter, "rows.csv").checked.submissions
    assert submission.dedup_key
    assert PHONE not in submission.dedup_key
    assert guessed(submission.dedup_key, phones()) == []


def test_a_short_file_is_not_found_from_the_digest_of_its_batch(
    ledger: RedisLedger, redis: Redis
) -> None:
    """Of a file with one row all is known but a number."""
    about = BatchInfo(file="rows.csv", digest=mark_of_file(RING, f"Phone\n{PHONE}\n".encode()))
    ledger.batches.open("b", about)
    assert guessed(all_of(redis), (f"Phone\n{phone}\n" for phone in phones())) == []


def test_an_idempotency_key_is_not_found_from_the_id_of_its_batch() -> None:
    """The id is shown, and may be in an address: the key, which a client chose, may be personal."""
    key = IdempotencyKey(PHONE, "abc")
    assert key.batch(RING.mark) == key.batch(RING.mark)
    assert key.batch(RING.mark) != key.batch(KeyRing.in_memory().mark)


def test_equal_texts_have_the_same_mark_on_each_host_and_for_one_purpose_only() -> None:
    """Or producers, workers and the gateway would keep no order between them."""
    key = bytes(range(32))
    here, there = KeyRing(lambda: key), KeyRing(lambda: key)
    assert here.mark("lane", PHONE) == there.mark("lane", PHONE)
    assert here.mark("lane", PHONE) != here.mark("row", PHONE)


def test_the_derivation_is_that_of_rfc_5869() -> None:
    """Whoever reads the documents can compute a key by hand."""
    key = bytes(range(32))
    extracted = hmac.digest(bytes(32), key, "sha256")
    derived = hmac.digest(extracted, b"classin-queue/lane\x01", "sha256")
    assert KeyRing(lambda: key).derive("lane") == derived


@pytest.mark.parametrize("folder", ["worker", "producers", "ops"])
def test_no_other_digest_is_made_of_what_may_be_personal(folder: str) -> None:
    """Who adds another hash looks whether it should be a mark of the key ring."""
    known = {
        "worker/classin/signing.py",  # ClassIn's own signatures, by MD5
        "worker/classin/operation.py",  # the id of a record, as an identity
        "worker/ledger/record.py",  # ids, of texts that are marked already
        "worker/ledger/codec.py",  # what is asked: stored as a mark
        "worker/ledger/batch.py",  # a file: stored as a mark
        "worker/ledger/api_keys.py",  # keys of 160 random bits
        "worker/execution/file_streams.py",  # a file's content, compared as it is sent
        "producers/intake/attachments.py",  # the same
        "producers/oneroster/id_map.py",  # the identity of a course, which ClassIn knows
    }
    root = Path(__file__).parents[2]
    found = {
        path.relative_to(root).as_posix()
        for path in (root / folder).rglob("*.py")
        if "hashlib" in path.read_text(encoding="utf-8")
    }
    assert {path for path in found if "/simulator/" not in path} <= known
