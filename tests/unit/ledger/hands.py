"""What stories of the ledger have in common: submissions, claims, and what is said with them."""

from dataclasses import replace

from tests.claiming import try_claim
from worker.classin.verdicts import Verdict
from worker.ledger.record import Attempt, Submission
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Claim, SchoolSignal, Transition, UpdateResult

#: Seconds that a lease lasts here.
LEASE = 10.0

#: Seconds between two looks at a closed school.
LOOKS = (60.0, 120.0)

ENTRY = Submission(
    id="a",
    operation="create_folder",
    school="main",
    fields={"folderId": 747759, "folderName": "课程1"},
    batch="b",
    source="test",
    accepts_existing=True,
)
DONE = Transition(
    state=State.SUCCEEDED, code=1, message="ok", result={"data": 5}, access=SchoolSignal.LET_IN
)
PARTLY = replace(DONE, state=State.PARTIAL, code=103)
REFUSED = replace(DONE, state=State.FAILED, reason=Reason.REFUSED, code=193, result=None)
UNSURE = Transition(state=State.UNCERTAIN, message="no reply in time", maybe_applied=True)
AGAIN = Transition(state=State.RUNNING, code=104, message="unknown error", maybe_applied=True)
LATER = Transition(state=State.DEFERRED, code=253, message="not now", due_in=60, counts=True)
GIVEN_BACK = Transition(state=State.QUEUED)
LOCKED = Transition(
    state=State.QUEUED,
    code=102,
    message="no permission",
    access=SchoolSignal.LOCKED_OUT,
    probe_intervals=LOOKS,
)
HELD = replace(
    LOCKED, state=State.DEFERRED, code=901, access=SchoolSignal.MAINTENANCE, due_in=5, counts=True
)


def entry(
    record_id: str, *, lane: str | None = None, after: str = "", stops: bool = False
) -> Submission:
    """One like the others; `after` are ids with spaces between them."""
    return replace(ENTRY, id=record_id, lane=lane, after=tuple(after.split()), stops_lane=stops)


def attempt(n: int, code: int | None = 104, verdict: Verdict = Verdict.RETRY) -> Attempt:
    """The nth attempt."""
    return Attempt(n, 1_800_000_000_000 + n, 5, 200, code, "said\nso", verdict)


def claimed(
    ledger: RedisLedger, record_id: str = "a", lease: str = "one", worker: str = "w"
) -> Claim:
    """A claim that has to succeed."""
    claim = try_claim(ledger, record_id, lease, worker, LEASE)
    assert claim is not None
    return claim


def settled(ledger: RedisLedger, record_id: str = "a", standing: Transition = DONE) -> UpdateResult:
    """Carry a record that is queued to where this leaves it."""
    return ledger.advance(claimed(ledger, record_id), standing, None)


def states(ledger: RedisLedger, record_ids: str) -> list[State]:
    """Where these stand: a letter for each."""
    return [ledger.find(record_id).state for record_id in record_ids]


def released(ledger: RedisLedger) -> list[str]:
    """Whom the next looks find among those who waited."""
    found = []
    more = True
    while more:
        due, more = ledger.release(500)
        found += [each.id for each in due]
    return found
