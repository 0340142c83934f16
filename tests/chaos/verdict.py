"""What became of a trial: pure. Nothing may be lost, doubled, or out of its order."""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ops.simulator import Entry
from tests.chaos.receiver import News
from tests.chaos.work import PACES, SCHOOLS, Step, numbers_in
from worker.classin.operation import Idempotency
from worker.ledger.record import Record
from worker.ledger.states import Reason, State

T = TypeVar("T")

#: Seconds over which a pace is looked at, and by how many requests it may be passed: what was
#: let go before a death of Redis or a stall can arrive together.
_MINUTE, _LEEWAY = 60.0, 10

#: Why a record may fail in the midst of dying workers: it seemed to be what kills them.
POISON = "poison"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is looked at when all is over."""

    #: The ids of the records that the submitter was told, by the operations' numbers.
    receipts: Mapping[int, str]
    #: Everything that the ledger has.
    records: Sequence[Record]
    #: Everything that ClassIn was asked, in order of arrival.
    entries: Sequence[Entry]
    #: What ClassIn holds: the simulator's state.
    held: Mapping[str, Any]
    #: How many operations each batch has, and what its webhook was told.
    batches: Mapping[str, int] = field(default_factory=dict)
    news: Sequence[News] = ()
    #: The records that try an operation again, by its number, as those were told who asked for it.
    retries: Mapping[int, set[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offence:
    """One thing that must not be."""

    record: str
    operation: str
    what: str

    def __str__(self) -> str:
        return f"{self.record} {self.operation}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The numbers of a trial, and what is wrong with it."""

    submitted: int
    #: Records by state, and by reason of failure.
    states: Mapping[str, int]
    #: Operations by how often ClassIn carried them out: 0, 1, 2 ...
    applied: Mapping[int, int]
    #: How often what leads to the same place was repeated, as it may be.
    repeats: int
    lanes: int
    lanes_out_of_order: int
    #: Seconds, at most, in which nothing was settled while something was under way.
    longest_stall: float
    attempts: int
    requests: int
    offences: Sequence[Offence]


class _Case:
    """One operation, and all that is known of it."""

    def __init__(
        self, step: Step, records: Sequence[Record], entries: Sequence[Entry], there: int
    ) -> None:
        self.step = step
        #: Its record, and what tries it again.
        self.records = [record for record in records if record.retry_of is None]
        self.retries = [record for record in records if record.retry_of is not None]
        #: Each request, and how many of them were carried out.
        self.entries = entries
        self.carried_out = sum(entry.applied for entry in entries)
        #: How often it took effect. What leads to the same place takes effect once.
        self.applied = there if step.makes else min(self.carried_out, 1)

    @property
    def record(self) -> str:
        """The id of its record, or else its key."""
        return self.records[0].id if self.records else self.step.key

    @property
    def settled_at(self) -> float:
        """When it was settled, in seconds since 1970; not yet, and so after everything else."""
        ends = [record.finished_at for record in self.records]
        return max((end / 1000 if end else float("inf") for end in ends), default=float("inf"))

    def offence(self, what: str) -> Offence:
        """Say what is wrong with it."""
        return Offence(self.record, self.step.operation, what)


def judge(steps: Sequence[Step], evidence: Evidence) -> Verdict:
    """Compare what was handed in with what the ledger, the journal and ClassIn have of it."""
    records = _by_number(evidence.records, lambda record: record.fields)
    entries = _by_number(evidence.entries, lambda entry: entry.fields)
    there = things(evidence.held)
    cases = [
        _Case(step, records.get(step.number, []), entries.get(step.number, []), there[step.number])
        for step in steps
    ]
    lanes = _lanes(cases)
    astray = {name: list(_out_of_order(lane)) for name, lane in lanes.items()}
    return Verdict(
        submitted=len(steps),
        states=Counter(_standing(record) for record in evidence.records),
        applied=Counter(case.applied for case in cases),
        repeats=sum(max(case.carried_out - 1, 0) for case in cases if not case.step.makes),
        lanes=len(lanes),
        lanes_out_of_order=sum(bool(found) for found in astray.values()),
        longest_stall=longest_stall(evidence.records),
        attempts=sum(len(record.attempts) for record in evidence.records),
        requests=len(evidence.entries),
        offences=[
            *(case.offence(what) for case in cases for what in _wrong(case, evidence)),
            *(offence for found in astray.values() for offence in found),
            *_strangers({step.number for step in steps}, evidence),
            *_told_wrong(evidence),
            *_too_fast(evidence.entries),
        ],
    )


