"""Build the submissions that retry a record, linked to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from producers.intake.attachments import FileOpener
from producers.intake.lanes import is_own
from producers.intake.ledger import IntakeLedger
from producers.intake.submissions import SubmissionBuilder
from producers.retry.edits import Setting
from producers.retry.rebuild import GOOD, again, mending, successors
from worker.classin.operation import Operation
from worker.classin.references import referenced, renamed
from worker.errors import FieldError, InvalidInputError
from worker.ledger.record import Edit, Record, Submission, new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    """How records are retried."""

    #: Submit what mends a partial record, instead of its successor.
    mend: bool = False
    #: Fields that a person changes; `door`: where they name files; None: nowhere.
    settings: Sequence[Setting] = ()
    door: FileOpener | None = None
    #: The batch of the new records.
    batch: str | None = None
    #: The tick of a schedule: only one retry of a record belongs to it.
    tick: str | None = None


@dataclass(frozen=True, slots=True)
class RetryBuilder:
    """Builds the submissions that retry records, by the same options; submits nothing."""

    ledger: IntakeLedger
    builder: SubmissionBuilder
    options: RetryOptions = RetryOptions()

    def of(
        self, record: Record, fresh: Mapping[str, str] = MappingProxyType({})
    ) -> list[Submission]:
        """Build what retries a record, or what mends a partial one.

        `fresh`: ids of new records, by those that they retry in the same submission. Raises
        InvalidInputError or InvalidOperationError: there is nothing to retry, another must be
        retried first, a field cannot be set so, or its credentials can no longer be decrypted.
        """
        options, cipher = self.options, self.builder.cipher
        edits: tuple[Edit, ...] = ()
        # A credential is encrypted for its place in one record: decrypt it there, encrypt it anew.
        fields = cipher.reopened(record.operation, record.fields, record.school, record.id)
        record = replace(record, fields=fields)
        if options.mend:
            operations, ids = mending(record), dict[str, str]()
        else:
            operation, edits = again(record, options.settings, options.door)
            operations, ids = [operation], successors(record, self.ledger, fresh)
            _must_be_known(record, operation, ids)
            if edits:
                ids = _still_named(record, operation, ids)
        lost = record.retry_ended is not None and record.retry_ended not in GOOD
        last = record.retried_by if lost else None
        submissions: list[Submission] = []
        for operation in operations:  # each behind the one before: all are recorded, or none
            submissions.append(self._of(record, operation, edits, ids, last))
            last = submissions[-1].id
        return submissions

    def _of(
        self,
        record: Record,
        operation: Operation,
        edits: tuple[Edit, ...],
        ids: Mapping[str, str],
        last_retry: str | None,
    ) -> Submission:
        own_id, school, options = new_id(), record.school, self.options
        fields = self.builder.cipher.encrypt_fields(operation.identified(own_id), school, own_id)
        keeps_lane = not (options.mend or edits) or is_own(school, record.lane)
        return Submission(
            id=own_id,
            operation=operation.spec.name,
            school=school,
            fields=renamed(fields, ids),
            lane=record.lane if keeps_lane else self.builder.lane_of(school, operation),
            batch=options.batch,
            source="mend" if options.mend else "retry",
            # What an earlier attempt may have done is no surprise now.
            accepts_existing=record.accepts_existing or record.started_at is not None,
            retry_of=record.id,
            last_retry=last_retry,
            edits=edits,
            after=tuple(dict.fromkeys(ids.values())),
            stops_lane=record.stops_lane,
            priority=record.priority,
            dedup_key=None if options.tick is None else retry_key(record.id, options.tick),
        )


def retry_key(record_id: str, tick: str) -> str:
    """Return the dedup key of the one retry of a record that belongs to a tick of a schedule."""
    return f"retry:{record_id}:{tick}"


def _must_be_known(record: Record, operation: Operation, ids: Mapping[str, str]) -> None:
    """Refuse references to results that are kept no longer."""
    faults = [
        FieldError(
            record.id, f"needs the result of {other}, which is kept no longer: set that field"
        )
        for other in sorted(operation.references() - ids.keys())
    ]
    if faults:
        raise InvalidInputError("retry", faults)


def _still_named(record: Record, operation: Operation, ids: Mapping[str, str]) -> dict[str, str]:
    """Leave out whom it waited for only because of references that are values now."""
    let_go = referenced(record.fields) - operation.references()
    return {other: last for other, last in ids.items() if other not in let_go}
