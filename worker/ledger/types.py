"""Ledger: what any store of records must be able to do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from worker.ledger.aside import Asides
from worker.ledger.batch import Batches
from worker.ledger.events import SettledEvent
from worker.ledger.pages import Counts, Page
from worker.ledger.queue_health import QueueHealth
from worker.ledger.record import Attempt, Priority, Record, Submission, iso
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


class Turns(NamedTuple):
    """Those whose turn it is, and after how many seconds to ask again (None: nobody waits)."""

    ready: Sequence[ReadyRecord]
    look_in: float | None


class UpdateResult(NamedTuple):
    """Where a record stands after an attempt was noted, which the ledger has the last word on."""

    state: State
    #: Seconds to wait before the next request, for the pace.
    wait: float
    #: Who can go on because of that.
    released: Sequence[ReadyRecord]


class ClaimUpdate(NamedTuple):
    """What is to be written down of one claim."""

    claim: Claim
    standing: Transition
    attempt: Attempt | None = None
    #: Seconds for which the lease is renewed, of one that goes on running.
    lasts: float = 0.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many more records of each school a worker takes; None: as many as come."""

    of_any: int | None = None
    #: Of those schools of which it has some in hand.
    of: Mapping[str, int] = field(default_factory=dict)
    #: Of records whose worker died, whatever their school.
    suspects: int | None = None


class Exchanged(NamedTuple):
    """What an exchange with the ledger brought."""

    #: By the order of the notes; None: the lease was lost, and nothing changed.
    noted: Sequence[UpdateResult | None]
    #: Of what was asked for, that which may be worked on now.
    claims: Sequence[Claim]
    #: Ids that no record has.
    missing: Sequence[str]
    #: Ids of suspects for which there was no room: they may be asked for again.
    put_off: Sequence[str] = ()
    #: The store had no room for claims, and looked at none; notes are taken all the same.
    full: bool = False
    #: How many of what was asked for wait for their turn now, by their pace.
    paced: int = 0
    #: Positions of notes that cannot be worked with, or whose records cannot.
    unsound: Sequence[int] = ()


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