def things(held: Mapping[str, Any]) -> Counter[int]:
    """Count how many things ClassIn holds under each number: of one kind, in all schools."""
    kinds: dict[str, Counter[int]] = defaultdict(Counter)
    for school in held["schools"].values():
        lists = {kind: listed for kind, listed in school.items() if isinstance(listed, list)}
        for kind, listed in lists.items():
            found = Counter(number for thing in listed for number in numbers_in(thing))
            if kind == "users":  # all schools share them
                kinds[kind] |= found
            else:
                kinds[kind] += found
    total: Counter[int] = Counter()
    for found in kinds.values():
        total |= found  # a registered student is a user and a student
    return total


def longest_stall(records: Sequence[Record]) -> float:
    """Give the longest stretch without anything settled while work was under way, in seconds.

    Of what is not settled the stretch is not over, and not counted.
    """
    moments = [(record.enqueued_at, 1) for record in records]
    moments += [(record.finished_at, -1) for record in records if record.finished_at]
    under_way, since, longest = 0, 0, 0
    for moment, change in sorted(moments):
        if under_way == 0:
            since = moment
        if change < 0:
            longest, since = max(longest, moment - since), moment
        under_way += change
    return longest / 1000


def _wrong(case: _Case, evidence: Evidence) -> Iterator[str]:
    """Say what is wrong with one operation, its order apart."""
    receipt = evidence.receipts.get(case.step.number)
    if receipt is None:
        yield "was never taken in"
    if not case.records:
        yield "is lost: there is no record of it"
    elif len(case.records) > 1:
        ids = ", ".join(record.id for record in case.records)
        yield f"is doubled: its records are {ids}"
    if case.records and receipt not in {None, *(record.id for record in case.records)}:
        yield f"has a receipt for another record, {receipt}"
    for record in case.records:
        yield from (_ill_doomed if case.step.doomed else _ill_settled)(case, record)
    yield from _ill_retried(case, evidence.retries.get(case.step.number, set()))
    if case.applied > 1:
        yield f"was applied {case.applied} times"
    sid = SCHOOLS[case.step.school].sid
    if strange := {entry.school for entry in case.entries} - {sid}:
        yield f"was sent in the name of another school: {', '.join(map(str, strange))}"


def _ill_settled(case: _Case, record: Record) -> Iterator[str]:
    """Say whether a record stands where it must not stand when all is over."""
    step, standing = case.step, _standing(record)
    match record.state:
        case State.SUCCEEDED if step.refused:
            yield "succeeded, though ClassIn refuses it"
        case State.SUCCEEDED if not case.applied:
            yield "succeeded, but was never applied"
        case State.SUCCEEDED:
            pass
        case State.FAILED if step.refused and record.reason is Reason.REFUSED:
            if case.carried_out and not step.mended:
                yield "was refused, but was applied"
        case State.FAILED | State.UNCERTAIN if record.reason == POISON:
            pass
        case State.UNCERTAIN if step.may_stay_uncertain:
            pass
        case state if state.settled:
            applied = f", applied {case.applied} times" if case.applied else ""
            yield f"ended as {standing}, code {record.code}, {record.message!r}{applied}"
        case _:
            yield f"is not settled: {standing}"


def _ill_doomed(case: _Case, record: Record) -> Iterator[str]:
    """Say whether one stands elsewhere than it must, since what it waits for failed."""
    if (record.state, record.reason) != (State.FAILED, Reason.DEPENDENCY):
        yield f"ended as {_standing(record)}, though what it waits for failed"
    if case.entries:
        yield "was sent, though what it waits for failed"


