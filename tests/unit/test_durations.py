"""Durations, as people read them."""

import pytest

from worker.durations import duration_text


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0.4, "0 ms"), (999, "999 ms"), (1200, "1.2 s"), (59_000, "59 s"), (60_000, "1 min"),
        (250_400, "4 min 10 s"), (7_500_000, "2 h 5 min"), (7_200_000, "2 h"),
        (273_600_000, "3 d 4 h"), (59_999, "1 min"),
        (5_000, "5.0 s"), (601_000, "10 min 1 s"), (86_399_900, "1 d"), (90_061_000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_times_in_words(ms: float, words: str) -> None:
    """With the two units that count."""
    assert duration_text(ms) == words
