"""Queued records whose message is lost: they are told from those whose message still waits."""

from dataclasses import replace

from tests.claiming import try_claim
from tests.submitting import submit_all
from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, GIVEN_BACK, claimed, entry, settled
from worker.ledger.record import Priority
from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, ClaimRequest


def adrift(ledger: RedisLedger, *, queue_empty: bool = False, limit: int = 5) -> str:
    """The ids that have lost their message, a minute ago or earlier."""
    empty = tuple(Priority) if queue_empty else ()
    return "".join(due.id for due in ledger.requeue_lost(limit, 60, empty=empty))


def submit(ledger: RedisLedger, clock: Clock, ids: str, *, every: float = 0) -> None:
    """A record for each letter, and its message a moment later."""
    for each in ids:
        ledger.submit([entry(each)])
        clock.forward(every)


def test_a_long_queue_is_no_loss(ledger: RedisLedger, clock: Clock) -> None:
    """However long they have been waiting: nobody who came later was faster."""
    submit(ledger, clock, "abc", every=100)
    assert adrift(ledger) == ""
    settled(ledger, "a")
    assert adrift(ledger) == ""


def test_with_an_empty_queue_who_waits_long_waits_for_nothing(
    ledger: RedisLedger, clock: Clock
) -> None:
    """The longest first; who came just now has a message with a worker, perhaps."""
    submit(ledger, clock, "abc", every=30)
    assert adrift(ledger, queue_empty=True, limit=1) == "a"
    assert adrift(ledger, queue_empty=True) == "b"


def test_who_was_overtaken_has_lost_its_message(ledger: RedisLedger, clock: Clock) -> None:
    """Workers took what was sent more than a minute later, and the queue keeps the order."""
    submit(ledger, clock, "ab", every=30)
    submit(ledger, clock, "c", every=100)
    submit(ledger, clock, "d")
    claimed(ledger, "c")
    assert adrift(ledger) == ""
    claimed(ledger, "d", lease="two")
    assert adrift(ledger) == "ab"


def test_a_message_that_was_sent_again_is_waited_for(ledger: RedisLedger, clock: Clock) -> None:
    """For a minute at least; then it was lost as well."""
    submit(ledger, clock, "a", every=60)
    assert adrift(ledger, queue_empty=True) == "a"
    clock.forward(59.999)
    assert adrift(ledger, queue_empty=True) == ""
    clock.forward(0.001)
    assert adrift(ledger, queue_empty=True) == "a"


def test_a_message_taken_twice_tells_nothing_new(ledger: RedisLedger, clock: Clock) -> None:
    """Its record is not queued any more: how far the queue has come is not seen from it."""
    submit(ledger, clock, "a")
    settled(ledger, "a")
    submit(ledger, clock, "b", every=100)
    assert try_claim(ledger, "a", "two", "w", 10) is None
    assert adrift(ledger) == ""


def test_what_comes_back_lines_up_behind(ledger: RedisLedger, clock: Clock) -> None:
    """It counts from when it was queued again."""
    submit(ledger, clock, "ab")
    claim = claimed(ledger)
    clock.forward(100)
    ledger.advance(claim, GIVEN_BACK, None)
    assert adrift(ledger, queue_empty=True) == "b"
    clock.forward(59)
    assert adrift(ledger, queue_empty=True) == ""
    clock.forward(1)
    assert adrift(ledger, queue_empty=True) == "ab"


def test_each_priority_has_a_queue_of_its_own(ledger: RedisLedger, clock: Clock) -> None:
    """What is in a hurry overtakes, and nothing is lost by that."""
    ledger.submit([replace(entry("a"), priority=Priority.LOW), entry("b")])
    clock.forward(100)
    ledger.submit([replace(entry("c"), priority=Priority.HIGH)])
    claimed(ledger, "c")
    assert adrift(ledger) == ""
    ledger.submit([replace(entry("d"), priority=Priority.LOW)])
    claimed(ledger, "d", lease="two")
    assert adrift(ledger) == "a"


def test_only_what_is_queued_can_be_adrift(ledger: RedisLedger, clock: Clock) -> None:
    """Who runs, waits, or is settled needs no message."""
    ledger.submit([entry("a"), entry("b", after="a"), entry("c"), entry("d")])
    claimed(ledger, "a")
    settled(ledger, "c", DONE)
    clock.forward(60)
    assert adrift(ledger, queue_empty=True) == "d"


def test_a_lost_message_of_low_priority_is_found_behind_a_thousand_others(
    ledger: RedisLedger, clock: Clock
) -> None:
    """However many of another priority still have theirs, one look finds it."""
    low = replace(entry("low"), priority=Priority.LOW)
    submit_all(ledger, [entry(f"normal {n}") for n in range(1200)])
    clock.forward(1)
    ledger.submit([replace(low, id="lost")])
    clock.forward(100)
    ledger.submit([replace(low, id="later")])
    claimed(ledger, "later")
    assert adrift(ledger, limit=1000) == "lost"


def test_a_message_that_came_late_after_all_tells_nothing(
    ledger: RedisLedger, clock: Clock
) -> None:
    """It waited in a worker, and was sent again: the first one tells nothing of the second."""
    submit(ledger, clock, "a", every=61)
    submit(ledger, clock, "b", every=1)
    submit(ledger, clock, "c", every=100)
    claimed(ledger, "b")
    assert adrift(ledger) == "a"
    claimed(ledger, "a", lease="two")
    assert adrift(ledger) == ""


def test_an_empty_queue_of_one_priority_tells_nothing_of_another(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Normal messages wait for hours, while that of low priority is lost."""
    ledger.submit([entry("normal"), replace(entry("low"), priority=Priority.LOW)])
    clock.forward(60)
    assert [due.id for due in ledger.requeue_lost(5, 60, empty=[Priority.LOW])] == ["low"]


def test_what_is_claimed_without_a_message_moves_no_frontier(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Nothing came out of the queue: those who wait there are where they were."""
    submit(ledger, clock, "a", every=100)
    submit(ledger, clock, "b")
    assert ledger.report_and_claim(
        ClaimRequest([], {"b": "one"}, "w", 10, Capacity(), messageless=["b"])
    ).claims
    assert adrift(ledger) == ""
