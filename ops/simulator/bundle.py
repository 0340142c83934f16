"""Made-up OneRoster bundles of a school of any size."""

import csv
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from producers.oneroster.reading.schema import DELETED, MANIFEST, Table, Version, tables_of

#: A file's rows, by column; a missing column is written as empty.
Rows: TypeAlias = list[dict[str, str]]

#: A bundle's files by their names in the manifest.
Files: TypeAlias = dict[str, Rows]

_BEGIN = ("Ama", "Bel", "Cori", "Dana", "Eli", "Fio", "Gar", "Hé", "Ina", "Jo", "Kal", "Lú", "Mi")
_END = ("bel", "da", "ko", "lin", "mir", "na", "ro", "sa", "ta", "vin", "wen")
_FAMILIES = ("Ashgrove", "Birkwell", "Coldmoor", "Dunhallow", "Eastlake", "Fernøy", "Greyfield")
_SUBJECTS = ("Algebra", "Art", "Biology", "Chemistry", "Geography", "History", "Music", "Physics")

#: Fictional numbers: 555-0100 to 555-0199 of each area code are unassigned.
_PHONES, _AREAS = 100, range(201, 1000)


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a school: at least one teacher; teachers have some of the enrolments."""

    students: int = 160
    teachers: int = 20
    classes: int = 40
    enrolments: int = 400


def invent(size: Size, seed: int = 1, version: Version = Version.V1_1) -> Files:
    """Make up a school, deterministic for a size and seed."""
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    school = "school-1"
    files: Files = {
        "orgs": [{"sourcedId": school, "name": "Nowhere High School", "type": "school"}],
        "academicSessions": [_year(), *_halves()],
        "courses": [
            {"sourcedId": f"course-{n}", "title": subject, "orgSourcedId": school}
            for n, subject in enumerate(_SUBJECTS)
        ],
        "classes": [_class(n, school) for n in range(size.classes)],
        "users": [],
        "enrollments": list(_enrolments(size, school, chance)),
    }
    people = [
        *(("student", f"s-{n}") for n in range(size.students)),
        *(("teacher", f"t-{n}") for n in range(size.teachers)),
    ]
    for number, (role, name) in enumerate(people):
        user = _user(number, name, chance)
        if version is Version.V1_1:
            user |= {"role": role, "orgSourcedIds": school}
        else:
            files.setdefault("roles", []).append(_role(name, role, school))
        files["users"].append(user)
    return files


def delta(before: Files, after: Files, modified: str) -> Files:
    """Return the changes between two states of a school, as of a moment in ISO 8601."""
    changed: Files = {}
    for name in after:
        was = {row["sourcedId"]: row for row in before.get(name, [])}
        now = {row["sourcedId"]: row for row in after[name]}
        mark = {"dateLastModified": modified}
        changed[name] = [
            *(
                {**row, "status": "active"} | mark
                for key, row in now.items()
                if was.get(key) != row
            ),
            *({**row, "status": DELETED} | mark for key, row in was.items() if key not in now),
        ]
    return changed


def write_bundle(
    path: Path,
    files: Files,
    *,
    version: Version = Version.V1_1,
    modes: Mapping[str, str] | None = None,
) -> Path:
    """Write a bundle, as a ZIP if the path ends so, else as a folder; return the path.

    `modes` sets the files' modes; by default, files that exist are bulk.
    """
    tables = tables_of(version)
    told = {table.name: "bulk" if table.name in files else "absent" for table in tables}
    manifest = {
        "manifest.version": "1.0",
        "oneroster.version": str(version),
        **{f"file.{name}": mode for name, mode in (told | dict(modes or {})).items()},
        "source.systemName": "nowhere",
    }
    lines = [{"propertyName": name, "value": value} for name, value in manifest.items()]
    with _store(path) as store:
        store.write(MANIFEST, lines)
        for table in tables:
            if table.name in files:
                store.write(table, files[table.name])
    return path


class _Store:
    """A folder or ZIP that files are written into."""

    def __init__(self, folder: Path, archive: ZipFile | None) -> None:
        self._folder, self._archive = folder, archive

    def write(self, table: Table, rows: Sequence[Mapping[str, str]]) -> None:
        """Write one file."""
        columns = [column.name for column in table.columns]
        with (
            self._open(table.file) as binary,
            io.TextIOWrapper(binary, "utf-8", newline="") as text,
        ):
            writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    def _open(self, name: str) -> IO[bytes]:
        if self._archive is None:
            return (self._folder / name).open("wb")
        entry = ZipInfo(name)  # with a date of its own, not today's: the same bundle, byte for byte
        entry.compress_type = ZIP_DEFLATED
        return self._archive.open(entry, "w")


@contextmanager
def _store(path: Path) -> Iterator[_Store]:
    if path.suffix == ".zip":
        with ZipFile(path, "w") as archive:
            yield _Store(path.parent, archive)
    else:
        path.mkdir(parents=True, exist_ok=True)
        yield _Store(path, None)


def _year() -> dict[str, str]:
    return {
        "sourcedId": "year",
        "title": "2026/27",
        "type": "schoolYear",
        "startDate": "2026-09-01",
        "endDate": "2027-06-30",
        "schoolYear": "2027",
    }


def _halves() -> Iterator[dict[str, str]]:
    for name, begin, end in (
        ("h1", "2026-09-01", "2027-01-31"),
        ("h2", "2027-02-01", "2027-06-30"),
    ):
        yield _year() | {
            "sourcedId": name,
            "title": name.upper(),
            "type": "semester",
            "startDate": begin,
            "endDate": end,
            "parentSourcedId": "year",
        }


def _class(number: int, school: str) -> dict[str, str]:
    subject = number % len(_SUBJECTS)
    return {
        "sourcedId": f"class-{number}",
        "title": f"{_SUBJECTS[subject]} {number % 12 + 1}, group {number}",
        "courseSourcedId": f"course-{subject}",
        "classType": "scheduled",
        "schoolSourcedId": school,
        "termSourcedIds": ("year", "h1", "h1,h2")[number % 3],
    }


def _user(number: int, name: str, chance: random.Random) -> dict[str, str]:
    given = chance.choice(_BEGIN) + chance.choice(_END)
    user = {
        "sourcedId": name,
        "enabledUser": "true",
        "username": name,
        "givenName": given,
        "familyName": chance.choice(_FAMILIES),
        "email": f"{name}@example.org",
    }
    if number % 3 == 0 and number < _PHONES * len(_AREAS):
        area, last = _AREAS[number // _PHONES], number % _PHONES
        user["phone"] = f"+1 ({area}) 555-01{last:02}"
    return user


def _role(name: str, role: str, school: str) -> dict[str, str]:
    return {
        "sourcedId": f"role-{name}",
        "userSourcedId": name,
        "roleType": "primary",
        "role": role,
        "orgSourcedId": school,
    }


def _enrolments(size: Size, school: str, chance: random.Random) -> Iterator[dict[str, str]]:
    """Assign teachers to each class, and spread the students over the classes."""
    second = 5  # every so many classes have two teachers
    pairs = [(n, "teacher", n % size.teachers, n % 2 == 0) for n in range(size.classes)]
    if size.teachers > 1:
        pairs += [
            (n, "teacher", (n + 1) % size.teachers, False) for n in range(0, size.classes, second)
        ]
    rest, more = divmod(max(size.enrolments - len(pairs), 0), size.classes or 1)
    for n in range(size.classes):
        places = min(rest + (n < more), size.students)
        pairs += [(n, "student", s, False) for s in chance.sample(range(size.students), places)]
    for place, role, number, primary in pairs:
        name = f"{role[0]}-{number}"
        yield {
            "sourcedId": f"e-{place}-{name}",
            "classSourcedId": f"class-{place}",
            "schoolSourcedId": school,
            "userSourcedId": name,
            "role": role,
            "primary": "true" if primary else "false" if role == "teacher" else "",
            "beginDate": "2026-09-01",
            "endDate": "2027-06-30",
        }
