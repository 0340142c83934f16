"""What an operator learns of the ledger: lists in several orders, lanes, schools, whereabouts."""

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    DONE,
    ENTRY,
    LATER,
    LOCKED,
    REFUSED,
    claimed,
    entry,
    settled,
)
from worker.errors import InvalidInputError
from worker.ledger.keys import Keys
from worker.ledger.queries import LedgerQueries, Order
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

KEYS = Keys()


@pytest.fixture
def queries(redis: Redis) -> LedgerQueries:
    """Who reads for people."""
    return LedgerQueries(redis)


def listed(queries: LedgerQueries, order: Order, chosen: Filter, limit: int) -> str:
    """The ids on all pages together: a letter for each."""
    ids = ""
    page = queries.listing(chosen, order, limit)
    while True:
        assert len(page.found) <= limit
        ids += "".join(each.record.id for each in page.found)
        if page.cursor is None:
            return ids
        page = queries.listing(chosen, order, limit, page.cursor)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
@pytest.mark.parametrize(
    ("order", "chosen", "expected"),
    [
        (Order.NEWEST, Filter(), "fedcba"),
        (Order.OLDEST, Filter(), "abcdef"),
        (Order.OLDEST, Filter(school="north"), "bdf"),
        (Order.OLDEST, Filter(state="deferred", school="north"), "bf"),
        (Order.FINISHED, Filter(), "acd"),
        (Order.FINISHED, Filter(reason="refused"), "ad"),
        (Order.FINISHED, Filter(reason="refused", school="north"), "d"),
        (Order.DUE, Filter(), "bef"),
        (Order.DUE, Filter(school="north"), "bf"),
        (Order.NEWEST, Filter(reason="refused"), "da"),
        (Order.NEWEST, Filter(reason="exhausted"), ""),
    ],
)
def test_each_order_lists_all_that_fits(
    ledger: RedisLedger,
    queries: LedgerQueries,
    order: Order,
    chosen: Filter,
    limit: int,
    expected: str,
) -> None:
    """However long a page is: d settled first, then c and a; the others were put off."""
    schools = {"b": "north", "d": "north", "f": "north"}
    ledger.submit([replace(entry(n), school=schools.get(n, "main")) for n in "abcdef"])
    for name, standing in (("d", REFUSED), ("c", DONE), ("a", REFUSED)):
        settled(ledger, name, standing)
    for name in "bef":
        settled(ledger, name, LATER)
    assert listed(queries, order, chosen, limit) == expected


