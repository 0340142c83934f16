"""Workers that fall silent: leases are renewed by a beat, and taken back without one."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    AGAIN,
    DONE,
    ENTRY,
    GIVEN_BACK,
    LATER,
    LEASE,
    attempt,
    claimed,
    entry,
    released,
)
from worker.ledger.keys import Keys
from worker.ledger.states import Reason, State
from worker.ledger.store import DEATHS, RedisLedger
from worker.ledger.types import ReadyRecord, Transition

KEYS = Keys()

DUE = ReadyRecord("a", "create_folder", suspect=True)


def died(ledger: RedisLedger, clock: Clock) -> None:
    """Let whoever has it fall silent for good."""
    clock.forward(LEASE)
    ledger.requeue_due(5, orphans=True)


def test_a_lapsed_lease_is_taken_back(ledger: RedisLedger, clock: Clock) -> None:
    """Not a moment earlier, and only by who looks for silent workers."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(9.999)
    assert ledger.requeue_due(5, orphans=True) == []
    clock.forward(0.001)
    assert ledger.requeue_due(5, orphans=False) == []
    assert ledger.requeue_due(5, orphans=True) == [DUE]
    record = ledger.find("a")
    assert (record.state, record.lost_workers) == (State.QUEUED, 1)


def test_a_beat_renews_all_that_a_worker_has(ledger: RedisLedger, clock: Clock) -> None:
    """However long it takes."""
    ledger.submit([ENTRY, entry("b")])
    claims = [claimed(ledger, each, lease=each) for each in "ab"]
    for _ in range(5):
        clock.forward(9)
        assert ledger.renew_leases("w", 10, claims) == []
        assert ledger.requeue_due(5, orphans=True) == []
    clock.forward(10)
    assert [due.id for due in ledger.requeue_due(5, orphans=True)] == ["a", "b"]


