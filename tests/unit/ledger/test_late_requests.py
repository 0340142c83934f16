"""What ClassIn may still carry out, later than its successor: the lane waits until that is over."""

from dataclasses import replace

import pytest
from redis import Redis

from ops.insight.explain import inquire, points
from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    LATER,
    LEASE,
    REFUSED,
    UNSURE,
    attempt,
    claimed,
    entry,
    states,
)
from worker.ledger.keys import Keys
from worker.ledger.queries import LedgerQueries
from worker.ledger.states import Reason, State
from worker.ledger.store import DEATHS, RedisLedger
from worker.ledger.types import Capacity, Claim, ClaimRequest, ClaimUpdate, Transition, WaitReason

KEYS = Keys()

WINDOW = 60.0
#: Nobody answered, and the next attempt follows.
LOST = Transition(state=State.RUNNING, message="no reply in time", maybe_applied=True, late=True)


@pytest.fixture
def ledger(redis: Redis, clock: Clock) -> RedisLedger:
    """A ledger whose lanes wait for a minute."""
    return RedisLedger(redis, clock.millis, late_window=WINDOW)


def asked(ledger: RedisLedger, record_id: str) -> Claim | None:
    """Ask for a record."""
    return try_claim(ledger, record_id, f"lease of {record_id}", "w", LEASE)


def due(ledger: RedisLedger) -> list[str]:
    """Who is due now."""
    return [each.id for each in ledger.requeue_due(5, orphans=False)]


def lost_and_done(ledger: RedisLedger, record_id: str = "a") -> None:
    """Lose the first reply to a record; its second attempt is done."""
    claim = claimed(ledger, record_id)
    ledger.advance(claim, LOST, attempt(1, None), LEASE)
    ledger.advance(claim, DONE, attempt(2))


def test_the_next_of_a_lane_waits_until_nothing_late_can_come(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Though a repeat was answered: the first request may be carried out after all that follows."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l"), entry("x", lane="m")])
    lost_and_done(ledger)
    assert asked(ledger, "b") is None
    assert asked(ledger, "x") is not None
    record = ledger.find("b")
    assert (record.state, record.due_at) == (State.DEFERRED, clock.ms + 60_000)

    clock.forward(WINDOW - 0.001)
    assert due(ledger) == []
    clock.forward(0.001)
    assert due(ledger) == ["b"]
    assert asked(ledger, "b") is not None


def test_who_is_asked_for_together_with_that_note_waits_as_well(ledger: RedisLedger) -> None:
    """A message of its own may have come too early."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    note = ClaimUpdate(claimed(ledger), replace(UNSURE, late=True), attempt(1, None))
    exchanged = ledger.report_and_claim(ClaimRequest([note], {"b": "two"}, "w", LEASE, Capacity()))
    assert (exchanged.claims, states(ledger, "ab")) == ([], [State.UNCERTAIN, State.DEFERRED])


def test_its_own_repeat_need_not_wait(ledger: RedisLedger, clock: Clock) -> None:
    """It asks for the same once more, also after it was put off."""
    ledger.submit([entry("a", lane="l")])
    claim = claimed(ledger)
    ledger.advance(claim, replace(LOST, state=State.DEFERRED, due_in=1, counts=True), attempt(1))
    clock.forward(1)
    assert due(ledger) == ["a"]
    assert asked(ledger, "a") is not None


@pytest.mark.parametrize(
    "ending",
    [
        replace(UNSURE, late=True),
        replace(REFUSED, reason=Reason.EXHAUSTED, maybe_applied=True, late=True),
    ],
    ids=["uncertain", "exhausted"],
)
def test_a_successor_that_comes_later_into_an_empty_lane_waits(
    ledger: RedisLedger, clock: Clock, ending: Transition
) -> None:
    """Whatever became of the record, and so does what tries it again."""
    ledger.submit([entry("a", lane="l")])
    ledger.advance(claimed(ledger), ending, attempt(1, None))
    clock.forward(WINDOW / 2)
    ledger.submit([replace(entry("b", lane="l"), retry_of="a")])
    assert asked(ledger, "b") is None
    assert ledger.find("b").due_at == clock.ms + 30_000


@pytest.mark.parametrize(
    ("operation", "announced", "waits"),
    [
        ("edit_course", False, True),
        ("create_folder", True, True),
        ("create_folder", False, False),
        ("get_cloud_list", False, False),
        ("get_cloud_list", True, False),
    ],
)
def test_a_lane_waits_after_its_worker_died_if_a_request_may_be_out(
    ledger: RedisLedger, clock: Clock, operation: str, *, announced: bool, waits: bool
) -> None:
    """Writes that are not announced count as sent; a read undoes nothing."""
    ledger.submit([replace(entry("a", lane="l"), operation=operation), entry("b", lane="l")])
    claim = claimed(ledger)
    if announced:
        ledger.mark_sending(claim)
    clock.forward(LEASE)
    ledger.requeue_due(5, orphans=True)
    ledger.advance(claimed(ledger), DONE, attempt(1))
    assert (asked(ledger, "b") is None) is waits


def test_a_lane_waits_after_poison(ledger: RedisLedger, clock: Clock) -> None:
    """What killed its workers may be carried out late as well."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    for _ in range(DEATHS):
        ledger.mark_sending(claimed(ledger))
        clock.forward(LEASE)
        ledger.requeue_due(5, orphans=True)
    assert ledger.find("a").state is State.UNCERTAIN
    assert asked(ledger, "b") is None


