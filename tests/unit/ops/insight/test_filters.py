"""Which records a person asked for."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.insight.filters import choose, choose_order
from worker.errors import InvalidInputError
from worker.ledger.queries import Order
from worker.ledger.types import Filter

NOW = 1_800_000_000.0


def faults(**typed: str) -> list[str]:
    """What is wrong with what was typed."""
    with pytest.raises(InvalidInputError) as refused:
        choose(now=NOW, **typed)  # type: ignore[arg-type]  # no code among them
    return [str(fault) for fault in refused.value.faults]


def test_nothing_typed_is_everything() -> None:
    """A filter that lets all through."""
    assert choose(now=NOW) == Filter()


def test_all_that_was_typed_is_asked_for() -> None:
    """Each side of the filter."""
    chosen = choose(
        now=NOW,
        state="failed",
        operation="create_folder",
        school="north",
        code=193,
        batch="b",
        reason="refused",
        since="2h",
        until="1h",
    )
    assert chosen == Filter(
        state="failed",
        operation="create_folder",
        school="north",
        code=193,
        batch="b",
        reason="refused",
        since=1_799_992_800_000,
        until=1_799_996_400_000,
    )


@pytest.mark.parametrize(
    ("since", "ms"),
    [
        ("90", 1_799_999_910_000),
        ("90s", 1_799_999_910_000),
        ("90m", 1_799_994_600_000),
        ("1.5h", 1_799_994_600_000),
        ("2d", 1_799_827_200_000),
        ("2027-01-15T08:00:00Z", 1_800_000_000_000),
        ("2027-01-15T16:00+08:00", 1_800_000_000_000),
    ],
)
def test_since_is_a_span_before_now_or_a_moment(since: str, ms: int) -> None:
    """As people write them."""
    assert choose(now=NOW, since=since).since == ms


def test_a_date_without_an_offset_is_this_machine_s() -> None:
    """A person means the clock on the wall."""
    here = datetime(2026, 9, 1, 8).astimezone()  # the very point
    assert choose(now=NOW, since="2026-09-01T08:00").since == here.timestamp() * 1000
    assert choose(now=NOW, since=here.astimezone(UTC).isoformat()).since == here.timestamp() * 1000


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"state": "faild"}, "--state: there is no 'faild'; did you mean failed?"),
        ({"state": "xyz"}, "--state: there is no 'xyz'; states are queued, blocked, running"),
        ({"operation": "create_foldr"}, "--operation: ClassIn knows no 'create_foldr'; did you"),
        ({"reason": "refusd"}, "--reason: there is no 'refusd'; did you mean refused?"),
        (
            {"reason": "refused", "state": "queued"},
            "--reason: only failed operations have one, not queued ones",
        ),
        ({"until": "soon"}, "--until: should be like 2d, 90m"),
        ({"since": "soon"}, "--since: should be like 2d, 90m or 2026-09-01T08:00; got 'soon'"),
        ({"since": ""}, "--since: should be like"),
        ({"since": "1..5h"}, "--since: should be like"),
        ({"since": "0001-01-01"}, "--since: should be like"),
        ({"since": "9" * 400}, "--since: should be like"),
    ],
)
def test_what_cannot_be_is_explained(typed: dict[str, str], said: str) -> None:
    """With what would be right."""
    (fault,) = faults(**typed)
    assert fault.startswith(said)


def test_all_faults_are_named_at_once() -> None:
    """By the option they belong to."""
    found = faults(state="faild", operation="fly", since="soon")
    assert [fault.partition(":")[0] for fault in found] == ["--state", "--operation", "--since"]


@given(st.text(max_size=12))
def test_any_text_is_a_time_or_a_fault(since: str) -> None:
    """Nothing else comes of it."""
    try:
        chosen = choose(now=NOW, since=since)
    except InvalidInputError:
        return
    assert chosen.since is not None


def test_an_order_is_one_that_an_index_has() -> None:
    """What would have to look at all records is refused, and says so."""
    assert choose_order("finished") is Order.FINISHED
    with pytest.raises(
        InvalidInputError, match="all records would have to be read; orders are newest"
    ):
        choose_order("duration")
    with pytest.raises(InvalidInputError, match="did you mean oldest"):
        choose_order("oldst")
