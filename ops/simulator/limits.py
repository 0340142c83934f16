"""Limits between requests: rate, repeats within a time, concurrent writes."""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from worker.classin.codes import Code
from worker.classin.operation import Operation

#: Seconds within which the same parameters are refused.
REPEAT_WINDOW = 5.0
#: Rate limit per school: calls, and seconds.
MOST_CALLS, CALL_WINDOW = 1000, 60.0

#: What a request locks: a "busy" code, a school, and a course.
Place = tuple[Code, str, object]


class Limits:
    """Recent requests; a limit applies to operations whose page lists its code."""

    def __init__(self, *, rates: bool = True) -> None:
        """Start without requests; without `rates`, only concurrent writes are refused."""
        self._rates = rates
        self._at_work: Counter[Place] = Counter()
        self._seen: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self._calls: dict[tuple[str, str], deque[float]] = {}

    def refusal(self, school: str, operation: Operation, now: float) -> Code | None:
        """Record a request that arrives now (seconds since 1970); return its refusal's code."""
        for place in _places(school, operation):
            if self._at_work[place]:
                return place[0]
        if not self._rates:
            return None
        if self._repeated(school, operation, now):
            return Code.REPEATED_TOO_SOON
        return Code.TOO_FAST if self._crowded(school, operation, now) else None

    @contextmanager
    def at_work(self, school: str, operation: Operation) -> Iterator[None]:
        """Lock what an operation works on until it is carried out."""
        places = list(_places(school, operation))
        self._at_work.update(places)
        try:
            yield
        finally:
            self._at_work.subtract(places)

    def _repeated(self, school: str, operation: Operation, now: float) -> bool:
        """Return whether an equal request, refused or not, was too recent."""
        if Code.REPEATED_TOO_SOON not in operation.spec.codes:
            return False
        while self._seen and next(iter(self._seen.values())) <= now - REPEAT_WINDOW:
            self._seen.popitem(last=False)
        key = (school, operation.spec.name, operation.model_dump_json())
        repeated = key in self._seen
        self._seen[key] = now
        self._seen.move_to_end(key)
        return repeated

    def _crowded(self, school: str, operation: Operation, now: float) -> bool:
        """Return whether the rate is exhausted; refused requests do not count."""
        if Code.TOO_FAST not in operation.spec.codes:
            return False
        calls = self._calls.setdefault((school, operation.spec.name), deque())
        while calls and calls[0] <= now - CALL_WINDOW:
            calls.popleft()
        if len(calls) >= MOST_CALLS:
            return True
        calls.append(now)
        return False


def _places(school: str, operation: Operation) -> Iterator[Place]:
    """Return what an operation locks: its course, or the one it creates."""
    for code in (Code.COURSE_BUSY, Code.ROSTER_BUSY):
        if code in operation.spec.codes:
            fields = operation.wire_fields()
            course = fields.get("courseId") or fields.get("courseUniqueIdentity")
            yield code, school, course or fields.get("courseName")
