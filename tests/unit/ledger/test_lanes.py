"""Lanes: their records go one after the other, in the order in which they came."""

import json

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    GIVEN_BACK,
    LATER,
    LOCKED,
    PARTLY,
    REFUSED,
    UNSURE,
    claimed,
    entry,
    released,
    settled,
    states,
)
from worker.ledger.keys import Keys
from worker.ledger.record import Submission
from worker.ledger.states import DependencyKind, Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Transition

KEYS = Keys()


def lane(ids: str, *, stops: str = "") -> list[Submission]:
    """A record for each letter, all in one lane; `stops` stop it."""
    return [entry(each, lane="l", stops=each in stops) for each in ids]


def ids_of(found: object) -> str:
    """The ids of what was released, together."""
    return "".join(due.id for due in found)  # type: ignore[attr-defined]  # they are Dues


def test_only_the_first_of_a_lane_is_queued(ledger: RedisLedger) -> None:
    """The others are blocked; lanes, and what is in none, do not mind each other."""
    entered = ledger.submit([*lane("abc"), entry("x", lane="m"), entry("y")])
    assert [each.ready for each in entered] == [True, False, False, True, True]
    assert states(ledger, "abc") == [State.QUEUED, State.BLOCKED, State.BLOCKED]
    assert try_claim(ledger, "b", "one", "w", 10) is None


@pytest.mark.parametrize("standing", [DONE, PARTLY, REFUSED, UNSURE])
def test_the_next_goes_on_however_the_first_ended(
    ledger: RedisLedger, standing: Transition
) -> None:
    """Unless its lane was to stop."""
    ledger.submit(lane("abc"))
    assert ids_of(settled(ledger, "a", standing).released) == "b"
    assert states(ledger, "bc") == [State.QUEUED, State.BLOCKED]


@pytest.mark.parametrize("standing", [LATER, GIVEN_BACK, LOCKED])
def test_the_next_waits_while_the_first_does(ledger: RedisLedger, standing: Transition) -> None:
    """Whatever that one waits for."""
    ledger.submit(lane("ab"))
    assert "b" not in ids_of(settled(ledger, "a", standing).released)
    assert ledger.find("b").state is State.BLOCKED


def test_a_lane_goes_in_order_to_its_end(ledger: RedisLedger, redis: Redis) -> None:
    """What is submitted meanwhile lines up; nothing is left of a lane that is done."""
    ledger.submit(lane("ab"))
    settled(ledger, "a")
    ledger.submit(lane("c"))
    assert ledger.find("c").state is State.BLOCKED
    assert ids_of(settled(ledger, "b").released) == "c"
    assert ids_of(settled(ledger, "c").released) == ""
    assert redis.exists(KEYS.lane("l"), "classin:releasing") == 0
    assert ledger.submit(lane("d"))[0].ready


def test_the_first_may_wait_for_a_record_elsewhere(ledger: RedisLedger) -> None:
    """Those behind it wait with it, so that the order stays."""
    ledger.submit([entry("x"), entry("a", lane="l", after="x"), *lane("b")])
    assert states(ledger, "ab") == [State.BLOCKED, State.BLOCKED]
    assert ids_of(settled(ledger, "x").released) == "a"
    assert ids_of(settled(ledger, "a").released) == "b"


def test_who_waited_for_both_starts_with_the_later(ledger: RedisLedger) -> None:
    """Its place in the lane, and the record elsewhere."""
    ledger.submit([entry("x"), *lane("a"), entry("b", lane="l", after="x a")])
    assert ids_of(settled(ledger, "x").released) == ""
    assert ids_of(settled(ledger, "a").released) == "b"


def test_a_first_one_that_fails_with_another_lets_the_next_go(ledger: RedisLedger) -> None:
    """It was never tried."""
    ledger.submit([entry("x"), entry("a", lane="l", after="x"), *lane("b")])
    assert ids_of(settled(ledger, "x", REFUSED).released) == "b"
    assert ledger.find("a").reason is Reason.DEPENDENCY


@pytest.mark.parametrize("standing", [REFUSED, UNSURE])
def test_a_lane_can_be_told_to_stop(ledger: RedisLedger, standing: Transition) -> None:
    """Then those behind the one that did not succeed fail, and say because of whom."""
    ledger.submit([*lane("abc", stops="a"), entry("x", after="c")])
    assert ids_of(settled(ledger, "a", standing).released) == ""
    for record in ledger.find_all(["b", "c"]):
        assert (record.state, record.reason) == (State.FAILED, Reason.DEPENDENCY)
        assert record.message == "its lane was to stop when a did not succeed"
        assert record.failed_because == (DependencyKind.LANE, ("a",))
    assert ledger.find("x").reason is Reason.DEPENDENCY


@pytest.mark.parametrize("standing", [DONE, PARTLY])
def test_a_lane_does_not_stop_for_a_success(ledger: RedisLedger, standing: Transition) -> None:
    """It goes on as any other."""
    ledger.submit(lane("ab", stops="a"))
    assert ids_of(settled(ledger, "a", standing).released) == "b"


