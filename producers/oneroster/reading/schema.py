"""The files of a bundle as data: their columns, and the allowed values.

Source: the CSV bindings of OneRoster 1.1 and 1.2, section "Data file formats"
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache


class Version(StrEnum):
    """Supported OneRoster versions."""

    V1_1 = "1.1"
    V1_2 = "1.2"


#: Return what would be right instead of a value; empty if it is valid.
Check = Callable[[str], str]


def any_text(value: str) -> str:
    """Accept any text."""
    del value
    return ""


@lru_cache(maxsize=4096)
def day(value: str) -> str:
    """Accept a date in OneRoster's form."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            date.fromisoformat(value)
            return ""
    except ValueError:
        return "is no day of the calendar"
    return "should be a date like 2026-09-01"


@lru_cache(maxsize=4096)
def moment(value: str) -> str:
    """Accept a date and time with an offset from UTC."""
    try:
        if "T" in value and datetime.fromisoformat(value).tzinfo is not None:
            return ""
    except ValueError:
        pass
    return "should be a date and time like 2026-09-01T08:00:00.000Z"


def year(value: str) -> str:
    """Accept a year."""
    return "" if re.fullmatch("[0-9]{4}", value) else "should be a year like 2026"


def listing(value: str) -> str:
    """Accept comma-separated values."""
    return "" if items_of(value) else "should be values with commas between them"


def items_of(value: str) -> tuple[str, ...]:
    """Split a list; empty items are dropped."""
    if "," not in value:
        return (value,) if value else ()
    return tuple(item for part in value.split(",") if (item := part.strip()))


def one_of(*words: str, extensible: bool = False) -> Check:
    """Accept these words, and `ext:...` where OneRoster allows extensions."""
    known = frozenset(words)
    told = f"should be one of {', '.join(words)}"

    def check(value: str) -> str:
        return "" if value in known or (extensible and value.startswith("ext:")) else told

    return check


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its check, and whether it is required."""

    name: str
    check: Check = any_text
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One file: its name in the manifest, and its columns."""

    name: str
    columns: tuple[Column, ...]
    #: Columns that even a row to be deleted must have.
    key: tuple[str, ...] = ("sourcedId",)

    @property
    def file(self) -> str:
        """The file's name in OneRoster's spelling."""
        return f"{self.name}.csv"


def _required(name: str, check: Check = any_text) -> Column:
    return Column(name, check, required=True)


def _optional(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


DELETED = "tobedeleted"

_boolean = one_of("true", "false")

#: Common first columns. In a delta, rows need a status.
_HEAD = (
    _required("sourcedId"),
    Column("status", one_of("active", DELETED)),
    Column("dateLastModified", moment),
)

ORGS = Table(
    "orgs",
    (
        *_HEAD,
        _required("name"),
        _required(
            "type",
            one_of(
                "department", "school", "district", "local", "state", "national", extensible=True
            ),
        ),
        *_optional("identifier", "parentSourcedId"),
    ),
)

SESSIONS = Table(
    "academicSessions",
    (
        *_HEAD,
        _required("title"),
        _required(
            "type", one_of("gradingPeriod", "semester", "schoolYear", "term", extensible=True)
        ),
        _required("startDate", day),
        _required("endDate", day),
        *_optional("parentSourcedId"),
        _required("schoolYear", year),
    ),
)

COURSES = Table(
    "courses",
    (
        *_HEAD,
        *_optional("schoolYearSourcedId"),
        _required("title"),
        *_optional("courseCode", "grades"),
        _required("orgSourcedId"),
        *_optional("subjects", "subjectCodes"),
    ),
)

CLASSES = Table(
    "classes",
    (
        *_HEAD,
        _required("title"),
        *_optional("grades"),
        _required("courseSourcedId"),
        *_optional("classCode"),
        _required("classType", one_of("homeroom", "scheduled", extensible=True)),
        *_optional("location"),
        _required("schoolSourcedId"),
        _required("termSourcedIds", listing),
        *_optional("subjects", "subjectCodes", "periods"),
    ),
)

#: Roles that never enter a classroom, whatever an enrolment says.
FAMILY = ("guardian", "parent", "relative")

_USER_ROLES_1_1 = ("administrator", "aide", *FAMILY, "proctor", "student", "teacher")

_NAMES = (
    *_optional("userIds"),
    _required("givenName"),
    _required("familyName"),
    *_optional(
        "middleName", "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"
    ),
)

USERS_1_1 = Table(
    "users",
    (
        *_HEAD,
        _required("enabledUser", _boolean),
        _required("orgSourcedIds", listing),
        _required("role", one_of(*_USER_ROLES_1_1)),
        _required("username"),
        *_NAMES,
    ),
)

USERS_1_2 = Table(
    "users",
    (
        *_HEAD,
        _required("enabledUser", _boolean),
        _required("username"),
        *_NAMES,
        *_optional(
            "userMasterIdentifier",
            "resourceSourcedIds",
            "preferredGivenName",
            "preferredMiddleName",
            "preferredFamilyName",
            "primaryOrgSourcedId",
            "pronouns",
        ),
    ),
)

_USER_ROLES_1_2 = (
    "aide",
    "counselor",
    "districtAdministrator",
    *FAMILY,
    "principal",
    "proctor",
    "siteAdministrator",
    "student",
    "systemAdministrator",
    "teacher",
)

ROLES = Table(
    "roles",
    (
        *_HEAD,
        _required("userSourcedId"),
        _required("roleType", one_of("primary", "secondary")),
        _required("role", one_of(*_USER_ROLES_1_2, extensible=True)),
        Column("beginDate", day),
        Column("endDate", day),
        _required("orgSourcedId"),
        *_optional("userProfileSourcedId"),
    ),
    key=("sourcedId", "userSourcedId"),
)

ENROLLMENTS = Table(
    "enrollments",
    (
        *_HEAD,
        _required("classSourcedId"),
        _required("schoolSourcedId"),
        _required("userSourcedId"),
        _required("role", one_of("administrator", "aide", "proctor", "student", "teacher")),
        Column("primary", _boolean),
        Column("beginDate", day),
        Column("endDate", day),
    ),
    key=("sourcedId", "classSourcedId", "userSourcedId", "role"),
)

MANIFEST = Table("manifest", (_required("propertyName"), Column("value")), key=("propertyName",))

#: Without these files a bulk bundle does not say who studies what.
INDISPENSABLE = ("users", "classes", "enrollments")


def tables_of(version: Version) -> tuple[Table, ...]:
    """Return the files that are read, each after those that it refers to."""
    if version is Version.V1_1:
        return ORGS, SESSIONS, COURSES, CLASSES, USERS_1_1, ENROLLMENTS
    return ORGS, SESSIONS, COURSES, CLASSES, ROLES, USERS_1_2, ENROLLMENTS
