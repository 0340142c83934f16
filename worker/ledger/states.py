"""Where a record can stand, and how it gets from one state to the next: pure.

ARCHITECTURE.md draws EDGES; a house check keeps the two alike.
"""

from enum import StrEnum

from worker.classin.verdicts import Verdict


class State(StrEnum):
    """Where a record stands."""

    #: Recorded; a message is on its way to a worker.
    QUEUED = "queued"
    #: Recorded; waits for others.
    BLOCKED = "blocked"
    #: A worker holds the lease.
    RUNNING = "running"
    #: Waits for its due time, then is carried to a worker again.
    DEFERRED = "deferred"
    #: ClassIn has it.
    SUCCEEDED = "succeeded"
    #: The main thing is done, a part is not.
    PARTIAL = "partial"
    #: Not done, and not tried again by itself.
    FAILED = "failed"
    #: Perhaps done; repeating could do it twice.
    UNCERTAIN = "uncertain"
    #: Called off by a person before it was done.
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        """Whether nothing more happens to such a record by itself."""
        return self in _SETTLED


class Reason(StrEnum):
    """Why a record failed; of what is uncertain, POISON says so as well."""

    #: ClassIn answered a permanent code, or the fields were never valid.
    REFUSED = "refused"
    #: A passing fault did not pass in all the time allowed.
    EXHAUSTED = "exhausted"
    #: An operation that it waited for did not succeed.
    DEPENDENCY = "dependency"
    #: It was never sent: its turn, by its pace, did not come in the time allowed.
    EXPIRED = "expired"
    #: Workers died, one after the other, while they had it.
    POISON = "poison"
    #: It was uncertain, and a person found that it was not done.
    DECIDED = "decided"


class Closure(StrEnum):
    """Why a school is closed."""

    #: ClassIn is in maintenance.
    HELD = "held"
    #: The school is locked out, or a person paused it.
    PAUSED = "paused"


class DependencyKind(StrEnum):
    """How a record depended on the one because of which it failed."""

    #: It was to wait for that one (`after`, or a reference to its result).
    AFTER = "after"
    #: It stood behind that one in a lane that stops on failure.
    LANE = "lane"


class WebhookState(StrEnum):
    """Where a batch's webhook stands."""

    #: Operations of the batch are still being handed in.
    OPEN = "open"
    #: Some of them are not settled.
    WAITING = "waiting"
    #: All are, and it is to be called.
    DUE = "due"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"


_SETTLED = frozenset(
    {State.SUCCEEDED, State.PARTIAL, State.FAILED, State.UNCERTAIN, State.CANCELLED}
)

#: What a person may find of an uncertain one: it was done, or not.
DECISIONS = frozenset({State.SUCCEEDED, State.FAILED})

#: From each state, those that may follow.
EDGES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.RUNNING, State.DEFERRED, State.CANCELLED}),
    State.BLOCKED: frozenset({State.QUEUED, State.FAILED, State.CANCELLED}),
    State.RUNNING: frozenset({State.RUNNING, State.QUEUED, State.DEFERRED, *_SETTLED}),
    State.DEFERRED: frozenset(
        {State.QUEUED, State.RUNNING, State.DEFERRED, State.FAILED, State.CANCELLED}
    ),
    **dict.fromkeys(_SETTLED, frozenset[State]()),
    State.UNCERTAIN: DECISIONS,
}


def settlement(verdict: Verdict) -> tuple[State, Reason | None] | None:
    """Give the state in which a verdict settles a record, or None if the work goes on."""
    match verdict:
        case Verdict.DONE | Verdict.ALREADY:
            return State.SUCCEEDED, None
        case Verdict.PARTIAL:
            return State.PARTIAL, None
        case Verdict.REFUSED:
            return State.FAILED, Reason.REFUSED
        case Verdict.AMBIGUOUS:
            return State.UNCERTAIN, None
        case Verdict.RETRY | Verdict.THROTTLED | Verdict.DEFER:
            return None
        case Verdict.LOCKED_OUT | Verdict.CLOCK_SKEW | Verdict.MISSIGNED:
            return None