def test_since_and_until_cut_a_piece_out(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """The first moment belongs to it, the last does not."""
    start = clock.ms
    for name in "abcd":
        ledger.submit([entry(name)])
        settled(ledger, name, LATER)
        clock.forward(1)
    chosen = Filter(since=start + 1000, until=start + 3000)
    assert listed(queries, Order.NEWEST, chosen, 5) == "cb"
    assert listed(queries, Order.OLDEST, chosen, 1) == "bc"
    assert listed(queries, Order.DUE, chosen, 1) == "bc"
    assert listed(queries, Order.NEWEST, replace(chosen, state="deferred", school="main"), 1) == (
        "cb"
    )


@pytest.mark.parametrize("order", Order)
def test_a_cursor_that_is_none_is_refused(queries: LedgerQueries, order: Order) -> None:
    """By every order."""
    with pytest.raises(InvalidInputError, match="should come from an earlier page"):
        queries.listing(Filter(), order, 5, "no cursor")


def test_lanes_in_which_somebody_waits(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """Those that stand still longest come first; a lane of one is none of them."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="m"), entry("c", lane="alone")])
    assert queries.lanes(5) == ([], 0)
    clock.forward(60)
    ledger.submit([entry("d", lane="m"), entry("e", lane="l"), entry("f", lane="l")])
    waited = clock.ms
    clock.forward(60)
    ledger.submit([entry("g", lane="m")])  # nothing moves by that
    settled(ledger, "a")

    lanes, number = queries.lanes(5)

    found = [(each.name, each.length, each.head.id, each.moved_at) for each in lanes]
    assert found == [("m", 3, "b", waited), ("l", 2, "e", waited + 60_000)]
    assert number == 2
    assert [each.name for each in queries.lanes(5, moved_before=waited)[0]] == ["m"]
    settled(ledger, "e")
    assert [each.name for each in queries.lanes(5)[0]] == ["m"]
    for name in "bdg":
        settled(ledger, name)
    settled(ledger, "f")
    assert queries.lanes(5) == ([], 0)


def test_a_lane_that_is_to_stop_says_because_of_whom(
    ledger: RedisLedger, queries: LedgerQueries, redis: Redis
) -> None:
    """As long as anybody is left there."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    redis.hset(KEYS.stops, "l", '[["1", "5", "x"], ["6", "9", "the culprit"]]')
    (lane,), _ = queries.lanes(5)
    assert lane.stopped_by == "the culprit"


def test_how_schools_stand(ledger: RedisLedger, queries: LedgerQueries) -> None:
    """Those of the settings, those with records, and those that are closed."""
    ledger.submit([entry("a"), entry("b"), replace(entry("c"), school="a school")])
    settled(ledger, "b")
    ledger.advance(claimed(ledger, "a"), LOCKED, None)
    ledger.pause("closed", "holidays")
    claimed(ledger, "c")

    found = {each.name: each for each in queries.schools(["idle"])}

    assert list(found) == ["a school", "closed", "idle", "main"]
    assert (found["main"].unsettled, found["main"].running) == (1, 0)
    assert found["main"].parked == 1
    assert found["main"].closure is not None
    assert (found["a school"].unsettled, found["a school"].running) == (1, 1)
    assert found["closed"].closure is not None
    assert found["idle"].unsettled == 0


def test_a_slowdown_goes_by_itself(redis: Redis, queries: LedgerQueries) -> None:
    """One level in half a minute, as the scripts have it."""
    now = queries.now()
    redis.hset(KEYS.pace("main a"), mapping={"level": 2, "slowed_at": now, "free_at": now})
    redis.hset(KEYS.pace("main b"), mapping={"level": 2, "slowed_at": now - 70_000, "free_at": now})
    found = queries.slowdowns(["main a", "main b", "main c"])
    assert [(each.what, each.level) for each in found] == [("main a", 2)]


def test_where_a_record_is(ledger: RedisLedger, queries: LedgerQueries, clock: Clock) -> None:
    """In its lane, on the queue, put aside, or in a worker's hands."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l"), entry("c"), entry("d")])
    b, d = (queries.position(ledger.find(each)) for each in "bd")
    assert (b.lane_place, b.lane_length, b.sent_at) == (1, 2, None)
    assert (d.lane_place, d.sent_at, d.ahead) == (None, clock.ms, 2)
    claimed(ledger, "a", worker="w1")
    a = queries.position(ledger.find("a"))
    assert (a.worker, a.lease_ends) == ("w1", clock.ms + 10_000)
    ledger.pause("main", "")
    assert try_claim(ledger, "c", "two", "w", 10) is None
    assert queries.position(ledger.find("c")).parked_place == 0


class Busy(Redis):
    """A Redis in which others take what is due first, between any two looks at it."""

    taken = 0

    def execute_command(self, *words: Any, **options: Any) -> Any:  # noqa: ANN401  # as redis-py has it
        """Answer; of what is due some go then."""
        answer = super().execute_command(*words, **options)  # type: ignore[no-untyped-call]  # untyped in redis-py
        if KEYS.due in words:
            super().execute_command("ZREMRANGEBYRANK", KEYS.due, 0, self.taken - 1)  # type: ignore[no-untyped-call]  # the same
        return answer


def test_what_is_due_at_the_same_moment_is_listed_without_a_gap(
    ledger: RedisLedger, server: SharedRedis
) -> None:
    """Hundreds of it, on several pages, while others take some of those that were listed."""
    ids = [f"r{n:03}" for n in range(500)]
    ledger.submit([replace(ENTRY, id=each) for each in ids])
    for each in ids:
        ledger.advance(claimed(ledger, each, lease=each), LATER, None)
    busy = server.client_of(Busy)
    queries = LedgerQueries(busy)
    busy.taken = 20

    found, cursor = [], None
    while True:
        page, cursor, _ = queries.listing(Filter(), Order.DUE, 90, cursor)
        found += [each.record.id for each in page]
        if cursor is None:
            break

    assert found == ids


@pytest.mark.parametrize("gone", [True, False])
def test_a_page_goes_on_behind_one_that_is_gone(
    ledger: RedisLedger, redis: Redis, *, gone: bool
) -> None:
    """By its time and its name."""
    for each in ("a", "B", "c", "é"):
        ledger.submit([replace(ENTRY, id=each)])
        ledger.advance(claimed(ledger, each, lease=each), LATER, None)
    queries = LedgerQueries(redis)
    page, cursor, _ = queries.listing(Filter(), Order.DUE, 2)
    assert [each.record.id for each in page] == ["B", "a"]
    if gone:
        redis.zrem(KEYS.due, "a")

    page, *_ = queries.listing(Filter(), Order.DUE, 2, cursor)

    assert [each.record.id for each in page] == ["c", "é"]
