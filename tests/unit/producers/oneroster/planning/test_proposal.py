"""A proposal: what a sync would do, and what speaks against it."""

from pathlib import Path

import pytest

from ops.simulator.bundle import write_bundle
from producers.oneroster.id_map import IdMap, KnownPerson
from producers.oneroster.planning.proposal import Proposal, guard, propose
from producers.oneroster.planning.target import Options
from producers.oneroster.reading.row_errors import RowFault
from producers.oneroster.roster import Kind, Roster
from tests.unit.producers.oneroster.little_school import school
from worker.errors import InvalidInputError


def proposed(path: Path, before: Roster | None = None, directory: IdMap | None = None) -> Proposal:
    """What a bundle leads to, without a fault."""
    faults: list[RowFault] = []
    found = propose(path, faults.append, Options(), before or Roster(), directory or IdMap())
    assert faults == []
    return found


def test_a_bundle_says_what_is_to_be_done(tmp_path: Path) -> None:
    """And the same again, nothing."""
    path = write_bundle(tmp_path / "a", school())
    first = proposed(path)
    assert first.plan.counts[Kind.PEOPLE].created == 3
    assert first.wanted.students == {"k": ("a", "b")}
    assert not proposed(path, first.wanted).plan


def test_an_account_that_changes_is_warned_of(tmp_path: Path) -> None:
    """In ClassIn it stays; that of somebody who is not registered yet does not matter."""
    before = proposed(write_bundle(tmp_path / "a", school())).wanted
    files = school()
    for user in files["users"]:
        user["email"] = f"other-{user['email']}"
    path = write_bundle(tmp_path / "b", files)
    found = proposed(path, before, IdMap({"a": KnownPerson(7)}))
    (warning,) = found.plan.warnings
    assert warning.startswith("person a: has another phone number or e-mail address now")
    assert "example.org" not in warning


def test_too_much_is_not_done_unasked(tmp_path: Path) -> None:
    """It says what would go, and how to let it."""
    before = proposed(write_bundle(tmp_path / "a", school())).wanted
    files = school()
    del files["users"][0], files["enrollments"][0]
    found = proposed(write_bundle(tmp_path / "b", files), before)
    with pytest.raises(InvalidInputError) as refused:
        guard(found, {}, [])
    told = str(refused.value)
    assert "nothing was submitted" in told
    assert "1 of 3 people would be removed: 33%, more than 10%" in told
    assert "--allow-removals people" in told
    guard(found, {}, [Kind.PEOPLE, Kind.ENROLMENTS])
    guard(found, {Kind.PEOPLE: 0.5, Kind.ENROLMENTS: 0.5}, [])


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """There is nothing to propose."""
    with pytest.raises(InvalidInputError):
        proposed(tmp_path / "missing.zip")