def test_what_is_in_no_lane_never_waits(ledger: RedisLedger, redis: Redis) -> None:
    """And leaves nothing behind."""
    ledger.submit([entry("a"), entry("b")])
    lost_and_done(ledger)
    assert asked(ledger, "b") is not None
    assert not redis.exists(KEYS.quiet)


def test_a_window_of_nothing_lets_lanes_go_on(redis: Redis, clock: Clock) -> None:
    """Whoever knows better may say so."""
    ledger = RedisLedger(redis, clock.millis)
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    lost_and_done(ledger)
    assert asked(ledger, "b") is not None


def test_lanes_are_forgotten_once_it_is_over(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """Also those in which nobody waits."""
    ledger.submit([entry("a", lane="l")])
    lost_and_done(ledger)
    clock.forward(WINDOW - 0.001)
    ledger.requeue_due(5, orphans=False)
    assert redis.zrange(KEYS.quiet, 0, -1) == ["l"]
    clock.forward(0.001)
    ledger.requeue_due(5, orphans=False)
    assert not redis.exists(KEYS.quiet)


def test_no_lane_waits_longer_than_that_when_the_clock_is_set_back(
    ledger: RedisLedger, clock: Clock
) -> None:
    """It begins to wait anew."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    lost_and_done(ledger)
    clock.forward(-7200)
    assert asked(ledger, "b") is None
    assert ledger.find("b").due_at == clock.ms + 60_000
    clock.forward(WINDOW)
    assert due(ledger) == ["b"]
    assert asked(ledger, "b") is not None


def test_a_person_learns_what_the_lane_waits_for(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """And until when; not any more once it is about."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    lost_and_done(ledger)
    asked(ledger, "b")
    due = clock.ms + 60_000
    assert ledger.wait_reasons([ledger.find("b")]) == {"b": WaitReason(quiet=True, due_at=due)}
    words = dict(points(inquire(LedgerQueries(redis), "b", 86400), lambda ms: f"<{ms}>"))
    assert words["Now"] == (
        f"waiting until <{due}>: an earlier request of its lane may still be carried out"
    )
    assert words["Means"] == "It waits for its turn."
    clock.forward(WINDOW)
    ledger.requeue_due(5, orphans=False)
    assert not ledger.find("b").quiet
    assert ledger.wait_reasons([ledger.find("b")]) == {}


def test_a_lane_that_waited_is_put_off_like_any_other(ledger: RedisLedger, clock: Clock) -> None:
    """What it says then is what is so then."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    lost_and_done(ledger)
    asked(ledger, "b")
    clock.forward(WINDOW)
    claim = asked(ledger, "b")  # its message came before rescue looked
    assert claim is not None
    ledger.advance(claim, LATER, attempt(1, 253))
    assert not ledger.find("b").quiet
