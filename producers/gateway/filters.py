"""Record filters, read from query parameters."""

import time
from typing import Annotated

from fastapi import Query

from producers.gateway.problems import ProblemError
from producers.time_args import read_moment
from worker.classin.catalogue import CATALOGUE
from worker.classin.validation_messages import nearest
from worker.ledger.states import State
from worker.ledger.types import Filter

Since = Annotated[
    str | None, Query(max_length=40, description="2d, 90m, or 2026-09-01T08:00:00+08:00.")
]


def choose(
    *,
    state: State | None,
    operation: str | None,
    school: str | None,
    code: int | None,
    batch: str | None,
    since: str | None,
) -> Filter:
    """Build a filter. Raises ProblemError, which names every fault."""
    errors = []
    if operation is not None and operation not in CATALOGUE:
        detail = f"ClassIn knows no {operation!r}{nearest(operation, CATALOGUE)}"
        errors.append({"detail": detail, "parameter": "operation"})
    start = None
    if since is not None:
        start = read_moment(since, time.time())
        if start is None:
            detail = f"should be like 2d, 90m or 2026-09-01T08:00; got {since!r}"
            errors.append({"detail": detail, "parameter": "since"})
    if errors:
        raise ProblemError(422, "Nothing can be listed so: see errors.", errors)
    return Filter(
        state=state.value if state else None,
        operation=operation,
        school=school,
        code=code,
        batch=batch,
        since=start,
    )
