"""How fast a school is spoken to: requests keep their distance, and more of it when told so."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import AGAIN, DONE, LATER, attempt, claimed, entry, released
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim, ReadyRecord, TurnList, UpdateResult

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
    return try_claim(ledger, record_id, f"lease on {record_id}", "w", 10)


def sent_at(ledger: RedisLedger, clock: Clock, waiting: list[str], seconds: float) -> list[float]:
    """When requests go out in the time to come: at first by messages, then as their turns come."""
    began, ends, sent = clock.ms, clock.ms + round(seconds * 1000), list[float]()
    while clock.ms < ends:
        found = ledger.turns(1000)
        for each in waiting or [due.id for due in found.ready]:
            if (claim := tried(ledger, each)) is not None:
                sent.append((clock.ms - began) / 1000 + claim.wait)
                ledger.advance(claim, DONE, None)
        if found.next_in is None and not waiting:
            break
        waiting = []
        clock.forward(max(0.05, found.next_in or 0))
    clock.ms = ends
    return sent


def gaps(moments: list[float]) -> list[float]:
    """Seconds from one to the next."""
    return [round(b - a, 3) for a, b in pairwise(moments)]


def turns(ledger: RedisLedger, clock: Clock, number: int) -> list[float]:
    """Seconds until each of so many new ones may go, as far as half a minute shows."""
    ids = [f"at {clock.ms}: {n}" for n in range(number)]
    ledger.submit([entry(each) for each in ids])
    return sent_at(ledger, clock, ids, 30)


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
    assert [(each.due_at, each.deferrals) for each in put_off] == [(None, 0)] * 2
    clock.forward(0.2)
    assert [due.id for due in ledger.turns(9).ready] == ids[7:8]


def test_what_was_put_off_goes_when_its_turn_has_come(ledger: RedisLedger, clock: Clock) -> None:
    """It is not put off again for those that came after it."""
    ledger.set_paces({KIND: 200})
    ids = many(ledger, 30)
    moments = sent_at(ledger, clock, ids, 10)
    assert len(moments) == 30
    assert moments[:7] == [0, 0, 0, 0, 0, 0, 0.2]
    assert gaps(moments[6:]) == [0.2] * 23


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
    ledger.set_paces({KIND: 1500})
    (record_id,) = many(ledger, 1)
    claim = claimed(ledger, record_id)
    assert ledger.advance(claim, AGAIN, attempt(1), 10).wait == pytest.approx(0.5)
    assert ledger.advance(claim, AGAIN, attempt(2), 10).wait == pytest.approx(2)
    assert ledger.advance(claim, DONE, attempt(3)).wait == 0


def test_a_further_attempt_that_would_wait_too_long_is_put_off(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Until its turn, for which no second token is taken; what was learnt of it is kept."""
    ledger.set_paces({KIND: 9000})
    (record_id,) = many(ledger, 1)
    claim = claimed(ledger, record_id)
    assert ledger.advance(claim, AGAIN, attempt(1), 10) == UpdateResult(State.DEFERRED, 0, [])
    record = ledger.find(record_id)
    assert (record.paced, record.unread, len(record.attempts)) == (True, True, 1)
    assert ledger.turns(9).ready == []
    clock.forward(8)
    assert ledger.turns(9).ready == [ReadyRecord(record_id, FOLDER)]
    assert tried(ledger, record_id) is not None


def test_too_fast_stops_a_kind_for_a_while(ledger: RedisLedger, clock: Clock) -> None:
    """For all workers; what comes meanwhile is put off until then."""
    first, second = many(ledger, 2)
    ledger.advance(claimed(ledger, first), THROTTLED, None)
    assert tried(ledger, second) is None
    assert tried(ledger, many(ledger, 1, COURSE)[0]) is not None
    clock.forward(4.7)
    assert ledger.turns(9).ready == []
    clock.forward(0.3)
    assert ledger.turns(9).ready == [ReadyRecord(second, FOLDER)]
    assert [due.id for due in ledger.requeue_due(5, orphans=False)] == [first]


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
    """A level in each half minute without a further word, once the pause is over."""
    slowed(ledger, clock, 2)
    clock.forward(30)
    assert turns(ledger, clock, 3) == pytest.approx([0, 0.1, 0.2])
    assert turns(ledger, clock, 3) == [0, 0, 0]


