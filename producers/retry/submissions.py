"""Renewal: the submissions that try a record again, linked to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from producers.intake.attachments import FileOpener
from producers.intake.lanes import LaneOf, is_own
from producers.intake.ledger import IntakeLedger
from producers.retry.edits import Setting
from producers.retry.rebuild import GOOD, again, mending, successors
from worker.classin.operation import Operation
from worker.classin.references import referenced, renamed
from worker.encryption import FieldCipher
from worker.errors import FieldError, InvalidInputError
from worker.ledger.record import Edit, Record, Submission, new_id


def renewed(  # noqa: PLR0913  # all that may be said of a retry
    record: Record,
    ledger: IntakeLedger,
    seals: FieldCipher,
    lane_of: LaneOf,
    *,
    mend: bool = False,
    settings: Sequence[Setting] = (),
    fresh: Mapping[str, str] = MappingProxyType({}),
    batch: str | None = None,
    tick: str | None = None,
    door: FileOpener | None = None,
) -> list[Submission]:
    """Build what tries a record again, or what mends a partial one; nothing is submitted yet.

    `fresh`: which new records try which others again in the same submission; `tick`: of what a
    schedule does more than once, only one retry counts; `door`: where settings name files. Raises
    InvalidInputError or InvalidOperationError: there is nothing to try, another must be tried
    first, or a field cannot be set so, or its credentials can no longer be opened.
    """
    edits: tuple[Edit, ...] = ()
    # A credential is sealed for its place in one record: it is opened there, and sealed anew here.
    fields = seals.reopened(record.operation, record.fields, record.school, record.id)
    record = replace(record, fields=fields)
    if mend:
        operations, ids = mending(record), dict[str, str]()
    else:
        operation, edits = again(record, settings, door)
        operations, ids = [operation], successors(record, ledger, fresh)
        _must_be_known(record, operation, ids)
        if edits:
            ids = _still_named(record, operation, ids)
    stays = not (mend or edits) or is_own(record.school, record.lane)
    submissions = [
        Submission(
            id=(own_id := new_id()),
            operation=operation.spec.name,
            school=record.school,
            fields=renamed(
                seals.encrypt_fields(operation.identified(own_id), record.school, own_id), ids
            ),
            lane=record.lane if stays else lane_of(record.school, operation),
            batch=batch,
            source="mend" if mend else "retry",
            # What an earlier attempt may have done is no surprise now.
            accepts_existing=record.accepts_existing or record.started_at is not None,
            retry_of=record.id,
            edits=edits,
            after=tuple(dict.fromkeys(ids.values())),
            stops_lane=record.stops_lane,
            priority=record.priority,
            dedup_key=retry_key(record.id, tick) if tick is not None else None,
        )
        for operation in operations
    ]
    return _in_a_row(record, submissions)


def _in_a_row(record: Record, submissions: Sequence[Submission]) -> list[Submission]:
    """Let each come behind the one before: either all of them are recorded, or none is."""
    lost = record.retry_ended is not None and record.retry_ended not in GOOD
    lasts = [record.retried_by if lost else None, *(each.id for each in submissions)]
    return [replace(each, last_retry=last) for each, last in zip(submissions, lasts, strict=False)]


def retry_key(record_id: str, tick: str) -> str:
    """Name the one retry of a record that belongs to a tick of a schedule."""
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
