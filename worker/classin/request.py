"""Encode an operation as a signed request. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.classin.endpoint import ApiVersion
from worker.classin.field_types import File
from worker.classin.operation import Operation
from worker.classin.school import School
from worker.classin.signing import Counting, safe_key, signature


@dataclass(frozen=True, slots=True)
class Request:
    """A signed POST. Exactly one of form and body is set; files require a form."""

    target: str  # path and query, below the base URL
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    form: Mapping[str, str] | None = field(repr=False, default=None)
    body: bytes | None = field(repr=False, default=None)
    files: Mapping[str, File] = field(repr=False, default_factory=dict)


def prepare(
    operation: Operation,
    school: School,
    timestamp: int,
    counting: Counting = Counting.BYTES,
) -> Request:
    """Encode an operation and sign it for a time (whole seconds since 1970).

    `counting` decides which long texts are signed.
    """
    call = operation.spec.endpoint
    fields = operation.wire_fields()
    match call.version:
        case ApiVersion.V1:
            proof = {
                "SID": school.sid,
                "safeKey": safe_key(school.secret, timestamp),
                "timeStamp": str(timestamp),
            }
            return Request(call.target, form=proof | _as_form(fields), files=operation.files())
        case ApiVersion.V2:
            headers = {
                "Content-Type": "application/json",
                "X-EEO-SIGN": signature(fields, school.sid, school.secret, timestamp, counting),
                "X-EEO-UID": school.sid,
                "X-EEO-TS": str(timestamp),
            }
            return Request(call.target, headers, body=_as_json(fields).encode())


def _as_form(fields: Mapping[str, object]) -> dict[str, str]:
    """Flatten fields for a form: each list or object becomes one JSON text."""
    return {
        name: _as_json(value) if isinstance(value, (list, tuple, dict)) else str(value)
        for name, value in fields.items()
    }


#: Built once: `json.dumps` builds an encoder for each call.
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
