"""How a long trial's memory is judged."""

from collections.abc import Callable

import pytest

from tests.bench.growth import Sample, growth, is_flat

WORKER, REDIS = "MB a worker", "bytes of Redis a record"


def grown(worker: Callable[[int], float], redis: Callable[[int], float]) -> dict[str, bool]:
    """Judge half an hour of 100 records a sample, with this memory at the nth of them."""
    samples = [Sample(n * 10.0, n * 100, worker(n), round(redis(n))) for n in range(1, 181)]
    return {what: is_flat(medians) for what, medians in growth(samples).items()}


def test_records_are_kept_and_that_is_no_leak() -> None:
    """Redis grows by as much with each; workers have grown at first, and no more."""
    assert grown(lambda n: min(50 + n, 80), lambda n: n * 100 * 1100) == {WORKER: True, REDIS: True}


@pytest.mark.parametrize(
    ("worker", "redis", "what"),
    [
        (lambda n: 80 + n / 2, lambda n: n * 100 * 1100, WORKER),
        (lambda _: 80, lambda n: n * 100 * (1000 + 10 * n), REDIS),
    ],
)
def test_what_grows_to_the_end_is_found(
    worker: Callable[[int], float], redis: Callable[[int], float], what: str
) -> None:
    """Be it a worker, or what Redis has for each record."""
    assert [name for name, flat in grown(worker, redis).items() if not flat] == [what]
