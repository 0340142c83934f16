"""Schools that may not be spoken to: closed, probed, opened, and what waits for them."""

from dataclasses import replace

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
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim, ReadyRecord, SchoolPause

FOLDER, COURSE = "create_folder", "edit_course"


def submit(ledger: RedisLedger, ids: str, operation: str = FOLDER, school: str = "main") -> None:
    """A record for each letter."""
    ledger.submit([replace(entry(each), operation=operation, school=school) for each in ids])


def turned_away(ledger: RedisLedger, record_id: str) -> bool:
    """Whether a worker that has its message gets nothing, and the record is parked."""
    claim = try_claim(ledger, record_id, "try", "w", 10)
    return claim is None and ledger.find(record_id).state is State.QUEUED


def given_back(ledger: RedisLedger, most: int = 5) -> str:
    """The ids that come back now."""
    return "".join(due.id for due in ledger.unpark_some(most, most)[0])


def closure(ledger: RedisLedger) -> SchoolPause:
    """The only one."""
    (found,) = ledger.school_pauses()
    return found


def probe(ledger: RedisLedger) -> Claim:
    """The one that is let through to look."""
    (due,) = ledger.unpark_some(5, 5)[0]
    return claimed(ledger, due.id, lease=f"look with {due.id}")


def test_a_lock_out_closes_its_school(ledger: RedisLedger, clock: Clock) -> None:
    """The record waits for it, and so does whatever else is of it; others do not mind."""
    submit(ledger, "abc")
    submit(ledger, "x", school="other")
    assert settled(ledger, "a", LOCKED).state is State.QUEUED
    assert closure(ledger) == SchoolPause(
        school="main", held=False, by_hand=False, since=clock.ms, code=102,
        next_look=clock.ms + 60_000, parked=1,
    )  # fmt: skip
    assert turned_away(ledger, "b")
    assert closure(ledger).parked == 2
    assert settled(ledger, "x").state is State.SUCCEEDED
    record = ledger.find("a")
    assert (record.code, record.message, record.deferrals) == (102, "no permission", 0)


def test_what_is_parked_is_not_adrift(ledger: RedisLedger, clock: Clock) -> None:
    """It has no message, and needs none."""
    submit(ledger, "ab")
    settled(ledger, "a", LOCKED)
    assert turned_away(ledger, "b")
    clock.forward(10**5)
    assert ledger.requeue_lost(5, 60, empty=(*Priority,)) == []
    assert ledger.requeue_due(5, orphans=True) == []


def test_one_is_let_through_when_the_next_look_is_due(ledger: RedisLedger, clock: Clock) -> None:
    """Nobody before that, and nobody beside it; its message alone passes."""
    submit(ledger, "abc")
    settled(ledger, "a", LOCKED)
    assert turned_away(ledger, "b")
    assert turned_away(ledger, "c")
    clock.forward(59.999)
    assert given_back(ledger) == ""
    assert turned_away(ledger, "b")
    clock.forward(0.001)
    claimed(ledger, probe(ledger).record.id, lease="look with a")
    assert given_back(ledger) == ""
    assert turned_away(ledger, "b")


def test_a_probe_that_is_let_in_opens_the_school(ledger: RedisLedger, clock: Clock) -> None:
    """All the others come back, some at a time, the oldest first."""
    submit(ledger, "abcd")
    settled(ledger, "a", LOCKED)
    assert all(turned_away(ledger, each) for each in "dcb")
    clock.forward(60)
    look = probe(ledger)
    ledger.advance(look, DONE, None)
    assert (look.record.id, ledger.school_pauses()) == ("a", [])
    assert given_back(ledger, 2) == "bc"
    assert given_back(ledger, 2) == "d"
    assert given_back(ledger) == ""
    assert all(settled(ledger, each).state is State.SUCCEEDED for each in "bcd")


def test_a_refusal_lets_in_as_well(ledger: RedisLedger, clock: Clock) -> None:
    """ClassIn has looked at what was asked."""
    submit(ledger, "a")
    settled(ledger, "a", LOCKED)
    clock.forward(60)
    ledger.advance(probe(ledger), REFUSED, None)
    assert ledger.school_pauses() == []


def test_a_probe_that_is_locked_out_waits_for_longer(ledger: RedisLedger, clock: Clock) -> None:
    """As the looks say; the last of them repeats. Since when it is closed is not forgotten."""
    submit(ledger, "a")
    settled(ledger, "a", LOCKED)
    since, waits = closure(ledger).since, []
    for _ in range(3):
        waits.append(((closure(ledger).next_look or 0) - clock.ms) / 1000)
        clock.forward(waits[-1])
        ledger.advance(probe(ledger), LOCKED, None)
    assert waits == [60, 120, 120]
    assert closure(ledger).since == since


