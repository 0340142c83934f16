"""Share a bounded resource among clients: a limit for each, and one for all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from producers.gateway.problems import LATER, ProblemError


class Share:
    """So much in all, and so much for each; what is taken is given back."""

    def __init__(self, what: str, most: int, of_each: int) -> None:
        self._what = what
        self._most = most
        self._of_each = of_each
        self._taken: Counter[str] = Counter()
        self._in_all = 0

    @contextmanager
    def one(self, whose: str) -> Iterator[None]:
        """Take one for a while. Raises Problem: 429 if this one has its share, 503 if all have."""
        self.take(whose, 1)
        try:
            yield
        finally:
            self.give_back(whose, 1)

    def take(self, whose: str, number: int) -> None:
        """Take some. Raises Problem, and has taken none of it then."""
        self.must_have(whose, number)
        self._taken[whose] += number
        self._in_all += number

    def must_have(self, whose: str, number: int) -> None:
        """Refuse what there is no room for now. Raises Problem."""
        if self._taken[whose] + number > self._of_each:
            detail = f"{self._of_each:,} {self._what} of yours are under way already."
            raise ProblemError(429, detail, headers=LATER)
        if self._in_all + number > self._most:
            raise ProblemError(503, f"{self._most:,} {self._what} are under way.", headers=LATER)

    def give_back(self, whose: str, number: int) -> None:
        """Give back what was taken."""
        self._in_all -= number
        self._taken[whose] -= number
        if not self._taken[whose]:
            del self._taken[whose]
