"""The ledger: what each script does, and does when it is sent twice."""

from dataclasses import replace

import pytest
from fakeredis import FakeServer
from redis import Redis

from tests.unit.clock import Clock
from worker.classin.errors import LeaseLost, NotFound, Unavailable
from worker.classin.verdicts import Verdict
from worker.ledger import keys
from worker.ledger.in_redis import CHUNK, RedisLedger
from worker.ledger.ledger import Claim, Due, Filter, Standing
from worker.ledger.lifecycle import Reason, State
from worker.ledger.record import Attempt, Submission

ENTRY = Submission(
    id="a",
    operation="create_folder",
    school="main",
    fields={"folderId": 747759, "folderName": "课程1"},
    lane="main:folder_id:747759",
    batch="b",
    source="test",
    accepts_existing=True,
)
DONE = Standing(state=State.SUCCEEDED, code=1, message="ok", result={"data": 5})
AGAIN = Standing(state=State.RUNNING, code=104, message="unknown error", unread=True)
LATER = Standing(state=State.DEFERRED, code=901, message="maintenance", due_in=60, counts=True)


def attempt(n: int, code: int | None = 104, verdict: Verdict = Verdict.AGAIN) -> Attempt:
    """The nth attempt."""
    return Attempt(n, 1_800_000_000_000 + n, 5, 200, code, "said\nso", verdict)


def claimed(ledger: RedisLedger, record_id: str = "a", lease: str = "one") -> Claim:
    """A lease of ten seconds, which has to be had."""
    claim = ledger.claim(record_id, lease, 10)
    assert claim is not None
    return claim


def test_a_submission_becomes_a_queued_record(ledger: RedisLedger, clock: Clock) -> None:
    """With everything that was handed in."""
    assert ledger.submit([ENTRY]) == 1
    record = ledger.find("a")
    assert record.state is State.QUEUED
    assert record.fields == {"folderId": 747759, "folderName": "课程1"}
    assert (record.operation, record.school, record.lane) == (
        "create_folder", "main", "main:folder_id:747759",
    )  # fmt: skip
    assert (record.batch, record.source, record.accepts_existing) == ("b", "test", True)
    assert record.enqueued_at == clock.ms
    assert (record.attempts, record.code, record.started_at, record.due_at) == (
        (),
        None,
        None,
        None,
    )


def test_a_submission_that_is_sent_twice_counts_once(ledger: RedisLedger) -> None:
    """The record stays as it became in between."""
    ledger.submit([ENTRY])
    ledger.advance(claimed(ledger), DONE, attempt(1))
    before = ledger.find("a")

    assert ledger.submit([ENTRY, replace(ENTRY, id="b"), replace(ENTRY, id="b")]) == 1

    assert ledger.find("a") == before
    assert ledger.counts().by_state() == {State.SUCCEEDED: 1, State.QUEUED: 1}
    assert len(ledger.page(Filter(), 10).records) == 2


def test_more_than_a_chunk_is_taken_in(ledger: RedisLedger) -> None:
    """In order, each with a place of its own."""
    entries = [replace(ENTRY, id=f"{n:04}") for n in range(CHUNK + 1)]
    assert ledger.submit(entries) == CHUNK + 1
    records = ledger.find_all([entry.id for entry in entries])
    assert [record.id for record in records] == sorted(entry.id for entry in entries)
    assert len({record.place for record in records}) == CHUNK + 1
    assert [record.place for record in records] == sorted(record.place for record in records)


def test_a_clock_that_goes_back_does_not_mix_the_order(ledger: RedisLedger, clock: Clock) -> None:
    """What comes later stands later."""
    ledger.submit([ENTRY])
    clock.forward(-3600)
    ledger.submit([replace(ENTRY, id="b")])
    assert [record.id for record in ledger.page(Filter(), 5).records] == ["b", "a"]


