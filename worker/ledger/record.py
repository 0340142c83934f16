"""Record: the ledger's account of one operation."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from worker.classin.catalogue import read
from worker.classin.field_types import is_file, shown_address, without_mac
from worker.classin.masking import echo_masked, hidden_values, masked, scrubbed
from worker.classin.operation import REGISTRY, Operation
from worker.classin.verdicts import Verdict
from worker.errors import InvalidOperationError
from worker.ledger.states import DependencyKind, Reason, State

_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"

#: Two characters each: the quickest way to write ten bits.
_PAIRS = [first + second for first in _CHARACTERS for second in _CHARACTERS]

#: Built once: `json.dumps` would build an encoder for each line.
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def new_id() -> str:
    """Make an id: 16 lower-case letters and digits, of 80 random bits."""
    return _id_of(int.from_bytes(os.urandom(10)))


def id_from(text: str) -> str:
    """Make an id like others, always the same from the same text."""
    return _id_of(int.from_bytes(hashlib.sha256(text.encode()).digest()[:10]))


def _id_of(bits: int) -> str:
    return "".join([_PAIRS[bits >> place & 1023] for place in range(0, 80, 10)])


class Priority(StrEnum):
    """Which messages workers take first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed request and what came of it."""

    #: Counted from 1 over the whole life of the record.
    n: int
    #: When it was sent, in milliseconds since 1970; the signature bears this second.
    at: int
    #: How long it took, in milliseconds.
    ms: int
    #: HTTP status, or None without a reply.
    http: int | None
    code: int | None
    message: str
    verdict: Verdict

    def encode(self) -> str:
        """Write it on one line."""
        parts = [self.n, self.at, self.ms, self.http, self.code, self.message, self.verdict]
        return clean(_as_json(parts))

    @classmethod
    def decode(cls, line: str) -> "Attempt":
        """Read what `encode` wrote."""
        n, at, ms, http, code, message, verdict = json.loads(line)
        return cls(n, at, ms, http, code, message, Verdict(verdict))

    def to_dict(self) -> dict[str, Any]:
        """Give it as the record's JSON shows it."""
        return {
            "n": self.n,
            "at": iso(self.at),
            "ms": self.ms,
            "http": self.http,
            "code": self.code,
            "message": self.message,
            "verdict": self.verdict.value,
        }


class Edit(NamedTuple):
    """A field that a person changed for a retry; what is sensitive is masked on both sides."""

    #: Its place, by ClassIn's names and from 0 in lists: `userJson.2.nickname`.
    field: str
    before: Any
    after: Any

    def to_dict(self) -> dict[str, Any]:
        """Give it as the record's JSON shows it."""
        return self._asdict()


