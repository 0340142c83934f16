"""Read classes.csv into courses."""

from producers.oneroster.reading.csv_rows import Row
from producers.oneroster.reading.normalize import LONGEST_COURSE, plain, shortened
from producers.oneroster.reading.row_errors import Report, Severity
from producers.oneroster.roster import Course, Export


class ClassReader:
    """Add classes to an export, with the sessions and schools they refer to."""

    def __init__(self, export: Export, report: Report) -> None:
        self._export, self._report = export, report
        #: Known ids of referenced files; None where they are not all known.
        self.schools: set[str] | None = None
        self.terms: set[str] | None = None
        self.subjects: set[str] | None = None

    def take(self, row: Row) -> None:
        """Read one class."""
        name = row["sourcedId"]
        if row.fit and row.deleted:
            self._export.gone_courses.add(name)
        elif row.fit and self._refers(row):
            self._export.courses[name] = self._course(row)
        elif name:
            self._export.spared_courses.add(name)

    def _refers(self, row: Row) -> bool:
        """Check the references of a class."""
        dangling = [
            (column, file)
            for column, file, known in (
                ("courseSourcedId", "courses.csv", self.subjects),
                ("schoolSourcedId", "orgs.csv", self.schools),
                ("termSourcedIds", "academicSessions.csv", self.terms),
            )
            if known is not None and not known.issuperset(row.items(column))
        ]
        for column, file in dangling:
            self._report(row.fault(column, f"is not in {file}"))
        return not dangling

    def _course(self, row: Row) -> Course:
        title = plain(row["title"])
        name = shortened(title, LONGEST_COURSE)
        if name != title:
            what = (
                f"has {len(title)} characters; ClassIn keeps {LONGEST_COURSE}: "
                "the middle is left out"
            )
            self._report(row.fault("title", what, Severity.WARNING))
        terms = tuple(dict.fromkeys(row.items("termSourcedIds")))
        days = [self._export.last_days.get(term, "") for term in terms]
        return Course(row["sourcedId"], name, terms, max(days) if all(days) else "")
