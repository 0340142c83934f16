"""Selection: the records that fit, the oldest first."""

from collections.abc import Callable, Iterator, Sequence

from worker.ledger.record import Record
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

#: Records that are looked at together.
WINDOW = 500


def matching(
    ledger: RedisLedger, chosen: Filter, fits: Callable[[Record], bool] = lambda _: True
) -> list[str]:
    """Name all records that pass a filter and fit.

    Raises UnavailableError, UnreadableValueError.
    """
    found: list[str] = []
    cursor = None
    while True:
        page = ledger.page(chosen, WINDOW, cursor)
        found += [record.id for record in page.complete() if fits(record)]
        if page.cursor is None:
            return found[::-1]
        cursor = page.cursor


def in_windows(ledger: RedisLedger, ids: Sequence[str]) -> Iterator[Sequence[Record]]:
    """Yield the records that have these ids, some at a time; who is gone is left out."""
    for start in range(0, len(ids), WINDOW):
        yield ledger.find_all(ids[start : start + WINDOW])


def culprits_of(record: Record) -> list[str]:
    """Name those because of which a record may have failed: whom it waited for, who stopped it."""
    because = record.failed_because
    return [*record.after, *(because.ids if because else ())]