class FailedBecause(NamedTuple):
    """The records because of which one failed with Reason.DEPENDENCY."""

    kind: DependencyKind
    ids: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as the record's JSON shows it."""
        return {"kind": self.kind.value, "ids": list(self.ids)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a producer hands to the ledger: a checked operation, not yet recorded."""

    id: str
    operation: str
    school: str
    fields: Mapping[str, Any]
    lane: str | None = None
    batch: str | None = None
    source: str | None = None
    #: Whether "it is so already" is success even at the first attempt.
    accepts_existing: bool = False
    #: The record that this one tries again, or mends.
    retry_of: str | None = None
    #: The last retry of that record that the submitter knows of: if there is another by now, or the
    #: record has succeeded since, nothing is recorded, and that one stands for this.
    last_retry: str | None = None
    #: What a person changed for that.
    edits: tuple[Edit, ...] = ()
    #: The records that must have gone well before it starts.
    after: tuple[str, ...] = ()
    #: Whether those behind it in its lane fail if it does not succeed.
    stops_lane: bool = False
    priority: Priority = Priority.NORMAL
    #: The submitter's own name for it: within a school, one record at most has it.
    dedup_key: str | None = None
    #: Who alone uses that name, for what; '': all who submit to the school do.
    dedup_scope: str = ""
    #: Sums up what is asked, to tell two submissions with one dedup key apart; '': operation and
    #: fields do.
    digest: str = ""
    #: Why it is failed/refused from the beginning: nobody is to carry it out.
    refused: str = ""
    #: Where it stands in the file that it came in: the line, or the row of a sheet, from 1.
    row: int | None = None
    #: Whether somebody is to be told when its batch has settled.
    tells: bool = False
    #: What its small files hold, by ClassIn's names: kept until it is settled.
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The account of one operation. Times are milliseconds since 1970."""

    id: str
    operation: str
    school: str
    fields: Mapping[str, Any] = field(repr=False)
    state: State
    #: Its place among all records, by time of submission; no two have the same.
    sequence: int
    enqueued_at: int
    reason: Reason | None = None
    #: Given with Reason.DEPENDENCY.
    failed_because: FailedBecause | None = None
    code: int | None = None
    message: str | None = None
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    already: bool = False
    attempts: tuple[Attempt, ...] = ()
    batch: str | None = None
    lane: str | None = None
    source: str | None = None
    accepts_existing: bool = False
    retry_of: str | None = None
    #: The last record that tries this one again.
    retried_by: str | None = None
    #: How that one ended, where it is kept no longer.
    retry_ended: State | None = None
    #: What a person changed for it.
    edits: tuple[Edit, ...] = field(default=(), repr=False)
    #: Why a person says that it was done, or not, of one that was uncertain.
    decided: str | None = None
    #: An earlier attempt may have been carried out: nobody read what came of it.
    unread: bool = False
    #: How often it has been put off because attempts were spent.
    deferrals: int = 0
    after: tuple[str, ...] = ()
    stops_lane: bool = False
    priority: Priority = Priority.NORMAL
    dedup_key: str | None = None
    #: Where it stood in the file that it came in.
    row: int | None = None
    #: Since when it has been put off for its pace, until it is taken.
    paced_at: int | None = None
    #: It waits because what was sent before it in its lane may still be carried out.
    quiet: bool = False
    #: How many workers fell silent while they had it.
    lost_workers: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    due_at: int | None = None

    @property
    def paced(self) -> bool:
        """Whether it waits for its turn, by the pace of its kind or its school."""
        return self.state is State.DEFERRED and self.paced_at is not None

    def redact(self, text: str) -> str:
        """Return ClassIn's words as they are shown: without the values of masked fields."""
        return scrubbed(text, hidden_values(REGISTRY.get(self.operation), self.fields))

    def shown_result(self) -> Any:  # noqa: ANN401  # any JSON value
        """Return the result as it is shown: what is personal or a credential is masked."""
        kind = REGISTRY.get(self.operation)
        if kind is None or self.result is None:
            return self.result
        return echo_masked(kind, self.result, hidden_values(kind, self.fields))

    def to_dict(self, *, reveal: bool = False) -> dict[str, Any]:
        """Give the record as users and programs see it.

        What is personal or a credential is masked, unless it is to be revealed.
        """
        kind = REGISTRY.get(self.operation)
        return {
            "id": self.id,
            "operation": self.operation,
            "school": self.school,
            "fields": self.fields if reveal else shown_fields(kind, self.fields),
            "state": self.state.value,
            "reason": self.reason.value if self.reason else None,
            "failed_because": self.failed_because.to_dict() if self.failed_because else None,
            "code": self.code,
            "message": self.message,
            "result": self.result if reveal else self.shown_result(),
            "items": _items_of(self, reveal=reveal),
            "already": self.already,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "batch": self.batch,
            "row": self.row,
            "lane": self.lane,
            "after": list(self.after),
            "lane_on_failure": "stop" if self.stops_lane else "go on",
            "priority": self.priority.value,
            "dedup_key": self.dedup_key,
            "retry_of": self.retry_of,
            "retried_by": self.retried_by,
            "edits": [edit.to_dict() for edit in self.edits],
            "decided": self.decided,
            "source": self.source,
            "enqueued_at": iso(self.enqueued_at),
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "due_at": iso(self.due_at),
        }


def _items_of(record: Record, *, reveal: bool) -> list[dict[str, Any]]:
    """Give what became of each item of a bulk operation, where ClassIn told."""
    kind = REGISTRY.get(record.operation)
    if kind is None or kind.spec.bulk is None or record.result is None:
        return []
    try:
        operation = read(record.operation, record.fields)
    except InvalidOperationError:
        return []  # another Celery's, which never was one
    from worker.classin.bulk_results import item_results  # noqa: PLC0415  # with all of ClassIn's codes

    items = [item.to_dict() for item in item_results(operation, record.result)]
    return [
        item if reveal else {**item, "message": record.redact(item["message"])} for item in items
    ]


def clean(text: str) -> str:
    """Replace half characters (lone surrogates), which Redis cannot be sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def iso(ms: int | None) -> str | None:
    """Write milliseconds since 1970 as ISO 8601 in UTC."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_fields(kind: type[Operation] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give fields for showing: what is sensitive is masked, in the address of a file as well."""
    return {
        name: {**without_mac(value), "at": shown_address(str(value["at"]))}
        if is_file(value)
        else value
        for name, value in masked(kind, fields).items()
    }
