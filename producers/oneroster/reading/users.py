"""Read users.csv and roles.csv into people."""

from dataclasses import replace

from producers.oneroster.reading.csv_rows import Row
from producers.oneroster.reading.normalize import (
    LONGEST_PERSON,
    email_account,
    phone_account,
    plain,
    shortened,
)
from producers.oneroster.reading.row_errors import Report, Severity
from producers.oneroster.reading.schema import FAMILY
from producers.oneroster.roster import Export, Kind, Person, Role, Roster

#: Staff who may teach: kept until the enrolments tell.
_STAFF = ""

#: Of several roles the primary one counts; among equals, the strongest.
_WEIGHT = {Role.TEACHER: 3, Role.STUDENT: 2, _STAFF: 1}
_PRIMARY = 10


class UserReader:
    """Add people to an export; `staff` holds those who count only where they teach."""

    def __init__(self, export: Export, report: Report, known: Roster) -> None:
        self._export, self._report, self._known = export, report, known
        self._roles: dict[str, tuple[int, str]] = {}
        self._seen: set[str] = set()
        self._owners: dict[str, str] = {}
        self.staff: dict[str, Person] = {}

    def take_role(self, row: Row) -> None:
        """Read one row of roles.csv, which may decide its person's role."""
        if row.fit and not row.deleted:
            role = row["role"]
            counted = role if role in (*Role, *FAMILY) else _STAFF
            weight = _WEIGHT.get(counted, 0) + (_PRIMARY if row["roleType"] == "primary" else 0)
            user = row["userSourcedId"]
            self._roles[user] = max(self._roles.get(user, (-1, "")), (weight, counted))

    def take(self, row: Row, *, own_role: bool) -> None:
        """Read one row of users.csv; in OneRoster 1.1 it names the role itself."""
        name = row["sourcedId"]
        self._seen.add(name)
        if not row.fit:
            self._spare(name)
        elif row.deleted or row["enabledUser"] == "false":
            self._export.gone_people.add(name)
        elif (role := self._role(row, own_role=own_role)) is None:
            self._spare(name)
        elif role in FAMILY:
            what = f"is {role}, who has no place in a course: left out"
            self._report(row.fault("role", what, Severity.WARNING))
        else:
            self._take(row, role)

    def roles_alone(self) -> set[str]:
        """Return people with a role but no row in users.csv; in a delta the role may be new."""
        alone = self._roles.keys() - self._seen
        if Kind.PEOPLE not in self._export.whole:
            for name in alone & self._known.people.keys():
                weight, role = self._roles[name]
                if weight > _PRIMARY and role in set(Role):
                    person = replace(self._known.people[name], role=Role(role))
                    self._export.people[name] = person
        return alone

    def _take(self, row: Row, role: str) -> None:
        """Add a student, a teacher or a staff member."""
        name, account = row["sourcedId"], self._account(row)
        known = self._known.people.get(name)
        if role == _STAFF and known and Kind.PEOPLE not in self._export.whole:
            role = known.role
        person = Person(name, account, self._name(row), Role(role or Role.TEACHER))
        if role == _STAFF:
            self.staff[name] = person
        elif self._is_alone(row, account):
            self._export.people[name] = person
        else:
            self._spare(name)

    def _is_alone(self, row: Row, account: str) -> bool:
        """Check that a person has an account, which nobody else has."""
        if not account:
            self._report(row.fault("email", "has neither phone nor e-mail; needs one as account"))
            return False
        if self._owners.setdefault(account, row["sourcedId"]) != row["sourcedId"]:
            column = "email" if "@" in account else "phone"
            what = "is the account of an earlier row, too; each person needs one of their own"
            self._report(row.fault(column, what))
            return False
        return True

    def _role(self, row: Row, *, own_role: bool) -> str | None:
        """Return a person's role: a role, family, or staff; None if unknown."""
        if own_role:
            role = row["role"]
            return role if role in (*Role, *FAMILY) else _STAFF
        told = self._roles.get(row["sourcedId"])
        if told is not None:
            return told[1]
        known = self._known.people.get(row["sourcedId"])
        if known and Kind.PEOPLE not in self._export.whole:
            return known.role
        self._report(row.fault("sourcedId", "has no role in roles.csv"))
        return None

    def _account(self, row: Row) -> str:
        """Return the account: the phone number, else the e-mail address."""
        for column in ("phone", "sms"):
            if row[column]:
                if account := phone_account(row[column]):
                    return account
                what = "should be 11 digits (mainland China) or like +1 800 643 7676; not used"
                self._report(row.fault(column, what, Severity.WARNING))
        if row["email"]:
            if account := email_account(row["email"]):
                return account
            what = "should be an e-mail address; not used"
            self._report(row.fault("email", what, Severity.WARNING))
        return ""

    def _name(self, row: Row) -> str:
        """Return a person's name, the preferred one if given."""
        given = row["preferredGivenName"] or row["givenName"]
        family = row["preferredFamilyName"] or row["familyName"]
        full = plain(f"{given} {family}")
        name = shortened(full, LONGEST_PERSON)
        if name != full:
            what = f"makes a name of {len(full)} characters; ClassIn keeps {LONGEST_PERSON}"
            told = f"{what}: the middle is left out"
            self._report(row.fault("familyName", told, Severity.WARNING))
        return name

    def _spare(self, name: str) -> None:
        if name:
            self._export.spared_people.add(name)