def test_nothing_to_submit_is_nothing(ledger: RedisLedger) -> None:
    """An empty file makes no record."""
    assert ledger.submit([]) == 0
    assert ledger.counts().by_state() == {}


def test_a_claim_takes_the_lease(ledger: RedisLedger, clock: Clock) -> None:
    """The record comes with it, running from now on."""
    ledger.submit([ENTRY])
    clock.forward(3)
    claim = claimed(ledger)
    assert claim.lease == "one"
    assert claim.record == ledger.find("a")
    assert (claim.record.state, claim.record.started_at) == (State.RUNNING, clock.ms)
    assert claim.record.unread is False


def test_a_leased_record_is_nobody_else_s(ledger: RedisLedger, clock: Clock) -> None:
    """Until the lease runs out; its holder may ask again."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(9.999)
    assert ledger.claim("a", "two", 10) is None
    again = claimed(ledger)
    assert again.record.unread is False
    clock.forward(9.999)
    assert ledger.claim("a", "two", 10) is None


def test_a_lease_that_ran_out_leaves_a_doubt(ledger: RedisLedger, clock: Clock) -> None:
    """What the silent worker sent last, nobody read; the start stays the first one."""
    ledger.submit([ENTRY])
    started = clock.ms
    claimed(ledger)
    clock.forward(10)
    claim = claimed(ledger, lease="two")
    assert claim.record.unread is True
    assert claim.record.started_at == started


@pytest.mark.parametrize("standing", [DONE, AGAIN, LATER])
def test_a_late_writer_changes_nothing(
    ledger: RedisLedger, clock: Clock, standing: Standing
) -> None:
    """The lease has passed on; what the first worker says no longer counts."""
    ledger.submit([ENTRY])
    late = claimed(ledger)
    clock.forward(10)
    claimed(ledger, lease="two")
    before, due = ledger.find("a"), ledger.due(5, 0)

    with pytest.raises(LeaseLost, match="another worker has a now"):
        ledger.advance(late, standing, attempt(1), 10)

    assert ledger.find("a") == before
    assert ledger.due(5, 0) == due
    assert ledger.codes() == {}


def test_an_attempt_is_noted_and_the_lease_renewed(ledger: RedisLedger, clock: Clock) -> None:
    """A worker that goes on keeps its record."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    clock.forward(9)
    ledger.advance(claim, AGAIN, attempt(1), 10)
    clock.forward(9)
    assert ledger.claim("a", "two", 10) is None
    record = ledger.find("a")
    assert record.state is State.RUNNING
    assert record.attempts == (attempt(1),)
    assert (record.code, record.message, record.unread) == (104, "unknown error", True)
    assert ledger.codes() == {104: 1}


def test_an_attempt_that_is_noted_twice_counts_once(ledger: RedisLedger) -> None:
    """The answer to the first note may have been lost on its way."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    for _ in range(2):
        ledger.advance(claim, AGAIN, attempt(1), 10)
    for _ in range(2):
        ledger.advance(claim, LATER, attempt(2))
    record = ledger.find("a")
    assert [noted.n for noted in record.attempts] == [1, 2]
    assert record.deferrals == 1
    assert ledger.codes() == {901: 1}
    assert ledger.batch("b") == {State.DEFERRED: 1}


def test_a_settled_record_stays_settled(ledger: RedisLedger, clock: Clock) -> None:
    """Its own worker cannot unsettle it, and nobody can claim it."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.advance(claim, DONE, attempt(1, 1, Verdict.DONE))
    before = ledger.find("a")
    clock.forward(10**6)
    ledger.advance(claim, LATER, attempt(2))
    assert ledger.claim("a", "two", 10) is None
    assert ledger.find("a") == before
    assert ledger.due(5, 0) == []
    assert ledger.waiting(5, 0) == []


