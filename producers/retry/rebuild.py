"""Again: what failed, or the part of it that did, as a new operation linked to the old record."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from producers.intake.attachments import FileOpener
from producers.intake.ledger import IntakeLedger
from producers.retry.edits import Setting, edited
from worker.classin.bulk_results import item_results
from worker.classin.catalogue import read
from worker.classin.classify import classify_item
from worker.classin.codes import Code
from worker.classin.field_types import IN_REDIS
from worker.classin.operation import Operation
from worker.classin.references import with_only
from worker.classin.verdicts import Verdict
from worker.errors import FieldError, InvalidInputError
from worker.ledger.record import Edit, Record
from worker.ledger.states import State

#: Ends after which nothing, or only a part, is left to try.
GOOD = frozenset({State.SUCCEEDED, State.PARTIAL})

_WELL = frozenset({Verdict.DONE, Verdict.ALREADY, Verdict.PARTIAL})


def again(
    record: Record, settings: Sequence[Setting] = (), door: FileOpener | None = None
) -> tuple[Operation, tuple[Edit, ...]]:
    """Build the operation that tries a record again, with the same unique identity.

    Gives what of its fields is other than before, too, masked. Of a partial bulk operation only
    the items that failed go again; settings count its items as the record does; `door`: where they
    name files. Raises InvalidInputError for a record that is under way, succeeded, or has only a
    part left to mend, and InvalidOperationError for what it is to be set to.
    """
    original = _of(record)
    if record.state is State.SUCCEEDED:
        raise _refused(record, "succeeded: there is nothing to try again")
    if not record.state.settled:
        raise _refused(record, f"is {record.state.value}: wait until it is settled")
    operation, edits = edited(original, settings, door)
    _look_for_files(record, operation)
    if record.state is not State.PARTIAL:
        return operation, edits
    field = operation.items_field()
    failed = set(_failed_items(original, record))
    if field is None or not failed:
        raise _refused(record, "is done in the main: --mend does what is left")
    return with_only(operation, field, failed), edits


def mending(record: Record) -> list[Operation]:
    """Build the operations that do what a partial one left out.

    Raises InvalidInputError for a record that is not partial, or that no operation mends.
    """
    operation = _of(record)
    if record.state is not State.PARTIAL:
        raise _refused(record, f"is {record.state.value}: only a partial one can be mended")
    found: list[Operation] = []
    for mend in _mends(operation, record):
        if mend is not None and mend not in found:
            found.append(mend)
    if not found:
        raise _refused(record, "no operation mends it: a person must look")
    _look_for_files(record, *found)
    return found


def successors(
    record: Record, ledger: IntakeLedger, fresh: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Return, for each record that one waits for, the one to wait for when it is tried again.

    That is the same if it went well, and else the last that tried it again; of those in `fresh`,
    what is about to. What went well and is kept no longer needs no waiting for. Raises
    InvalidInputError, which names all that must be tried again first.
    """
    found: dict[str, str] = {}
    faults: list[FieldError] = []
    for other in ledger.find_all(record.after):
        last, ended = _last_try(other, ledger)
        if last.id in fresh:
            found[other.id] = fresh[last.id]
        elif ended.settled and ended not in GOOD:
            what = f"waits for {last.id}, which is {ended.value}: retry that one first"
            faults.append(FieldError(record.id, what))
        elif ended is last.state:
            found[other.id] = last.id
    if faults:
        raise InvalidInputError("retry", faults)
    return found


def _last_try(record: Record, ledger: IntakeLedger) -> tuple[Record, State]:
    """Follow the tries of what did not go well; gives the last that is kept, and how all ended."""
    while record.state not in GOOD and record.retried_by is not None:
        if record.retry_ended is not None:
            return record, record.retry_ended
        later = ledger.find_all([record.retried_by])
        if not later:
            break
        (record,) = later
    return record, record.state


def _look_for_files(record: Record, *operations: Operation) -> None:
    """Refuse what lacks its file: the content of small ones is kept until the record is settled."""
    if any(file.at == IN_REDIS for each in operations for file in each.files().values()):
        raise _refused(record, "its file is no longer kept: submit it anew with the file")


def _mends(operation: Operation, record: Record) -> Iterator[Operation | None]:
    partial = operation.spec.partial
    code = Code.known(record.code)
    if code is not None and code in partial:
        yield operation.mending(code, record.result or {})
    for item in item_results(operation, record.result):
        known = Code.known(item.code)
        if known is not None and known in partial:
            yield operation.mending(known, item.entry, item.position)


def _failed_items(operation: Operation, record: Record) -> Iterator[int]:
    for item in item_results(operation, record.result):
        if classify_item(operation, item, expected=True) not in _WELL:
            yield item.position


def _of(record: Record) -> Operation:
    return read(record.operation, record.fields).identified(record.id)


def _refused(record: Record, what: str) -> InvalidInputError:
    return InvalidInputError("retry", [FieldError(record.id, what)])
