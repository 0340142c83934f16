"""Listing records, page by page."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.claiming import try_claim
from tests.submitting import submit_all
from tests.unit.clock import Clock
from worker.errors import InvalidInputError
from worker.ledger.index_scan import WINDOW
from worker.ledger.record import Submission
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, Transition

OPERATIONS = ("edit_course", "create_folder", "create_unit")
SCHOOLS = ("main", "other")
MANY = 1100


def entry(n: int, batch: str | None = None) -> Submission:
    """The nth submission: operations and schools take turns."""
    operation, school = OPERATIONS[n % len(OPERATIONS)], SCHOOLS[n % len(SCHOOLS)]
    return Submission(id=f"{n:04}", operation=operation, school=school, fields={}, batch=batch)


def settle(ledger: RedisLedger, record_id: str, state: State, code: int | None) -> None:
    """Carry a record to its end."""
    claim = try_claim(ledger, record_id, "one", "w", 10)
    assert claim is not None
    ledger.advance(claim, Transition(state=state, code=code), None)


def listed(ledger: RedisLedger, chosen: Filter, limit: int) -> list[str]:
    """The ids on all pages together, in their order."""
    ids: list[str] = []
    page = ledger.page(chosen, limit)
    while True:
        assert len(page.records) <= limit
        ids += [record.id for record in page.records]
        if page.cursor is None:
            return ids
        page = ledger.page(chosen, limit, page.cursor)


@pytest.mark.parametrize("limit", [7, WINDOW, WINDOW + 1, MANY - 1, MANY, MANY + 1])
def test_all_pages_together_list_each_record_once(ledger: RedisLedger, limit: int) -> None:
    """Newest first, even where all came in the same millisecond."""
    submit_all(ledger, [entry(n) for n in range(MANY)])
    assert listed(ledger, Filter(), limit) == [f"{n:04}" for n in reversed(range(MANY))]


def test_a_full_last_page_leads_nowhere(ledger: RedisLedger) -> None:
    """No empty page follows it."""
    submit_all(ledger, [entry(n) for n in range(4)])
    page = ledger.page(Filter(), 2)
    assert page.cursor is not None
    assert ledger.page(Filter(), 2, page.cursor).cursor is None


def test_an_empty_ledger_has_one_empty_page(ledger: RedisLedger) -> None:
    """Without a next one."""
    page = ledger.page(Filter(state="queued"), 5)
    assert (list(page.records), page.cursor) == ([], None)


def test_pages_stay_in_place_while_records_arrive_and_move(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Nothing is listed twice or left out for what comes in, or settles, in between."""
    submit_all(ledger, [entry(n) for n in range(10)])
    first = ledger.page(Filter(), 4)
    submit_all(ledger, [entry(n) for n in range(10, 20)])
    clock.forward(1)
    settle(ledger, "0003", State.SUCCEEDED, 1)
    second = ledger.page(Filter(), 4, first.cursor)
    submit_all(ledger, [entry(n) for n in range(20, 30)])
    third = ledger.page(Filter(), 4, second.cursor)
    ids = [record.id for page in (first, second, third) for record in page.records]
    assert ids == [f"{n:04}" for n in reversed(range(10))]
    assert third.cursor is None


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        (Filter(operation="create_unit"), lambda n: n % 3 == 2),
        (Filter(school="other"), lambda n: n % 2 == 1),
        (Filter(state="failed"), lambda n: n % 5 == 0),
        (Filter(state="queued", school="main"), lambda n: n % 5 and n % 2 == 0),
        (Filter(code=193), lambda n: n % 5 == 0),
        (Filter(code=193, operation="edit_course"), lambda n: n % 15 == 0),
        (Filter(batch="late"), lambda n: n >= 30),
        (
            Filter(batch="late", state="failed", code=193, school="main", operation="edit_course"),
            lambda n: n >= 30 and n % 30 == 0,
        ),
        (Filter(state="failed", code=1), lambda _: False),
        (Filter(state="nowhere"), lambda _: False),
    ],
)
@pytest.mark.parametrize("limit", [2, 100])
def test_filters_are_combined(
    ledger: RedisLedger, chosen: Filter, fits: Callable[[int], bool], limit: int
) -> None:
    """A record is listed where all that was asked holds."""
    submit_all(ledger, [entry(n, "late" if n >= 30 else None) for n in range(60)])
    for n in range(0, 60, 5):
        settle(ledger, f"{n:04}", State.FAILED, 193)
    assert listed(ledger, chosen, limit) == [f"{n:04}" for n in reversed(range(60)) if fits(n)]


def test_a_rare_match_is_found_among_many(ledger: RedisLedger) -> None:
    """However many records lie between."""
    submit_all(ledger, [entry(n) for n in range(MANY)])
    chosen = Filter(operation="edit_course", school="other")
    expected = [f"{n:04}" for n in reversed(range(MANY)) if n % 6 == 3]
    assert listed(ledger, chosen, 50) == expected


def test_a_record_follows_its_state_and_code(ledger: RedisLedger) -> None:
    """It is listed where it stands now, and no longer where it stood."""
    submit_all(ledger, [entry(0)])
    claim = try_claim(ledger, "0000", "one", "w", 10)
    assert claim is not None
    ledger.advance(claim, Transition(state=State.RUNNING, code=104), None, 10)
    assert listed(ledger, Filter(state="running", code=104), 5) == ["0000"]
    ledger.advance(claim, Transition(state=State.SUCCEEDED, code=1), None)
    assert listed(ledger, Filter(state="succeeded", code=1), 5) == ["0000"]
    for gone in (Filter(state="queued"), Filter(state="running"), Filter(code=104)):
        assert listed(ledger, gone, 5) == []


def test_since_leaves_out_what_is_older(ledger: RedisLedger, clock: Clock) -> None:
    """The moment itself belongs to it."""
    for n in range(6):
        submit_all(ledger, [entry(n)])
        clock.forward(1)
    since = clock.ms - 3000
    assert listed(ledger, Filter(since=since), 2) == ["0005", "0004", "0003"]
    assert listed(ledger, Filter(since=since + 1), 2) == ["0005", "0004"]
    assert listed(ledger, Filter(since=since, school="main"), 2) == ["0004"]
    assert listed(ledger, Filter(since=clock.ms), 2) == []


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "(5", "+inf", "\u0663"])
def test_a_cursor_that_is_none_is_refused(ledger: RedisLedger, cursor: str) -> None:
    """It is not guessed at."""
    with pytest.raises(InvalidInputError, match="cursor: should come from an earlier page"):
        ledger.page(Filter(), 5, cursor)


def test_a_batch_is_listed_alone(ledger: RedisLedger) -> None:
    """Records without one belong to none."""
    submit_all(ledger, [entry(0), entry(1, "b"), replace(entry(2), batch="c")])
    assert listed(ledger, Filter(batch="b"), 5) == ["0001"]
