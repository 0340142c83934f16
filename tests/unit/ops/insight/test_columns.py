"""The columns of a list: for people, and for programs."""

from dataclasses import replace

import pytest

from ops.insight.columns import COLUMNS, FOLLOWED, USUAL, Row, choose_columns, plain, shown
from worker.classin.verdicts import Verdict
from worker.errors import InvalidInputError
from worker.ledger.record import Attempt, Record
from worker.ledger.states import Reason, State
from worker.ledger.types import WaitReason

RECORD = Record(
    id="5sxsmjnvzf5wq4sm",
    operation="create_folder",
    school="main",
    fields={},
    state=State.FAILED,
    sequence=1,
    enqueued_at=1_800_000_000_000,
    finished_at=1_800_000_002_500,
    reason=Reason.REFUSED,
    code=193,
    message="no such folder",
    attempts=(Attempt(1, 1_800_000_002_000, 450, 200, 193, "no", Verdict.REFUSED),),
)


def at(ms: int | None) -> str:
    """Write a moment so that it can be told from others."""
    return f"at {ms}"


def test_each_column_has_a_value_for_both() -> None:
    """Whatever is not there is empty, or nothing."""
    row = Row(RECORD)
    for name in COLUMNS:
        assert isinstance(shown(name, row, at), str)
        assert plain(name, row) is None or isinstance(plain(name, row), str | int)
    assert {*USUAL, *FOLLOWED} <= COLUMNS.keys()


def test_people_read_moments_and_spans_and_programs_reckon_with_them() -> None:
    """As the clock shows it and in words; as ISO 8601 and in ms."""
    row = Row(RECORD)
    assert (shown("finished", row, at), plain("finished", row)) == (
        "at 1800000002500",
        "2027-01-15T08:00:02.500Z",
    )
    assert (shown("took", row, at), plain("took", row)) == ("2.5 s", 2500)
    assert (shown("request", row, at), plain("request", row)) == ("450 ms", 450)
    assert (shown("due", row, at), plain("due", row)) == ("", None)


def test_what_it_waits_for_is_said_instead_of_what_came_back() -> None:
    """And when it is due, where it is."""
    assert shown("said", Row(RECORD), at) == "no such folder"
    due = replace(RECORD, state=State.DEFERRED, due_at=5)
    assert shown("said", Row(due), at) == "due at 5: no such folder"
    behind = WaitReason(behind="x", state=State.RUNNING)
    assert plain("said", Row(RECORD, behind)) == "waiting behind x, running"


def test_columns_are_named_with_commas_between_them() -> None:
    """Blanks do not matter; nothing named is what is usual."""
    assert choose_columns("id, took", USUAL) == ["id", "took"]
    assert choose_columns(None, USUAL) == USUAL


def test_unknown_columns_are_all_named() -> None:
    """With the nearest, and with all there are."""
    with pytest.raises(InvalidInputError) as refused:
        choose_columns("id,tok,bach", USUAL)
    said = [str(fault) for fault in refused.value.faults]
    assert said[0] == "--columns: there is no 'tok'; did you mean took?"
    assert "did you mean batch?" in said[1]
    assert "id, operation, school" in said[2]
