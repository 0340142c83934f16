"""Filters and order of record lists, read from command-line words."""

from collections.abc import Iterator, Sequence

from producers.time_args import moment_of
from worker.classin.catalogue import CATALOGUE
from worker.classin.validation_messages import nearest
from worker.errors import FieldError, InvalidInputError
from worker.ledger.queries import Order
from worker.ledger.states import Reason, State
from worker.ledger.types import Filter

#: Plausible orders that would need a scan of all records.
_WOULD_READ_ALL = frozenset({"duration", "took", "attempts", "tries", "operation", "state", "code"})


def choose(  # noqa: PLR0913  # a filter has so many sides
    *,
    now: float,
    state: str | None = None,
    operation: str | None = None,
    school: str | None = None,
    code: int | None = None,
    batch: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Filter:
    """Build a filter from command-line words; `now` is seconds since 1970.

    Raises InvalidInputError, which names every fault.
    """
    faults: list[FieldError] = []
    faults += _unknown("state", "states", state, [known.value for known in State])
    faults += _unknown("reason", "reasons", reason, [known.value for known in Reason])
    if reason is not None and state not in {None, State.FAILED.value}:
        faults.append(FieldError("--reason", f"only failed operations have one, not {state} ones"))
    if operation is not None and operation not in CATALOGUE:
        fault = f"ClassIn knows no {operation!r}{nearest(operation, CATALOGUE)}"
        faults.append(FieldError("--operation", fault))
    texts = {"since": since, "until": until}
    moments = {name: moment_of(f"--{name}", texts[name], now, faults) for name in texts}
    if faults:
        raise InvalidInputError("ls", faults)
    return Filter(
        state=state,
        operation=operation,
        school=school,
        code=code,
        batch=batch,
        reason=reason,
        **moments,
    )


def _unknown(
    option: str, plural: str, typed: str | None, known: Sequence[str]
) -> Iterator[FieldError]:
    if typed is not None and typed not in known:
        hint = nearest(typed, known) or f"; {plural} are {', '.join(known)}"
        yield FieldError(f"--{option}", f"there is no {typed!r}{hint}")


def choose_order(typed: str) -> Order:
    """Parse the order of a list.

    Raises InvalidInputError for an order without an index.
    """
    orders = [order.value for order in Order]
    if typed in orders:
        return Order(typed)
    hint = nearest(typed, orders)
    if typed in _WOULD_READ_ALL:
        hint = ": no index has that order, so all records would have to be read"
    fault = f"cannot sort by {typed!r}{hint}; orders are {', '.join(orders)}"
    raise InvalidInputError("ls", [FieldError("--sort", fault)])
