"""Read a whole bundle: report row errors, keep valid rows."""

from collections.abc import Collection, Iterator

from producers.oneroster.reading.archive import Bundle
from producers.oneroster.reading.classes import ClassReader
from producers.oneroster.reading.csv_rows import Row
from producers.oneroster.reading.enrollments import EnrollmentReader
from producers.oneroster.reading.manifest import Mode
from producers.oneroster.reading.row_errors import Report, RowFault, Severity, broken
from producers.oneroster.reading.schema import (
    CLASSES,
    COURSES,
    ENROLLMENTS,
    INDISPENSABLE,
    ORGS,
    ROLES,
    SESSIONS,
    Table,
    Version,
)
from producers.oneroster.reading.users import UserReader
from producers.oneroster.roster import Export, Kind, Roster
from worker.errors import FieldError, InvalidInputError


def read_export(bundle: Bundle, report: Report, known: Roster | None = None) -> Export:
    """Read a bundle; `known` is the roster as last applied, to which a delta refers.

    Raises InvalidInputError if a file is broken: then nothing of the bundle counts.
    """
    _inspect(bundle, report)
    return _Intake(bundle, report, known or Roster()).read()


class _Intake:
    """One reading of one bundle."""

    def __init__(self, bundle: Bundle, report: Report, known: Roster) -> None:
        self._bundle, self._report, self._known = bundle, report, known
        self._export = Export(whole=_whole(bundle))

    def read(self) -> Export:
        """Read the files, each after those that it refers to."""
        export, report, known = self._export, self._report, self._known
        placing = ClassReader(export, report)
        placing.schools = self._ids(ORGS)
        placing.terms = self._sessions()
        placing.subjects = self._ids(COURSES)
        for row in self._rows(CLASSES):
            placing.take(row)
        naming = UserReader(export, report, known)
        if self._bundle.version is Version.V1_2:
            for row in self._rows(ROLES):
                naming.take_role(row)
        users = next(table for table in self._bundle.tables if table.name == "users")
        for row in self._rows(users):
            naming.take(row, own_role=self._bundle.version is Version.V1_1)
        self._roles_of_nobody(naming)
        enrolling = EnrollmentReader(export, report, known, naming.staff)
        for row in self._rows(ENROLLMENTS):
            enrolling.take(row)
        for row in self._again(users, naming.staff):
            what = "is of the staff, and enrolled as a teacher nowhere: left out"
            report(row.fault("sourcedId", what, Severity.WARNING))
        return export

    def _rows(self, table: Table, report: Report | None = None) -> Iterator[Row]:
        """Yield the rows of a file; none if it is absent."""
        if self._bundle.mode(table) is not Mode.ABSENT:
            with self._bundle.sheet(table) as sheet:
                yield from sheet.read(report or self._report)

    def _ids(self, table: Table) -> set[str] | None:
        """Return all ids of a bulk file; None if they are not all known."""
        found = {row["sourcedId"] for row in self._rows(table) if not row.deleted}
        return found if self._bundle.mode(table) is Mode.BULK else None

    def _sessions(self) -> set[str] | None:
        """Store the last day of each academic session; return their ids as `_ids` does."""
        found: set[str] = set()
        for row in self._rows(SESSIONS):
            if row.deleted:
                continue
            found.add(row["sourcedId"])
            if row.fit:
                self._export.last_days[row["sourcedId"]] = row["endDate"]
                if row["endDate"] < row["startDate"]:
                    what = "is before startDate; should be the last day"
                    self._report(row.fault("endDate", what, Severity.WARNING))
        return found if self._bundle.mode(SESSIONS) is Mode.BULK else None

    def _roles_of_nobody(self, naming: UserReader) -> None:
        """Report roles of unknown people."""
        alone = naming.roles_alone()
        if Kind.PEOPLE in self._export.whole:
            for row in self._again(ROLES, alone, "userSourcedId"):
                self._report(row.fault("userSourcedId", "is not in users.csv"))

    def _again(
        self, table: Table, wanted: Collection[str], column: str = "sourcedId"
    ) -> Iterator[Row]:
        """Read a file again for a few rows: rows are not kept in memory."""
        if wanted:
            for row in self._rows(table, _nobody):
                if row.fit and row[column] in wanted:
                    yield row


def _nobody(fault: RowFault) -> None:
    """Ignore a fault that was reported before."""
    del fault


def _whole(bundle: Bundle) -> set[Kind]:
    """Return the kinds of which the bundle holds everything."""
    tables = {table.name: table for table in bundle.tables}
    files = {
        Kind.PEOPLE: "users",
        Kind.COURSES: "classes",
        Kind.TEACHERS: "enrollments",
        Kind.ENROLMENTS: "enrollments",
    }
    return {kind for kind, name in files.items() if bundle.mode(tables[name]) is Mode.BULK}


def _inspect(bundle: Bundle, report: Report) -> None:
    """Check all files and headers first.

    Raises InvalidInputError with everything that stops the run.
    """
    found, stops = _missing(bundle), list[FieldError]()
    for table in bundle.tables:
        if bundle.has(table) and bundle.mode(table) is not Mode.ABSENT:
            try:
                with bundle.sheet(table) as sheet:
                    found += sheet.faults()
            except InvalidInputError as stop:
                stops += stop.faults
    for fault in found:
        if fault.severity is not Severity.BROKEN:
            report(fault)
    stops += broken([fault for fault in found if fault.severity is Severity.BROKEN]).faults
    if stops:
        raise InvalidInputError("bundle", stops)


def _missing(bundle: Bundle) -> list[RowFault]:
    """Return faults for files that are missing, or present without effect."""
    faults: list[RowFault] = []
    modes = {table.name: bundle.mode(table) for table in bundle.tables}
    needed = {*INDISPENSABLE, *([ROLES.name] if bundle.version is Version.V1_2 else [])}
    for table in bundle.tables:
        mode = modes[table.name]
        if mode is Mode.ABSENT and bundle.has(table):
            what = "is absent according to the manifest: not read"
            faults.append(RowFault(table.file, 0, "", what, Severity.WARNING))
        elif mode is not Mode.ABSENT and not bundle.has(table):
            what = f"is not there, but should be: {mode} according to the manifest"
            faults.append(RowFault(table.file, 0, "", what, Severity.BROKEN))
        elif mode is Mode.ABSENT and table.name in needed and Mode.DELTA not in modes.values():
            what = "is not there, but is needed: without it nobody knows who learns what"
            faults.append(RowFault(table.file, 0, "", what, Severity.BROKEN))
        elif mode is Mode.ABSENT and Mode.DELTA not in modes.values():
            what = "is not there: what refers to it is not checked"
            faults.append(RowFault(table.file, 0, "", what, Severity.WARNING))
    return faults