def _ill_retried(case: _Case, told: set[str]) -> Iterator[str]:
    """Say what is wrong with the retries of one operation; however many ask, there is one."""
    ids = {record.id for record in case.retries}
    if not (case.step.mended and any(one.state is State.FAILED for one in case.records)):
        if ids:
            yield f"was tried again as {', '.join(sorted(ids))}, which nobody asked for"
        return
    if len(ids) != 1:
        yield f"was tried again {len(ids)} times by several who asked at the same moment"
    if told - ids:
        yield f"is said to be tried again as {', '.join(sorted(told - ids))}, which is no record"
    for record in case.retries:
        well = record.state is State.SUCCEEDED and case.applied
        if not (well or record.state is State.UNCERTAIN or record.reason == POISON):
            yield f"was tried again, and ended as {_standing(record)}, applied {case.applied} times"


def _told_wrong(evidence: Evidence) -> Iterator[Offence]:
    """Find batches whose webhook was not told of, or of a part as if it were all."""
    told: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for news in evidence.news:
        if news.kind == "batch.settled":
            told[news.data["batch"]].append(news.data)
    for batch, size in evidence.batches.items():
        if not told[batch]:
            yield Offence("-", batch, "has settled, and its webhook was not told")
        for data in told[batch]:
            if data["total"] != size or sum(data["counts"].values()) != size:
                yield Offence("-", batch, f"was told of with {data['total']} of {size} operations")
    for stranger in told.keys() - evidence.batches.keys():
        yield Offence("-", stranger, "was told of, and is no batch")


def _too_fast(entries: Iterable[Entry]) -> Iterator[Offence]:
    """Find kinds of which a school was asked faster, over a minute, than their pace allows."""
    moments: dict[tuple[str, str], list[float]] = defaultdict(list)
    for entry in entries:
        operation = str(entry.operation)
        if operation in PACES:
            moments[str(entry.school), operation].append(entry.at)
    for (school, operation), at in moments.items():
        at.sort()
        most = PACES[operation] * (_MINUTE + 1) + _LEEWAY
        found = max(bisect(at, moment + _MINUTE) - place for place, moment in enumerate(at))
        if found > most:
            yield Offence("-", operation, f"was sent {found} times in a minute for {school}")


def _lanes(cases: Iterable[_Case]) -> dict[str, list[_Case]]:
    """Give the operations of each lane in their order."""
    lanes: dict[str, list[_Case]] = defaultdict(list)
    for case in cases:
        if case.step.lane is not None:
            lanes[case.step.lane].append(case)
    return lanes


def _out_of_order(lane: Sequence[_Case]) -> Iterator[Offence]:
    """Find what was carried out, also once more, after a later one; and what was sent too early.

    What only reads may be carried out late: it changes nothing.
    """
    turns = sorted(
        (entry.turn, place)
        for place, case in enumerate(lane)
        for entry in case.entries
        if entry.turn is not None and case.step.spec.idempotency is not Idempotency.READ_ONLY
    )
    latest, late = 0, set()
    for _, place in turns:
        if place < latest and place not in late:
            late.add(place)
            yield lane[place].offence(f"was carried out after {lane[latest].record} of its lane")
        latest = max(latest, place)
    settled, waited_for = float("-inf"), None
    for case in lane:
        sent = min((entry.at for entry in case.entries), default=float("inf"))
        # A record's times are whole milliseconds.
        if waited_for is not None and sent < settled - 0.001:
            yield case.offence(f"was sent before {waited_for.record} of its lane was settled")
        if case.settled_at >= settled:
            settled, waited_for = case.settled_at, case


def _strangers(numbers: set[int], evidence: Evidence) -> Iterator[Offence]:
    """Find records and requests that belong to nothing that was handed in."""

    def strange(fields: Mapping[str, Any]) -> bool:
        found = numbers_in(fields)
        return not found or not found <= numbers

    for record in evidence.records:
        if strange(record.fields):
            yield Offence(record.id, record.operation, "nobody handed it in")
    unknown = Counter(str(entry.operation) for entry in evidence.entries if strange(entry.fields))
    for operation, times in unknown.items():
        yield Offence("-", operation, f"was sent {times} times for no record")


def _standing(record: Record) -> str:
    return f"{record.state}/{record.reason}" if record.reason else str(record.state)


def _by_number(
    found: Iterable[T], fields: Callable[[T], Mapping[str, Any]]
) -> Mapping[int, list[T]]:
    grouped: dict[int, list[T]] = defaultdict(list)
    for one in found:
        for number in numbers_in(fields(one)):
            grouped[number].append(one)
    return grouped
