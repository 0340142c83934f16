"""What records cost: their size in Redis, and whether access gets dearer as they grow many."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from statistics import median
from uuid import uuid4

from redis import Redis

from producers import Submitter
from tests.bench.looking import looking
from tests.bench.place import Place
from tests.bench.processes import wait_until
from tests.bench.sizes import Sizes
from tests.claiming import try_claim
from tests.submitting import submit_all
from worker.classin.operations.courses import EditCourse
from worker.classin.verdicts import Verdict
from worker.config.settings import from_env
from worker.ledger.record import Attempt, Submission
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import CHUNK, RedisLedger
from worker.ledger.types import (
    Capacity,
    Claim,
    ClaimRequest,
    ClaimResult,
    ClaimUpdate,
    Filter,
    SchoolSignal,
    Transition,
)

#: Records of a page.
_PAGE = 50

#: Records that are claimed, and noted, together.
_TOGETHER = 16

#: Seconds of a lease; far longer than needed.
_LEASE = 60.0

#: Seconds until Redis has written its file anew: a limit, not a measure.
_REWRITE = 600.0

#: What ClassIn says when all went well.
_SAID = "程序正常执行"

#: Operations count up from here.
_FIRST = 10_000_000

#: Processes that make records side by side.
_MAKERS = 2


class Keeper:
    """A ledger that can be filled, and whose every access is timed."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        settings = from_env(variables)
        self._variables = variables
        self._redis: Redis = connect(settings.ledger_url)
        self._ledger = RedisLedger(self._redis)
        self._submitter = Submitter.from_settings(settings)

    @property
    def size(self) -> int:
        """The bytes that Redis uses."""
        return int(self._redis.info("memory")["used_memory"])

    def rest(self) -> None:
        """Wait until Redis has nothing else to do than to answer."""
        wait_until(
            lambda: not self._redis.info("persistence")["aof_rewrite_in_progress"],
            _REWRITE,
            lambda: "Redis does not end to write its file anew",
        )

    def fill(self, numbers: range) -> None:
        """Let operations of these numbers be settled, several at a time."""
        chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
        with ProcessPoolExecutor(_MAKERS, get_context("spawn")) as makers:
            shares = [chunks[place::_MAKERS] for place in range(_MAKERS)]
            list(makers.map(_make, [self._variables] * _MAKERS, shares))

    def make(self, numbers: range) -> None:
        """Submit and settle operations of these numbers, as a busy worker does."""
        entries = [self._submission(number) for number in numbers]
        submit_all(self._ledger, entries)
        notes: list[ClaimUpdate] = []
        for start in range(0, len(entries), _TOGETHER):
            leases = {each.id: str(uuid4()) for each in entries[start : start + _TOGETHER]}
            claims = self._exchange(notes, leases).claims
            notes = [_note(claim) for claim in claims]
        self._exchange(notes, {})

    def _exchange(self, notes: Sequence[ClaimUpdate], asked: Mapping[str, str]) -> ClaimResult:
        return self._ledger.report_and_claim(
            ClaimRequest(notes, asked, "bench", _LEASE, Capacity())
        )

    def access(self, number: int) -> dict[str, float]:
        """Do everything once, and give how long each took, in ms."""
        took: dict[str, float] = {}
        entry = self._submission(number)
        with _timing(took, "submit"):
            self._ledger.submit([entry])
        with _timing(took, "claim"):
            claim = self._claim(entry)
        note = _note(claim)
        with _timing(took, "settle"):
            self._ledger.advance(note.claim, note.transition, note.attempt)
        with _timing(took, "a page of ls"):
            self._ledger.page(Filter(state=State.SUCCEEDED), _PAGE)
        return took

    def _submission(self, number: int) -> Submission:
        operation = EditCourse(course_id=number, course_name=f"Course {number}")
        (entry,) = self._submitter.check(operation, source="python")
        return entry

    def _claim(self, entry: Submission) -> Claim:
        claim = try_claim(self._ledger, entry.id, str(uuid4()), "bench", _LEASE)
        assert claim is not None
        return claim


def _note(claim: Claim) -> ClaimUpdate:
    """Note what an operation brings that ClassIn carries out at once."""
    standing = Transition(
        state=State.SUCCEEDED,
        code=1,
        message=_SAID,
        result={"data": 1},
        access=SchoolSignal.LET_IN,
    )
    return ClaimUpdate(claim, standing, Attempt(1, claim.at, 100, 200, 1, _SAID, Verdict.DONE))


@contextmanager
def _timing(took: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took[name] = (time.perf_counter() - began) * 1000


def _make(variables: Mapping[str, str], chunks: Sequence[range]) -> None:
    keeper = Keeper(variables)
    for chunk in chunks:
        keeper.make(chunk)


def keeping(small: Place, large: Place, sizes: Sizes) -> Iterator[tuple[str, float]]:
    """Fill two ledgers, one with far more records, and use both in turn."""
    few, many = Keeper(small.environment), Keeper(large.environment)
    few.fill(range(_FIRST, _FIRST + sizes.few))
    many.fill(range(_FIRST, _FIRST + sizes.few))
    before = many.size
    many.fill(range(_FIRST + sizes.few, _FIRST + sizes.many))
    yield "record size", (many.size - before) / (sizes.many - sizes.few) / 1000
    many.rest()
    numbers = range(_FIRST + sizes.many, _FIRST + sizes.many + sizes.accesses)
    pairs = [(few.access(number), many.access(number)) for number in numbers]
    for name in pairs[0][0]:
        yield f"{name} of few", median(one[name] for one, _ in pairs)
        yield f"{name} of many", median(other[name] for _, other in pairs)
    yield from looking(large.environment, sizes.runs)
