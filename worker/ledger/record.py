"""Record: the ledger's account of one operation."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from worker.classin.verdicts import Verdict
from worker.ledger.lifecycle import Reason, State


def new_id() -> str:
    """Make an id: 16 lower-case letters and digits, of 80 random bits."""
    return base64.b32encode(secrets.token_bytes(10)).decode().lower()


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
        return clean(json.dumps(parts, ensure_ascii=False, separators=(",", ":")))

    @classmethod
    def decode(cls, line: str) -> "Attempt":
        """Read what `encode` wrote."""
        n, at, ms, http, code, message, verdict = json.loads(line)
        return cls(n, at, ms, http, code, message, Verdict(verdict))

    def to_json(self) -> dict[str, Any]:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The account of one operation. Times are milliseconds since 1970."""

    id: str
    operation: str
    school: str
    fields: Mapping[str, Any] = field(repr=False)
    state: State
    #: Its place among all records, by time of submission; no two have the same.
    place: int
    enqueued_at: int
    reason: Reason | None = None
    code: int | None = None
    message: str | None = None
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    already: bool = False
    attempts: tuple[Attempt, ...] = ()
    batch: str | None = None
    lane: str | None = None
    source: str | None = None
    accepts_existing: bool = False
    #: An earlier attempt may have been carried out: nobody read what came of it.
    unread: bool = False
    #: How often it has been put off because attempts were spent.
    deferrals: int = 0
    started_at: int | None = None
    finished_at: int | None = None
    due_at: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the record as users and programs see it; files without their content."""
        return {
            "id": self.id,
            "operation": self.operation,
            "school": self.school,
            "fields": {name: _without_content(value) for name, value in self.fields.items()},
            "state": self.state.value,
            "reason": self.reason.value if self.reason else None,
            "code": self.code,
            "message": self.message,
            "result": self.result,
            "already": self.already,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "batch": self.batch,
            "lane": self.lane,
            "after": [],
            "retry_of": None,
            "retried_by": None,
            "source": self.source,
            "enqueued_at": iso(self.enqueued_at),
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "due_at": iso(self.due_at),
        }


def clean(text: str) -> str:
    """Replace half characters (lone surrogates), which Redis cannot be sent."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def iso(ms: int | None) -> str | None:
    """Write milliseconds since 1970 as ISO 8601 in UTC."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_content(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Say how large a file is instead of showing it."""
    if isinstance(value, dict) and value.keys() == {"name", "content"}:
        return {"name": value["name"], "bytes": _size(value["content"])}
    return value


def _size(content: object) -> int | None:
    """Count the bytes of a base 64 text; None if it is none, as another Celery may send."""
    try:
        return len(base64.b64decode(content, validate=True)) if isinstance(content, str) else None
    except ValueError:
        return None
