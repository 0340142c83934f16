"""Claiming a record, and saying what came of it: only who has the lease may."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.crash import forgetting
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    AGAIN,
    DONE,
    ENTRY,
    GIVEN_BACK,
    LATER,
    attempt,
    claimed,
    entry,
    settled,
)
from worker.classin.verdicts import Verdict
from worker.errors import LeaseLostError
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim, ReadyRecord, Transition, UpdateResult

DUE = ReadyRecord("a", "create_folder")


def silenced(ledger: RedisLedger, clock: Clock) -> None:
    """Let a lease run out, and be taken back."""
    clock.forward(10)
    assert ledger.requeue_due(5, orphans=True) == [DUE._replace(suspect=True)]


def test_a_claim_takes_the_lease(ledger: RedisLedger, clock: Clock) -> None:
    """The record comes with it, running from now on."""
    ledger.submit([ENTRY])
    clock.forward(3)
    claim = claimed(ledger)
    assert (claim.lease, claim.token, claim.at, claim.wait) == ("one", 1, clock.ms, 0)
    assert claim.record == ledger.find("a")
    assert (claim.record.state, claim.record.started_at) == (State.RUNNING, clock.ms)
    assert claim.record.unread is False


def test_a_leased_record_is_nobody_else_s(ledger: RedisLedger, clock: Clock) -> None:
    """Its holder may ask again, and has the same claim for longer."""
    ledger.submit([ENTRY])
    claimed(ledger)
    clock.forward(9)
    assert try_claim(ledger, "a", "two", "w", 10) is None
    assert claimed(ledger).token == 1
    clock.forward(9)
    assert ledger.requeue_due(5, orphans=True) == []


def test_each_claim_has_a_token_of_its_own(ledger: RedisLedger, clock: Clock) -> None:
    """The later one is larger; the start stays the first one."""
    ledger.submit([ENTRY])
    started = clock.ms
    assert claimed(ledger).token == 1
    silenced(ledger, clock)
    claim = claimed(ledger, lease="two")
    assert (claim.token, claim.record.started_at) == (2, started)


@pytest.mark.parametrize("standing", [DONE, AGAIN, LATER, GIVEN_BACK])
@pytest.mark.parametrize("claimed_since", [True, False])
def test_a_late_writer_changes_nothing(
    ledger: RedisLedger, clock: Clock, standing: Transition, *, claimed_since: bool
) -> None:
    """Its lease is over, whether or not another worker has the record already."""
    ledger.submit([ENTRY])
    late = claimed(ledger)
    silenced(ledger, clock)
    if claimed_since:
        claimed(ledger, lease="two")
    before = ledger.find("a")

    with pytest.raises(LeaseLostError, match="another worker has a now"):
        ledger.advance(late, standing, attempt(1), 10)
    with pytest.raises(LeaseLostError, match="another worker has a now"):
        ledger.mark_sending(late)
    assert ledger.renew_leases("w", 10, [late]) == ["one"]

    assert ledger.find("a") == before
    assert ledger.code_counts() == {}
    clock.forward(9.999)
    assert ledger.requeue_due(5, orphans=True) == []


def test_a_writer_that_is_late_by_a_deferral_changes_nothing(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Another one has put the record off meanwhile."""
    ledger.submit([ENTRY])
    late = claimed(ledger)
    silenced(ledger, clock)
    ledger.advance(claimed(ledger, lease="two"), LATER, attempt(1))
    before = ledger.find("a")
    with pytest.raises(LeaseLostError):
        ledger.advance(late, DONE, attempt(1))
    assert ledger.find("a") == before