def test_a_success_is_kept_with_its_result(ledger: RedisLedger, clock: Clock) -> None:
    """And what was only of use on the way is gone."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.advance(claim, AGAIN, attempt(1), 10)
    clock.forward(2)
    ledger.advance(claim, replace(DONE, already=True), attempt(2, 1, Verdict.ALREADY))
    record = ledger.find("a")
    assert (record.state, record.reason, record.code) == (State.SUCCEEDED, None, 1)
    assert (record.message, record.result, record.already) == ("ok", {"data": 5}, True)
    assert (record.finished_at, record.unread, record.deferrals) == (clock.ms, False, 0)


def test_a_failure_is_kept_with_its_reason(ledger: RedisLedger) -> None:
    """An attempt is not needed for it."""
    ledger.submit([ENTRY])
    refused = Standing(state=State.FAILED, reason=Reason.REFUSED, message="courseId: is required")
    ledger.advance(claimed(ledger), refused, None)
    record = ledger.find("a")
    assert (record.state, record.reason, record.attempts) == (State.FAILED, Reason.REFUSED, ())
    assert (record.code, record.message) == (None, "courseId: is required")


def test_a_deferred_record_waits_for_its_time(ledger: RedisLedger, clock: Clock) -> None:
    """Not a moment earlier can it be claimed; then it can, by another worker."""
    ledger.submit([ENTRY])
    ledger.advance(claimed(ledger), LATER, attempt(1))
    due_at = clock.ms + 60_000
    assert ledger.find("a").due_at == due_at
    clock.forward(59.999)
    assert ledger.claim("a", "two", 10) is None
    assert ledger.due(5, 60) == []
    clock.forward(0.001)
    assert ledger.due(5, 60) == [Due("a", "create_folder")]
    claim = claimed(ledger, lease="two")
    assert (claim.record.due_at, claim.record.unread, claim.record.deferrals) == (None, False, 1)


def test_a_doubt_outlasts_a_deferral(ledger: RedisLedger, clock: Clock) -> None:
    """An attempt that nobody read stays unread, whatever was said later."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.advance(claim, AGAIN, attempt(1), 10)
    ledger.advance(claim, LATER, attempt(2, 901, Verdict.LATER))
    clock.forward(60)
    assert claimed(ledger, lease="two").record.unread is True


def test_a_deferral_that_does_not_count_leaves_the_number(ledger: RedisLedger) -> None:
    """Slowing down makes no later wait longer."""
    ledger.submit([ENTRY])
    ledger.advance(claimed(ledger), replace(LATER, counts=False), attempt(1))
    assert ledger.find("a").deferrals == 0


def test_due_is_told_once_and_again_later(ledger: RedisLedger, clock: Clock) -> None:
    """Whoever asked may have died before the message was out."""
    ledger.submit([ENTRY, replace(ENTRY, id="b")])
    for record_id in "ab":
        ledger.advance(claimed(ledger, record_id), LATER, attempt(1))
    clock.forward(60)
    assert [due.id for due in ledger.due(1, 30)] == ["a"]
    assert [due.id for due in ledger.due(5, 30)] == ["b"]
    assert ledger.due(5, 30) == []
    clock.forward(30)
    assert [due.id for due in ledger.due(5, 30)] == ["a", "b"]


