"""Waiting for other records: a follower starts when all of them went well, or fails."""

from itertools import pairwise

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.submitting import submit_all
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    LATER,
    PARTLY,
    REFUSED,
    UNSURE,
    claimed,
    entry,
    released,
    settled,
    states,
)
from worker.ledger.record import Priority
from worker.ledger.states import DependencyKind, Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import ReadyRecord, Transition


def test_a_follower_is_blocked(ledger: RedisLedger) -> None:
    """No message is sent for it, and none would do any good."""
    entered = ledger.submit([entry("a"), entry("b", after="a")])
    assert [each.ready for each in entered] == [True, False]
    assert ledger.find("b").after == ("a",)
    assert ledger.find("b").state is State.BLOCKED
    assert try_claim(ledger, "b", "one", "w", 10) is None
    assert ledger.requeue_lost(5, 0, empty=(*Priority,)) == [ReadyRecord("a", "create_folder")]


@pytest.mark.parametrize("standing", [DONE, PARTLY])
def test_a_follower_starts_when_the_other_went_well(
    ledger: RedisLedger, standing: Transition
) -> None:
    """Who says so is told that a message is needed."""
    ledger.submit([entry("a"), entry("b", after="a")])
    assert settled(ledger, "a", standing).released == [ReadyRecord("b", "create_folder")]
    assert ledger.find("b").state is State.QUEUED
    assert settled(ledger, "b").state is State.SUCCEEDED


@pytest.mark.parametrize("standing", [REFUSED, UNSURE])
def test_a_follower_fails_when_the_other_did_not_go_well(
    ledger: RedisLedger, clock: Clock, standing: Transition
) -> None:
    """It says because of whom; nobody tried it."""
    ledger.submit([entry("a"), entry("b", after="a")])
    assert settled(ledger, "a", standing).released == []
    record = ledger.find("b")
    assert (record.state, record.reason) == (State.FAILED, Reason.DEPENDENCY)
    assert record.message == "a, which it waited for, did not succeed"
    assert record.failed_because == (DependencyKind.AFTER, ("a",))
    assert record.to_dict()["failed_because"] == {"kind": "after", "ids": ["a"]}
    assert (record.started_at, record.finished_at, record.attempts) == (None, clock.ms, ())


def test_a_follower_of_what_is_put_off_waits_on(ledger: RedisLedger, clock: Clock) -> None:
    """Nothing is decided yet."""
    ledger.submit([entry("a"), entry("b", after="a")])
    assert settled(ledger, "a", LATER).released == []
    clock.forward(60)
    assert ledger.requeue_due(5, orphans=False) == [ReadyRecord("a", "create_folder")]
    assert released(ledger) == []
    assert ledger.find("b").state is State.BLOCKED


def test_a_follower_waits_for_all(ledger: RedisLedger) -> None:
    """In whatever order they end; one that it names twice is one."""
    ledger.submit([entry("a"), entry("b"), entry("c"), entry("x", after="a b c b")])
    settled(ledger, "c")
    settled(ledger, "a")
    assert ledger.find("x").state is State.BLOCKED
    assert settled(ledger, "b").released == [ReadyRecord("x", "create_folder")]


def test_the_first_that_fails_fails_a_follower(ledger: RedisLedger) -> None:
    """What becomes of the others changes nothing any more."""
    ledger.submit([entry("a"), entry("b"), entry("x", after="a b")])
    settled(ledger, "a", REFUSED)
    before = ledger.find("x")
    assert before.reason is Reason.DEPENDENCY
    assert settled(ledger, "b").released == []
    assert ledger.find("x") == before


def test_a_follower_of_what_went_well_starts_at_once(ledger: RedisLedger) -> None:
    """There is nothing left to wait for."""
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "a")
    entered = ledger.submit([entry("x", after="a"), entry("y", after="a b")])
    assert [each.ready for each in entered] == [True, False]
    settled(ledger, "b")
    assert states(ledger, "xy") == [State.QUEUED, State.QUEUED]


def test_a_follower_of_what_failed_fails_at_once(ledger: RedisLedger) -> None:
    """With those that were to follow it."""
    ledger.submit([entry("a")])
    settled(ledger, "a", REFUSED)
    entered = ledger.submit([entry("x", after="a"), entry("y", after="x"), entry("z")])
    assert [each.ready for each in entered] == [False, False, True]
    assert ledger.find("x").failed_because == (DependencyKind.AFTER, ("a",))
    assert released(ledger) == []
    assert ledger.find("y").message == "x, which it waited for, did not succeed"


def test_a_failure_goes_from_follower_to_follower(ledger: RedisLedger) -> None:
    """To the last of them; who does not depend on it goes on."""
    ledger.submit(
        [entry("a"), entry("o"), entry("b", after="a"), entry("c", after="b"),
         entry("d", after="c o"), entry("p", after="o")]
    )  # fmt: skip
    settled(ledger, "a", REFUSED)
    assert [ledger.find(each).reason for each in "bcd"] == [Reason.DEPENDENCY] * 3
    assert settled(ledger, "o").released == [ReadyRecord("p", "create_folder")]


@pytest.mark.parametrize("standing", [DONE, REFUSED])
def test_many_followers_are_told_a_part_at_a_time(
    ledger: RedisLedger, redis: Redis, standing: Transition
) -> None:
    """So that no call takes long: those that are left, with the next looks."""
    followers = [f"f{n}" for n in range(250)]
    submit_all(ledger, [entry("a"), *(entry(each, after="a") for each in followers)])

    told = settled(ledger, "a", standing).released

    left = [each for each in ledger.find_all(followers) if each.state is State.BLOCKED]
    assert len(left) == 150
    later = [due.id for _ in range(4) for due in ledger.release(60)[0]]
    ends = {each.state for each in ledger.find_all(followers)}
    if standing is DONE:
        assert sorted([*(due.id for due in told), *later]) == sorted(followers)
        assert ends == {State.QUEUED}
    else:
        assert (list(told), later, ends) == ([], [], {State.FAILED})
    assert redis.exists("classin:releasing", "classin:followers:a") == 0


def test_a_long_chain_of_failures_comes_to_its_end(ledger: RedisLedger, redis: Redis) -> None:
    """Each waits for the one before it."""
    chain = [f"f{n}" for n in range(150)]
    submit_all(
        ledger, [entry(chain[0])] + [entry(each, after=other) for other, each in pairwise(chain)]
    )
    settled(ledger, chain[0], REFUSED)
    assert ledger.find(chain[-1]).state is State.BLOCKED
    assert released(ledger) == []
    assert redis.exists("classin:releasing") == 0
    assert ledger.find(chain[-1]).message == f"{chain[-2]}, which it waited for, did not succeed"


def test_what_is_settled_twice_tells_its_followers_once(ledger: RedisLedger) -> None:
    """The answer to the first word was lost; a lost message is found like any other."""
    ledger.submit([entry("a"), entry("b", after="a")])
    claim = claimed(ledger)
    assert len(ledger.advance(claim, DONE, None).released) == 1
    assert ledger.advance(claim, DONE, None).released == []
    assert ledger.requeue_lost(5, 0, empty=(*Priority,)) == [ReadyRecord("b", "create_folder")]
