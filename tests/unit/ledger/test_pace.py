"""How fast a school is spoken to: requests keep their distance, and more of it when told so."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.unit.clock import Clock
from tests.unit.ledger.hands import AGAIN, DONE, LATER, attempt, claimed, entry
from worker.ledger.in_redis import RedisLedger
from worker.ledger.ledger import Claim, Due
from worker.ledger.lifecycle import State

FOLDER, COURSE = "create_folder", "edit_course"
KIND = f"main {FOLDER}"
THROTTLED = replace(LATER, due_in=5, counts=False, slow_down=5.0)


def many(
    ledger: RedisLedger, number: int, operation: str = FOLDER, school: str = "main"
) -> list[str]:
    """So many queued records; gives their ids."""
    ids = [f"{school} {operation} {n}" for n in range(number)]
    ledger.submit([replace(entry(each), operation=operation, school=school) for each in ids])
    return ids


def tried(ledger: RedisLedger, record_id: str) -> Claim | None:
    """What a worker with this message gets."""
    return ledger.claim(record_id, f"lease on {record_id}", "w", 10)


def sent_at(ledger: RedisLedger, clock: Clock, waiting: list[str], seconds: float) -> list[float]:
    """When requests go out in the time to come, with messages delivered and looks as they fall."""
    began, ends, sent = clock.ms, clock.ms + round(seconds * 1000), list[float]()
    while clock.ms < ends:
        for each in waiting:
            if (claim := tried(ledger, each)) is not None:
                sent.append((clock.ms - began) / 1000 + claim.wait)
                ledger.advance(claim, DONE, None)
        clock.forward(0.25)
        waiting = [due.id for due in ledger.due(1000, orphans=False)]
    return sent


def gaps(moments: list[float]) -> list[float]:
    """Seconds from one to the next."""
    return [round(b - a, 3) for a, b in pairwise(moments)]


def turns(ledger: RedisLedger, clock: Clock, number: int) -> list[float]:
    """Seconds until each of so many new ones may go."""
    ids = [f"at {clock.ms}: {n}" for n in range(number)]
    ledger.submit([entry(each) for each in ids])
    claims = [tried(ledger, each) for each in ids]
    return [
        claim.wait if claim else ((ledger.find(each).due_at or 0) - clock.ms) / 1000
        for each, claim in zip(ids, claims, strict=True)
    ]


def slowed(ledger: RedisLedger, clock: Clock, times: int) -> None:
    """Be told so often to slow down, five seconds apart; nothing is under way after that."""
    claims = [claimed(ledger, each, lease=each) for each in many(ledger, times)]
    for claim in claims:
        ledger.advance(claim, THROTTLED, None)
        ledger.cancel(claim.record.id)
        clock.forward(5)


def test_without_a_pace_requests_go_out_at_once(ledger: RedisLedger) -> None:
    """As many as there are workers for."""
    claims = [tried(ledger, each) for each in many(ledger, 20)]
    assert [claim and claim.wait for claim in claims] == [0.0] * 20


def test_a_pace_lets_a_second_s_worth_go_at_once(ledger: RedisLedger, clock: Clock) -> None:
    """Then one after the other; a short wait is the worker's, a long one puts the record off."""
    ledger.set_paces({KIND: 200})
    ids = many(ledger, 9)
    claims = [tried(ledger, each) for each in ids]
    assert [claim and claim.wait for claim in claims] == [0, 0, 0, 0, 0, 0, 0.2, None, None]
    put_off = ledger.find_all(ids[7:])
    assert [(each.state, each.paced) for each in put_off] == [(State.DEFERRED, True)] * 2
    assert [(each.due_at or 0) - clock.ms for each in put_off] == [400, 600]
    assert put_off[0].deferrals == 0


def test_what_was_put_off_goes_when_its_turn_has_come(ledger: RedisLedger, clock: Clock) -> None:
    """It is not put off again for those that came after it."""
    ledger.set_paces({KIND: 200})
    ids = many(ledger, 30)
    moments = sent_at(ledger, clock, ids, 10)
    assert len(moments) == 30
    assert moments[-1] <= 30 * 0.2
    assert all(len([m for m in moments if t <= m < t + 1]) <= 6 + 2 for t in range(1, 6))


def test_all_workers_together_keep_the_pace_of_a_school(ledger: RedisLedger, clock: Clock) -> None:
    """Whatever the kinds are."""
    ledger.set_paces({"main": 500})
    ids = [*many(ledger, 6), *many(ledger, 6, COURSE)]
    assert len(sent_at(ledger, clock, ids, 2)) <= 2 / 0.5 + 3


def test_the_slower_of_two_paces_counts(ledger: RedisLedger) -> None:
    """A school's own, and that of a kind there."""
    ledger.set_paces({"main": 1, KIND: 2000})
    first, second = (tried(ledger, each) for each in many(ledger, 2))
    assert first is not None
    assert second is None
    assert tried(ledger, many(ledger, 1, COURSE)[0]) is not None


def test_each_school_and_kind_has_a_pace_of_its_own(ledger: RedisLedger) -> None:
    """What is slow does not slow others."""
    ledger.set_paces({KIND: 60_000})
    assert [tried(ledger, each) is not None for each in many(ledger, 2)] == [True, False]
    assert tried(ledger, many(ledger, 1, COURSE)[0]) is not None
    assert all(tried(ledger, each) for each in many(ledger, 3, school="other"))


