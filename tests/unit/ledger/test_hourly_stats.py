"""What happened in an hour is added up as it happens."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import AGAIN, DONE, REFUSED, attempt, claimed, entry, settled
from worker.ledger.hourly_stats import (
    COARSE,
    FINE,
    HOUR,
    Ending,
    HourStats,
    happenings_of,
    percentile,
    step_of,
    total,
)
from worker.ledger.keys import Keys
from worker.ledger.queries import LedgerQueries
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

KEYS = Keys()


@pytest.fixture
def queries(redis: Redis) -> LedgerQueries:
    """Who reads for people."""
    return LedgerQueries(redis)


def happened(queries: LedgerQueries, clock: Clock) -> HourStats:
    """What the ledger says of this hour."""
    return queries.hours(clock.ms, clock.ms)[clock.ms // HOUR * HOUR]


def test_what_settles_is_counted_with_how_it_did(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """By school, operation, state, reason and code; each once, however often it is said."""
    ledger.submit([entry("a"), replace(entry("b"), school="a school"), entry("c", after="b")])
    clock.forward(0.5)
    claim = claimed(ledger, "a")
    ledger.advance(claim, DONE, attempt(1))
    ledger.advance(claim, DONE, attempt(1))
    settled(ledger, "b", REFUSED)

    found = happened(queries, clock)

    assert found.counted == {
        ("submitted", "main", "create_folder"): 2,
        ("submitted", "a school", "create_folder"): 1,
    }
    assert found.settled == {
        Ending("main", "create_folder", State.SUCCEEDED, None, 1): 1,
        Ending("a school", "create_folder", State.FAILED, Reason.REFUSED, 193): 1,
        Ending("main", "create_folder", State.FAILED, Reason.DEPENDENCY, None): 1,
    }
    assert found.took == {("create_folder", step_of(500)): 3}
    assert found.attempts == {("create_folder", step_of(5, COARSE)): 1}


def test_of_several_attempts_the_last_is_counted(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """That which settled it; one that settles nothing is not."""
    ledger.submit([entry("a")])
    claim = claimed(ledger, "a")
    ledger.advance(claim, AGAIN, attempt(1), 10)
    assert happened(queries, clock).attempts == {}
    ledger.advance(claim, DONE, replace(attempt(2), ms=700))
    assert happened(queries, clock).attempts == {("create_folder", step_of(700, COARSE)): 1}


def test_each_hour_has_its_own_account_and_its_end(
    ledger: RedisLedger, queries: LedgerQueries, redis: Redis, clock: Clock
) -> None:
    """What is submitted in one may settle in the next; both go after a hundred days."""
    ledger.submit([entry("a")])
    before = clock.ms
    clock.forward(3600)
    settled(ledger)

    first, second = queries.hours(before, clock.ms).values()

    assert (first.metrics()["submitted"], first.settled.total()) == (1, 0)
    assert (second.metrics()["submitted"], second.settled.total()) == (0, 1)
    assert total([first, second]).took == {("create_folder", step_of(3_600_000)): 1}
    for number in (before // HOUR, clock.ms // HOUR):
        assert 99 * 86400 < redis.ttl(KEYS.hour(str(number))) <= 100 * 86400


def test_a_clock_that_is_set_back_takes_no_time(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """Rather than less than none."""
    ledger.submit([entry("a")])
    clock.forward(-1)
    settled(ledger)
    steps = [step for each in queries.hours(clock.ms, clock.ms).values() for _, step in each.took]
    assert steps == [0]


@pytest.mark.parametrize("ms", [0, 1, 2, 3, 7, 8, 63, 64, 65, 999, 1024, 86_400_000])
def test_the_scripts_and_python_count_by_the_same_steps(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock, ms: int
) -> None:
    """Also on the border of two."""
    ledger.submit([entry("a")])
    clock.forward(ms / 1000)
    ledger.advance(claimed(ledger), DONE, replace(attempt(1), ms=ms))
    found = happened(queries, clock)
    assert found.took == {("create_folder", step_of(ms)): 1}
    assert found.attempts == {("create_folder", step_of(ms, COARSE)): 1}


@given(st.lists(st.integers(1, 10**8), min_size=1, max_size=200), st.sampled_from([0.5, 0.9, 0.99]))
def test_percentiles_are_about_right(times: list[int], share: float) -> None:
    """Within a step of that time which so many stayed within."""
    found = percentile(Counter(map(step_of, times)), share)
    exact = sorted(times)[max(0, -int(-share * len(times) // 1) - 1)]
    assert found is not None
    assert exact / 2 ** (1 / FINE) <= found * 1.0001
    assert found <= exact * 2 ** (1 / FINE) * 1.0001


def test_of_nothing_there_is_no_percentile() -> None:
    """Nor is there a zero."""
    assert percentile({}, 0.5) is None


def test_a_school_may_be_called_anything() -> None:
    """Whatever is in its name, it is told apart from the rest."""
    field = '["settled", "our \\"school\\" ", "edit_course", "failed", "refused", "144"]'
    found = happenings_of({field: "2", "no JSON": "1", '["settled", "main"]': "1", '["took"]': "x"})
    assert found.settled == {
        Ending('our "school" ', "edit_course", State.FAILED, Reason.REFUSED, 144): 2
    }
    assert found.attempts == {}
