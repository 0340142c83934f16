"""A school: its name, SID and secret."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from worker.errors import FieldError


@dataclass(frozen=True, slots=True)
class School:
    """An SID with its secret, under the name that submitters use."""

    name: str
    sid: str  # digits
    secret: str = field(repr=False)


def faults_of(school: School, sid_at: str, secret_at: str) -> Iterator[FieldError]:
    """Return the faults of a school, by the variables of its SID and secret."""
    if not re.fullmatch("[0-9]+", school.sid):
        yield FieldError(sid_at, "should be the institution's SID, in digits")
    if not school.secret:
        yield FieldError(secret_at, "is missing")
