"""Encode what scripts are given, and decode what they and Redis return."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from worker.errors import ScriptError
from worker.keyring import KeyRing
from worker.ledger.decoding import UNREADABLE, decoding
from worker.ledger.keys import dedup_mark
from worker.ledger.limits import LONGEST_SPAN
from worker.ledger.record import (
    Attempt,
    Edit,
    FailedBecause,
    Priority,
    Record,
    Submission,
    clean,
)
from worker.ledger.states import DependencyKind, Reason, State
from worker.ledger.types import (
    Claim,
    ClaimRequest,
    ClaimResult,
    ClaimUpdate,
    ReadyRecord,
    SubmitResult,
    Transition,
    UpdateResult,
)

#: Bytes of a file that are kept, and read, together.
PIECE = 1024 * 1024


#: Builds no encoder for each text.
_text_of = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def arguments_of(submissions: Sequence[Submission], keyring: KeyRing) -> list[str | bytes]:
    """Return the arguments of submit.lua for a chunk: records, and the pieces of their files."""
    records, pieces = [], []
    for submission in submissions:
        mine = [text for piece in _pieces(submission.contents) for text in piece]
        records.append(_share_of(submission, len(mine) // 2, keyring))
        pieces += mine
    return [dumped(records), *pieces]


def _share_of(submission: Submission, pieces: int, keyring: KeyRing) -> list[Any]:
    """Write one record as submit.lua reads it."""
    share: list[Any] = [
        submission.id,
        submission.operation,
        submission.school,
        _text_of(submission.fields),
        submission.lane or "",
        submission.batch or "",
        submission.source or "",
    ]
    flags = {"accepts": submission.accepts_existing, "stops_lane": submission.stops_lane}
    more: dict[str, Any] = {name: "1" for name, is_set in flags.items() if is_set}
    if submission.retry_of:
        more |= _of_a_retry(submission.retry_of, submission)
    if submission.after:
        more["after"] = submission.after
    if submission.priority is not Priority.NORMAL:
        more["priority"] = submission.priority.value
    if submission.dedup_key:
        more |= _of_its_key(submission, submission.dedup_key, keyring)
    if submission.refused:
        more["refused"] = submission.refused
    if pieces:
        more["pieces"] = pieces
    if submission.batch is not None:
        more |= _of_its_batch(submission)
    if more:
        share.append(more)
    return share


def _of_its_key(submission: Submission, key: str, keyring: KeyRing) -> dict[str, str]:
    """Write what only has who has a dedup key."""
    asked = submission.digest or digest_of(submission.operation, submission.fields)
    scope = {"dedup_scope": submission.dedup_scope} if submission.dedup_scope else {}
    return {
        **scope,
        "dedup_key": key,
        "key": dedup_mark(keyring, submission.school, key, submission.dedup_scope),
        "asks": keyring.mark("asked", asked),
    }


def _of_a_retry(of: str, submission: Submission) -> dict[str, str]:
    """Write what only a retry has."""
    more = {"retry_of": of}
    if submission.last_retry is not None:
        more["last_retry"] = submission.last_retry
    return {**more, "edits": _text_of(submission.edits)} if submission.edits else more


def _of_its_batch(submission: Submission) -> dict[str, str]:
    """Write what only operations of a batch have."""
    more = {} if submission.row is None else {"row": str(submission.row)}
    return {**more, "tells": "1"} if submission.tells else more


#: What submit.lua says of a record: whether it is new, and whether a message must be sent.
_ENTERED = {"r": (True, True), "n": (True, False), "a": (False, True), "o": (False, False)}


def submit_results_of(chunk: Sequence[Submission], found: Sequence[Any]) -> list[SubmitResult]:
    """Read what submit.lua answers for a chunk."""
    letters, *others = found
    owners = owners_in(chunk, others)
    return [
        SubmitResult(owners.get(submission.id, submission.id), *_ENTERED[letter])
        for submission, letter in zip(chunk, letters, strict=True)
    ]


def owners_in(chunk: Sequence[Submission], pairs: Sequence[Any]) -> dict[str, str]:
    """Read which records stand for others of a chunk: pairs of a position, from 1, and an id."""
    return {
        chunk[position - 1].id: owner
        for position, owner in zip(pairs[::2], pairs[1::2], strict=True)
    }


def update_of(update: ClaimUpdate) -> list[Any]:
    """Write a note as report_and_claim.lua reads it."""
    claim, transition, attempt, lasts = update
    note: list[Any] = [
        claim.record.id,
        claim.lease,
        str(claim.token),
        transition.state.value,
        "" if transition.code is None else str(transition.code),
        transition.message,
        _text_of(transition.result) if transition.result else "",
        attempt.encode() if attempt else "",
        attempt.n if attempt else 0,
        transition.access or "",
    ]
    more = _more_of(transition)
    if lasts:
        more["lasts"] = _span(lasts)
    if more:
        note.append(more)
    return note


def _more_of(transition: Transition) -> dict[str, str | int | list[int]]:
    """Write what most notes do not have."""
    more: dict[str, str | int | list[int]] = {}
    if transition.reason:
        more["reason"] = transition.reason.value
    if transition.already:
        more["already"] = "1"
    if transition.maybe_applied:
        more["maybe_applied"] = "1"
    if transition.late:
        more["late"] = "1"
    if transition.due_in:
        more["due_in"] = _span(transition.due_in)
    if transition.counts:
        more["counts"] = "1"
    if transition.slow_down is not None:
        more["slow_down"] = _span(transition.slow_down)
    if transition.probe_intervals:
        more["looks"] = [_span(pause) for pause in transition.probe_intervals]
    return more


def _span(seconds: float) -> int:
    """Write a time of a note, in ms: neither negative, nor without an end."""
    return 0 if math.isnan(seconds) else round(max(0.0, min(seconds * 1000, LONGEST_SPAN)))


def update_result_of(found: Sequence[Any]) -> UpdateResult:
    """Read what report_and_claim.lua answers for a note."""
    state, wait, *released = found
    return UpdateResult(State(state), wait / 1000, dues(released))


def digest_of(operation: str, fields: Mapping[str, object]) -> str:
    """Sum up what is asked, so that two submissions can be told apart.

    What was asked can be guessed from it: it lies in Redis as a mark only.
    """
    text = json.dumps([operation, fields], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _pieces(contents: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Cut files into pieces: `NAME:NUMBER` and base 64."""
    for name, content in contents.items():
        for number, start in enumerate(range(0, len(content), PIECE)):
            piece = base64.b64encode(content[start : start + PIECE]).decode()
            yield f"{name}:{number}", piece


