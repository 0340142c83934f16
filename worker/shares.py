"""Shares: no school's operations occupy all of a worker while others wait."""

import threading
from collections import Counter
from contextlib import AbstractContextManager, nullcontext


class Shares:
    """Counts what is under way by school; `most` of one at a time (None: as many as come)."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._busy: Counter[str] = Counter()
        self._turned_away: set[str] = set()
        self._lock = threading.Lock()
        #: While schools share a worker, its threads claim one after the other: else all of them
        #: could find room for the same last one.
        self.door: AbstractContextManager[object] = (
            nullcontext() if most is None else threading.Lock()
        )

    def full(self) -> list[str]:
        """Name the schools of which nothing more is taken now; what comes of them is put aside."""
        if self._most is None:
            return []
        with self._lock:
            full = [school for school, number in self._busy.items() if number >= self._most]
            self._turned_away.update(full)
        return full

    def take(self, school: str) -> None:
        """Count one more."""
        with self._lock:
            self._busy[school] += 1

    def give_back(self, school: str) -> None:
        """Count one less."""
        with self._lock:
            self._busy[school] -= 1

    def may_have_waiting(self, school: str) -> bool:
        """Say whether some of its records may have been put aside for this worker's sake."""
        return school in self._turned_away

    def none_waiting(self, school: str) -> None:
        """Remember that none is."""
        with self._lock:
            self._turned_away.discard(school)
