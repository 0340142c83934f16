"""What the ledger fails on is set aside, and harms nobody else."""

import logging
from collections.abc import Callable, Sequence

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.unit.stage import ClassIn, Stage, said
from worker.classin.operations.courses import EditCourse
from worker.errors import RedisUnavailableError
from worker.ledger.fault_isolation import renew_leases, report_and_claim, requeue_due
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, ClaimRequest, ClaimResult, Transition
from worker.runtime.dispatcher import Dispatcher, QueuedRecord


def courses(stage: Stage, number: int) -> list[str]:
    """Submit so many, each in a lane of its own."""
    operations = [EditCourse(course_id=n, course_name="Physics") for n in range(1, number + 1)]
    return [stage.submit(each) for each in operations]


def spoil(redis: Redis, record_id: str) -> str:
    """Let no script settle a record; gives what was there."""
    key = f"classin:op:{record_id}"
    was = str(redis.hget(key, "enqueued_at"))
    redis.hset(key, "enqueued_at", "yesterday")
    return was


def destroy(redis: Redis, record_id: str) -> None:
    """Let no script so much as look at a record."""
    redis.delete(f"classin:op:{record_id}")
    redis.set(f"classin:op:{record_id}", "no record")


def states(redis: Redis, records: Sequence[str]) -> list[str]:
    """Where these stand."""
    return [str(redis.hget(f"classin:op:{each}", "state")) for each in records]


def asides(stage: Stage) -> list[str]:
    """What was set aside."""
    return [aside.id for aside in stage.ledger.quarantine.records()]


def take(dispatch: Dispatcher, records: Sequence[str]) -> None:
    """Let messages come in for these, and claim them."""
    dispatch.enqueue([QueuedRecord(each) for each in records], lambda: None)
    dispatch.drain_inbox(wait=False)
    dispatch.run_once()


def work(dispatch: Dispatcher) -> None:
    """Let threads do what there is to do, and note it."""
    while dispatch.jobs.qsize():
        job = dispatch.jobs.get_nowait()
        assert job is not None
        job()
    dispatch.drain_inbox(wait=False)
    dispatch.run_once()


@pytest.mark.parametrize("spoil", [spoil, destroy])
@pytest.mark.parametrize("bad", range(5))
def test_one_record_that_cannot_be_noted_harms_no_other(
    stage: Stage,
    redis: Redis,
    caplog: pytest.LogCaptureFixture,
    bad: int,
    spoil: Callable[[Redis, str], object],
) -> None:
    """All others of its exchange are noted; it is set aside, and asked of ClassIn once."""
    classin = ClassIn([said(1)])
    dispatch = stage.dispatch(classin, threads=8)
    records = courses(stage, 5)
    take(dispatch, records)
    spoil(redis, records[bad])

    work(dispatch)

    others = [each for each in records if each != records[bad]]
    assert states(redis, others) == ["succeeded"] * 4
    assert asides(stage) == [records[bad]]
    assert [each.levelno for each in caplog.records if records[bad] in each.message][:1] == [
        logging.ERROR
    ]
    stage.clock.forward(3600)
    assert requeue_due(stage.ledger, 10, orphans=True) == []
    assert len(classin.sent) == 5
    assert dispatch.is_idle


@pytest.mark.parametrize("bad", range(5))
def test_one_record_that_cannot_be_claimed_harms_no_other(
    stage: Stage, redis: Redis, bad: int
) -> None:
    """All others are begun."""
    dispatch = stage.dispatch(ClassIn([said(1)]), threads=8)
    records = courses(stage, 5)
    spoil(redis, records[bad])

    take(dispatch, records)

    assert asides(stage) == [records[bad]]
    assert dispatch.jobs.qsize() == 4


def test_an_error_between_two_attempts_comes_to_an_end(stage: Stage, redis: Redis) -> None:
    """What cannot be noted then is not sent again; the last note fails as well."""
    (record,) = courses(stage, 1)
    dispatch = stage.dispatch(classin := ClassIn([said(104), said(1)]))
    take(dispatch, [record])
    redis.delete("classin:codes")
    redis.set("classin:codes", "no hash")

    work(dispatch)

    assert len(classin.sent) == 1
    assert dispatch.is_idle


def test_leases_of_others_are_renewed(stage: Stage, redis: Redis) -> None:
    """Though the ledger fails on one of them, which counts as over."""
    records = courses(stage, 5)
    claims = [try_claim(stage.ledger, each, each, "w", 30) for each in records]
    destroy(redis, records[2])

    lost = renew_leases(stage.ledger, "w", 300, [claim for claim in claims if claim])

    assert lost == {records[2]}
    stage.clock.forward(31)
    assert requeue_due(stage.ledger, 1, orphans=True) == []
    assert asides(stage) == [records[2]]


def test_rescue_sets_aside_what_it_fails_on(stage: Stage, redis: Redis) -> None:
    """One look after the other finds the rest."""
    records = courses(stage, 4)
    for each in records:
        claim = try_claim(stage.ledger, each, each, "w", 30)
        assert claim is not None
        stage.ledger.advance(claim, Transition(state=State.DEFERRED, due_in=60), None)
    destroy(redis, records[1])
    stage.clock.forward(61)

    found: list[str] = []
    for _ in range(4):
        found += [each.id for each in requeue_due(stage.ledger, 10, orphans=True)]

    assert sorted(found) == sorted({*records} - {records[1]})
    assert asides(stage) == [records[1]]


def test_what_was_set_aside_is_tried_once_more(stage: Stage, redis: Redis) -> None:
    """A worker that starts may be a newer one, which does not fail on it."""
    dispatch = stage.dispatch(ClassIn([said(1)]), threads=8)
    records = courses(stage, 2)
    take(dispatch, records)
    was = spoil(redis, records[0])
    work(dispatch)
    redis.hset(f"classin:op:{records[0]}", "enqueued_at", was)

    assert stage.ledger.quarantine.release_all() == 1

    assert asides(stage) == []
    assert [each.id for each in requeue_due(stage.ledger, 10, orphans=True)] == [records[0]]
    assert stage.ledger.quarantine.release_all() == 0


def test_half_the_room_is_left_to_the_other_half(stage: Stage, redis: Redis) -> None:
    """A school may not get more because its records were asked for in parts."""
    records = courses(stage, 6)
    spoil(redis, records[5])
    room = Capacity(of_any=2)

    request = ClaimRequest([], {each: each for each in records}, "w", 30, room)
    found = report_and_claim(stage.ledger, request)

    assert len(found.claims) == 2


class Full(RedisLedger):
    """A ledger that Redis takes nothing from."""

    def report_and_claim(self, request: ClaimRequest) -> ClaimResult:
        """Say so."""
        del request
        raise RedisUnavailableError("Redis is full", "OOM")


def test_a_redis_that_takes_nothing_is_no_fault_of_a_record(redis: Redis) -> None:
    """Nothing is set aside; all of it is to be said again."""
    with pytest.raises(RedisUnavailableError):
        report_and_claim(Full(redis), ClaimRequest(leases={"a": "a"}, worker="w", lasts=30))