def test_slowness_has_a_limit(ledger: RedisLedger, clock: Clock) -> None:
    """However often it is said, and however far a clock is set back."""
    slowed(ledger, clock, 12)
    assert gaps(turns(ledger, clock, 3)) == [12.8, 12.8]


def test_a_clock_that_is_set_back_keeps_nobody_waiting(ledger: RedisLedger, clock: Clock) -> None:
    """Neither longer than the pause that was told, nor for longer than the pace asks."""
    ledger.set_paces({KIND: 500})
    first, *others = many(ledger, 40)
    claim = claimed(ledger, first)
    assert len([each for each in others if tried(ledger, each)]) == 2
    ledger.advance(claim, replace(THROTTLED, slow_down=20.0), None)
    clock.forward(-7200)
    moments = sent_at(ledger, clock, [], 30)
    assert moments[0] <= 20.05
    assert gaps(moments) == [0.5] * (len(moments) - 1)
    assert len(moments) >= 19


def test_nothing_is_kept_for_who_is_not_there(ledger: RedisLedger, clock: Clock) -> None:
    """Where no worker was there for a minute, all that waited do not go at once."""
    ledger.set_paces({KIND: 200})
    ids = many(ledger, 100)
    for each in ids:
        tried(ledger, each)
    clock.forward(60)
    moments = sent_at(ledger, clock, [], 30)
    assert moments[:8] == [0, 0, 0, 0, 0, 0, 0.2, 0.4]
    assert max(gaps(moments)) <= 0.2
    assert {each.state for each in ledger.find_all(ids)} == {State.SUCCEEDED, State.RUNNING}


def test_a_turn_is_no_turn_while_a_kind_is_stopped(ledger: RedisLedger, clock: Clock) -> None:
    """Too fast is too fast, also for who was about to go."""
    ledger.set_paces({KIND: 1500})
    first, second = many(ledger, 2)
    claim = claimed(ledger, first)
    assert tried(ledger, second) is None
    clock.forward(1.5)
    assert ledger.turns(9).ready == [ReadyRecord(second, FOLDER)]
    ledger.advance(claim, THROTTLED, None)
    assert tried(ledger, second) is None
    clock.forward(5)
    assert ledger.turns(9).ready == [ReadyRecord(second, FOLDER)]


def test_first_come_first_served(ledger: RedisLedger, clock: Clock) -> None:
    """Who comes later does not overtake those who wait, unless its priority is higher."""
    ledger.set_paces({KIND: 1000})
    ids = many(ledger, 5)
    for each in ids:
        tried(ledger, each)
    low, normal, high = (
        replace(entry(str(priority)), priority=priority)
        for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH)
    )
    ledger.submit([low, normal, high])
    clock.forward(1)
    assert [tried(ledger, each.id) for each in (low, normal, high)] == [None] * 3
    order = []
    for _ in range(6):
        order += [due.id for due in ledger.turns(1).ready]
        assert tried(ledger, order[-1]) is not None
        clock.forward(1)
    assert order == [high.id, *ids[2:], normal.id, low.id]


def test_kinds_of_a_school_with_a_pace_of_its_own_take_turns(
    ledger: RedisLedger, clock: Clock
) -> None:
    """By who came first, whatever their names are."""
    ledger.set_paces({"main": 1000})
    kinds = [COURSE, FOLDER, "edit_unit"]
    ids = [many(ledger, 1, kind, school="main")[0] for kind in kinds]
    ids += [f"{kind} {n}" for n in range(3) for kind in kinds]
    ledger.submit([replace(entry(each), operation=each.split()[0]) for each in ids[3:]])
    for each in ids:
        tried(ledger, each)
    order = []
    for _ in range(10):
        clock.forward(1)
        order += [due.id for due in ledger.turns(1).ready]
        tried(ledger, order[-1])
    assert order == ids[2:]


def test_those_whose_turn_it_is_are_given_out_once(ledger: RedisLedger, clock: Clock) -> None:
    """To whoever asks first; a worker that dies with them costs a minute, not the pace."""
    ledger.set_paces({KIND: 100})
    ids = many(ledger, 60)
    for each in ids:
        tried(ledger, each)
    clock.forward(2)
    ready = [due.id for due in ledger.turns(5).ready]
    again = [due.id for due in ledger.turns(100).ready]
    assert [*ready, *again] == ids[13 : 13 + len(ready) + len(again)]
    assert (len(ready), len(again)) == (5, 13)
    assert ledger.turns(100).ready == []
    assert [claim is not None for claim in map(partial(tried, ledger), again)] == [True] * 13
    clock.forward(70)
    nobody = [*Priority]
    assert {due.id for due in ledger.requeue_lost(99, 60, empty=nobody)} == {*ready}


