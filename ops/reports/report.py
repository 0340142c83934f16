"""The nightly report, built from the ledger and the schedule; it holds no personal data."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ops.insight import failure_causes
from ops.insight.lanes_and_schools import STUCK_AFTER
from worker.ledger.events import SettledEvent
from worker.ledger.queries import LedgerQueries
from worker.ledger.record import Record, iso
from worker.ledger.report_store import ReportStore
from worker.ledger.schedule_models import Run
from worker.ledger.schedule_store import ScheduleStore
from worker.ledger.states import State
from worker.ledger.types import SchoolPause

_UNSETTLED = tuple(state for state in State if not state.settled)

#: Failed records that are read one by one, the latest ones.
_MOST_RECORDS = 5000

#: Records read at once.
_WINDOW = 500

#: Example ids per group; and runs, lanes and waiting records in a report.
_EXAMPLES, _MOST_RUNS, _MOST_LANES = 3, 200, 20

#: Maximum links that are followed between retries.
_LONGEST_CHAIN = 20


class Cause(NamedTuple):
    """What failures have in common."""

    operation: str
    of: failure_causes.Cause

    @property
    def stands(self) -> str:
        """Return state and reason: failed/refused."""
        state, reason, _ = self.of
        return f"{state.value}/{reason.value}" if reason else state.value

    @property
    def code(self) -> int | None:
        """Return ClassIn's last code."""
        return self.of.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Failures with one cause."""

    cause: Cause
    #: Records that need a person.
    number: int
    #: Records that a retry has completed since.
    mended: int
    schools: tuple[str, ...]
    examples: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return what happened."""
        return failure_causes.meaning(self.cause.of)

    @property
    def todo(self) -> str:
        """Return what a person does about it."""
        return failure_causes.todo(self.cause.of)

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "operation": self.cause.operation,
            "stands": self.cause.stands,
            "code": self.cause.code,
            "means": self.words,
            "number": self.number,
            "mended": self.mended,
            "schools": list(self.schools),
            "examples": list(self.examples),
            "to_do": self.todo,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane without progress `since` (ms since 1970)."""

    name: str
    waiting: int
    since: int
    #: The record it waits for, and that one's state.
    head: str
    stands: str

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "lane": self.name,
            "waiting": self.waiting,
            "since": iso(self.since),
            "head": self.head,
            "state": self.stands,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The night's report. Times are ms since 1970."""

    since: int
    until: int
    #: Start of the known events: later than `since` if there were very many.
    known_since: int
    runs: Sequence[Run]
    settled: Mapping[State, int]
    waiting: Mapping[State, int]
    groups: Sequence[Group]
    closures: Sequence[SchoolPause]
    lanes: Sequence[Lane]
    #: The oldest unsettled record.
    oldest: Record | None

    @property
    def failures(self) -> int:
        """Return the number of records that need a person."""
        return sum(group.number for group in self.groups)

    @property
    def mended(self) -> int:
        """Return the number of records that a retry completed."""
        return sum(group.mended for group in self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        oldest = self.oldest
        return {
            "since": iso(self.since),
            "until": iso(self.until),
            "known_since": iso(self.known_since),
            "failures": self.failures,
            "mended": self.mended,
            "runs": [run.to_dict() for run in self.runs],
            "settled": {state.value: number for state, number in self.settled.items()},
            "waiting": {state.value: number for state, number in self.waiting.items()},
            "groups": [group.to_dict() for group in self.groups],
            "closed": [closure.to_dict() for closure in self.closures],
            "lanes": [lane.to_dict() for lane in self.lanes],
            "oldest": oldest
            and {
                "id": oldest.id,
                "operation": oldest.operation,
                "school": oldest.school,
                "state": oldest.state.value,
                "enqueued_at": iso(oldest.enqueued_at),
            },
        }


def gather(
    queries: LedgerQueries, schedule: ScheduleStore, reports: ReportStore, since: int, until: int
) -> Report:
    """Collect what happened between two moments (ms since 1970). Raises UnavailableError."""
    settled, trouble = reports.settled(since, until, failure_causes.FAILURES)
    sizes = reports.sizes(_UNSETTLED)
    return Report(
        since=since,
        until=until,
        known_since=max(since, reports.forgotten_until()),
        runs=[*filter(_is_told, reversed(schedule.runs(since, _MOST_RUNS)))],
        settled={state: settled[state] for state in State if settled[state]},
        waiting={state: number for state, number in sizes.items() if number},
        groups=_groups(queries, trouble),
        closures=queries.school_pauses(),
        lanes=_stuck(queries, until),
        oldest=_oldest(queries, reports),
    )


def _is_told(run: Run) -> bool:
    """Leave out the run that makes this report."""
    return run.words[0] != "report" or run.state.over


def _groups(queries: LedgerQueries, trouble: Sequence[SettledEvent]) -> list[Group]:
    """Group failures by cause, the largest group first.

    A retried record counts as mended once a retry has succeeded, and else by its retry's state; a
    resolved one by its resolution.
    """
    looked_at = trouble[-_MOST_RECORDS:]
    records = {each.id: each for each in _read(queries, [each.id for each in looked_at])}
    ends = _ends(queries, records)
    found: dict[Cause, list[SettledEvent]] = defaultdict(list)
    mended: Counter[Cause] = Counter()
    for each in trouble:
        if each.id in records and records[each.id].state is not each.state:
            continue
        if each.id not in ends:
            found[_cause_of(each)].append(each)
        elif ends[each.id] is State.SUCCEEDED:
            mended[_cause_of(each)] += 1
    groups = [_group(cause, found[cause], mended[cause]) for cause in {**found, **mended}]
    return sorted(groups, key=lambda group: (-group.number, group.cause.operation))


def _group(cause: Cause, members: Sequence[SettledEvent], mended: int) -> Group:
    return Group(
        cause=cause,
        number=len(members),
        mended=mended,
        schools=tuple(sorted({each.school for each in members})),
        examples=tuple(each.id for each in members[-_EXAMPLES:]),
    )


def _cause_of(each: SettledEvent) -> Cause:
    return Cause(each.operation, failure_causes.Cause(each.state, each.reason, each.code))


def _ends(queries: LedgerQueries, records: Mapping[str, Record]) -> dict[str, State]:
    """Return the state of the last retry of each retried record."""
    last = {each.id: each.retried_by for each in records.values() if each.retried_by}
    ends = {each.id: each.retry_ended for each in records.values() if each.retry_ended}
    for _ in range(_LONGEST_CHAIN):
        retries = {each.id: each for each in _read(queries, sorted(set(last.values())))}
        onwards = {}
        for origin, its_id in last.items():
            if its_id in retries:
                ends[origin] = retries[its_id].state
                if further := retries[its_id].retried_by:
                    onwards[origin] = further
        if not onwards:
            break
        last = onwards
    return ends


def _stuck(queries: LedgerQueries, now: int) -> list[Lane]:
    """Return stuck lanes, the longest first."""
    lanes, _ = queries.lanes(_MOST_LANES, now - STUCK_AFTER)
    return [
        Lane(
            name=each.name,
            waiting=each.length - 1,
            since=each.moved_at,
            head=each.head.id,
            stands=each.head.state.value,
        )
        for each in lanes
    ]


def _oldest(queries: LedgerQueries, reports: ReportStore) -> Record | None:
    firsts = [its_id for state in _UNSETTLED for its_id in reports.oldest(state, 1)]
    return min(_read(queries, firsts), key=lambda each: each.sequence, default=None)


def _read(queries: LedgerQueries, ids: Sequence[str]) -> Iterator[Record]:
    for start in range(0, len(ids), _WINDOW):
        yield from queries.find_all(ids[start : start + _WINDOW])
