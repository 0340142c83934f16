"""Statistics over a time window: rates, durations and failures."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from ops.insight.failure_causes import FAILURES, Failures, failures, number_of_failures
from worker.ledger.events import SettledEvent, position_of
from worker.ledger.hourly_stats import (
    COARSE,
    FINE,
    HOUR,
    KEPT,
    Ending,
    HourStats,
    percentile,
    step_of,
    total,
)
from worker.ledger.queries import LedgerQueries
from worker.ledger.record import iso

#: Maximum slices of a window.
_PIECES = 48

#: Maximum events that are read one by one: more would take too long.
_MOST = 5000

#: The percentiles that are shown.
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Piece(NamedTuple):
    """A slice of the window. `at` is its start, in ms since 1970."""

    at: int
    metrics: Mapping[str, int]
    settled: int
    failures: int

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        counts = {"settled": self.settled, "failures": self.failures}
        return {"at": iso(self.at), **self.metrics, **counts}


class Timing(NamedTuple):
    """Percentiles of durations of one kind of operation, in ms."""

    settled: int
    took: Mapping[str, float | None]
    #: Durations of their last attempts, if there were any.
    attempt: Mapping[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "settled": self.settled,
            "took_ms": _rounded(self.took),
            "last_attempt_ms": _rounded(self.attempt),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The statistics of a window. Times are ms since 1970."""

    since: int
    until: int
    #: Whether it is by whole hours, as the ledger counts them; else from single events.
    by_hour: bool
    #: Whether it starts later than asked: earlier events are gone, or too many.
    shortened: bool
    #: By name: `submitted`; by whole hours, whatever else the scripts count as well.
    metrics: Mapping[str, int]
    settled: Counter[Ending]
    pieces: Sequence[Piece]
    #: By operation.
    timings: Mapping[str, Timing]

    @property
    def failures(self) -> list[Failures]:
        """Return failures by cause, the most frequent first."""
        return failures(self.settled)

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.settled or any(self.metrics.values()))

    def per_hour(self, number: int) -> float:
        """Return a count as a rate per hour."""
        return number * HOUR / max(self.until - self.since, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        counts = {**self.metrics, "settled": self.settled.total()}
        return {
            "since": iso(self.since),
            "until": iso(self.until),
            "by_hour": self.by_hour,
            "shortened": self.shortened,
            **counts,
            **{f"{name}_per_hour": round(self.per_hour(n), 1) for name, n in counts.items()},
            "pieces": [each.to_dict() for each in self.pieces],
            "operations": {name: each.to_dict() for name, each in self.timings.items()},
            "failures": [each.to_dict() for each in self.failures],
        }


def statistics(queries: LedgerQueries, since: int, now: int) -> Statistics:
    """Return the statistics since a moment; both times are ms since 1970.

    From an hour on, whole hours are used, from the start of the hour of that moment.
    """
    return (
        _of_hours(queries, since, now) if now - since >= HOUR else _of_events(queries, since, now)
    )


def _of_hours(queries: LedgerQueries, since: int, now: int) -> Statistics:
    first = max(since // HOUR, now // HOUR - KEPT + 1) * HOUR
    hours = queries.hours(first, now)
    together = -(-len(hours) // _PIECES)
    starts = list(hours)[::together]
    happened = total(hours.values())
    metrics = happened.metrics()
    pieces = []
    for start in starts:
        part = total(hours[at] for at in range(start, start + together * HOUR, HOUR) if at in hours)
        counted = part.metrics()
        number, failed = part.settled.total(), number_of_failures(part.settled.items())
        pieces.append(Piece(start, {name: counted[name] for name in metrics}, number, failed))
    return Statistics(
        since=first,
        until=now,
        by_hour=True,
        shortened=first > since,
        metrics=metrics,
        settled=happened.settled,
        pieces=pieces,
        timings=timings(happened),
    )


def _of_events(queries: LedgerQueries, since: int, now: int) -> Statistics:
    settled = queries.settled_since(since, _MOST)
    shortened = len(settled) == _MOST
    if shortened:
        since = position_of(settled[-1].event)[0]
    until = max(now, since + _PIECES)
    moments = [since + (until - since) * n // _PIECES for n in range(_PIECES + 1)]
    entered = queries.submitted_between([*moments[:-1], moments[-1] + 1])
    happened = HourStats()
    parts: list[list[SettledEvent]] = [[] for _ in entered]
    for each in settled:
        ending = Ending(each.school, each.operation, each.state, each.reason, each.code)
        happened.settled[ending] += 1
        if each.took is not None:
            happened.took[each.operation, step_of(each.took)] += 1
        place = (position_of(each.event)[0] - since) * _PIECES // (until - since)
        parts[min(max(place, 0), _PIECES - 1)].append(each)
    pieces = [
        Piece(start, {"submitted": number}, len(part), sum(each.state in FAILURES for each in part))
        for (start, _), number, part in zip(pairwise(moments), entered, parts, strict=True)
    ]
    return Statistics(
        since=since,
        until=now,
        by_hour=False,
        shortened=shortened,
        metrics={"submitted": sum(entered)},
        settled=happened.settled,
        pieces=pieces,
        timings=timings(happened),
    )


def timings(happened: HourStats) -> dict[str, Timing]:
    """Return the percentiles of each operation's durations."""
    took, attempts = _by_operation(happened.took), _by_operation(happened.attempts)
    return {
        name: Timing(
            took[name].total(),
            _shares(took[name], FINE),
            _shares(attempts[name], COARSE),
        )
        for name in sorted({*took, *attempts})
    }


def _by_operation(counted: Mapping[tuple[str, int], int]) -> defaultdict[str, Counter[int]]:
    found = defaultdict[str, Counter[int]](Counter)
    for (operation, step), number in counted.items():
        found[operation][step] += number
    return found


def _shares(steps: Mapping[int, int], scale: int) -> dict[str, float | None]:
    return {name: percentile(steps, share, scale) for name, share in SHARES.items()}


def _rounded(shares: Mapping[str, float | None]) -> dict[str, int | None]:
    return {name: None if ms is None else round(ms) for name, ms in shares.items()}
