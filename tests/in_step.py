"""Whether a simulator holds what a OneRoster export says: both read here, with none of our code.

python -m tests.in_step EXPORT SIMULATOR_URL
"""

import csv
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from zipfile import ZipFile

_Rows = list[dict[str, str]]

_LONGEST_NAME = 40


def differences(export: Path, state: Mapping[str, Any]) -> list[str]:
    """Say in what the one school of a simulator's state differs from an export."""
    (school,) = state["schools"].values()
    files = _files(export)
    return [*_people(files, school), *_courses(files, school)]


def _files(export: Path) -> dict[str, _Rows]:
    """Read all files, by their names without what follows the dot."""
    if export.is_dir():
        texts = {path.stem: path.read_bytes() for path in export.glob("*.csv")}
    else:
        with ZipFile(export) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
            texts = {Path(name).stem: archive.read(name) for name in names}
    return {
        name: list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
        for name, text in texts.items()
    }


def _active(rows: _Rows) -> Iterator[dict[str, str]]:
    return (row for row in rows if row.get("status") != "tobedeleted")


def _accounts(files: Mapping[str, _Rows]) -> dict[str, str]:
    """Give the accounts of those who can sign in, by sourcedId."""
    found = {}
    for user in _active(files["users"]):
        phone = re.sub("[^0-9]", "", user.get("phone") or "")
        made_up = phone.startswith("1") and user["phone"].startswith("+1 (")
        if user["enabledUser"].lower() == "true":
            account = f"001-{phone[1:]}" if made_up else user["email"].lower()
            found[user["sourcedId"]] = account
    return found


def _places(files: Mapping[str, _Rows], role: str) -> dict[str, set[str]]:
    """Give the accounts of those who have a role in each class."""
    accounts, places = _accounts(files), dict[str, set[str]]()
    for row in _active(files["enrollments"]):
        if row["role"] == role and row["userSourcedId"] in accounts:
            places.setdefault(row["classSourcedId"], set()).add(accounts[row["userSourcedId"]])
    return places


def _people(files: Mapping[str, _Rows], school: Mapping[str, Any]) -> Iterator[str]:
    """Each person once, and what the person is."""
    registered = Counter(user["account"].lower() for user in school["users"])
    uids = {user["account"].lower(): user["uid"] for user in school["users"]}
    students = {each["uid"] for each in school["students"]}
    teachers = {each["uid"] for each in school["teachers"] if not each["deactivated"]}
    teaching = {name for names in _places(files, "teacher").values() for name in names}
    learning = {name for names in _places(files, "student").values() for name in names}
    for name, account in _accounts(files).items():
        if registered[account] != 1:
            yield f"person {name} is registered {registered[account]} times"
        elif account in teaching and uids[account] not in teachers:
            yield f"person {name} is no teacher"
        elif account in learning and uids[account] not in students:
            yield f"person {name} is no student"


def _courses(files: Mapping[str, _Rows], school: Mapping[str, Any]) -> Iterator[str]:
    """Each class once, with each enrolment once: as many courses with the same name and people."""
    accounts = {user["uid"]: user["account"].lower() for user in school["users"]}
    rosters = {each["courseId"]: each for each in school["rosters"]}
    learning, teaching = _places(files, "student"), _places(files, "teacher")
    wanted = Counter(
        (
            _known(row["title"]),
            frozenset(learning.get(row["sourcedId"], ())),
            frozenset(teaching.get(row["sourcedId"], ())),
        )
        for row in _active(files["classes"])
    )
    held = Counter(
        (
            _known(course["courseName"]),
            frozenset(accounts[int(uid)] for uid in _roster(rosters, course)["students"]),
            frozenset(accounts[uid] for uid in _staff(_roster(rosters, course))),
        )
        for course in school["courses"]
        if course.get("courseUniqueIdentity") and not course.get("ended")
    )
    for title, learn, teach in (wanted - held).elements():
        yield f"no course {title!r} of {len(learn)} students and {len(teach)} teachers"
    for title, learn, teach in (held - wanted).elements():
        yield f"a course too many: {title!r} of {len(learn)} students and {len(teach)} teachers"


def _roster(rosters: Mapping[int, Any], course: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
    return rosters.get(course["courseId"], {"students": {}, "teachers": [], "headTeacher": None})


def _staff(roster: Mapping[str, Any]) -> set[int]:
    return {*roster["teachers"], *([roster["headTeacher"]] if roster["headTeacher"] else [])}


def _known(title: str) -> str:
    """Give a name as far as it is the same on both sides: longer ones are shortened."""
    title = " ".join(title.split())
    return title if len(title) <= _LONGEST_NAME and "\N{HORIZONTAL ELLIPSIS}" not in title else ""


def _main(export: str, url: str) -> int:
    with urlopen(f"{url}/simulator/state") as answer:  # noqa: S310  # the simulator's address
        found = differences(Path(export), json.load(answer))
    for line in found:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{len(found)} differences\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
