"""What settles is told in the order that it does so, without fields or messages."""

from dataclasses import replace

from redis import Redis

from tests.unit.ledger.hands import DONE, ENTRY, REFUSED, claimed, entry, settled
from worker.ledger.events import BEGINNING, position_of
from worker.ledger.keys import Keys
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

KEYS = Keys()


def test_each_settlement_is_told_once(ledger: RedisLedger) -> None:
    """With where it stands and why; saying the same twice tells nothing anew."""
    ledger.submit([replace(ENTRY, batch=None), entry("b"), entry("c", after="b")])
    claim = claimed(ledger)
    ledger.advance(claim, DONE, None)
    ledger.advance(claim, DONE, None)
    settled(ledger, "b", REFUSED)

    told = ledger.events.after(BEGINNING, 10)

    assert [(each.id, each.state, each.reason, each.code, each.batch) for each in told] == [
        ("a", State.SUCCEEDED, None, 1, None),
        ("b", State.FAILED, Reason.REFUSED, 193, "b"),
        ("c", State.FAILED, Reason.DEPENDENCY, None, "b"),
    ]
    assert [each.id for each in ledger.events.after(told[0].event, 1)] == ["b"]
    assert ledger.events.after(told[-1].event, 10) == []
    assert ledger.events.last() == told[-1].event


def test_what_was_called_off_is_told(ledger: RedisLedger) -> None:
    """By the same stream."""
    ledger.submit([ENTRY])
    ledger.cancel("a")
    assert [each.state for each in ledger.events.after(BEGINNING, 10)] == [State.CANCELLED]


def test_no_field_and_no_message_is_told(ledger: RedisLedger, redis: Redis) -> None:
    """Whoever listens learns ids, and asks for the rest."""
    ledger.submit([ENTRY])
    settled(ledger)
    told = redis.xrange(KEYS.events) or []
    names = {"id", "operation", "school", "state", "reason", "code", "batch", "took"}
    assert [set(values or ()) for _, values in told] == [names]


def test_a_gap_is_known(ledger: RedisLedger, redis: Redis) -> None:
    """What came after an event is all there as long as that event is."""
    assert ledger.events.has_kept("5-0")
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "a")
    settled(ledger, "b")
    first, second = ledger.events.after(BEGINNING, 10)
    redis.xtrim(KEYS.events, maxlen=1, approximate=False)
    assert not ledger.events.has_kept(first.event)
    assert ledger.events.has_kept(second.event)
    assert position_of(first.event) < position_of(second.event)


def test_the_pulse_tells_what_waits(ledger: RedisLedger) -> None:
    """Since when the oldest has been due, and when something settled last."""
    assert ledger.health().oldest_due is None
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "b")
    pulse = ledger.health()
    assert pulse.last_settled is not None
    assert pulse.workers == 0
