"""Samples: what was measured, by name, in each round or only in the first."""

from collections.abc import Iterable, Mapping


class UnmeasurableError(Exception):
    """Something did not come about, so that there is nothing to measure."""


class Samples:
    """Values by the name of what was measured, such as "celery together", and by round."""

    def __init__(self) -> None:
        self._values: dict[str, dict[int, float]] = {}

    def take(self, found: Iterable[tuple[str, float]], turn: int) -> None:
        """Add what was found in this round."""
        for name, value in found:
            self._values.setdefault(name, {})[turn] = value

    def of(self, name: str) -> Mapping[int, float]:
        """Give the values of one name by round; none if it was not measured."""
        return self._values.get(name, {})

    def to_dict(self) -> Mapping[str, Mapping[int, float]]:
        """Give all of them."""
        return self._values


def ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Give ours to theirs for each round that has both."""
    return [value / theirs[turn] for turn, value in ours.items() if turn in theirs]