def test_an_attempt_is_noted_and_the_lease_renewed(ledger: RedisLedger, clock: Clock) -> None:
    """A worker that goes on keeps its record."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    clock.forward(9)
    assert ledger.advance(claim, AGAIN, attempt(1), 10) == UpdateResult(State.RUNNING, 0, [])
    clock.forward(9)
    assert ledger.requeue_due(5, orphans=True) == []
    record = ledger.find("a")
    assert record.state is State.RUNNING
    assert record.attempts == (attempt(1),)
    assert (record.code, record.message, record.unread) == (104, "unknown error", True)
    assert ledger.code_counts() == {104: 1}


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
    assert ledger.code_counts() == {253: 1}
    assert ledger.batch_counts("b") == {State.DEFERRED: 1}


def test_a_settled_record_stays_settled(ledger: RedisLedger, clock: Clock) -> None:
    """Its own worker cannot unsettle it, and nobody can claim it."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.advance(claim, DONE, attempt(1, 1, Verdict.DONE))
    before = ledger.find("a")
    clock.forward(10**6)
    assert ledger.advance(claim, LATER, attempt(2)).state is State.SUCCEEDED
    assert try_claim(ledger, "a", "two", "w", 10) is None
    assert ledger.renew_leases("w", 10, [claim]) == []
    assert ledger.find("a") == before
    assert ledger.requeue_due(5, orphans=True) == []
    assert ledger.requeue_lost(5, 0, empty=(*Priority,)) == []


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
    refused = Transition(state=State.FAILED, reason=Reason.REFUSED, message="courseId: is required")
    settled(ledger, standing=refused)
    record = ledger.find("a")
    assert (record.state, record.reason, record.attempts) == (State.FAILED, Reason.REFUSED, ())
    assert (record.code, record.message) == (None, "courseId: is required")


def test_a_deferred_record_waits_for_its_time(ledger: RedisLedger, clock: Clock) -> None:
    """Not a moment earlier can it be claimed; then it can, also by who has an old message."""
    ledger.submit([ENTRY])
    settled(ledger, standing=LATER)
    assert ledger.find("a").due_at == clock.ms + 60_000
    clock.forward(59.999)
    assert try_claim(ledger, "a", "two", "w", 10) is None
    assert ledger.requeue_due(5, orphans=True) == []
    clock.forward(0.001)
    claim = claimed(ledger, lease="two")
    assert (claim.record.due_at, claim.record.unread, claim.record.deferrals) == (None, False, 1)


def test_what_is_due_is_told_once(ledger: RedisLedger, clock: Clock) -> None:
    """From then on it is queued: should its message be lost, that is seen like any other loss."""
    ledger.submit([ENTRY, entry("b")])
    for record_id in "ab":
        settled(ledger, record_id, LATER)
    clock.forward(60)
    assert ledger.requeue_due(1, orphans=False) == [DUE]
    assert [due.id for due in ledger.requeue_due(5, orphans=False)] == ["b"]
    assert ledger.requeue_due(5, orphans=False) == []
    record = ledger.find("a")
    assert (record.state, record.due_at) == (State.QUEUED, None)
    clock.forward(60)
    assert DUE in ledger.requeue_lost(5, 60, empty=(*Priority,))


def test_a_doubt_outlasts_a_deferral(ledger: RedisLedger, clock: Clock) -> None:
    """An attempt that nobody read stays unread, whatever was said later."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.advance(claim, AGAIN, attempt(1), 10)
    ledger.advance(claim, LATER, attempt(2, 253, Verdict.DEFER))
    clock.forward(60)
    assert claimed(ledger, lease="two").record.unread is True


def test_a_deferral_that_does_not_count_leaves_the_number(ledger: RedisLedger) -> None:
    """Slowing down makes no later wait longer."""
    ledger.submit([ENTRY])
    settled(ledger, standing=replace(LATER, counts=False))
    assert ledger.find("a").deferrals == 0


def test_a_record_can_be_given_back(ledger: RedisLedger, clock: Clock) -> None:
    """Another worker may have it at once, and it needs a message for that."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    assert ledger.advance(claim, GIVEN_BACK, attempt(1)) == UpdateResult(State.QUEUED, 0, [DUE])
    clock.forward(10)
    assert ledger.requeue_due(5, orphans=True) == []
    assert ledger.requeue_lost(5, 11, empty=(*Priority,)) == []
    assert ledger.requeue_lost(5, 10, empty=(*Priority,)) == [DUE]
    claim = claimed(ledger, lease="two")
    assert (claim.token, claim.record.attempts, claim.record.lost_workers) == (2, (attempt(1),), 0)