def test_those_under_way_together_count_as_one(ledger: RedisLedger, clock: Clock) -> None:
    """Sent before the school was closed, their lock-outs tell nothing new."""
    submit(ledger, "ab")
    first, second = claimed(ledger, "a"), claimed(ledger, "b", lease="two")
    ledger.advance(first, LOCKED, None)
    clock.forward(5)
    ledger.advance(second, LOCKED, None)
    assert closure(ledger).next_look == clock.ms + 55_000
    assert closure(ledger).parked == 2


def test_a_success_that_is_no_probe_opens_nothing(ledger: RedisLedger) -> None:
    """It may have been sent before the school was closed."""
    submit(ledger, "ab")
    second = claimed(ledger, "b", lease="two")
    settled(ledger, "a", LOCKED)
    ledger.advance(second, DONE, None)
    assert closure(ledger).code == 102


def test_a_probe_that_tells_nothing_makes_room(ledger: RedisLedger, clock: Clock) -> None:
    """Two minutes later another one may look; the school stays closed that long."""
    submit(ledger, "ab")
    settled(ledger, "a", LOCKED)
    assert turned_away(ledger, "b")
    clock.forward(60)
    ledger.advance(probe(ledger), replace(LATER, due_in=10**6), None)
    clock.forward(119.999)
    assert given_back(ledger) == ""
    clock.forward(0.001)
    assert probe(ledger).record.id == "b"


def test_a_probe_whose_worker_died_makes_room(ledger: RedisLedger, clock: Clock) -> None:
    """And may look again itself, as soon as another would."""
    submit(ledger, "a")
    settled(ledger, "a", LOCKED)
    clock.forward(60)
    probe(ledger)
    clock.forward(10)
    assert ledger.requeue_due(5, orphans=True) == [ReadyRecord("a", FOLDER, suspect=True)]
    assert claimed(ledger, lease="another").record.lost_workers == 1


def test_another_kind_is_tried_first(ledger: RedisLedger, clock: Clock) -> None:
    """It tells whether the school is locked out, or that kind alone."""
    submit(ledger, "abc")
    submit(ledger, "x", COURSE)
    settled(ledger, "a", LOCKED)
    assert all(turned_away(ledger, each) for each in "bcx")
    clock.forward(60)
    look = probe(ledger)
    assert look.record.id == "x"
    ledger.advance(look, LOCKED, None)
    clock.forward(120)
    assert probe(ledger).record.operation == FOLDER


def barred(ledger: RedisLedger, clock: Clock) -> None:
    """Let folders be locked out, and courses be let in after that: as the ids `a` and `x`."""
    submit(ledger, "a")
    submit(ledger, "x", COURSE)
    settled(ledger, "a", LOCKED)
    assert turned_away(ledger, "x")
    clock.forward(60)
    ledger.advance(probe(ledger), DONE, None)
    assert ledger.school_pauses() == []
    assert given_back(ledger) == "a"


def test_a_kind_that_alone_is_locked_out_is_refused(ledger: RedisLedger, clock: Clock) -> None:
    """The school stays open for all others, and nobody waits in vain."""
    barred(ledger, clock)
    submit(ledger, "b")
    for each in "ab":
        assert settled(ledger, each, LOCKED).state is State.FAILED
        record = ledger.find(each)
        assert (record.reason, record.code, record.message) == (
            Reason.REFUSED, 102, "no permission",
        )  # fmt: skip
    assert ledger.school_pauses() == []


def test_another_kind_still_closes_the_school(ledger: RedisLedger, clock: Clock) -> None:
    """What is barred is one kind."""
    barred(ledger, clock)
    submit(ledger, "y", COURSE)
    settled(ledger, "y", LOCKED)
    assert closure(ledger).parked == 1


def test_a_barred_kind_that_is_let_in_is_so_again(ledger: RedisLedger, clock: Clock) -> None:
    """Its next lock-out closes the school, as the first did."""
    barred(ledger, clock)
    submit(ledger, "b")
    settled(ledger, "a")
    assert settled(ledger, "b", LOCKED).state is State.QUEUED
    assert closure(ledger).code == 102


def test_a_barred_kind_that_is_let_in_as_a_probe_is_so_again(
    ledger: RedisLedger, clock: Clock
) -> None:
    """It opens the school, too; what had closed it is barred instead."""
    barred(ledger, clock)
    submit(ledger, "b")
    submit(ledger, "y", COURSE)
    settled(ledger, "y", LOCKED)
    assert turned_away(ledger, "a")
    clock.forward(60)
    look = probe(ledger)
    assert look.record.id == "a"
    ledger.advance(look, DONE, None)
    assert settled(ledger, "b", LOCKED).state is State.QUEUED


