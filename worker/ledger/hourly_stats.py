"""Hours: what happened in each, as the ledger adds it up. Pure.

Times are counted in steps, a few of which double them, so that their percentiles can be told
without looking at any record.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import log2
from typing import Any, NamedTuple

from worker.ledger.decoding import UNREADABLE
from worker.ledger.limits import HOUR_KEPT_SECONDS
from worker.ledger.states import Reason, State

#: Milliseconds.
HOUR = 3_600_000

#: How many of them the ledger keeps.
KEPT = HOUR_KEPT_SECONDS * 1000 // HOUR

#: How many steps double the time from submission to settlement, and that of an attempt: percentiles
#: are right to within a tenth, and a fifth.
FINE, COARSE = 4, 2


class Ending(NamedTuple):
    """How operations ended: those that share all of it are counted together."""

    school: str
    operation: str
    state: State
    reason: Reason | None
    code: int | None


@dataclass(frozen=True, slots=True)
class HourStats:
    """What happened in a while."""

    #: By metric (`submitted`, or another that a script counts), school and operation.
    counted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    settled: Counter[Ending] = field(default_factory=Counter)
    #: By operation and step of the scale, of what settled: from submission to settlement in FINE
    #: steps, and its last attempt in COARSE ones.
    took: Counter[tuple[str, int]] = field(default_factory=Counter)
    attempts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def metrics(self) -> Counter[str]:
        """Return each metric's number, over schools and operations; `submitted` comes first."""
        found = Counter(submitted=0)
        for (metric, _, _), number in self.counted.items():
            found[metric] += number
        return found

    def add(self, other: "HourStats") -> None:
        """Add what happened in another while."""
        for mine, theirs in (
            (self.counted, other.counted),
            (self.settled, other.settled),
            (self.took, other.took),
            (self.attempts, other.attempts),
        ):
            mine.update(theirs)  # type: ignore[arg-type]  # each with its own kind


def total(parts: Iterable[HourStats]) -> HourStats:
    """Add up what happened in several whiles."""
    together = HourStats()
    for part in parts:
        together.add(part)
    return together


def happenings_of(counted: Mapping[str, str]) -> HourStats:
    """Read the hash of an hour.

    Each field is a JSON list: ["settled", SCHOOL, OPERATION, STATE, REASON, CODE], where the last
    two may be empty; ["took", OPERATION, STEP]; ["attempt", OPERATION, STEP]; and [METRIC, SCHOOL,
    OPERATION], where METRIC is "submitted" or another. What is none of these is left out.
    """
    found = HourStats()
    for text, number in counted.items():
        with suppress(*UNREADABLE):
            _count(found, json.loads(text), int(number))
    return found


def _count(stats: HourStats, what: Sequence[Any], number: int) -> None:
    """Add one field of an hour."""
    match what:
        case ["settled", str(school), str(operation), state, reason, code]:
            ending = Ending(
                school,
                operation,
                State(state),
                Reason(reason) if reason else None,
                int(code) if code else None,
            )
            stats.settled[ending] += number
        case ["took", str(operation), int(step)]:
            stats.took[operation, step] += number
        case ["attempt", str(operation), int(step)]:
            stats.attempts[operation, step] += number
        case [str(metric), str(school), str(operation)]:
            stats.counted[metric, school, operation] += number


def step_of(ms: float, scale: int = FINE) -> int:
    """Find the step of a time, as the scripts do."""
    return 0 if ms < 1 else 1 + int(scale * log2(ms) + 1e-9)


def percentile(steps: Mapping[int, int], share: float, scale: int = FINE) -> float | None:
    """Give the time, in ms, that this share (0 to 1) stayed within; None of nothing."""
    sought = share * sum(steps.values())
    passed = 0
    for step in sorted(steps):
        if passed + steps[step] >= sought > 0:
            within = (sought - passed) / steps[step]
            return within if step == 0 else 2.0 ** ((step - 1 + within) / scale)
        passed += steps[step]
    return None
