"""What the ledger is asked, and what it answers."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from worker.errors import UnreadableValueError
from worker.ledger.decoding import cannot_be_read
from worker.ledger.record import Attempt, Priority, Record, iso
from worker.ledger.states import Reason, State


class SubmitResult(NamedTuple):
    """The result of one submission."""

    #: Its own id, or that of the record that already has its dedup key or retries the same record.
    id: str
    #: Whether this call recorded it.
    new: bool
    #: Whether it needs a message now.
    ready: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's lease on a record, with the record as it was when the lease began."""

    lease: str
    record: Record
    #: Number of this claim of the record, from 1: a later one ends all earlier ones.
    token: int
    #: When it was claimed, by the ledger's clock, in ms since 1970.
    at: int
    #: Seconds to wait before the first request, for the pace.
    wait: float = 0.0


class SchoolSignal(StrEnum):
    """What a reply tells of its school."""

    #: It accepts our requests.
    LET_IN = "in"
    #: The secret, a permission or the account is refused.
    LOCKED_OUT = "locked"
    #: ClassIn is under maintenance.
    MAINTENANCE = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """The state in which an attempt leaves its record."""

    state: State
    reason: Reason | None = None
    #: ClassIn's number and words, or ours when there was no reply.
    code: int | None = None
    message: str = ""
    result: Mapping[str, Any] | None = None
    already: bool = False
    #: The attempt may have been executed, and its reply was not read.
    maybe_applied: bool = False
    #: It may still be executed, after the next request: there was no reply.
    late: bool = False
    #: Seconds until a deferred record is due again.
    due_in: float = 0.0
    #: Whether this deferral makes the next one longer.
    counts: bool = False
    #: What the reply tells of the school, if anything.
    access: SchoolSignal | None = None
    #: Seconds without requests of this operation for this school; they are slower after that.
    slow_down: float | None = None
    #: Seconds between probes while a school is closed; the last one repeats.
    probe_intervals: Sequence[float] = ()


class ReadyRecord(NamedTuple):
    """A record that needs a worker now."""

    id: str
    operation: str
    priority: Priority = Priority.NORMAL
    #: A worker died while it had this record, perhaps because of it: its message names no other.
    suspect: bool = False


class TurnList(NamedTuple):
    """Records whose turn it is, by their pace."""

    ready: Sequence[ReadyRecord]
    #: Seconds until the next may have its turn; None: no record waits for one.
    next_in: float | None


class UpdateResult(NamedTuple):
    """What the ledger made of a ClaimUpdate."""

    #: May differ from what the update says: a record that was called off is cancelled.
    state: State
    #: Seconds to wait before the next request, for the pace.
    wait: float
    #: Records that are ready now because of that.
    released: Sequence[ReadyRecord]


class ClaimUpdate(NamedTuple):
    """What a worker reports of one claim."""

    claim: Claim
    transition: Transition
    attempt: Attempt | None = None
    #: Seconds for which the lease is renewed, of one that goes on running.
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many more records of each school a worker takes; None: no limit."""

    of_any: int | None = None
    #: By school, for those of which it has some in hand.
    of: Mapping[str, int] = field(default_factory=dict)
    #: Of records whose worker died, whatever their school.
    suspects: int | None = None

    def after(self, claims: Sequence[Claim]) -> Self:
        """Return what is left once these are claimed."""
        of = dict(self.of)
        for school, number in Counter(claim.record.school for claim in claims).items():
            left = of.get(school, self.of_any)
            if left is not None:
                of[school] = max(0, left - number)
        suspects = self.suspects
        if suspects is not None:
            suspects = max(0, suspects - sum(claim.record.lost_workers > 0 for claim in claims))
        return replace(self, of=of, suspects=suspects)


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What a worker reports of its claims, and the records that it asks for."""

    updates: Sequence[ClaimUpdate] = ()
    #: Lease by record id.
    leases: Mapping[str, str] = field(default_factory=dict)
    worker: str = ""
    #: Seconds that each lease lasts.
    lasts: float = 0.0
    capacity: Capacity = field(default_factory=Capacity)
    #: Ids in `leases` whose message did not come through the queue just now.
    messageless: Collection[str] = ()