def test_a_pace_can_be_taken_away(ledger: RedisLedger) -> None:
    """The last word on paces is the only one."""
    ledger.set_paces({KIND: 60_000})
    ids = many(ledger, 4)
    assert [tried(ledger, each) is not None for each in ids[:2]] == [True, False]
    ledger.set_paces({"other": 5})
    ledger.set_paces({})
    assert tried(ledger, many(ledger, 1, COURSE)[0]) is not None


def test_a_further_attempt_keeps_the_pace_as_well(ledger: RedisLedger) -> None:
    """It is a request like the first."""
    ledger.set_paces({KIND: 2000})
    (record_id,) = many(ledger, 1)
    claim = claimed(ledger, record_id)
    assert ledger.advance(claim, AGAIN, attempt(1), 10).wait == pytest.approx(1)
    assert ledger.advance(claim, AGAIN, attempt(2), 10).wait == pytest.approx(3)
    assert ledger.advance(claim, DONE, attempt(3)).wait == 0


def test_too_fast_stops_a_kind_for_a_while(ledger: RedisLedger, clock: Clock) -> None:
    """For all workers; what comes meanwhile is put off until then."""
    first, second = many(ledger, 2)
    claim = claimed(ledger, first)
    ledger.advance(claim, THROTTLED, None)
    assert tried(ledger, second) is None
    assert ledger.find(second).due_at == clock.ms + 5000
    assert tried(ledger, many(ledger, 1, COURSE)[0]) is not None
    clock.forward(5)
    assert sorted(due.id for due in ledger.due(5, orphans=False)) == [first, second]


@pytest.mark.parametrize(("times", "seconds"), [(1, 0.1), (2, 0.2), (3, 0.4), (5, 1.6)])
def test_after_too_fast_requests_keep_a_distance(
    ledger: RedisLedger, clock: Clock, times: int, seconds: float
) -> None:
    """Twice as long with each further word of it, from the first request on."""
    slowed(ledger, clock, times)
    assert turns(ledger, clock, 4) == pytest.approx([seconds * n for n in range(4)])


def test_a_pace_that_is_slower_anyway_stays(ledger: RedisLedger, clock: Clock) -> None:
    """The longer of the two distances counts, and nothing goes at once any more."""
    ledger.set_paces({KIND: 300})
    slowed(ledger, clock, 1)
    assert turns(ledger, clock, 3) == pytest.approx([0, 0.3, 0.6])


def test_those_told_together_to_slow_down_count_as_one(ledger: RedisLedger, clock: Clock) -> None:
    """Sixteen threads that were too fast at one moment do not stop the work for minutes."""
    claims = [claimed(ledger, each, lease=each) for each in many(ledger, 16)]
    for claim in claims:
        ledger.advance(claim, THROTTLED, None)
    clock.forward(5)
    assert turns(ledger, clock, 3) == pytest.approx([0, 0.1, 0.2])


def test_the_slowness_wears_off(ledger: RedisLedger, clock: Clock) -> None:
    """A level in each half minute without a further word."""
    slowed(ledger, clock, 2)
    clock.forward(25)
    assert turns(ledger, clock, 3) == pytest.approx([0, 0.1, 0.2])
    clock.forward(30)
    assert turns(ledger, clock, 3) == [0, 0, 0]


def test_slowness_has_a_limit(ledger: RedisLedger, clock: Clock) -> None:
    """However often it is said, and however far a clock is set back."""
    slowed(ledger, clock, 12)
    assert gaps(turns(ledger, clock, 3)) == [12.8, 12.8]
    clock.forward(-3600)
    assert gaps(turns(ledger, clock, 3)) == [12.8, 12.8]


def test_a_turn_that_was_missed_is_given_anew(ledger: RedisLedger, clock: Clock) -> None:
    """Where no worker was there for a minute, all that waited do not go at once."""
    ledger.set_paces({KIND: 200})
    ids = many(ledger, 100)
    for each in ids:
        tried(ledger, each)
    clock.forward(60)
    due = [each.id for each in ledger.due(1000, orphans=False)]
    claims = [tried(ledger, each) for each in due]
    assert len([claim for claim in claims if claim]) <= 8
    moments = sent_at(ledger, clock, [], 30)
    assert max(gaps(moments)) <= 0.25
    assert {each.state for each in ledger.find_all(ids)} == {State.SUCCEEDED, State.RUNNING}


def test_a_turn_is_no_turn_while_a_kind_is_stopped(ledger: RedisLedger, clock: Clock) -> None:
    """Too fast is too fast, also for who has waited for its pace."""
    ledger.set_paces({KIND: 1500})
    first, second = many(ledger, 2)
    claim = claimed(ledger, first)
    assert tried(ledger, second) is None
    ledger.advance(claim, THROTTLED, None)
    clock.forward(1.5)
    assert ledger.due(5, orphans=False) == [Due(second, FOLDER)]
    assert tried(ledger, second) is None
    assert ledger.find(second).due_at == clock.ms + 3500


def test_who_is_under_way_does_not_wait_for_its_pace(ledger: RedisLedger, clock: Clock) -> None:
    """Only while it is put off for it does a record say so."""
    ledger.set_paces({KIND: 1500})
    _, second = many(ledger, 2)
    tried(ledger, f"main {FOLDER} 0")
    tried(ledger, second)
    assert ledger.find(second).paced
    clock.forward(1.5)
    ledger.due(5, orphans=False)
    claim = tried(ledger, second)
    assert claim is not None
    assert not claim.record.paced
