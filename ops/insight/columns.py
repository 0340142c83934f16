"""Columns of a record list, for people and for programs."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from ops.insight.wait_text import in_words
from worker.classin.validation_messages import nearest
from worker.durations import duration_text
from worker.errors import FieldError, InvalidInputError
from worker.ledger.record import Record, iso
from worker.ledger.types import WaitReason


class Kind(Enum):
    """The type of a column's values."""

    TEXT = auto()
    NUMBER = auto()
    #: Ms since 1970.
    MOMENT = auto()
    #: Ms.
    SPAN = auto()


class Row(NamedTuple):
    """A record of a list, and what it waits for."""

    record: Record
    obstacle: WaitReason | None = None


class Column(NamedTuple):
    """One property of a row."""

    heading: str
    kind: Kind
    value: Callable[[Row], str | int | None]


def _took(row: Row) -> int | None:
    record = row.record
    return None if record.finished_at is None else record.finished_at - record.enqueued_at


def _request(row: Row) -> int | None:
    return row.record.attempts[-1].ms if row.record.attempts else None


def _reason(row: Row) -> str | None:
    return row.record.reason.value if row.record.reason else None


#: By the names of `--columns`.
COLUMNS: Mapping[str, Column] = {
    "id": Column("id", Kind.TEXT, lambda row: row.record.id),
    "operation": Column("operation", Kind.TEXT, lambda row: row.record.operation),
    "school": Column("school", Kind.TEXT, lambda row: row.record.school),
    "state": Column("state", Kind.TEXT, lambda row: row.record.state.value),
    "reason": Column("reason", Kind.TEXT, _reason),
    "code": Column("code", Kind.NUMBER, lambda row: row.record.code),
    "tries": Column("tries", Kind.NUMBER, lambda row: len(row.record.attempts)),
    "asked": Column("asked at", Kind.MOMENT, lambda row: row.record.enqueued_at),
    "started": Column("started at", Kind.MOMENT, lambda row: row.record.started_at),
    "finished": Column("finished at", Kind.MOMENT, lambda row: row.record.finished_at),
    "due": Column("due at", Kind.MOMENT, lambda row: row.record.due_at),
    "took": Column("took", Kind.SPAN, _took),
    "request": Column("request", Kind.SPAN, _request),
    "batch": Column("batch", Kind.TEXT, lambda row: row.record.batch),
    "lane": Column("lane", Kind.TEXT, lambda row: row.record.lane),
    "priority": Column("priority", Kind.TEXT, lambda row: row.record.priority.value),
    "source": Column("from", Kind.TEXT, lambda row: row.record.source),
    "dedup_key": Column("dedup key", Kind.TEXT, lambda row: row.record.dedup_key),
    "retry_of": Column("retry of", Kind.TEXT, lambda row: row.record.retry_of),
    "retried_by": Column("retried by", Kind.TEXT, lambda row: row.record.retried_by),
    "said": Column("said", Kind.TEXT, lambda row: row.record.message),
}

#: Default columns.
USUAL = ("id", "operation", "school", "state", "code", "tries", "asked", "said")

#: Default columns of `--follow`.
FOLLOWED = ("finished", "id", "operation", "school", "state", "code", "tries", "took", "said")


def choose_columns(typed: str | None, usual: Sequence[str]) -> Sequence[str]:
    """Parse comma-separated column names.

    Raises InvalidInputError, which names every unknown one.
    """
    if typed is None:
        return usual
    names = [name.strip() for name in typed.split(",")]
    unknown = [name for name in names if name not in COLUMNS]
    if not unknown:
        return names
    faults = [
        FieldError("--columns", f"there is no {name!r}{nearest(name, COLUMNS)}") for name in unknown
    ]
    faults.append(FieldError("--columns", f"there are {', '.join(COLUMNS)}"))
    raise InvalidInputError("ls", faults)


def plain(name: str, row: Row) -> str | int | None:
    """Return a value for programs: moments in ISO 8601, durations in ms."""
    if name == "said":
        return _said(row, lambda ms: iso(ms) or "")
    column = COLUMNS[name]
    value = column.value(row)
    return iso(value) if column.kind is Kind.MOMENT and isinstance(value, int) else value


def shown(name: str, row: Row, moment: Callable[[int], str]) -> str:
    """Return a value for people; `moment` formats ms since 1970."""
    if name == "said":
        return _said(row, moment)
    column = COLUMNS[name]
    match column.kind, column.value(row):
        case _, None:
            return ""
        case Kind.MOMENT, int(ms):
            return moment(ms)
        case Kind.SPAN, int(ms):
            return duration_text(ms)
        case _, value:
            return str(value)


def _said(row: Row, moment: Callable[[int], str]) -> str:
    """Return what it waits for, or the last message."""
    if row.obstacle is not None:
        return in_words(row.obstacle, moment)
    due = f"due {moment(row.record.due_at)}: " if row.record.due_at is not None else ""
    return due + (row.record.message or "")
