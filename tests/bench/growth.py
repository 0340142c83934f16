"""Whether memory grows with time, or with what must be kept only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

#: The last third's median to the middle third's, at most.
FLAT = 1.15


@dataclass(frozen=True, slots=True)
class Sample:
    """What was there at one moment."""

    seconds: float
    records: int
    #: The workers' resident memory, by worker.
    worker_mb: float
    #: What Redis uses beyond what it did at first.
    redis_bytes: int


def growth(samples: Sequence[Sample]) -> Mapping[str, tuple[float, float]]:
    """Give the medians of the middle and the last third, by what they are of.

    Records are kept, so Redis grows by them: what each takes should not.
    """
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    return {
        "MB a worker": (
            median(each.worker_mb for each in middle),
            median(each.worker_mb for each in last),
        ),
        "bytes of Redis a record": (
            median(each.redis_bytes / each.records for each in middle),
            median(each.redis_bytes / each.records for each in last),
        ),
    }


def is_flat(medians: tuple[float, float]) -> bool:
    """Say whether the last third is about as the middle one was."""
    middle, last = medians
    return last <= middle * FLAT
