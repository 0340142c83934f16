"""A school of one class, written as a bundle, and read."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.simulator.bundle import Files, write_bundle
from producers.oneroster.planning.diff import Plan, applied, difference
from producers.oneroster.planning.target import Options, intended
from producers.oneroster.reading.archive import open_bundle
from producers.oneroster.reading.reader import read_export
from producers.oneroster.reading.row_errors import RowFault, Severity
from producers.oneroster.reading.schema import Version
from producers.oneroster.roster import Export, Roster

_USER = {"enabledUser": "true", "orgSourcedIds": "o", "familyName": "Nowhere"}
_PLACE = {"classSourcedId": "k", "schoolSourcedId": "o"}

LITTLE: Files = {
    "orgs": [{"sourcedId": "o", "name": "Nowhere High", "type": "school"}],
    "academicSessions": [
        {
            "sourcedId": "y",
            "title": "2026/27",
            "type": "schoolYear",
            "startDate": "2026-09-01",
            "endDate": "2027-06-30",
            "schoolYear": "2027",
        }
    ],
    "courses": [{"sourcedId": "c", "title": "Biology", "orgSourcedId": "o"}],
    "classes": [
        {
            "sourcedId": "k",
            "title": "Biology 7",
            "courseSourcedId": "c",
            "classType": "scheduled",
            "schoolSourcedId": "o",
            "termSourcedIds": "y",
        }
    ],
    "users": [
        _USER | {"sourcedId": "a", "role": "student", "username": "a", "givenName": "Ann"},
        _USER | {"sourcedId": "b", "role": "student", "username": "b", "givenName": "Bo"},
        _USER | {"sourcedId": "t", "role": "teacher", "username": "t", "givenName": "Tam"},
    ],
    "enrollments": [
        _PLACE | {"sourcedId": "1", "userSourcedId": "a", "role": "student"},
        _PLACE | {"sourcedId": "2", "userSourcedId": "b", "role": "student"},
        _PLACE | {"sourcedId": "3", "userSourcedId": "t", "role": "teacher", "primary": "true"},
    ],
}
for _user in LITTLE["users"]:
    _user["email"] = f"{_user['sourcedId']}@example.org"


def school() -> Files:
    """A school of one's own: a class, two students, a teacher."""
    return copy.deepcopy(LITTLE)


def in_1_2(files: Files) -> Files:
    """The same school as OneRoster 1.2 has it: roles in a file of their own."""
    files["roles"] = [
        {
            "sourcedId": f"r-{user['sourcedId']}",
            "userSourcedId": user["sourcedId"],
            "roleType": "primary",
            "role": user.pop("role"),
            "orgSourcedId": user.pop("orgSourcedIds"),
        }
        for user in files["users"]
    ]
    return files


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a bundle."""

    export: Export
    faults: list[RowFault]

    @property
    def roster(self) -> Roster:
        """The school, had there been nothing before."""
        return then(make_plan(self.export, Roster()), Roster())

    @property
    def left_out(self) -> list[str]:
        """The faults that cost a row."""
        return [str(fault) for fault in self.faults if fault.severity is Severity.LEFT_OUT]

    @property
    def warnings(self) -> list[str]:
        """The faults that do not."""
        return [str(fault) for fault in self.faults if fault.severity is Severity.WARNING]


def read_path(path: Path, known: Roster | None = None) -> Reading:
    """Read what lies there."""
    faults: list[RowFault] = []
    with open_bundle(path, faults.append) as bundle:
        return Reading(read_export(bundle, faults.append, known), faults)


def read(
    folder: Path,
    files: Files,
    known: Roster | None = None,
    *,
    version: Version | None = None,
    modes: Mapping[str, str] | None = None,
) -> Reading:
    """Write a school as a folder, and read it."""
    edition = version or (Version.V1_2 if "roles" in files else Version.V1_1)
    return read_path(write_bundle(folder, files, version=edition, modes=modes), known)


def deltas(*names: str) -> dict[str, str]:
    """Say that these files are deltas, and all others absent."""
    return {name: "delta" if name in names else "absent" for name in LITTLE}


def make_plan(export: Export, snapshot: Roster, options: Options | None = None) -> Plan:
    """Plan how a school becomes what a bundle says."""
    return difference(snapshot, *intended(export, snapshot, options or Options()))


def then(plan: Plan, roster: Roster) -> Roster:
    """The roster after a plan."""
    return applied(plan.steps(), roster)