def test_a_lapsed_lease_is_due(ledger: RedisLedger, clock: Clock) -> None:
    """Not before it runs out."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(9.999)
    assert ledger.due(5, 30) == []
    clock.forward(0.001)
    assert ledger.due(5, 30) == [Due("a", "create_folder")]


def test_what_waits_long_is_told_longest_first(ledger: RedisLedger, clock: Clock) -> None:
    """Only what is queued."""
    for record_id in "abc":
        ledger.submit([replace(ENTRY, id=record_id)])
        clock.forward(30)
    claimed(ledger, "b")
    assert [due.id for due in ledger.waiting(5, 29)] == ["a", "c"]
    assert [due.id for due in ledger.waiting(1, 29)] == ["a"]
    assert [due.id for due in ledger.waiting(5, 60)] == ["a"]
    assert ledger.waiting(5, 90) == []


def test_only_one_holds_a_right(ledger: RedisLedger, redis: Redis) -> None:
    """It can be renewed, lasts as long as was said, and is free afterwards."""
    assert ledger.holder("rescue") is None
    assert ledger.hold("rescue", "one", 30)
    assert not ledger.hold("rescue", "two", 30)
    assert ledger.hold("rescue", "one", 60)
    assert ledger.hold("another", "two", 30)
    assert ledger.holder("rescue") == "one"
    assert 59_000 < int(redis.pttl(keys.hold("rescue"))) <= 60_000
    redis.delete(keys.hold("rescue"))
    assert ledger.hold("rescue", "two", 30)


def test_counts_follow_every_step(ledger: RedisLedger) -> None:
    """By operation, state, batch and code; what falls to nothing is gone."""
    ledger.submit([ENTRY, replace(ENTRY, id="b"), replace(ENTRY, id="c", operation="edit_course")])
    claim = claimed(ledger)
    ledger.advance(claim, AGAIN, attempt(1), 10)
    claimed(ledger, "b")
    assert ledger.counts().of("create_folder") == {State.RUNNING: 2}
    assert ledger.batch("b") == {State.RUNNING: 2, State.QUEUED: 1}
    assert ledger.codes() == {104: 1}

    ledger.advance(claim, DONE, attempt(2))

    assert ledger.counts().by_operation == {
        ("create_folder", State.SUCCEEDED): 1,
        ("create_folder", State.RUNNING): 1,
        ("edit_course", State.QUEUED): 1,
    }
    assert ledger.counts().operations() == ["create_folder", "edit_course"]
    assert ledger.batch("b") == {State.SUCCEEDED: 1, State.RUNNING: 1, State.QUEUED: 1}
    assert ledger.codes() == {1: 1}
    assert ledger.batch("none") == {}


def test_what_is_not_there_is_not_found(ledger: RedisLedger) -> None:
    """Several are found as far as they are there."""
    ledger.submit([ENTRY])
    for looking in (lambda: ledger.find("x"), lambda: ledger.claim("x", "one", 10)):
        with pytest.raises(NotFound, match="there is no record 'x'"):
            looking()
    assert [record.id for record in ledger.find_all(["x", "a", "y"])] == ["a"]
    assert ledger.find_all([]) == []


@pytest.mark.parametrize("text", ["no \ud83d folder", "\udfff"])
def test_half_a_character_reaches_no_redis(ledger: RedisLedger, text: str) -> None:
    """ClassIn, or another Celery, may hand us one anywhere."""
    entry = replace(ENTRY, fields={"folderName": text}, school=text, source=text, batch=text)
    ledger.submit([entry])
    noted = replace(attempt(1), message=text)
    ledger.advance(claimed(ledger), replace(DONE, message=text, result={text: text}), noted)
    record = ledger.find("a")
    cleaned = text.encode(errors="replace").decode()
    assert record.message == record.attempts[0].message == cleaned
    assert record.fields == {"folderName": cleaned}
    assert record.result == {cleaned: cleaned}
    assert record.school == cleaned


def test_redis_away_is_said_in_one_line(ledger: RedisLedger, server: FakeServer) -> None:
    """By every method alike."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    server.connected = False
    for method in (
        lambda: ledger.submit([ENTRY]),
        lambda: ledger.claim("a", "one", 10),
        lambda: ledger.advance(claim, DONE, None),
        lambda: ledger.due(5, 0),
        lambda: ledger.waiting(5, 0),
        lambda: ledger.hold("rescue", "one", 5),
        lambda: ledger.holder("rescue"),
        lambda: ledger.find("a"),
        lambda: ledger.page(Filter(), 5),
        ledger.counts,
        ledger.codes,
        lambda: ledger.batch("b"),
    ):
        with pytest.raises(Unavailable, match=r"^Redis does not answer as it should: [^\n]+$"):
            method()
