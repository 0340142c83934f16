"""Administrator changes to the schedule; every change goes through here."""

from collections.abc import Sequence

from ops.scheduling.jobs_file import Difference, Kind
from worker.errors import FieldError, InvalidInputError, NotFoundError
from worker.ledger.audit import Audit
from worker.ledger.schedule_models import UNSIGNED, Job, Run
from worker.ledger.schedule_store import ScheduleStore


class ScheduleService:
    """What an administrator may change. Each method raises UnavailableError."""

    def __init__(self, schedule: ScheduleStore, audit: Audit, who: str, why: str = "") -> None:
        self._schedule = schedule
        self._audit = audit
        self._who = who
        self._why = why

    def add(self, job: Job) -> None:
        """Put a new job into the schedule.

        Raises InvalidInputError if there is one of that name.
        """
        self._note("add", job.name)
        if not self._schedule.add(job):
            what = "there is a job of that name; `classin schedule rm` takes it out"
            raise InvalidInputError(job.name, [FieldError("name", what)])

    def apply(self, differences: Sequence[Difference]) -> None:
        """Let the schedule be as a file wants it."""
        for each in differences:
            self._note(each.kind.value, each.job.name)
            if each.kind is Kind.REMOVE:
                self._schedule.remove(each.job.name)
            else:
                self._schedule.put(each.job)

    def remove(self, name: str) -> None:
        """Take a job out; what runs goes on. Raises NotFoundError."""
        self._schedule.find(name)
        self._note("rm", name)
        if not self._schedule.remove(name):
            raise NotFoundError(f"there is no job {name!r} any more")

    def pause(self, name: str) -> bool:
        """Let no tick of a job count; False if it was so already. Raises NotFoundError."""
        self._note("pause", name)
        return self._schedule.pause(name)

    def resume(self, name: str) -> bool:
        """Let ticks count again, from now on; False if they did. Raises NotFoundError."""
        self._note("resume", name)
        return self._schedule.resume(name)

    def run(self, name: str) -> Run:
        """Ask for a run now.

        Raises NotFoundError, and InvalidInputError for a job that is not signed.
        """
        if not self._schedule.find(name).signed:
            raise InvalidInputError(name, [FieldError("", UNSIGNED)])
        self._note("run", name)
        return self._schedule.ask(name, self._schedule.now())

    def _note(self, what: str, name: str) -> None:
        """Tell of a change that is about to be made by hand: the one place where that is known."""
        self._audit.note(self._who, "schedule", about=f"{what} {name}", why=self._why)
