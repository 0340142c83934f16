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
    """What became of one submission."""

    #: Its own, or that of the record which stands for it: by its dedup key, or as another retry.
    id: str
    #: Whether this call recorded it.
    new: bool
    #: Whether a message must be sent for it now.
    ready: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's lease on a record, with the record as it was when the lease began."""

    lease: str
    record: Record
    #: Which claim of this record it is, from 1: a later one ends all earlier ones.
    token: int
    #: When it was claimed, by the ledger's clock, in ms since 1970.
    at: int
    #: Seconds to wait before the first request, for the pace.
    wait: float = 0.0


class SchoolSignal(StrEnum):
    """What a reply told of a school."""

    #: It lets us in.
    LET_IN = "in"
    #: The secret, a permission or the account is refused.
    LOCKED_OUT = "locked"
    #: It is closed for a while, to everybody.
    MAINTENANCE = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Where an attempt leaves its record."""

    state: State
    reason: Reason | None = None
    #: ClassIn's number and words, or ours when there was no reply.
    code: int | None = None
    message: str = ""
    result: Mapping[str, Any] | None = None
    already: bool = False
    #: The attempt may have been carried out, and nobody read what came of it.
    maybe_applied: bool = False
    #: It may still be carried out, later than what is sent next: nobody answered.
    late: bool = False
    #: Seconds until it is due again, for a deferred one.
    due_in: float = 0.0
    #: Whether this deferral lengthens the next.
    counts: bool = False
    #: What the reply told of the school, if anything.
    access: SchoolSignal | None = None
    #: For so many seconds this kind is not to be sent for this school, and more slowly after that.
    slow_down: float | None = None
    #: While a school is closed, the pauses until the next look, in seconds; the last one repeats.
    probe_intervals: Sequence[float] = ()


class ReadyRecord(NamedTuple):
    """A record that somebody must carry to a worker."""

    id: str
    operation: str
    priority: Priority = Priority.NORMAL
    #: A worker died while it had it, which may be why: its message names no other.
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
    """A queue that lies in the ledger's own Redis: what is recorded gets its message at once.

    In the texts of the messages, `@TAG@` stands for what tells one from another, `@ID@` for an id,
    `@OPERATION@` for the name of its operation, `@IDS@` for several ids, and `@PRIORITY@` for the
    number of their priority.
    """

    #: The list of each priority, and its number.
    lists: Mapping[Priority, tuple[str, int]]
    #: A message for one record, and one for several, of so many at most.
    single: str
    several: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records to list; what is None does not matter.

    `since` and `until` are ms since 1970; the moment of `until` itself is outside.
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
    """Why a school is not spoken to at present. Times are ms since 1970."""

    school: str
    #: Paused because it was locked out, or by a person; held because of ClassIn's maintenance.
    held: bool
    by_hand: bool
    since: int
    #: ClassIn's code, or what the person said.
    code: int | None = None
    why: str = ""
    #: When the next look is due; None when a person must open it.
    next_look: int | None = None
    #: How many records wait for it.
    parked: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
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
    """What an unsettled record waits for: one of these. Times are ms since 1970."""

    #: The record that is before it in its lane, or that it was told to wait for.
    behind: str | None = None
    #: Where that one stands, and when it is due.
    state: State | None = None
    due_at: int | None = None
    closure: SchoolPause | None = None
    #: Its turn, by the pace of its kind, and how many of that kind have theirs before it.
    pace: bool = False
    ahead: int | None = None
    #: What was sent before it in its lane may still be carried out.
    quiet: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give it as `waits_for` of a record's JSON."""
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
    """Whether work gets on. Times are ms since 1970, by the clock of the store."""

    now: int
    #: Since when the oldest has been due, or had its message, without being taken; None: nothing.
    oldest_due: int | None
    #: When a record settled last, as far as the events go back.
    last_settled: int | None
    #: Worker processes that are alive.
    workers: int


class Page(NamedTuple):
    """Some records, newest first, and where the next page begins (None: nowhere)."""

    records: Sequence[Record]
    cursor: str | None
    #: The ids of those on the way that cannot be read: somebody changed them in Redis.
    unreadable: Sequence[str] = ()

    def complete(self) -> Sequence[Record]:
        """Return the records where none may be missing. Raises UnreadableValueError."""
        for record_id in self.unreadable:
            raise UnreadableValueError(cannot_be_read(f"record {record_id}"))
        return self.records


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records stand where."""

    #: By operation and state.
    by_operation: Mapping[tuple[str, State], int] = field(default_factory=dict)

    def by_state(self) -> Counter[State]:
        """Add up the operations."""
        total: Counter[State] = Counter()
        for (_, state), number in self.by_operation.items():
            total[state] += number
        return total

    def of(self, operation: str) -> Counter[State]:
        """Give the states of one operation's records."""
        mine = {state: n for (name, state), n in self.by_operation.items() if name == operation}
        return Counter(mine)

    def operations(self) -> list[str]:
        """Give the operations that have records."""
        return sorted({name for name, _ in self.by_operation})
