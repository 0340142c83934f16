"""Shares: no school's operations occupy all of a worker while others wait."""

from collections import Counter
from collections.abc import Iterable

from worker.ledger.types import Capacity


class FairShare:
    """Counts what is under way by school; `most` of one at a time (None: as many as come).

    One thread uses it.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._busy: Counter[str] = Counter()
        self._full: set[str] = set()

    def room(self) -> Capacity:
        """Return how many more of each school are taken; what comes beyond is put aside."""
        if self._most is None:
            return Capacity()
        return Capacity(
            self._most, {school: self._most - busy for school, busy in self._busy.items()}
        )

    def take(self, schools: Iterable[str], *, some_left: bool) -> None:
        """Count one more of each; `some_left`: others were not taken, perhaps for want of room."""
        for school in schools:
            self._busy[school] += 1
        if self._most is not None and some_left:
            self._full |= {each for each, busy in self._busy.items() if busy >= self._most}

    def give_back(self, school: str) -> None:
        """Count one less."""
        self._busy[school] -= 1
        if not self._busy[school]:
            del self._busy[school]

    def may_have_waiting(self, school: str) -> bool:
        """Return whether some of its records may have been put aside for this worker's sake."""
        return school in self._full

    def none_waiting(self, school: str) -> None:
        """Remember that none is."""
        if self._most is None or self._busy[school] < self._most:
            self._full.discard(school)
