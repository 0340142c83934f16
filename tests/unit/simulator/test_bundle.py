"""Made-up bundles are what they say they are."""

from pathlib import Path

import pytest

from ops.simulator.bundle import Size, delta, invent, write_bundle
from producers.oneroster.reading.archive import open_bundle
from producers.oneroster.reading.reader import read_export
from producers.oneroster.reading.row_errors import RowFault
from producers.oneroster.reading.schema import Version
from producers.oneroster.roster import Role

NOW = "2026-10-01T08:00:00.000Z"


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("name", ["folder", "a.zip"])
def test_a_school_has_the_size_that_was_asked_for(
    tmp_path: Path, version: Version, name: str
) -> None:
    """And not one fault, in both editions, as a folder and as a ZIP."""
    size = Size(students=350, teachers=9, classes=21, enrolments=700)
    faults: list[RowFault] = []
    path = write_bundle(tmp_path / name, invent(size, 7, version), version=version)
    with open_bundle(path, faults.append) as bundle:
        assert bundle.version is version
        export = read_export(bundle, faults.append)
    assert faults == []
    roles = [person.role for person in export.people.values()]
    assert (roles.count(Role.STUDENT), roles.count(Role.TEACHER)) == (350, 9)
    assert len(export.courses) == len(export.teachers) == 21
    places = (*export.teachers.values(), *export.students.values())
    assert sum(len(people) for people in places) == 700


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    """Another seed makes another school."""
    one, same, other = (
        write_bundle(tmp_path / f"{number}.zip", invent(Size(), seed)).read_bytes()
        for number, seed in enumerate((1, 1, 2))
    )
    assert one == same
    assert one != other


def test_nobody_real_is_in_it() -> None:
    """Addresses of example.org, and numbers that are kept for stories."""
    users = invent(Size(students=1000))["users"]
    assert all(user["email"].endswith("@example.org") for user in users)
    phones = [user["phone"] for user in users if "phone" in user]
    assert len(phones) == len(set(phones)) > 300
    assert all(" 555-01" in phone for phone in phones)


def test_a_delta_has_what_changed_alone() -> None:
    """What is new, what is different, and what is to go."""
    before, after = invent(Size()), invent(Size())
    after["classes"][3]["title"] = "Alchemy"
    del after["enrollments"][100:102]
    change = delta(before, after, NOW)
    assert {name: len(rows) for name, rows in change.items() if rows} == {
        "classes": 1,
        "enrollments": 2,
    }
    assert change["classes"][0]["status"] == "active"
    assert {row["status"] for row in change["enrollments"]} == {"tobedeleted"}