def test_what_comes_after_a_stop_starts_anew(ledger: RedisLedger, redis: Redis) -> None:
    """Only those that were behind it then are stopped."""
    ledger.submit(lane("ab", stops="a"))
    settled(ledger, "a", REFUSED)
    assert ledger.submit(lane("c"))[0].ready
    assert redis.exists("classin:stops") == 0


def test_what_comes_while_a_lane_stops_goes_on_behind(ledger: RedisLedger) -> None:
    """A long lane takes several calls to stop."""
    many = [f"m{n}" for n in range(150)]
    ledger.submit([entry("a", lane="l", stops=True), *(entry(each, lane="l") for each in many)])
    settled(ledger, "a", REFUSED)
    assert ledger.find(many[-1]).state is State.BLOCKED
    assert not ledger.submit(lane("z"))[0].ready
    assert released(ledger) == ["z"]
    assert {each.state for each in ledger.find_all(many)} == {State.FAILED}


def test_all_that_stop_a_lane_name_the_first(ledger: RedisLedger, redis: Redis) -> None:
    """Those that fail with it would have stopped it as well."""
    ledger.submit(lane("abc", stops="abc"))
    settled(ledger, "a", REFUSED)
    assert {each.message for each in ledger.find_all(["b", "c"])} == {
        "its lane was to stop when a did not succeed"
    }
    assert redis.exists("classin:stops") == 0


def test_one_called_off_in_the_middle_stops_those_behind_it(ledger: RedisLedger) -> None:
    """Those before it are not concerned."""
    ledger.submit(lane("abcde", stops="c"))
    ledger.cancel("c")
    assert states(ledger, "abde") == [State.QUEUED, *[State.BLOCKED] * 3]
    assert ids_of(settled(ledger, "a").released) == "b"
    assert ids_of(settled(ledger, "b").released) == ""
    assert states(ledger, "de") == [State.FAILED, State.FAILED]
    assert ledger.find("d").message == "its lane was to stop when c did not succeed"


def test_a_stop_holds_for_who_waited_for_another_as_well(ledger: RedisLedger) -> None:
    """Whichever of the two it hears of first."""
    ledger.submit([*lane("ab", stops="b"), entry("c", lane="l", after="a")])
    ledger.cancel("b")
    assert ids_of(settled(ledger, "a").released) == ""
    assert ledger.find("c").message == "its lane was to stop when b did not succeed"


def test_two_called_off_stop_each_those_behind(ledger: RedisLedger) -> None:
    """Also what came in between, but not what came after both."""
    ledger.submit(lane("abc", stops="b"))
    ledger.cancel("b")
    ledger.submit(lane("def", stops="e"))
    ledger.cancel("e")
    ledger.submit(lane("g"))
    assert ids_of(settled(ledger, "a").released) == "d"
    assert ids_of(settled(ledger, "d").released) == "g"
    assert states(ledger, "cf") == [State.FAILED, State.FAILED]


def test_a_stop_that_concerns_nobody_is_forgotten(ledger: RedisLedger, redis: Redis) -> None:
    """Those that were to fail are gone already; the next stop does not find it."""
    ledger.submit(lane("abc", stops="b"))
    ledger.cancel("b")
    ledger.cancel("c")
    ledger.submit(lane("def", stops="e"))
    settled(ledger, "a")
    ledger.cancel("e")
    assert len(json.loads(str(redis.hget("classin:stops", "l")))) == 1
    assert ids_of(settled(ledger, "d").released) == ""
    assert ledger.find("f").state is State.FAILED


def test_the_last_of_a_lane_has_nobody_to_stop(ledger: RedisLedger, redis: Redis) -> None:
    """What comes later is not behind it."""
    ledger.submit(lane("ab", stops="b"))
    ledger.cancel("b")
    ledger.submit(lane("c"))
    assert redis.exists("classin:stops") == 0
    assert ids_of(settled(ledger, "a").released) == "c"


def test_what_fails_at_once_stops_those_submitted_behind_it(ledger: RedisLedger) -> None:
    """And nobody who was there before."""
    ledger.submit([entry("x"), *lane("a")])
    settled(ledger, "x", REFUSED)
    ledger.submit([entry("b", lane="l", after="x", stops=True), *lane("c")])
    assert ledger.find("b").state is State.FAILED
    assert released(ledger) == []
    assert ids_of(settled(ledger, "a").released) == ""
    assert ledger.find("c").message == "its lane was to stop when b did not succeed"


def test_a_silent_worker_keeps_the_order(ledger: RedisLedger, clock: Clock) -> None:
    """The next does not start because the first one's worker is gone."""
    ledger.submit(lane("ab"))
    claimed(ledger)
    clock.forward(10)
    assert ids_of(ledger.requeue_due(5, orphans=True)) == "a"
    assert states(ledger, "ab") == [State.QUEUED, State.BLOCKED]