def test_a_bar_is_forgotten_after_an_hour(ledger: RedisLedger, clock: Clock) -> None:
    """The permission may have been given meanwhile."""
    barred(ledger, clock)
    clock.forward(3600)
    assert settled(ledger, "a", LOCKED).state is State.QUEUED
    assert closure(ledger).code == 102


def test_maintenance_holds_a_school(ledger: RedisLedger, clock: Clock) -> None:
    """The record that met it looks again; the others are parked until then."""
    submit(ledger, "ab")
    settled(ledger, "a", HELD)
    assert closure(ledger) == SchoolPause(
        school="main", held=True, by_hand=False, since=clock.ms, code=901,
        next_look=clock.ms + 60_000,
    )  # fmt: skip
    record = ledger.find("a")
    assert (record.state, record.due_at) == (State.DEFERRED, clock.ms + 60_000)
    assert turned_away(ledger, "b")
    clock.forward(60)
    assert ledger.requeue_due(5, orphans=False) == [ReadyRecord("a", FOLDER)]
    ledger.advance(claimed(ledger, lease="two"), DONE, None)
    assert ledger.school_pauses() == []
    assert given_back(ledger) == "b"


def test_maintenance_that_goes_on_is_looked_at_more_seldom(
    ledger: RedisLedger, clock: Clock
) -> None:
    """As with a lock-out."""
    submit(ledger, "a")
    settled(ledger, "a", HELD)
    clock.forward(60)
    settled(ledger, "a", HELD)
    assert closure(ledger).next_look == clock.ms + 120_000


def test_maintenance_bars_no_kind(ledger: RedisLedger, clock: Clock) -> None:
    """Not even where a look was locked out in between."""
    submit(ledger, "ab")
    submit(ledger, "x", COURSE)
    submit(ledger, "y", "rename_folder")
    settled(ledger, "a", replace(HELD, due_in=10**6))
    assert all(turned_away(ledger, each) for each in "bxy")
    clock.forward(60)
    look = probe(ledger)
    assert look.record.operation == COURSE
    ledger.advance(look, LOCKED, None)
    clock.forward(120)
    look = probe(ledger)
    assert look.record.operation == FOLDER
    ledger.advance(look, DONE, None)
    submit(ledger, "c")
    assert settled(ledger, "c", LOCKED).state is State.QUEUED


def test_a_person_can_pause_a_school(ledger: RedisLedger, clock: Clock) -> None:
    """Nothing of it is tried until a person opens it, however long that takes."""
    submit(ledger, "a")
    assert ledger.pause("main", "the term begins")
    assert not ledger.pause("main", "still")
    assert turned_away(ledger, "a")
    clock.forward(10**6)
    assert given_back(ledger) == ""
    assert closure(ledger) == SchoolPause(
        school="main", held=False, by_hand=True, since=clock.ms - 10**9, why="still", parked=1
    )
    assert ledger.resume("main")
    assert not ledger.resume("main")
    assert given_back(ledger) == "a"
    assert settled(ledger).state is State.SUCCEEDED


def test_a_pause_stays_whatever_workers_meet(ledger: RedisLedger, clock: Clock) -> None:
    """What is under way ends as it may, and does not open or close anything."""
    submit(ledger, "abc")
    claims = [claimed(ledger, each, lease=each) for each in "abc"]
    ledger.pause("main", "why")
    for claim, standing in zip(claims, (DONE, LOCKED, HELD), strict=True):
        ledger.advance(claim, standing, None)
    found = closure(ledger)
    assert (found.by_hand, found.next_look, found.code, found.parked) == (True, None, None, 1)
    assert ledger.find("c").due_at == clock.ms + 60_000
    clock.forward(60)
    ledger.requeue_due(5, orphans=False)
    assert turned_away(ledger, "c")


def test_a_person_can_pause_a_closed_school(ledger: RedisLedger, clock: Clock) -> None:
    """Its looks end; what closed it first is not forgotten."""
    submit(ledger, "a")
    settled(ledger, "a", LOCKED)
    assert ledger.pause("main", "asking ClassIn")
    found = closure(ledger)
    assert (found.code, found.why, found.next_look) == (102, "asking ClassIn", None)
    clock.forward(60)
    assert given_back(ledger) == ""


def test_a_person_can_open_a_school_whatever_closed_it(ledger: RedisLedger, clock: Clock) -> None:
    """And what was barred is tried anew."""
    barred(ledger, clock)
    submit(ledger, "y", COURSE)
    settled(ledger, "y", LOCKED)
    assert ledger.resume("main")
    assert given_back(ledger) == "y"
    assert settled(ledger, "a", LOCKED).state is State.QUEUED


def test_schools_are_listed_by_name(ledger: RedisLedger) -> None:
    """Those that are closed."""
    for school in "cab":
        ledger.pause(school, school)
    ledger.resume("a")
    assert [each.school for each in ledger.school_pauses()] == ["b", "c"]