def test_when_to_look_again(ledger: RedisLedger, clock: Clock) -> None:
    """When the next turn comes; there is nothing to look for where nobody waits."""
    assert ledger.turns(9) == TurnList([], None)
    ledger.set_paces({KIND: 3000})
    first, second, third = many(ledger, 3)
    assert tried(ledger, first) is not None
    assert [tried(ledger, each) for each in (second, third)] == [None, None]
    assert ledger.turns(9) == TurnList([], 1.75)
    clock.forward(1.75)
    assert ledger.turns(9) == TurnList([ReadyRecord(second, FOLDER)], 3)
    ledger.cancel(third)
    clock.forward(3)
    assert ledger.turns(9) == TurnList([], None)


def test_who_is_under_way_does_not_wait_for_its_pace(ledger: RedisLedger, clock: Clock) -> None:
    """Only while it is put off for it does a record say so."""
    ledger.set_paces({KIND: 1500})
    _, second = many(ledger, 2)
    tried(ledger, f"main {FOLDER} 0")
    tried(ledger, second)
    assert ledger.find(second).paced
    clock.forward(1.5)
    assert ledger.turns(9).ready == [ReadyRecord(second, FOLDER)]
    claim = tried(ledger, second)
    assert claim is not None
    assert not claim.record.paced


def test_a_faster_pace_holds_for_those_who_wait(ledger: RedisLedger, clock: Clock) -> None:
    """At once: no turn was given out that lies far ahead."""
    ledger.set_paces({KIND: 3_600_000})
    ids = many(ledger, 20)
    for each in ids:
        tried(ledger, each)
    ledger.set_paces({KIND: 100})
    assert len(sent_at(ledger, clock, [], 15)) == 19


def test_what_was_never_sent_expires(ledger: RedisLedger, clock: Clock) -> None:
    """A day after it was put off first, however often it was about to go meanwhile."""
    ledger.set_paces({KIND: 90_000_000})
    ledger.submit([entry(each) for each in ("first", "second")])
    ledger.submit([entry("follower", after="second")])
    tried(ledger, "first")
    tried(ledger, "second")
    clock.forward(86_399)
    ledger.pause("main", "holidays")
    ledger.resume("main")
    tried(ledger, "second")
    assert ledger.requeue_due(9, orphans=False) == []
    assert ledger.find("second").state is State.DEFERRED
    clock.forward(1)
    ledger.requeue_due(9, orphans=False)
    record = ledger.find("second")
    assert (record.state, record.reason) == (State.FAILED, Reason.EXPIRED)
    assert (record.message or "").startswith("it was never sent: its turn, by its pace")
    assert (record.paced_at, record.due_at) == (None, None)
    released(ledger)
    assert ledger.find("follower").reason is Reason.DEPENDENCY
    clock.forward(10)
    assert ledger.turns(9) == TurnList([], None)


def test_what_may_have_been_sent_does_not_expire(ledger: RedisLedger, clock: Clock) -> None:
    """A worker has the last word on it, at its turn."""
    ledger.set_paces({KIND: 90_000_000})
    (record_id,) = many(ledger, 1)
    ledger.advance(claimed(ledger, record_id), AGAIN, attempt(1), 10)
    for _ in range(2):
        clock.forward(86_400)
        assert ledger.requeue_due(9, orphans=False) == []
        assert ledger.find(record_id).state is State.DEFERRED
    assert ledger.turns(9).ready == [ReadyRecord(record_id, FOLDER)]


def test_a_closed_school_lets_nothing_expire(ledger: RedisLedger, clock: Clock) -> None:
    """What waited for its turn waits for the school then, and its time begins anew after that."""
    ledger.set_paces({KIND: 90_000_000})
    first, second = many(ledger, 2)
    tried(ledger, first)
    tried(ledger, second)
    ledger.pause("main", "holidays")
    clock.forward(86_400)
    assert ledger.requeue_due(9, orphans=False) == []
    assert ledger.find(second).state is State.QUEUED
    ledger.resume("main")
    assert [due.id for due in ledger.unpark(9, "main")] == [second]
    assert tried(ledger, second) is None
    clock.forward(86_399)
    assert ledger.requeue_due(9, orphans=False) == []
    assert ledger.find(second).state is State.DEFERRED
