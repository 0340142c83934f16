"""An uncertain record: a person says what became of it."""

import json

import pytest
from redis import Redis

from tests.ledger_books import Books
from tests.submitting import submit_all
from tests.unit.clock import Clock
from tests.unit.ledger.hands import REFUSED, UNSURE, entry, settled, states
from worker.errors import NotFoundError
from worker.ledger.audit import Audit
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger


def doubtful(ledger: RedisLedger) -> None:
    """A record of which nobody knows, and one that waited for it."""
    ledger.submit([entry("a"), entry("b", after="a")])
    settled(ledger, "a", UNSURE)


def test_it_was_done(redis: Redis, ledger: RedisLedger, clock: Clock) -> None:
    """With what came of it; the trail has it in the same step, and who follows is told."""
    doubtful(ledger)
    clock.forward(60)

    was = ledger.resolve("a", State.SUCCEEDED, "seen", "ada", json.dumps({"data": 123}))

    record = ledger.find("a")
    assert was is State.UNCERTAIN
    assert (record.state, record.reason, record.decided) == (State.SUCCEEDED, None, "seen")
    assert (record.result, record.finished_at) == ({"data": 123}, clock.ms)
    (deed,) = Audit(redis).deeds(5)
    assert deed[1:] == ("ada", "settle", "succeeded", ("a",), "seen")
    assert ledger.events.after("0-0", 100)[-1].state is State.SUCCEEDED
    assert ledger.find("b").state is State.FAILED
    assert ledger.batch_counts("b") == {State.SUCCEEDED: 1, State.FAILED: 1}
    Books.read(redis).check()


def test_it_was_not_done(redis: Redis, ledger: RedisLedger) -> None:
    """Then it failed, for this reason."""
    doubtful(ledger)

    ledger.resolve("a", State.FAILED, "no lesson there", "ada")

    record = ledger.find("a")
    assert (record.state, record.reason) == (State.FAILED, Reason.DECIDED)
    assert record.result is None
    Books.read(redis).check()


def test_who_waits_from_now_on_is_not_let_down(ledger: RedisLedger) -> None:
    """Unlike who waited then, and was told."""
    doubtful(ledger)
    ledger.resolve("a", State.SUCCEEDED, "seen", "ada")

    ledger.submit([entry("c", after="a")])

    assert states(ledger, "bc") == [State.FAILED, State.QUEUED]


def test_only_what_is_uncertain_is_decided(redis: Redis, ledger: RedisLedger) -> None:
    """Neither what waits, nor what is known, nor what was decided before."""
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "b", REFUSED)
    before = ledger.find_all("ab")

    assert ledger.resolve("a", State.SUCCEEDED, "seen", "ada") is State.QUEUED
    assert ledger.resolve("b", State.SUCCEEDED, "seen", "ada") is State.FAILED
    with pytest.raises(NotFoundError):
        ledger.resolve("nowhere", State.FAILED, "seen", "ada")

    assert ledger.find_all("ab") == before
    assert Audit(redis).deeds(5) == []


def test_while_others_are_being_told_it_stays_uncertain(ledger: RedisLedger) -> None:
    """They are to fail, and would otherwise not know why."""
    submit_all(ledger, [entry("a"), *(entry(f"f{n}", after="a") for n in range(150))])
    settled(ledger, "a", UNSURE)

    assert ledger.resolve("a", State.SUCCEEDED, "seen", "ada") is None
    ledger.release(500)
    assert ledger.resolve("a", State.SUCCEEDED, "seen", "ada") is State.UNCERTAIN
