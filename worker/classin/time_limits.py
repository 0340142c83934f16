"""Check times that are too early or too late. Pure: the current time is an argument."""

from collections.abc import Mapping
from functools import cache

from worker.classin.field_shape import field_shape
from worker.classin.field_types import Ahead
from worker.classin.operation import Operation
from worker.classin.references import kept
from worker.errors import FieldError


def untimely(operation: Operation, now: float) -> list[FieldError]:
    """Return faults for moments nearer or farther ahead than their fields allow.

    `now`: seconds since 1970. Moments that a reference will bring are not checked yet.
    """
    bounds = _bounds(type(operation))
    moments = {name: moment for name in bounds if (moment := getattr(operation, name))}
    if not moments:  # nearly always
        return []
    waiting = {place[0] for place in kept(operation)}
    return [
        fault
        for name, moment in moments.items()
        if isinstance(moment, int) and (where := operation.wire_name(name)) not in waiting
        if (fault := bounds[name].fault(where, moment, now)) is not None
    ]


@cache
def _bounds(kind: type[Operation]) -> Mapping[str, Ahead]:
    """Return the fields with bounded moments."""
    return {
        name: part
        for name, field in kind.model_fields.items()
        for part in field_shape(field).metadata
        if isinstance(part, Ahead)
    }
