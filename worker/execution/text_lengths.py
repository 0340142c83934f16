"""How ClassIn counts long texts when it checks a signature, learnt from its replies."""

import threading
from collections.abc import Mapping

from worker.classin.signing import LONGEST_SIGNED, Counting, otherwise

#: What a record says of a signature that may have been refused for a long text.
DOUBT = f"a text of {LONGEST_SIGNED:,} bytes or more can be signed in two ways, and this one failed"


class Countings:
    """The way of counting for each school, for any number of threads; at first by bytes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Counting] = {}

    def of(self, school: str) -> Counting:
        """Return the way to sign for a school."""
        return self._known.get(school, Counting.BYTES)

    def refused(self, school: str, fields: Mapping[str, object], counting: Counting) -> bool:
        """Learn that a signature was refused; say whether another way would sign these fields so.

        From then on the other way is the school's, unless that has changed meanwhile.
        """
        other = otherwise(fields, counting)
        if other is None:
            return False
        with self._lock:
            if self.of(school) is counting:
                self._known[school] = other
        return True
