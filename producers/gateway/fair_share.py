"""Share a bounded resource among clients: a limit for each, and one for all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from producers.gateway.problems import LATER, ProblemError


class Share:
    """A bounded resource: a total, and a limit for each client."""

    def __init__(self, what: str, most: int, of_each: int) -> None:
        self._what = what
        self._most = most
        self._of_each = of_each
        self._taken: Counter[str] = Counter()
        self._in_all = 0

    @contextmanager
    def one(self, whose: str) -> Iterator[None]:
        """Hold one unit while inside.

        Raises ProblemError: 429 at the client's limit, 503 at the total.
        """
        self.take(whose, 1)
        try:
            yield
        finally:
            self.give_back(whose, 1)

    def take(self, whose: str, number: int) -> None:
        """Take units, or raise ProblemError and take none."""
        self.must_have(whose, number)
        self._taken[whose] += number
        self._in_all += number

    def must_have(self, whose: str, number: int) -> None:
        """Raise ProblemError if so many units are not free."""
        if self._taken[whose] + number > self._of_each:
            detail = f"{self._of_each:,} {self._what} of yours are under way already."
            raise ProblemError(429, detail, headers=LATER)
        if self._in_all + number > self._most:
            raise ProblemError(503, f"{self._most:,} {self._what} are under way.", headers=LATER)

    def give_back(self, whose: str, number: int) -> None:
        """Return units."""
        self._in_all -= number
        self._taken[whose] -= number
        if not self._taken[whose]:
            del self._taken[whose]
