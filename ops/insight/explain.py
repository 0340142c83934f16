"""Explain why an operation is in its state, from everything that is known of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.insight.status_text import status_text
from ops.insight.wait_text import closure_in_words, in_words
from worker.durations import duration_text
from worker.errors import NotFoundError
from worker.ledger.clock import LedgerClock
from worker.ledger.queries import LedgerQueries, QueuePosition, Slowdown
from worker.ledger.record import Record, iso
from worker.ledger.states import State
from worker.ledger.types import SchoolPause, WaitReason

#: Maximum links that are followed between retries, and between waiting records.
_FARTHEST = 50

#: Milliseconds.
_SECOND, _MINUTE = 1000, 60_000

Moment = Callable[[int | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that bears on one operation. Times are ms since 1970."""

    now: int
    record: Record
    #: The records it retries, the first one first; and those that retry it.
    before: Sequence[Record]
    after: Sequence[Record]
    batch: Mapping[State, int]
    whereabouts: QueuePosition
    #: The record it waits for, the one that waits for, and so on; each with its own reason.
    chain: Sequence[tuple[Record, WaitReason | None]]
    #: What it waits for, and its other unsettled dependencies.
    obstacle: WaitReason | None
    waits_for: Sequence[Record]
    closure: SchoolPause | None
    #: Since when this kind of operation alone is locked out of its school.
    barred_since: int | None
    #: Minimum ms between two requests, by "SCHOOL OPERATION" or "SCHOOL".
    paces: Mapping[str, float]
    slowdowns: Sequence[Slowdown]
    #: Live worker processes.
    workers: int
    #: The ledger's time against Redis's clock.
    clock: LedgerClock
    #: When it fails if it is not done by then; None: it has not been tried, and waits for no slot.
    gives_up_at: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        where, because = self.whereabouts, self.record.failed_because
        return {
            "id": self.record.id,
            "state": self.record.state.value,
            "failed_because": because.to_dict() if because else None,
            "words": [f"{name}: {text}" for name, text in points(self, lambda ms: iso(ms) or "")],
            "retries_before": [each.id for each in self.before],
            "retries_after": [each.id for each in self.after],
            "batch": {
                "id": self.record.batch,
                "states": {state.value: number for state, number in self.batch.items()},
            },
            "lane": {
                "name": self.record.lane,
                "place": where.lane_place,
                "length": where.lane_length,
            },
            "waits_for": self.obstacle.to_dict() if self.obstacle else None,
            "after": [each.id for each in self.waits_for],
            "chain": [each.id for each, _ in self.chain],
            "school": self.closure.to_dict() if self.closure else None,
            "worker": where.worker,
            "lease_ends": iso(where.lease_ends),
            "sent_at": iso(where.sent_at) if where.sent_at else None,
            "ahead": where.ahead,
            "due_at": iso(self.record.due_at),
            "gives_up_at": iso(self.gives_up_at),
            "workers": self.workers,
        }


def inquire(queries: LedgerQueries, record_id: str, give_up_after: float) -> Explanation:
    """Collect everything that bears on an operation.

    `give_up_after`: seconds after which an attempted operation fails. Raises NotFoundError.
    """
    record, now = queries.find(record_id), queries.now()
    waiting = not record.state.settled
    obstacle = queries.wait_reasons([record]).get(record.id)
    kinds = [f"{record.school} {record.operation}", record.school]
    (school,) = (each for each in queries.schools([record.school]) if each.name == record.school)
    started = record.started_at if record.attempts or not record.paced else record.paced_at
    return Explanation(
        now=now,
        record=record,
        before=[*_linked(queries, record, lambda each: each.retry_of)][::-1],
        after=[*_linked(queries, record, lambda each: each.retried_by)],
        batch=queries.batch_counts(record.batch) if record.batch else {},
        whereabouts=queries.position(record) if waiting else QueuePosition(),
        chain=[*_chain(queries, obstacle)],
        obstacle=obstacle,
        waits_for=[each for each in queries.find_all(record.after) if not each.state.settled],
        closure=school.closure,
        barred_since=school.barred.get(record.operation),
        paces={what: ms for what, ms in queries.paces().items() if what in kinds},
        slowdowns=queries.slowdowns(kinds),
        workers=sum(until > now for until in queries.workers().values()),
        clock=queries.clock_state(),
        gives_up_at=started + round(give_up_after * 1000) if waiting and started else None,
    )


