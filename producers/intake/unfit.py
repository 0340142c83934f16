"""What speaks against operations that are right by themselves: pure."""

from collections.abc import Sequence

from producers.intake.attachments import unkept
from producers.intake.request import SubmitRequest
from worker.classin.credentials import sealed_faults
from worker.classin.operation import Operation
from worker.classin.time_limits import untimely
from worker.errors import FieldError


def unfit(line: SubmitRequest, operations: Sequence[Operation], now: float) -> list[FieldError]:
    """Name unkept files, untimely moments, what comes sealed, and what `line` cannot say of them.

    `now`: seconds since 1970.
    """
    faults = [fault for operation in operations for fault in unkept(operation)]
    faults += [fault for operation in operations for fault in untimely(operation, now)]
    faults += [fault for operation in operations for fault in sealed_faults(operation)]
    return faults + _unsaid(line, operations)


def _unsaid(line: SubmitRequest, operations: Sequence[Operation]) -> list[FieldError]:
    """Name what cannot be said of these operations."""
    faults = []
    if line.dedup_key is not None and len(operations) > 1:
        what = f"cannot stand for {len(operations)} calls: hand in fewer items in one line"
        faults.append(FieldError("dedup_key", what))
    stops = line.lane_on_failure == "stop"
    if stops and line.lane is None and any(each.lane(str) is None for each in operations):
        faults.append(FieldError("lane_on_failure", "there is no lane to stop: name one"))
    return faults
