"""A line's operations: files looked at, lists read and split, every field checked."""

from collections.abc import Mapping
from typing import Any

from producers.intake.attachments import FileOpener, attach
from producers.intake.bulk_split import moved, split, unpacked
from worker.classin.catalogue import find
from worker.classin.operation import Operation
from worker.errors import FieldError, InvalidOperationError


def operations_of(name: str, given: Mapping[str, Any], door: FileOpener | None) -> list[Operation]:
    """Build one operation, or several for a list that is longer than a call carries.

    `door`: where its files are named; None: nowhere. Raises InvalidOperationError with all faults.
    """
    kind = find(name)
    fields, unfit = attach(kind, unpacked(kind, given), door)
    operations: list[Operation] = []
    faults: list[FieldError] = []
    for part, offset in split(kind, fields):
        try:
            operations.append(kind(**part))
        except InvalidOperationError as error:
            faults += [moved(fault, kind, offset) for fault in error.faults]
    told = {fault.where for fault in unfit}  # not that they are missing, too
    if faults := [*(fault for fault in faults if fault.where not in told), *unfit]:
        raise InvalidOperationError(name, list(dict.fromkeys(faults)))
    return operations
