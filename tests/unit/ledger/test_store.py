"""The ledger as a whole: rights, counts, what is not there, Redis away."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.redis_server import SharedRedis
from tests.unit.ledger.hands import AGAIN, DONE, ENTRY, attempt, claimed, settled
from worker.errors import NotFoundError, UnavailableError
from worker.ledger.keys import Keys
from worker.ledger.record import Priority
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

KEYS = Keys()


def test_only_one_holds_a_right(ledger: RedisLedger, redis: Redis) -> None:
    """It can be renewed, lasts as long as was said, and is free afterwards."""
    assert ledger.holder("rescue") is None
    assert ledger.acquire_lock("rescue", "one", 30)
    assert not ledger.acquire_lock("rescue", "two", 30)
    assert ledger.acquire_lock("rescue", "one", 60)
    assert ledger.acquire_lock("another", "two", 30)
    assert ledger.holder("rescue") == "one"
    assert 59_000 < int(redis.pttl(KEYS.lock("rescue"))) <= 60_000
    redis.delete(KEYS.lock("rescue"))
    assert ledger.acquire_lock("rescue", "two", 30)


def test_counts_follow_every_step(ledger: RedisLedger) -> None:
    """By operation, state, batch and code; what falls to nothing is gone."""
    ledger.submit([ENTRY, replace(ENTRY, id="b"), replace(ENTRY, id="c", operation="edit_course")])
    claim = claimed(ledger)
    ledger.advance(claim, AGAIN, attempt(1), 10)
    claimed(ledger, "b")
    assert ledger.counts().of("create_folder") == {State.RUNNING: 2}
    assert ledger.batch_counts("b") == {State.RUNNING: 2, State.QUEUED: 1}
    assert ledger.code_counts() == {104: 1}

    ledger.advance(claim, DONE, attempt(2))

    assert ledger.counts().by_operation == {
        ("create_folder", State.SUCCEEDED): 1,
        ("create_folder", State.RUNNING): 1,
        ("edit_course", State.QUEUED): 1,
    }
    assert ledger.counts().operations() == ["create_folder", "edit_course"]
    assert ledger.batch_counts("b") == {State.SUCCEEDED: 1, State.RUNNING: 1, State.QUEUED: 1}
    assert ledger.code_counts() == {1: 1}
    assert ledger.batch_counts("none") == {}


def test_what_is_not_there_is_not_found(ledger: RedisLedger) -> None:
    """Several are found as far as they are there."""
    ledger.submit([ENTRY])
    for looking in (
        lambda: ledger.find("x"),
        lambda: ledger.cancel("x"),
    ):
        with pytest.raises(NotFoundError, match="there is no record 'x'"):
            looking()
    assert [record.id for record in ledger.find_all(["x", "a", "y"])] == ["a"]
    assert ledger.find_all([]) == []


@pytest.mark.parametrize("text", ["no \ud83d folder", "\udfff"])
def test_half_a_character_reaches_no_redis(ledger: RedisLedger, text: str) -> None:
    """ClassIn, or another Celery, may hand us one anywhere."""
    cleaned = text.encode(errors="replace").decode()
    entry = replace(
        ENTRY, fields={"folderName": text}, school=text, source=text, batch=text, lane=text,
        dedup_key=text,
    )  # fmt: skip
    ledger.submit([entry])
    assert ledger.find_ids(cleaned, [cleaned]) == {cleaned: "a"}
    noted = replace(attempt(1), message=text)
    ledger.advance(claimed(ledger), replace(DONE, message=text, result={text: text}), noted)
    ledger.pause(cleaned, text)

    record = ledger.find("a")
    assert record.message == record.attempts[0].message == cleaned
    assert record.fields == {"folderName": cleaned}
    assert record.result == {cleaned: cleaned}
    assert record.school == record.lane == record.dedup_key == cleaned
    assert ledger.school_pauses()[0].why == cleaned


def test_a_record_without_anything_special_says_so(ledger: RedisLedger) -> None:
    """No flag is up that nobody raised."""
    ledger.submit([replace(ENTRY, accepts_existing=False)])
    settled(ledger)
    record = ledger.find("a")
    assert (record.after, record.stops_lane, record.dedup_key) == ((), False, None)
    assert (record.paced, record.lost_workers) == (False, 0)
    assert (record.accepts_existing, record.already, record.unread) == (False, False, False)


def test_redis_away_is_said_in_one_line(ledger: RedisLedger, server: SharedRedis) -> None:
    """By every method alike."""
    ledger.submit([ENTRY])
    queued = ledger.find("a")
    claim = claimed(ledger)
    server.connected = False
    for method in (
        lambda: ledger.submit([ENTRY]),
        lambda: ledger.find_ids("main", ["a"]),
        lambda: try_claim(ledger, "a", "one", "w", 10),
        lambda: ledger.mark_sending(claim),
        lambda: ledger.advance(claim, DONE, None),
        lambda: ledger.renew_leases("w", 10, [claim]),
        lambda: ledger.unpark(5, "main"),
        lambda: ledger.unpark_some(5, 5),
        lambda: ledger.release(5),
        lambda: ledger.requeue_due(5, orphans=True),
        lambda: ledger.requeue_lost(5, 0, empty=(*Priority,)),
        lambda: ledger.acquire_lock("rescue", "one", 5),
        lambda: ledger.holder("rescue"),
        lambda: ledger.set_paces({"main": 100}),
        lambda: ledger.pause("main", "why"),
        lambda: ledger.resume("main"),
        ledger.school_pauses,
        lambda: ledger.cancel("a"),
        lambda: ledger.wait_reasons([queued]),
        ledger.workers,
        lambda: ledger.find("a"),
        lambda: ledger.file_piece("a", "Filedata", 0),
        lambda: ledger.page(Filter(), 5),
        ledger.counts,
        ledger.code_counts,
        lambda: ledger.batch_counts("b"),
    ):
        with pytest.raises(UnavailableError, match=r"^Redis does not answer as it should: [^\n]+$"):
            method()