def _linked(
    queries: LedgerQueries, record: Record, other: Callable[[Record], str | None]
) -> Iterator[Record]:
    """Follow the links between retries."""
    for _ in range(_FARTHEST):
        name = other(record)
        if name is None:
            return
        try:
            record = queries.find(name)
        except NotFoundError:
            return  # no longer kept
        yield record


def _chain(
    queries: LedgerQueries, obstacle: WaitReason | None
) -> Iterator[tuple[Record, WaitReason | None]]:
    """Follow the chain of waiting records."""
    for _ in range(_FARTHEST):
        if obstacle is None or obstacle.behind is None:
            return
        found = queries.find_all([obstacle.behind])
        if not found:
            return
        obstacle = queries.wait_reasons(found).get(found[0].id)
        yield found[0], obstacle


def points(inquiry: Explanation, moment: Moment) -> Iterator[tuple[str, str]]:
    """Yield the explanation as headings with texts; `moment` formats ms since 1970."""
    record = inquiry.record
    yield "Asked", f"{moment(record.enqueued_at)}, for school {record.school}{_origin(record)}"
    yield from _retries(inquiry, moment)
    yield from _batch(inquiry)
    if not record.state.settled:
        yield from _lane(inquiry)
        yield from _waits(inquiry, moment)
        yield from _school(inquiry, moment)
        yield from _hands(inquiry, moment)
        yield from _clock(inquiry, moment)
    yield from _last(record, moment)
    said = status_text(record)
    yield "Means", said.meaning
    yield "Next", " ".join(_next(inquiry, moment))
    yield "To do", " ".join(_todo(inquiry))


def _origin(record: Record) -> str:
    return f", from {record.source}" if record.source else ""


def _brief(record: Record, moment: Moment) -> str:
    reason = f"/{record.reason.value}" if record.reason else ""
    at = record.finished_at or record.enqueued_at
    return f"{record.id} ({record.state.value}{reason}, {moment(at)})"


def _retries(inquiry: Explanation, moment: Moment) -> Iterator[tuple[str, str]]:
    if inquiry.before:
        yield "Tries again", ", then ".join(_brief(each, moment) for each in inquiry.before)
    if inquiry.after:
        yield "Tried again", ", then ".join(_brief(each, moment) for each in inquiry.after)


def _batch(inquiry: Explanation) -> Iterator[tuple[str, str]]:
    if inquiry.record.batch:
        states = (state for state in State if inquiry.batch.get(state))
        counts = ", ".join(f"{inquiry.batch[state]:,} {state.value}" for state in states)
        yield "Batch", f"{inquiry.record.batch}: {counts}"


def _lane(inquiry: Explanation) -> Iterator[tuple[str, str]]:
    where = inquiry.whereabouts
    if inquiry.record.lane is None or where.lane_place is None:
        return
    if where.lane_length == 1:
        text = "it is alone there"
    elif where.lane_place == 0:
        text = f"it is the first of {where.lane_length:,}; the others wait for it"
    else:
        text = f"{where.lane_place:,} of the {where.lane_length:,} there are before it"
    yield "Lane", f"{inquiry.record.lane}: {text}"


def _waits(inquiry: Explanation, moment: Moment) -> Iterator[tuple[str, str]]:
    first = inquiry.chain[0][0].id if inquiry.chain else None
    others = [each.id for each in inquiry.waits_for if each.id != first]
    for number, (other, obstacle) in enumerate(inquiry.chain):
        why = f": {in_words(obstacle, moment)}" if obstacle else _stands(other, moment)
        name = f"{other.id}, {other.operation}, {other.state.value}"
        yield ("Waits for" if number == 0 else "which"), f"{name}{why}"
    if others:
        yield "and for", ", ".join(others)
    if inquiry.obstacle is not None and inquiry.obstacle.quiet:
        yield "Now", in_words(inquiry.obstacle, moment)


def _stands(record: Record, moment: Moment) -> str:
    """Explain why a record that waits for no other is not done."""
    due = f", due {moment(record.due_at)}" if record.due_at is not None else ""
    said = record.message if record.attempts else None
    return f"{due}{f': {said}' if said else ''}"


