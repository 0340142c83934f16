"""Administrator changes to a running system, audited before they take effect."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from producers.intake.submitter import Submitter
from producers.retry.select import WINDOW, culprits_of, in_windows, matching
from worker.config.settings import Settings
from worker.errors import FieldError, InvalidInputError, NotFoundError, UnavailableError
from worker.ledger.audit import Audit
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, ReadyRecord

if TYPE_CHECKING:
    from worker.broker.queue import Queues  # it imports Celery


class AdminService:
    """Administrator changes. Each method raises UnavailableError."""

    def __init__(
        self, settings: Settings, ledger: RedisLedger, queues: "Queues", audit: Audit, who: str
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._queues = queues
        self._audit = audit
        self._who = who

    def settle(
        self,
        record_id: str,
        state: State,
        why: str,
        result: Mapping[str, Any] | None = None,
        *,
        dry_run: bool = False,
    ) -> list[str]:
        """Resolve an uncertain record; return the records that failed because of it, to be retried.

        Raises NotFoundError, and InvalidInputError for a record that is not uncertain.
        """
        if dry_run:
            was: State | None = self._ledger.find(record_id).state
        else:
            text = "" if result is None else json.dumps(result, ensure_ascii=False)
            was = self._ledger.resolve(record_id, state, why, self._who, text)
        if was is None:
            what = "those who waited for it are being told still: try again in a moment"
            raise InvalidInputError("settle", [FieldError(record_id, what)])
        if was is not State.UNCERTAIN:
            what = f"is {was.value}: only what is uncertain can be decided"
            raise InvalidInputError("settle", [FieldError(record_id, what)])
        return self._let_down_by(record_id)

    def _let_down_by(self, record_id: str) -> list[str]:
        """Return the records that failed because of one, transitively, in their order.

        A retried one is replaced by its last retry, if that failed for the same reason.
        """
        chosen = Filter(state=State.FAILED.value, since=self._ledger.find(record_id).enqueued_at)
        ids = matching(self._ledger, chosen, lambda each: each.reason is Reason.DEPENDENCY)
        let_down, left = {record_id}, []
        for records in in_windows(self._ledger, ids):
            for record in records:
                if not let_down.isdisjoint(culprits_of(record)):
                    let_down.add(record.id)
                    left += [record.id] if record.retried_by is None else []
        return left

    def cancel(
        self, record_ids: Sequence[str], about: str = "", why: str = ""
    ) -> Iterator[tuple[str, State | None]]:
        """Cancel operations, as Submitter.cancel does; None for an unknown id."""
        if record_ids:
            self._note("cancel", about, record_ids, why)
        submitter = Submitter(self._settings, self._ledger, self._queues)
        for record_id in record_ids:
            try:
                yield record_id, submitter.cancel(record_id)
            except NotFoundError:
                yield record_id, None

    def standing(self, record_ids: Sequence[str]) -> dict[str, State]:
        """Return the states of these records; unknown ids are left out."""
        return {
            record.id: record.state
            for records in in_windows(self._ledger, record_ids)
            for record in records
        }

    def is_closed(self, school: str) -> bool:
        """Return whether a school is paused, by a person or otherwise. Raises InvalidInputError."""
        names = {closure.school for closure in self._ledger.school_pauses()}
        return school in names or self._settings.school(school).name in names

    def unsettled(self, batch: str) -> Sequence[str]:
        """Return the ids of a batch that can still be cancelled, the latest first."""
        chosen = Filter(batch=batch)
        return matching(self._ledger, chosen, lambda record: not record.state.settled)[::-1]

    def pause(self, school: str, why: str) -> bool:
        """Pause a school; return False if it was paused already.

        Raises InvalidInputError for a school that is not configured.
        """
        name = self._settings.school(school).name
        self._note("pause", name, (), why)
        return self._ledger.pause(name, why)

    def resume(self, school: str, why: str = "") -> bool:
        """Resume a school, whatever paused it; return False if it was not.

        A school that is no longer configured can be resumed, too. Raises InvalidInputError.
        """
        if school not in {closure.school for closure in self._ledger.school_pauses()}:
            school = self._settings.school(school).name
        self._note("resume", school, (), why)
        was_closed = self._ledger.resume(school)
        self._publish(self._ledger.unpark(WINDOW, school))
        return was_closed

    def _note(self, what: str, about: str, ids: Sequence[str], why: str) -> None:
        self._audit.note(self._who, what, about=about, ids=ids, why=why)

    def _publish(self, due: Sequence[ReadyRecord]) -> None:
        """Publish messages for released records; after a failure the rescuer does it later."""
        try:
            self._queues.publish(due)
        except UnavailableError:
            return
