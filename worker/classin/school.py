"""A school: whom ClassIn knows us as."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from worker.errors import Fault


@dataclass(frozen=True, slots=True)
class School:
    """An SID with its secret, under the name by which submitters call it."""

    name: str
    sid: str  # digits
    secret: str = field(repr=False)


def faults_of(school: School, sid_at: str, secret_at: str) -> Iterator[Fault]:
    """Give what is wrong with a school, by where its SID and its secret stand."""
    if not re.fullmatch("[0-9]+", school.sid):
        yield Fault(sid_at, "should be the institution's SID, in digits")
    if not school.secret:
        yield Fault(secret_at, "is missing")