def record_of(
    record_id: str, values: Mapping[str, str], told: Callable[[int], int] = int
) -> Record:
    """Read a record's hash; `told` gives a moment of the ledger's time as people are told it.

    Raises UnreadableValueError.
    """
    with decoding(f"record {record_id}"):
        return _record_of(record_id, values, told)


def _record_of(record_id: str, values: Mapping[str, str], told: Callable[[int], int]) -> Record:
    return Record(
        id=record_id,
        operation=values["operation"],
        school=values["school"],
        fields=_object(values["fields"]),
        state=State(values["state"]),
        sequence=int(values["sequence"]),
        enqueued_at=int(values["enqueued_at"]),
        reason=Reason(values["reason"]) if "reason" in values else None,
        failed_because=_failed_because(values.get("failed_because")),
        code=whole(values.get("code")),
        message=values.get("message"),
        result=_object(values["result"]) if "result" in values else None,
        already="already" in values,
        attempts=tuple(map(Attempt.decode, values.get("attempts", "").split("\n")[:-1])),
        batch=values.get("batch"),
        lane=values.get("lane"),
        source=values.get("source"),
        accepts_existing="accepts" in values,
        retry_of=values.get("retry_of"),
        retried_by=values.get("retried_by"),
        retry_ended=State(values["retry_ended"]) if "retry_ended" in values else None,
        edits=tuple(Edit(*each) for each in json.loads(values.get("edits", "[]"))),
        decided=values.get("decided"),
        unread="maybe_applied" in values,
        deferrals=int(values.get("deferrals", 0)),
        started_at=whole(values.get("started_at")),
        finished_at=whole(values.get("finished_at")),
        due_at=told(int(values["due_at"])) if "due_at" in values else None,
        after=tuple(map(str, json.loads(values.get("after", "[]")))),
        stops_lane="stops_lane" in values,
        priority=Priority(values.get("priority", Priority.NORMAL)),
        dedup_key=values.get("dedup_key"),
        row=whole(values.get("row")),
        paced_at=told(int(values["paced"])) if "paced" in values else None,
        quiet="quiet" in values,
        lost_workers=int(values.get("lost_workers", 0)),
    )


