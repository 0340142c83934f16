"""How much waits in a worker: beyond that its queue keeps the messages."""

import threading
from collections.abc import Callable


class Backlog:
    """Counts records that wait here; from `most` on no further message is accepted for a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._number = 0
        self._held: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    def add(self, number: int, accepted: Callable[[], object]) -> None:
        """Count more; `accepted` is called as soon as another message may come."""
        with self._lock:
            self._number += number
            if self._number >= self._most:
                self._held.append(accepted)
                return
        accepted()

    def remove(self, number: int) -> None:
        """Count fewer."""
        with self._lock:
            self._number -= number
            if self._number >= self._most or not self._held:
                return
            held, self._held = self._held, []
        for accepted in held:
            accepted()
