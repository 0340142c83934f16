"""What an operator asks of a real Redis: lists out of many records, hours, and events."""

from dataclasses import replace

import pytest

from ops.insight.statistics import statistics
from ops.processes.redis_server import PrivateRedis
from tests.submitting import submit_all
from tests.unit.ledger.hands import DONE, REFUSED, attempt, claimed, entry
from worker.ledger import index_scan
from worker.ledger.queries import LedgerQueries, Listing, Order
from worker.ledger.redis_client import connect
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter


@pytest.fixture
def ledger(redis: PrivateRedis) -> RedisLedger:
    """A ledger that goes by its Redis's time."""
    return RedisLedger(connect(redis.url))


@pytest.fixture
def queries(redis: PrivateRedis) -> LedgerQueries:
    """Who reads it for people."""
    return LedgerQueries(connect(redis.url))


def test_a_needle_is_found_in_a_haystack(
    ledger: RedisLedger, queries: LedgerQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page after page, where so many do not fit that one gives up."""
    monkeypatch.setattr(index_scan, "LOOKS", 500)
    monkeypatch.setattr(index_scan, "MOST_ROUNDS", 2)
    like = replace(entry("needle"), batch=None)
    submit_all(ledger, [replace(like, id=f"n{n:06}", school="north") for n in range(2500)])
    ledger.submit([replace(like, school="north", operation="edit_course")])
    submit_all(ledger, [replace(like, id=f"e{n:06}", operation="edit_course") for n in range(2600)])
    chosen = Filter(school="north", operation="edit_course")

    newest = queries.listing(chosen, Order.NEWEST, 5)
    first = queries.listing(chosen, Order.OLDEST, 5)
    second = queries.listing(chosen, Order.OLDEST, 5, first.cursor)
    third = queries.listing(chosen, Order.OLDEST, 5, second.cursor)

    assert ([each.record.id for each in newest.found], newest.cursor is None) == (["needle"], False)
    assert (first.found, second.found) == ([], [])
    assert ([each.record.id for each in third.found], third.cursor) == (["needle"], None)
    page = ledger.page(Filter(school="north", state="queued"), 2501)
    assert (len(page.records), page.cursor) == (2501, None)


@pytest.mark.parametrize("ago", [60_000, 2 * 3_600_000])
def test_hours_and_events_tell_the_same(
    ledger: RedisLedger, queries: LedgerQueries, ago: int
) -> None:
    """What was submitted and settled a moment ago, whichever way it is counted."""
    ledger.submit([entry(name) for name in "abc"])
    for name, standing in (("a", DONE), ("b", REFUSED)):
        ledger.advance(claimed(ledger, name), standing, attempt(1))
    now = queries.now()

    found = statistics(queries, now - ago, now)

    assert found.by_hour is (ago > 3_600_000)
    assert (found.metrics["submitted"], found.settled.total()) == (3, 2)
    assert [(each.number, each.cause.code) for each in found.failures] == [(1, 193)]
    assert sum(each.metrics["submitted"] for each in found.pieces) == 3
    assert sum(each.settled for each in found.pieces) == 2
    assert found.timings["create_folder"].settled == 2
    assert not found.shortened


def test_what_settled_is_followed_back_from_its_end(
    ledger: RedisLedger, queries: LedgerQueries
) -> None:
    """Until a moment, the last first."""
    ledger.submit([entry(name) for name in "abc"])
    for name in "bca":
        ledger.advance(claimed(ledger, name), DONE, None)
    page = queries.listing(Filter(), Order.FINISHED, 2)
    assert [each.record.id for each in page.found] == ["a", "c"]
    rest = queries.listing(Filter(), Order.FINISHED, 2, page.cursor)
    assert ([each.record.id for each in rest.found], rest.cursor) == (["b"], None)
    future = Filter(since=queries.now() + 60_000)
    assert queries.listing(future, Order.FINISHED, 2) == Listing([], None, [])