@decoding("who has a dedup key")
def owner_in(text: str) -> str:
    """Read the id of the record that has a dedup key."""
    return str(json.loads(text)[0])


def counts_of(found: Mapping[Any, Any]) -> dict[tuple[str, State], int]:
    """Read the counts of records by operation and state; what is none is left out."""
    counts: dict[tuple[str, State], int] = {}
    for name, number in found.items():
        with suppress(*UNREADABLE):
            operation, state = json.loads(name)
            counts[str(operation), State(state)] = int(number)
    return counts


def _failed_because(text: str | None) -> FailedBecause | None:
    if text is None:
        return None
    kind, *ids = json.loads(text)
    return FailedBecause(DependencyKind(kind), tuple(map(str, ids)))


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError
    return found


def dues(found: Sequence[str]) -> list[ReadyRecord]:
    """Read what scripts answer of each for which a message must be sent: four texts."""
    each = zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True)
    return [
        ReadyRecord(record_id, operation, Priority(priority or Priority.NORMAL), bool(suspect))
        for record_id, operation, priority, suspect in each
    ]


def dump(value: object) -> str:
    """Write JSON, with nothing that Redis cannot be sent."""
    return clean(_text_of(value))


def dumped(value: object) -> bytes:
    """Write JSON as it goes to Redis: half characters are replaced as `clean` does."""
    return _text_of(value).encode("utf-8", "replace")


def flag(value: bool) -> str:  # noqa: FBT001  # it writes one
    """Write yes or no as scripts take it."""
    return "1" if value else ""


def whole(text: str | None) -> int | None:
    """Read a number that may be missing."""
    return int(text) if text else None


def ms(seconds: float) -> int:
    """Write seconds as scripts take them."""
    return round(seconds * 1000)


def request_of(request: ClaimRequest, settings: Mapping[str, object]) -> bytes:
    """Write what report_and_claim.lua reads. Raises ScriptError for a malformed update."""
    capacity = request.capacity
    values: dict[str, object] = {
        **settings,
        "worker": request.worker,
        "lasts": ms(request.lasts),
        "asked": list(chain(*request.leases.items())),
        "of": capacity.of,
    }
    if capacity.of_any is not None:
        values["any"] = capacity.of_any
    if request.messageless:
        values["messageless"] = list(request.messageless)
    if capacity.suspects is not None:
        values["suspects"] = capacity.suspects
    try:
        values["notes"] = [update_of(update) for update in request.updates]
        return dumped(values)
    except (TypeError, ValueError) as error:
        raise ScriptError(f"a note cannot be written: {type(error).__name__}") from error


def claim_result_of(answer: str, leases: Mapping[str, str]) -> ClaimResult:
    """Read what report_and_claim.lua answers. Raises UnreadableValueError for a record."""
    found = json.loads(answer)
    results = [None if isinstance(each, str) else update_result_of(each) for each in found["noted"]]
    invalid = tuple(at for at, each in enumerate(found["noted"]) if each == "unsound")
    if found["full"]:
        return ClaimResult(results, [], [], full=True, invalid=invalid)
    claims, missing, refused = [], [], []
    for (record_id, lease), each in zip(leases.items(), found["claims"], strict=True):
        if each == "missing":
            missing.append(record_id)
        elif each == "suspect":
            refused.append(record_id)
        elif not isinstance(each, str):
            wait, values = each
            record = record_of(record_id, values)
            claims.append(
                Claim(lease, record, int(values["claims"]), int(found["now"]), wait / 1000)
            )
    paced = list(found["claims"]).count("paced")  # none at all is {}, as Lua writes it
    return ClaimResult(results, claims, missing, refused, paced=paced, invalid=invalid)