class ClaimResult(NamedTuple):
    """The answer to a ClaimRequest."""

    #: For each update, in order; None: the lease was lost, and nothing changed.
    results: Sequence[UpdateResult | None]
    #: Of the records asked for, those that may be worked on now.
    claims: Sequence[Claim]
    #: Ids that do not exist.
    missing: Sequence[str]
    #: Ids of suspects beyond the capacity: they may be asked for again.
    refused_suspects: Sequence[str] = ()
    #: Redis is full (maxmemory): updates were written, and no record was claimed.
    full: bool = False
    #: How many of the records asked for wait for their turn now, by their pace.
    paced: int = 0
    #: Positions of updates that are malformed, or whose records are.
    invalid: Sequence[int] = ()


class InlineQueue(NamedTuple):
    """A queue in the ledger's own Redis: records get their messages as they are written.

    Messages are templates: `@TAG@` is replaced by a unique text, `@ID@` by an id, `@OPERATION@` by
    its operation, `@IDS@` by several ids, and `@PRIORITY@` by the number of their priority.
    """

    #: By priority: the key of its list, and its number.
    lists: Mapping[Priority, tuple[str, int]]
    #: The message for one record, and for up to `most` records.
    single: str
    several: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records to list; None: any value.

    `since` (inclusive) and `until` (exclusive) are ms since 1970.
    """

    state: str | None = None
    operation: str | None = None
    school: str | None = None
    code: int | None = None
    batch: str | None = None
    reason: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolPause:
    """A school to which no requests are sent now. Times are ms since 1970."""

    school: str
    #: True: ClassIn's maintenance; False: paused by a lock-out, or by a person.
    held: bool
    by_hand: bool
    since: int
    #: ClassIn's code; `why` is its message, or the person's reason.
    code: int | None = None
    why: str = ""
    #: When the next probe is due; None: a person must resume it.
    next_look: int | None = None
    #: Number of records that wait for it.
    parked: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that is shown as JSON."""
        return {
            "school": self.school,
            "closed": "held" if self.held else "paused",
            "by_hand": self.by_hand,
            "since": iso(self.since),
            "code": self.code,
            "why": self.why,
            "next_look": iso(self.next_look),
            "waiting": self.parked,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitReason:
    """What an unsettled record waits for. Times are ms since 1970."""

    #: The first record of its lane, or a dependency.
    behind: str | None = None
    #: The state of that record, and when it is due.
    state: State | None = None
    due_at: int | None = None
    closure: SchoolPause | None = None
    #: Its turn, by the pace of its operation, and how many have theirs before it.
    pace: bool = False
    ahead: int | None = None
    #: An earlier request of its lane may still be executed.
    quiet: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the dict that is shown as `waits_for` in a record's JSON."""
        return {
            "behind": self.behind,
            "state": self.state.value if self.state else None,
            "due_at": iso(self.due_at),
            "pace": self.pace,
            "ahead": self.ahead,
            "quiet": self.quiet,
            "school": self.closure.to_dict() if self.closure else None,
        }


class QueueHealth(NamedTuple):
    """Whether the queue makes progress. Times are ms since 1970, by Redis's clock."""

    now: int
    #: Since when the oldest record has been due, or queued, without a claim; None: no record.
    oldest_due: int | None
    #: When a record settled last; None: no event is left.
    last_settled: int | None
    #: Worker processes that are alive.
    workers: int


class Page(NamedTuple):
    """Records, newest first, and the cursor of the next page (None: there is none)."""

    records: Sequence[Record]
    cursor: str | None
    #: Ids of records that cannot be read: somebody changed them in Redis.
    unreadable: Sequence[str] = ()

    def complete(self) -> Sequence[Record]:
        """Return the records. Raises UnreadableValueError if one cannot be read."""
        for record_id in self.unreadable:
            raise UnreadableValueError(cannot_be_read(f"record {record_id}"))
        return self.records


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of records."""

    #: By operation and state.
    by_operation: Mapping[tuple[str, State], int] = field(default_factory=dict)

    def by_state(self) -> Counter[State]:
        """Return the totals of all operations."""
        total: Counter[State] = Counter()
        for (_, state), number in self.by_operation.items():
            total[state] += number
        return total

    def of(self, operation: str) -> Counter[State]:
        """Return the numbers of one operation."""
        mine = {state: n for (name, state), n in self.by_operation.items() if name == operation}
        return Counter(mine)

    def operations(self) -> list[str]:
        """Return the operations that have records, by name."""
        return sorted({name for name, _ in self.by_operation})
