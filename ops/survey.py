"""Reading a running system: which records, and how they stand."""

from producers.moment import read_moment
from worker.classin.catalogue import CATALOGUE
from worker.classin.errors import Fault, InvalidInput
from worker.classin.faults import nearest
from worker.ledger.ledger import Filter
from worker.ledger.lifecycle import State


def choose(  # noqa: PLR0913  # a filter has so many sides
    *,
    now: float,
    state: str | None = None,
    operation: str | None = None,
    school: str | None = None,
    code: int | None = None,
    batch: str | None = None,
    since: str | None = None,
) -> Filter:
    """Build a filter from what a person typed; `now` is in seconds since 1970.

    Raises InvalidInput, which names every fault.
    """
    faults = []
    states = [known.value for known in State]
    if state is not None and state not in states:
        known = nearest(state, states) or f"; states are {', '.join(states)}"
        faults.append(Fault("--state", f"there is no {state!r}{known}"))
    if operation is not None and operation not in CATALOGUE:
        fault = f"ClassIn knows no {operation!r}{nearest(operation, CATALOGUE)}"
        faults.append(Fault("--operation", fault))
    start = None
    if since is not None:
        start = read_moment(since, now)
        if start is None:
            fault = f"should be like 2d, 90m or 2026-09-01T08:00; got {since!r}"
            faults.append(Fault("--since", fault))
    if faults:
        raise InvalidInput("ls", faults)
    return Filter(
        state=state, operation=operation, school=school, code=code, batch=batch, since=start
    )
