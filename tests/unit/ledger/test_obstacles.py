"""What an unsettled record waits for, so that a person need not guess."""

from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    HELD,
    LATER,
    LOCKED,
    REFUSED,
    claimed,
    entry,
    settled,
)
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import WaitReason


def obstacle(ledger: RedisLedger, record_id: str = "a") -> WaitReason | None:
    """What this one waits for."""
    return ledger.wait_reasons([ledger.find(record_id)]).get(record_id)


def test_most_wait_for_nothing(ledger: RedisLedger) -> None:
    """Who is queued, runs, was put off, or is settled."""
    ledger.submit([entry(each) for each in "abcd"])
    claimed(ledger, "b")
    settled(ledger, "c", LATER)
    settled(ledger, "d", DONE)
    assert ledger.wait_reasons(ledger.find_all(["a", "b", "c", "d"])) == {}
    assert ledger.wait_reasons([]) == {}


def test_a_follower_waits_for_the_first_unsettled_one(ledger: RedisLedger, clock: Clock) -> None:
    """And it is told where that one stands, and when it is due."""
    ledger.submit([entry("a"), entry("b"), entry("c"), entry("x", after="a b c")])
    assert obstacle(ledger, "x") == WaitReason(behind="a", state=State.QUEUED)
    settled(ledger, "a")
    settled(ledger, "b", LATER)
    found = WaitReason(behind="b", state=State.DEFERRED, due_at=clock.ms + 60_000)
    assert obstacle(ledger, "x") == found


def test_who_is_in_a_lane_waits_for_its_first(ledger: RedisLedger) -> None:
    """Not for the one right before it, which waits as well."""
    ledger.submit([entry(each, lane="l") for each in "abc"])
    claimed(ledger)
    ahead = WaitReason(behind="a", state=State.RUNNING)
    assert ledger.wait_reasons(ledger.find_all(["a", "b", "c"])) == {"b": ahead, "c": ahead}


def test_the_first_of_a_lane_waits_for_others_only(ledger: RedisLedger) -> None:
    """Not for itself."""
    ledger.submit([entry("x"), entry("a", lane="l", after="x"), entry("b", lane="l")])
    assert obstacle(ledger, "a") == WaitReason(behind="x", state=State.QUEUED)
    assert obstacle(ledger, "b") == WaitReason(behind="a", state=State.BLOCKED)


def test_who_is_about_to_be_told_waits_for_nothing(ledger: RedisLedger) -> None:
    """All that it waited for is settled; the next look tells it so."""
    many = [f"m{n}" for n in range(150)]
    ledger.submit([entry("a"), *(entry(each, after="a") for each in many)])
    settled(ledger, "a", REFUSED)
    blocked = [each for each in ledger.find_all(many) if each.state is State.BLOCKED]
    assert len(blocked) == 50
    assert ledger.wait_reasons(blocked) == {}


def test_what_is_of_a_closed_school_waits_for_it(ledger: RedisLedger, clock: Clock) -> None:
    """Queued or put off; what runs does not."""
    ledger.submit([entry(each) for each in "abcd"])
    claimed(ledger, "d")
    settled(ledger, "a", LATER)
    settled(ledger, "b", LOCKED)
    (closure,) = ledger.school_pauses()
    found = WaitReason(closure=closure)
    assert closure.next_look == clock.ms + 60_000
    assert ledger.wait_reasons(ledger.find_all(["a", "b", "c", "d"])) == {
        "a": found, "b": found, "c": found,
    }  # fmt: skip


def test_what_met_maintenance_waits_for_its_end(ledger: RedisLedger) -> None:
    """As long as the school is held."""
    ledger.submit([entry("a")])
    settled(ledger, "a", HELD)
    assert obstacle(ledger) == WaitReason(closure=ledger.school_pauses()[0])
    ledger.resume("main")
    assert obstacle(ledger) is None


def test_what_was_put_off_for_its_pace_waits_for_its_turn(ledger: RedisLedger) -> None:
    """And knows how many have theirs before it."""
    ledger.set_paces({"main": 5000})
    ledger.submit([entry(each) for each in "abc"])
    for each in "abc":
        try_claim(ledger, each, each, "w", 10)
    found = ledger.wait_reasons(ledger.find_all(["a", "b", "c"]))
    assert found == {"b": WaitReason(pace=True, ahead=0), "c": WaitReason(pace=True, ahead=1)}