def test_a_beat_without_anything_tells_who_lives(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """Each until its time is over; a day later nobody remembers."""
    ledger.renew_leases("one", 10, [])
    clock.forward(3)
    ledger.renew_leases("two", 10, [])
    assert ledger.workers() == {"one": clock.ms + 7000, "two": clock.ms + 10_000}
    clock.forward(86400 + 8)
    ledger.renew_leases("two", 10, [])
    assert ledger.workers() == {"two": clock.ms + 10_000}
    assert redis.zcard(KEYS.workers) == 1


def test_a_beat_leaves_alone_what_is_over(ledger: RedisLedger, clock: Clock) -> None:
    """A deferral or an end that has just been noted is no loss, and is not undone."""
    ledger.submit([ENTRY, entry("b")])
    done, later = claimed(ledger), claimed(ledger, "b", lease="two")
    ledger.advance(done, DONE, None)
    ledger.advance(later, LATER, None)
    clock.forward(1)
    before = ledger.find_all(["a", "b"])
    assert ledger.renew_leases("w", 10, [done, later]) == []
    assert ledger.find_all(["a", "b"]) == before


def test_what_was_announced_leaves_a_doubt(ledger: RedisLedger, clock: Clock) -> None:
    """Its request may have been carried out; nobody read the reply."""
    ledger.submit([ENTRY])
    ledger.mark_sending(claimed(ledger))
    clock.forward(10)
    ledger.requeue_due(5, orphans=True)
    assert claimed(ledger, lease="two").record.unread is True


def test_what_was_not_announced_leaves_none(ledger: RedisLedger, clock: Clock) -> None:
    """Nothing had been sent, or it does not matter."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(10)
    ledger.requeue_due(5, orphans=True)
    assert claimed(ledger, lease="two").record.unread is False


def test_an_announced_request_whose_reply_was_noted_leaves_none(
    ledger: RedisLedger, clock: Clock
) -> None:
    """The worker fell silent in the pause after it."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.mark_sending(claim)
    refused_connection = Transition(state=State.RUNNING, message="no connection")
    ledger.advance(claim, refused_connection, attempt(1), 10)
    clock.forward(10)
    ledger.requeue_due(5, orphans=True)
    assert claimed(ledger, lease="two").record.unread is False


def test_what_kills_its_workers_fails(ledger: RedisLedger, clock: Clock) -> None:
    """After three of them, with what is behind it going on."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    for n in range(1, DEATHS):
        claimed(ledger, lease=str(n))
        clock.forward(10)
        assert ledger.requeue_due(5, orphans=True) == [DUE]
        assert ledger.find("a").lost_workers == n
    claimed(ledger, lease="last")
    clock.forward(10)
    assert ledger.requeue_due(5, orphans=True) == []
    assert released(ledger) == ["b"]
    record = ledger.find("a")
    assert (record.state, record.reason) == (State.FAILED, Reason.POISON)
    assert record.message == "3 workers fell silent while they had it"


def test_what_may_have_been_carried_out_is_uncertain_and_not_failed(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Its first worker fell silent after a request was announced: none later takes that back."""
    ledger.submit([ENTRY])
    ledger.mark_sending(claimed(ledger))
    died(ledger, clock)
    for _ in range(1, DEATHS):
        claimed(ledger)
        died(ledger, clock)
    record = ledger.find("a")
    assert (record.state, record.reason) == (State.UNCERTAIN, Reason.POISON)
    assert record.message == "3 workers fell silent while they had it; it may have been carried out"


@pytest.mark.parametrize(
    ("operation", "state"),
    [("edit_course", State.UNCERTAIN), ("get_top_folder_id", State.FAILED)],
)
def test_what_is_sent_unannounced_may_have_been_carried_out(
    ledger: RedisLedger, clock: Clock, operation: str, state: State
) -> None:
    """A write that converges is not announced; of a read there is nothing to doubt."""
    ledger.submit([replace(ENTRY, operation=operation)])
    for _ in range(DEATHS):
        claimed(ledger)
        died(ledger, clock)
    record = ledger.find("a")
    assert (record.state, record.reason) == (state, Reason.POISON)


def test_a_read_whose_request_was_announced_is_in_no_doubt(
    ledger: RedisLedger, clock: Clock
) -> None:
    """It was announced for its fields' sake, which came from another's result."""
    ledger.submit([replace(ENTRY, operation="get_cloud_list")])
    for _ in range(DEATHS):
        ledger.mark_sending(claimed(ledger))
        died(ledger, clock)
    assert ledger.find("a").state is State.FAILED


def test_deaths_are_forgotten_after_a_delivery_that_was_noted(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Its worker lived through it: what killed the others was something else."""
    ledger.submit([ENTRY])
    for _ in range(DEATHS):
        claimed(ledger)
        died(ledger, clock)
        assert ledger.find("a").lost_workers == 1
        ledger.advance(claimed(ledger), LATER, attempt(len(ledger.find("a").attempts) + 1))
        assert ledger.find("a").lost_workers == 0
        clock.forward(60)
        assert ledger.requeue_due(5, orphans=True) == [ReadyRecord("a", "create_folder")]


def test_deaths_are_kept_where_nothing_was_survived(ledger: RedisLedger, clock: Clock) -> None:
    """Given back before its attempt, or dead after the first of several."""
    ledger.submit([ENTRY])
    claimed(ledger)
    died(ledger, clock)
    ledger.advance(claimed(ledger), GIVEN_BACK, None)
    assert ledger.find("a").lost_workers == 1
    ledger.advance(claimed(ledger), AGAIN, attempt(1), LEASE)
    died(ledger, clock)
    assert ledger.find("a").lost_workers == 2


def test_a_call_takes_back_no_more_than_it_may(ledger: RedisLedger, clock: Clock) -> None:
    """The next one takes the rest."""
    ledger.submit([entry(each) for each in "abc"])
    for each in "abc":
        claimed(ledger, each, lease=each)
    clock.forward(10)
    assert [due.id for due in ledger.requeue_due(2, orphans=True)] == ["a", "b"]
    assert [due.id for due in ledger.requeue_due(2, orphans=True)] == ["c"]