class Ledger(Batches, Asides, Protocol):
    """The account of all operations. Each method raises UnavailableError when the store is away."""

    def submit(
        self, submissions: Sequence[Submission], mailbox: InlineQueue | None = None
    ) -> Sequence[SubmitResult]:
        """Record new operations; one whose id is there stays as it is.

        With a mailbox, those that are ready get their messages in the same step.

        Raises SubmitRefusedError for a dedup key that was used for something else,
        or for an id to wait for that is not there: then nothing of its chunk was recorded. `named`
        tells beforehand.
        """

    def named(self, school: str, names: Sequence[str]) -> Mapping[str, str]:
        """Find records by id or by the school's dedup keys; what is not there is left out."""

    def claim(
        self, record_id: str, lease: str, worker: str, lasts: float, full: Iterable[str] = ()
    ) -> Claim | None:
        """Take the lease for so many seconds; None if there is nothing to do now.

        What is of these schools that are `full` is parked: the worker has enough of them in hand.
        Raises NotFoundError.
        """

    def mark_sending(self, claim: Claim, fields: Mapping[str, Any] | None = None) -> None:
        """Note that a request is about to be sent, with these fields if others than recorded.

        Raises LeaseLostError.
        """

    def advance(
        self, claim: Claim, standing: Transition, attempt: Attempt | None, lasts: float = 0.0
    ) -> UpdateResult:
        """Note an attempt and put the record where it stands now; running renews the lease.

        Raises LeaseLostError: then nothing was changed.
        """

    def report_and_claim(
        self,
        notes: Sequence[ClaimUpdate],
        asked: Mapping[str, str],
        worker: str,
        lasts: float,
        room: Capacity,
        messageless: Collection[str] = (),
    ) -> Exchanged:
        """Write down notes as `advance` does, then claim as `claim` does, in one round trip.

        `asked`: leases by record id; `messageless`: those of them whose message did not come
        through the queue just now. Asking the same again gives the same answer.
        """

    def renew_leases(self, worker: str, lasts: float, in_hand: Sequence[Claim]) -> Sequence[str]:
        """Renew what a worker has in hand for so many seconds; gives the leases that are over.

        Without a name it is not counted as one that is there.
        """

    def unpark(self, limit: int, school: str) -> Sequence[ReadyRecord]:
        """Give parked records of a school back, for the caller to claim at once."""

    def unpark_some(
        self, limit: int, of_each: int, cursor: str = "0"
    ) -> tuple[Sequence[ReadyRecord], str]:
        """Give parked records back, so many in all: some of each school that is open, one to try.

        About a hundred schools have their turn; gives where among them to go on ("0": all had it).
        """

    def turns(self, limit: int) -> Turns:
        """Give those whose turn it is, by their pace, for the caller to claim at once."""

    def requeue_due(self, limit: int, *, orphans: bool) -> Sequence[ReadyRecord]:
        """Give what must be carried to a worker now; with what silent workers had, if `orphans`."""

    def release(self, limit: int) -> tuple[Sequence[ReadyRecord], bool]:
        """Tell so many (500 at most) of those who waited for what has settled, and were too many.

        Gives who can go on, and whether there are more to tell.
        """

    def requeue_lost(
        self, limit: int, slack: float, *, empty: Collection[Priority]
    ) -> Sequence[ReadyRecord]:
        """Return what is queued but has lost its message, `slack` seconds ago at least.

        `limit`: of each priority; `empty`: priorities of which no message waits.
        """

    def acquire_lock(self, what: str, who: str, seconds: float) -> bool:
        """Take, or renew, the sole right to something."""

    def holder(self, what: str) -> str | None:
        """Say who has the sole right to something now."""

    def set_paces(self, paces: Mapping[str, float]) -> None:
        """Say how many ms must lie between two requests, by "SCHOOL OPERATION" or "SCHOOL"."""

    def pause(self, school: str, why: str) -> bool:
        """Let a school's operations wait until `resume`; False if a person had paused it before."""

    def resume(self, school: str) -> bool:
        """Open a school, whatever closed it; False if it was open."""

    def closures(self) -> Sequence[SchoolPause]:
        """Give the schools that are closed, by name."""

    def cancel(self, record_id: str) -> tuple[State, Sequence[ReadyRecord]]:
        """Call a record off; gives where it stands now, and who can go on because of that.

        One that is running is cancelled when its attempt ends, unless that settles it. Raises
        NotFoundError.
        """

    def resolve(
        self, record_id: str, state: State, why: str, who: str, result: str = ""
    ) -> State | None:
        """Say of an uncertain record that it succeeded or failed; `result` is JSON, or ''.

        Gives the state in which it was: unless that is uncertain, nothing was changed. None: some
        who waited for it are being told still. The audit trail has it. Raises NotFoundError.
        """

    def events(self, after: str, limit: int, wait: float = 0.0) -> Sequence[SettledEvent]:
        """Give what settled after an event, the first first; waits so many seconds for one."""

    def last_event(self) -> str:
        """Name the last event; `0-0` if there is none."""

    def keeps_event(self, event: str) -> bool:
        """Say whether what came after an event is still known, all of it."""

    def pulse(self) -> QueueHealth:
        """Say whether work gets on."""

    def obstacles(self, records: Sequence[Record]) -> Mapping[str, WaitReason]:
        """Say by id what each of these records waits for; most wait for nothing."""

    def workers(self) -> Mapping[str, int]:
        """Give the worker processes by name, with when each counts as gone (ms since 1970)."""

    def find(self, record_id: str) -> Record:
        """Give one record. Raises NotFoundError."""

    def find_all(self, record_ids: Sequence[str]) -> Sequence[Record]:
        """Give those of the records that are there, in this order."""

    def piece(self, record_id: str, name: str, number: int) -> bytes:
        """Give a piece, from 0, of a file that travels with its record; empty if there is none."""

    def page(self, chosen: Filter, limit: int, cursor: str | None = None) -> Page:
        """List records, newest first. Raises InvalidInputError for a cursor that is none."""

    def counts(self) -> Counts:
        """Count the records."""

    def batch(self, batch: str) -> Mapping[State, int]:
        """Count the records of a batch by state; empty if there is no such batch."""

    def codes(self) -> Mapping[int, int]:
        """Count the records by the code that they met last."""