def test_who_gave_a_record_back_has_no_say_in_it(ledger: RedisLedger) -> None:
    """Not even while nobody has taken it."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.advance(claim, GIVEN_BACK, None)
    with pytest.raises(LeaseLostError):
        ledger.advance(claim, DONE, None)
    assert ledger.renew_leases("w", 10, [claim]) == ["one"]
    assert ledger.find("a").state is State.QUEUED


def test_fields_are_kept_as_they_are_sent(ledger: RedisLedger) -> None:
    """Where earlier results were filled in; without any, they stay as they were."""
    ledger.submit([ENTRY])
    claim = claimed(ledger)
    ledger.mark_sending(claim)
    assert ledger.find("a").fields == ENTRY.fields
    ledger.mark_sending(claim, {"folderId": 5, "folderName": "\ud800"})
    assert ledger.find("a").fields == {"folderId": 5, "folderName": "?"}


def forgotten(redis: Redis, ledger: RedisLedger) -> Claim:
    """A claim after which Redis crashed."""
    with forgetting(redis):
        return claimed(ledger, lease="forgotten")


def deferred_and_due(ledger: RedisLedger, clock: Clock) -> None:
    """Put a record off, until now."""
    settled(ledger, standing=LATER)
    clock.forward(60)


def test_a_claim_that_redis_forgot_still_counts(ledger: RedisLedger, redis: Redis) -> None:
    """Its holder says what came of it, as if nothing had happened."""
    ledger.submit([ENTRY])
    claim = forgotten(redis, ledger)
    assert ledger.find("a").state is State.QUEUED
    assert ledger.advance(claim, DONE, attempt(1)).state is State.SUCCEEDED
    record = ledger.find("a")
    assert (record.state, record.attempts) == (State.SUCCEEDED, (attempt(1),))
    assert ledger.advance(claim, DONE, attempt(1)) == UpdateResult(State.SUCCEEDED, 0, [])


def test_a_forgotten_claim_of_a_deferred_record_counts_too(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """From falling due to the claim it may be less than Redis forgets."""
    ledger.submit([ENTRY])
    deferred_and_due(ledger, clock)
    claim = forgotten(redis, ledger)
    ledger.advance(claim, LATER, attempt(1))
    ledger.advance(claim, LATER, attempt(1))
    record = ledger.find("a")
    assert (record.attempts, record.deferrals) == ((attempt(1),), 2)


@pytest.mark.parametrize("put_off", [True, False])
def test_a_beat_takes_a_forgotten_claim_for_given(
    ledger: RedisLedger, redis: Redis, clock: Clock, *, put_off: bool
) -> None:
    """From then on nobody else can have the record."""
    ledger.submit([ENTRY])
    if put_off:
        deferred_and_due(ledger, clock)
    claim = forgotten(redis, ledger)
    assert ledger.renew_leases("w", 10, [claim]) == []
    assert ledger.find("a").state is State.RUNNING
    assert try_claim(ledger, "a", "two", "w", 10) is None
    ledger.mark_sending(claim)
    silenced(ledger, clock)
    assert claimed(ledger, lease="two").token == claim.token + 1


def test_a_forgotten_claim_ends_with_the_next_one(ledger: RedisLedger, redis: Redis) -> None:
    """Whoever claimed the record since has it."""
    ledger.submit([ENTRY])
    late = forgotten(redis, ledger)
    claim = claimed(ledger, lease="two")
    assert claim.token == late.token
    with pytest.raises(LeaseLostError):
        ledger.advance(late, DONE, attempt(1))
    assert ledger.renew_leases("w", 10, [late, claim]) == ["forgotten"]
    ledger.advance(claim, GIVEN_BACK, None)
    with pytest.raises(LeaseLostError):
        ledger.advance(late, DONE, attempt(1))


def test_a_forgotten_claim_begins_nothing(ledger: RedisLedger, redis: Redis) -> None:
    """Before the ledger knows of it again, another could have the record at any moment."""
    ledger.submit([ENTRY])
    with pytest.raises(LeaseLostError):
        ledger.mark_sending(forgotten(redis, ledger))


def test_a_claim_noted_after_a_crash_ends_like_any_other(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """Its holder falls silent after that: what it says later is late."""
    ledger.submit([ENTRY])
    late = forgotten(redis, ledger)
    ledger.advance(late, AGAIN, attempt(1), 10)
    silenced(ledger, clock)
    with pytest.raises(LeaseLostError):
        ledger.advance(late, DONE, attempt(2))
    assert ledger.find("a").unread is True