def _school(inquiry: Explanation, moment: Moment) -> Iterator[tuple[str, str]]:
    if inquiry.closure is not None:
        yield "School", closure_in_words(inquiry.closure, moment)
    if inquiry.barred_since is not None:
        kind = inquiry.record.operation
        yield "School", f"{kind} alone is locked out since {moment(inquiry.barred_since)}"
    for what, interval in inquiry.paces.items():
        yield "Pace", f"{what}: at most {pace_in_words(interval)}"
    for each in inquiry.slowdowns:
        yield "Pace", f"{each.what} is slowed down: ClassIn said that it was too fast"


def pace_in_words(interval: float) -> str:
    """Return a rate limit as text, given the minimum ms between two requests."""
    if interval > _MINUTE:
        return f"one in {duration_text(interval)}"
    by_second = interval <= _SECOND and round(_SECOND / interval, 2).is_integer()
    unit, name = (_SECOND, "second") if by_second else (_MINUTE, "minute")
    return f"{unit / interval:,.0f} a {name}"


def _hands(inquiry: Explanation, moment: Moment) -> Iterator[tuple[str, str]]:
    where = inquiry.whereabouts
    if where.worker is not None:
        yield "Worker", f"{where.worker} has it, by a lease until {moment(where.lease_ends)}"
    elif where.parked_place is not None:
        yield "Queue", f"put aside for its school, with {where.parked_place:,} before it"
    elif where.sent_at is not None:
        since = f"since {moment(where.sent_at)}"
        yield "Queue", f"{since}; {where.ahead:,} of its priority are before it"


def _clock(inquiry: Explanation, moment: Moment) -> Iterator[tuple[str, str]]:
    seen = inquiry.clock
    if seen.stepped_lately(inquiry.now):
        went = f"Redis's went back by {duration_text(seen.stepped_by)} {moment(seen.stepped_at)}"
        yield "Clock", f"{went}; leases and due times are not affected"


def _last(record: Record, moment: Moment) -> Iterator[tuple[str, str]]:
    if record.attempts:
        last = record.attempts[-1]
        code = f"{last.code}, " if last.code is not None else ""
        took = duration_text(last.ms)
        text = f"{code}{last.message or 'nothing'} ({last.verdict.value}, after {took})"
        yield f"Attempt {last.n}", f"{moment(last.at)}: {text}"


def _next(inquiry: Explanation, moment: Moment) -> Iterator[str]:
    """Yield what happens without intervention."""
    record = inquiry.record
    match record.state:
        case State.BLOCKED:
            yield "It goes on once those are settled; if one that it was told to wait for does not"
            yield "succeed, it fails."
        case State.RUNNING:
            yield "Its reply is awaited; should its worker fall silent, another takes it over."
        case State.DEFERRED if record.paced:
            yield "It goes to a worker when its turn comes."
        case State.DEFERRED:
            yield f"At {moment(record.due_at)} it goes back to a worker."
        case State.QUEUED if inquiry.closure is not None:
            yield _opening(inquiry.closure, moment)
        case State.QUEUED:
            yield "The next worker that is free takes it."
        case _ if record.state.settled:
            yield "Nothing: it is settled."
            return
        case _:
            yield status_text(record).meaning
    if inquiry.gives_up_at is not None and record.state is not State.BLOCKED:
        yield f"If it is not done by {moment(inquiry.gives_up_at)}, it fails."


def _opening(closure: SchoolPause, moment: Moment) -> str:
    if closure.next_look is None:
        return "It waits until somebody opens the school."
    return (
        f"At {moment(closure.next_look)} one of the school's operations looks whether it is open."
    )


def _todo(inquiry: Explanation) -> Iterator[str]:
    """Yield what a person can do."""
    record = inquiry.record
    if record.state.settled:
        yield status_text(record).todo
        return
    if not inquiry.workers:
        yield "No worker runs: start one with `classin up` or `classin worker`."
    if inquiry.closure is not None:
        yield f"`classin resume {inquiry.closure.school}` opens the school at once."
    if inquiry.chain:
        last, _ = inquiry.chain[-1]
        yield f"What holds it up is {last.id}: `classin why {last.id}` tells why,"
        yield f"`classin cancel {last.id}` calls it off."
    elif inquiry.workers and inquiry.closure is None:
        yield status_text(record).todo
    if record.state is not State.RUNNING:
        yield f"`classin cancel {record.id}` calls it off."
