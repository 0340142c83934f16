"""Progress of batches: rate, time left, and failures as they happen."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from worker.ledger.record import Record
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

#: States of settled operations that did not succeed.
UNSUCCESSFUL = tuple(state for state in State if state.settled and state is not State.SUCCEEDED)

#: Seconds between two states, and the window of the rate.
LOOK_EVERY, _RATED_OVER = 0.5, 20.0

#: Events read at once, and earlier failures that are shown.
_MOST_EVENTS, _MOST_EARLIER = 5000, 1000


@dataclass(frozen=True, slots=True)
class Look:
    """The progress of batches at one moment."""

    counts: Mapping[State, int]
    #: Operations settled per second, lately; None: not known yet.
    rate: float | None = None
    #: Failures since the previous state, the first one first.
    failures: Sequence[Record] = ()

    @property
    def total(self) -> int:
        """Return the number of operations."""
        return sum(self.counts.values())

    @property
    def settled(self) -> int:
        """Return the number of settled ones."""
        return sum(number for state, number in self.counts.items() if state.settled)

    @property
    def done(self) -> bool:
        """Return whether all have settled."""
        return self.settled == self.total

    @property
    def left(self) -> float | None:
        """Return the seconds until all have settled, at this rate; None if unknown."""
        return (self.total - self.settled) / self.rate if self.rate else None


class Pauses(NamedTuple):
    """A clock in seconds from an arbitrary start, and a sleep function."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep


def follow(
    ledger: RedisLedger,
    batches: Sequence[str],
    *,
    patience: float | None = None,
    pauses: Pauses | None = None,
) -> Iterator[Look]:
    """Yield the progress of batches until all have settled; the last state is always yielded.

    `batches` may grow meanwhile. `patience`: seconds after which to stop anyway. Earlier failures
    come with the first state, up to a maximum, the latest ones. Raises UnavailableError.
    """
    clock, sleep = pauses or Pauses()
    ends = None if patience is None else clock() + patience
    event = ledger.events.last()
    failures = _earlier(ledger, batches)
    told = {record.id for record in failures}
    marks: deque[tuple[float, int]] = deque()
    while True:
        counts = _counted(ledger, batches)
        # Read after the counts, so that no failure they include is missing.
        event, ids = _failed_after(ledger, event, batches)
        failures += ledger.find_all([each for each in ids if each not in told])
        told.update(ids)
        look = Look(counts, failures=failures)
        look = replace(look, rate=_rate(marks, clock(), look.settled))
        yield look
        if look.done or (ends is not None and clock() >= ends):
            return
        failures = []
        sleep(LOOK_EVERY)


def _counted(ledger: RedisLedger, batches: Sequence[str]) -> Mapping[State, int]:
    counts: Counter[State] = Counter()
    for batch in batches:
        counts.update(ledger.batch_counts(batch))
    return counts


def _earlier(ledger: RedisLedger, batches: Sequence[str]) -> list[Record]:
    """Return earlier failures, the first one first."""
    pages = (
        ledger.page(Filter(batch=batch, state=state.value), _MOST_EARLIER)
        for batch in batches
        for state in UNSUCCESSFUL
    )
    found = [record for page in pages for record in page.records]
    return sorted(found, key=lambda record: record.finished_at or 0)


def _failed_after(ledger: RedisLedger, event: str, batches: Sequence[str]) -> tuple[str, list[str]]:
    """Read further events; return the last one and the ids of failures."""
    ids: list[str] = []
    while found := ledger.events.after(event, _MOST_EVENTS):
        ids += [
            each.id for each in found if each.batch in batches and each.state is not State.SUCCEEDED
        ]
        event = found[-1].event
        if len(found) < _MOST_EVENTS:
            break
    return event, ids


def _rate(marks: deque[tuple[float, int]], now: float, settled: int) -> float | None:
    """Return operations settled per second over the last window."""
    marks.append((now, settled))
    while marks[0][0] < now - _RATED_OVER:
        marks.popleft()
    since, before = marks[0]
    return (settled - before) / (now - since) if now > since and settled > before else None
