"""How records and submissions are written in Redis."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

from worker.ledger import keys
from worker.ledger.ledger import Due
from worker.ledger.lifecycle import Reason, State
from worker.ledger.record import Attempt, Priority, Record, Submission, clean

#: Bytes of a file that are kept, and read, together.
PIECE = 1024 * 1024


def arguments_of(submission: Submission) -> tuple[str, ...]:
    """Give one record's share of submit.lua's ARGV."""
    fields = dump(submission.fields)
    key = submission.dedup_key or ""
    pieces = list(_pieces(submission.contents))
    return (
        submission.id,
        submission.operation,
        clean(submission.school),
        fields,
        clean(submission.lane or ""),
        clean(submission.batch or ""),
        clean(submission.source or ""),
        flag(submission.accepts_existing),
        submission.retry_of or "",
        " ".join(submission.after),
        flag(submission.stops_lane),
        "" if submission.priority is Priority.NORMAL else submission.priority.value,
        clean(key),
        keys.dedup_digest(submission.school, key) if key else "",
        submission.digest or digest_of(submission.operation, submission.fields),
        str(len(pieces)),
        *(text for piece in pieces for text in piece),
    )


def digest_of(operation: str, fields: Mapping[str, object]) -> str:
    """Sum up what is asked, so that two submissions can be told apart."""
    text = json.dumps([operation, fields], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _pieces(contents: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Cut files into pieces: `NAME:NUMBER` and base 64."""
    for name, content in contents.items():
        for number, start in enumerate(range(0, len(content), PIECE)):
            piece = base64.b64encode(content[start : start + PIECE]).decode()
            yield f"{name}:{number}", piece


def record_of(record_id: str, values: Mapping[str, str]) -> Record:
    """Read a record's hash."""
    return Record(
        id=record_id,
        operation=values["operation"],
        school=values["school"],
        fields=json.loads(values["fields"]),
        state=State(values["state"]),
        place=int(values["place"]),
        enqueued_at=int(values["enqueued_at"]),
        reason=Reason(values["reason"]) if "reason" in values else None,
        code=whole(values.get("code")),
        message=values.get("message"),
        result=json.loads(values["result"]) if "result" in values else None,
        already="already" in values,
        attempts=tuple(map(Attempt.decode, values.get("attempts", "").split("\n")[:-1])),
        batch=values.get("batch"),
        lane=values.get("lane"),
        source=values.get("source"),
        accepts_existing="accepts" in values,
        retry_of=values.get("retry_of"),
        retried_by=values.get("retried_by"),
        unread="unread" in values,
        deferrals=int(values.get("deferrals", 0)),
        started_at=whole(values.get("started_at")),
        finished_at=whole(values.get("finished_at")),
        due_at=whole(values.get("due_at")),
        after=tuple(values.get("after", "").split()),
        stops_lane="stops_lane" in values,
        priority=Priority(values.get("priority", Priority.NORMAL)),
        dedup_key=values.get("dedup_key"),
        paced="paced" in values,
        deaths=int(values.get("deaths", 0)),
        cancelling="cancel" in values,
    )


def dues(found: Sequence[str]) -> list[Due]:
    """Read the triples of id, operation and priority that scripts answer."""
    triples = zip(found[::3], found[1::3], found[2::3], strict=True)
    return [
        Due(record_id, operation, Priority(priority or Priority.NORMAL))
        for record_id, operation, priority in triples
    ]


def pairs(found: Sequence[str]) -> dict[str, str]:
    """Read what HGETALL answers within a script."""
    return dict(zip(found[::2], found[1::2], strict=True))


def dump(value: object) -> str:
    """Write JSON, with nothing that Redis cannot be sent."""
    return clean(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def flag(value: bool) -> str:  # noqa: FBT001  # it writes one
    """Write yes or no as scripts take it."""
    return "1" if value else ""


def whole(text: str | None) -> int | None:
    """Read a number that may be missing."""
    return int(text) if text else None


def ms(seconds: float) -> int:
    """Write seconds as scripts take them."""
    return round(seconds * 1000)
