"""Administrator changes to the schedule; every change goes through here."""

from collections.abc import Sequence

from ops.scheduling.jobs_file import Difference, Kind
from worker.errors import FieldError, InvalidInputError, NotFoundError
from worker.ledger.audit import Audit
from worker.ledger.schedule_models import UNSIGNED, Job, Run
from worker.ledger.schedule_store import ScheduleStore


class ScheduleService:
    """Administrator changes to the schedule. Each method raises UnavailableError."""

    def __init__(self, schedule: ScheduleStore, audit: Audit, who: str, why: str = "") -> None:
        self._schedule = schedule
        self._audit = audit
        self._who = who
        self._why = why

    def add(self, job: Job) -> None:
        """Add a job.

        Raises InvalidInputError if the name is taken.
        """
        self._note("add", job.name)
        if not self._schedule.add(job):
            what = "there is a job of that name; `classin schedule rm` takes it out"
            raise InvalidInputError(job.name, [FieldError("name", what)])

    def apply(self, differences: Sequence[Difference]) -> None:
        """Apply a file's differences."""
        for each in differences:
            self._note(each.kind.value, each.job.name)
            if each.kind is Kind.REMOVE:
                self._schedule.remove(each.job.name)
            else:
                self._schedule.put(each.job)

    def remove(self, name: str) -> None:
        """Remove a job; a current run continues. Raises NotFoundError."""
        self._schedule.find(name)
        self._note("rm", name)
        if not self._schedule.remove(name):
            raise NotFoundError(f"there is no job {name!r} any more")

    def pause(self, name: str) -> bool:
        """Pause a job; return False if it was paused already. Raises NotFoundError."""
        self._note("pause", name)
        return self._schedule.pause(name)

    def resume(self, name: str) -> bool:
        """Resume a job; return False if it was not paused. Raises NotFoundError."""
        self._note("resume", name)
        return self._schedule.resume(name)

    def run(self, name: str) -> Run:
        """Start a run now.

        Raises NotFoundError, and InvalidInputError for a job that is not signed.
        """
        if not self._schedule.find(name).signed:
            raise InvalidInputError(name, [FieldError("", UNSIGNED)])
        self._note("run", name)
        return self._schedule.ask(name, self._schedule.now())

    def _note(self, what: str, name: str) -> None:
        """Write the audit entry before a change."""
        self._audit.note(self._who, "schedule", about=f"{what} {name}", why=self._why)
