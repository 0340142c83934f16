"""Status of lanes and schools, as shown to people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.insight.explain import Moment, pace_in_words
from ops.insight.failure_causes import number_of_failures
from ops.insight.wait_text import closure_in_words, in_words
from worker.ledger.hourly_stats import HourStats, total
from worker.ledger.limits import BARRED_FOR
from worker.ledger.queries import Lane, LedgerQueries, SchoolStatus, Slowdown
from worker.ledger.record import iso
from worker.ledger.types import WaitReason

#: Ms without progress after which a lane counts as stuck.
STUCK_AFTER = 600_000


@dataclass(frozen=True, slots=True)
class LaneView:
    """A lane with waiting records, and what its first one waits for."""

    lane: Lane
    obstacle: WaitReason | None
    #: Ms without progress.
    still: int

    def why(self, moment: Moment) -> str:
        """Return why its first record is not done."""
        head = self.lane.head
        if self.obstacle is not None:
            return in_words(self.obstacle, moment)
        due = f"due {moment(head.due_at)}: " if head.due_at is not None else ""
        return due + (head.message or "")

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        head = self.lane.head
        return {
            "lane": self.lane.name,
            "length": self.lane.length,
            "moved_at": iso(self.lane.moved_at),
            "still_ms": self.still,
            "first": {
                "id": head.id,
                "operation": head.operation,
                "state": head.state.value,
                "code": head.code,
                "due_at": iso(head.due_at),
            },
            "waits_for": self.obstacle.to_dict() if self.obstacle else None,
            "stopped_by": self.lane.stopped_by,
        }


def look_at_lanes(queries: LedgerQueries, limit: int, *, stuck: bool) -> tuple[list[LaneView], int]:
    """Return lanes, the longest stuck first, and their total number."""
    now = queries.now()
    lanes, number = queries.lanes(limit, now - STUCK_AFTER if stuck else None)
    obstacles = queries.wait_reasons([each.head for each in lanes])
    views = [
        LaneView(each, obstacles.get(each.head.id), max(0, now - each.moved_at)) for each in lanes
    ]
    return views, number


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolView:
    """A school's status, and today's counts."""

    standing: SchoolStatus
    #: Whether it is configured.
    configured: bool
    #: Minimum ms between two requests, by operation; "all" for the school.
    paces: Mapping[str, float]
    slowdowns: Sequence[Slowdown]
    settled: int
    failures: int

    @property
    def stands(self) -> str:
        """Return the status as a word."""
        closure = self.standing.closure
        return "open" if closure is None else "held" if closure.held else "paused"

    @property
    def waiting(self) -> int:
        """Return the number of records that are neither settled nor running."""
        return max(0, self.standing.unsettled - self.standing.running)

    def remarks(self, moment: Moment) -> Iterator[str]:
        """Yield further remarks."""
        if not self.configured:
            yield "not in the settings of this machine"
        if self.standing.closure is not None:
            yield closure_in_words(self.standing.closure, moment)
        for kind, since in self.standing.barred.items():
            yield f"{kind} alone is locked out until {moment(since + BARRED_FOR)}"
        for each in self.slowdowns:
            yield f"{_kind_of(each.what)} is slowed down: it was too fast for ClassIn"
        if self.paces:
            limits = (f"{kind} {pace_in_words(ms)}" for kind, ms in self.paces.items())
            yield f"at most {', '.join(limits)}"

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        standing = self.standing
        return {
            "school": standing.name,
            "configured": self.configured,
            "stands": self.stands,
            "closed": standing.closure.to_dict() if standing.closure else None,
            "waiting": self.waiting,
            "running": standing.running,
            "parked": standing.parked,
            "barred": {kind: iso(since + BARRED_FOR) for kind, since in standing.barred.items()},
            "paces_ms": dict(self.paces),
            "slowed_down": [_kind_of(each.what) for each in self.slowdowns],
            "today": {"settled": self.settled, "failures": self.failures},
        }


def look_at_schools(
    queries: LedgerQueries, configured: Sequence[str], midnight: int
) -> list[SchoolView]:
    """Return the status of schools: configured, closed, or with work now or today.

    `midnight` is the start of today, in ms since 1970.
    """
    now = queries.now()
    today = total(queries.hours(midnight, now).values())
    paces = queries.paces()
    used = {f"{school} {operation}" for _, school, operation in today.counted}
    used |= {f"{each.school} {each.operation}" for each in today.settled}
    names = {school for _, school, _ in today.counted} | {each.school for each in today.settled}
    standings = queries.schools([*configured, *names])
    slowdowns = queries.slowdowns(sorted({*paces, *used, *(each.name for each in standings)}))
    return [
        SchoolView(
            standing=_without_past_bars(each, now),
            configured=each.name in configured,
            paces={_kind_of(what): ms for what, ms in paces.items() if _is_of(what, each.name)},
            slowdowns=[slow for slow in slowdowns if _is_of(slow.what, each.name)],
            **_today_of(today, each.name),
        )
        for each in standings
    ]


def _today_of(today: HourStats, school: str) -> dict[str, int]:
    mine = [(ending, number) for ending, number in today.settled.items() if ending.school == school]
    return {
        "settled": sum(number for _, number in mine),
        "failures": number_of_failures(mine),
    }


def _without_past_bars(standing: SchoolStatus, now: int) -> SchoolStatus:
    """Leave out lock-outs that have ended but are still stored."""
    barred = {kind: at for kind, at in standing.barred.items() if now - at < BARRED_FOR}
    return standing._replace(barred=barred)


def _is_of(what: str, school: str) -> bool:
    return what == school or what.startswith(f"{school} ")


def _kind_of(what: str) -> str:
    """Return what a rate limit applies to within its school: an operation, or all."""
    return what.partition(" ")[2] or "all"
