"""What is made of hours and events: rates, times, and failures by cause."""

from collections import Counter

import pytest
from redis import Redis

from ops.cli.commands.stats import sparkline
from ops.insight.failure_causes import Cause, failures, meaning, todo
from ops.insight.statistics import statistics
from tests.tables import for_each
from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, REFUSED, attempt, claimed, entry, settled
from worker.classin.remedies import Remedy
from worker.ledger.hourly_stats import HOUR, KEPT, Ending
from worker.ledger.keys import Keys
from worker.ledger.queries import LedgerQueries
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

FAILED, REFUSAL, EXHAUSTED = State.FAILED, Reason.REFUSED, Reason.EXHAUSTED


def test_a_window_is_told_by_whole_hours(ledger: RedisLedger, redis: Redis, clock: Clock) -> None:
    """From the beginning of the hour in which it begins; each hour is a piece."""
    start = clock.ms
    for n, standing in enumerate((DONE, REFUSED, DONE)):
        ledger.submit([entry(f"r{n}")])
        clock.forward(1)
        ledger.advance(claimed(ledger, f"r{n}"), standing, attempt(1))
        clock.forward(3599)

    found = statistics(LedgerQueries(redis), start + 2_000_000, clock.ms)

    assert (found.by_hour, found.shortened, found.since) == (True, False, start)
    pieces = [(each.metrics["submitted"], each.settled, each.failures) for each in found.pieces]
    assert pieces == [(1, 1, 0), (1, 1, 1), (1, 1, 0), (0, 0, 0)]
    assert (found.metrics["submitted"], found.settled.total(), found.per_hour(3)) == (3, 3, 1)
    timing = found.timings["create_folder"]
    assert timing.took["p50"] == pytest.approx(1000, rel=0.2)
    assert timing.attempt["p99"] == pytest.approx(5, rel=0.4)


def test_a_long_window_has_as_many_pieces_as_can_be_seen(redis: Redis, clock: Clock) -> None:
    """And reaches back as far as hours are kept."""
    found = statistics(LedgerQueries(redis), 0, clock.ms)
    assert found.shortened
    assert found.since == (clock.ms // HOUR - KEPT + 1) * HOUR
    assert len(found.pieces) == 48


def test_failures_are_grouped_by_cause() -> None:
    """The most common first; what went well, or was called off, is none."""
    settled = Counter(
        {
            Ending("main", "edit_course", FAILED, REFUSAL, 144): 2,
            Ending("north", "create_unit", FAILED, REFUSAL, 144): 3,
            Ending("main", "edit_course", FAILED, EXHAUSTED, 104): 9,
            Ending("main", "edit_course", State.UNCERTAIN, None, None): 1,
            Ending("main", "edit_course", State.SUCCEEDED, None, 1): 50,
            Ending("main", "edit_course", State.CANCELLED, None, None): 7,
        }
    )
    found = failures(settled)
    assert [(each.number, each.cause.code) for each in found] == [(9, 104), (5, 144), (1, None)]
    assert found[1].to_dict()["operations"] == {"create_unit": 3, "edit_course": 2}
    assert found[1].to_dict()["means"] == "the institution has no such course"


@for_each("reason", [None, *Reason])
@for_each("state", [State.FAILED, State.PARTIAL, State.UNCERTAIN])
@for_each("code", [None, 1, 102, 104, 193, 999_999])
def test_each_cause_has_a_meaning_and_something_to_do(
    state: State, reason: Reason | None, code: int | None
) -> None:
    """Also one that nobody listed."""
    cause = Cause(state, reason, code)
    assert meaning(cause)
    assert todo(cause).endswith(".")


def test_what_to_do_is_what_the_code_says() -> None:
    """Where its time was up, that comes first, unless the code tells of what lasts."""
    assert todo(Cause(FAILED, REFUSAL, 193)) == Remedy.FIND.value
    assert todo(Cause(FAILED, EXHAUSTED, 104)) == Remedy.RESUBMIT.value
    assert todo(Cause(FAILED, EXHAUSTED, 102)) == Remedy.ACCOUNT.value
    assert todo(Cause(FAILED, REFUSAL, 999_999)) == Remedy.CHANGE.value


def test_a_line_shows_whatever_is_more_than_nothing() -> None:
    """However little it is beside the most."""
    assert sparkline([0, 1, 500, 1000], 1000) == " ▁▄█"
    assert sparkline([0, 0], 0) == "  "


def test_a_settlement_without_an_attempt_has_no_time_of_one(
    ledger: RedisLedger, redis: Redis, clock: Clock
) -> None:
    """Rather than a zero."""
    ledger.submit([entry("a")])
    settled(ledger)
    found = statistics(LedgerQueries(redis), clock.ms - HOUR, clock.ms)
    assert found.timings["create_folder"].to_dict() == {
        "settled": 1,
        "took_ms": {"p50": 0, "p90": 1, "p99": 1},
        "last_attempt_ms": {"p50": None, "p90": None, "p99": None},
    }


def test_a_metric_that_a_script_counts_needs_no_more_to_be_told(redis: Redis, clock: Clock) -> None:
    """In all, in each piece, and by the hour."""
    redis.hset(Keys().hour(str(clock.ms // HOUR)), '["deferred","main","create_folder"]', 4)
    found = statistics(LedgerQueries(redis), clock.ms - HOUR, clock.ms)
    told = found.to_dict()
    assert not found.empty
    assert (told["submitted"], told["deferred"], told["deferred_per_hour"]) == (0, 4, 4)
    assert [piece["deferred"] for piece in told["pieces"]] == [0, 4]
