"""How long an operator waits for an answer, over as many records as there are."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ops.insight.explain import inquire
from ops.insight.lanes_and_schools import look_at_lanes, look_at_schools
from ops.insight.statistics import statistics
from tests.claiming import try_claim
from tests.submitting import submit_all
from worker.config.settings import from_env
from worker.ledger.queries import LedgerQueries, Order
from worker.ledger.record import Submission, new_id
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, Transition

#: Lanes in which somebody waits, how many in each, and operations that failed.
_LANES, _IN_EACH, _FAILED = 500, 4, 200

#: Records of a page.
_PAGE = 20

#: Ms, and seconds.
_MINUTE, _DAY, _LEASE = 60_000, 86_400_000, 60.0

_REFUSED = Transition(state=State.FAILED, reason=Reason.REFUSED, code=144, message="no such course")

#: What the rows of the bench ask, in their order.
QUESTIONS = (
    "ls", "ls of three filters", "ls of what failed", "ls --sort oldest", "ls --sort finished",
    "stats", "stats --since 10m", "lanes", "schools", "why",
)  # fmt: skip


def looking(variables: Mapping[str, str], runs: int) -> Iterator[tuple[str, float]]:
    """Ask everything an operator asks; gives the quickest of so many runs each, in seconds."""
    redis = connect(from_env(variables).ledger_url)
    waiting = _trouble(RedisLedger(redis))
    queries = LedgerQueries(redis)
    for name, ask in zip(QUESTIONS, _questions(queries, waiting), strict=True):
        yield f"answer of {name}", min(_seconds(ask) for _ in range(runs))


def _trouble(ledger: RedisLedger) -> str:
    """Let some fail and some wait; gives one that waits."""
    like = Submission(
        id="", operation="edit_course", school="main", fields={"courseId": 1, "courseName": "C"}
    )
    failed = [replace(like, id=new_id()) for _ in range(_FAILED)]
    lanes = [f"main:course:{n}" for n in range(_LANES)] * _IN_EACH
    waiting = [replace(like, id=new_id(), lane=lane) for lane in lanes]
    submit_all(ledger, [*failed, *waiting])
    for each in failed:
        claim = try_claim(ledger, each.id, "lease", "bench", _LEASE)
        assert claim is not None
        ledger.advance(claim, _REFUSED, None)
    return waiting[-1].id


def _questions(queries: LedgerQueries, waiting: str) -> Iterator[Callable[[], object]]:
    now = queries.now()

    def listed(chosen: Filter, order: Order = Order.NEWEST) -> Callable[[], object]:
        return lambda: queries.listing(chosen, order, _PAGE)

    yield listed(Filter())
    yield listed(Filter(state="succeeded", operation="edit_course", school="main"))
    yield listed(Filter(operation="edit_course", reason="refused", since=now - _DAY))
    yield listed(Filter(state="succeeded"), Order.OLDEST)
    yield listed(Filter(state="failed"), Order.FINISHED)
    yield lambda: (queries.counts(), statistics(queries, now - _DAY, now))
    yield lambda: statistics(queries, now - 10 * _MINUTE, now)
    yield lambda: look_at_lanes(queries, _PAGE, stuck=False)
    yield lambda: look_at_schools(queries, ["main"], now - _DAY)
    yield lambda: inquire(queries, waiting, _DAY)


def _seconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began
