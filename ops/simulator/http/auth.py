"""Authenticate a received request and validate its operation, or choose the refusal. Pure."""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ops.simulator.handlers import Answer
from worker.classin.catalogue import read
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.field_types import File
from worker.classin.operation import Operation
from worker.classin.signing import Counting, safe_key, signature
from worker.errors import InvalidOperationError

#: Maximum skew of the signed time in seconds, either way.
WINDOWS = {ApiVersion.V1: 20 * 60, ApiVersion.V2: 5 * 60}


@dataclass(frozen=True, slots=True)
class Received:
    """A parsed request that is not authenticated yet."""

    dialect: ApiVersion
    #: None for an unknown action.
    kind: type[Operation] | None
    sid: str | None
    proof: str | None = field(repr=False)
    timestamp: str | None
    #: Texts and files of a form, with SID, signature and time; or JSON values of a body.
    fields: Mapping[str, Any] = field(repr=False)
    #: False for an unreadable body, or a method other than POST.
    legible: bool = True

    @property
    def seconds(self) -> int | None:
        """The signed time, if it is a number of seconds."""
        text = self.timestamp or ""
        return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else None


def admit(
    received: Received,
    secrets: Mapping[str, str],
    now: float,
    counting: Counting = Counting.BYTES,
) -> Operation | Answer:
    """Check sender (secrets are by SID), time and content; return the operation or a refusal.

    `counting` decides which long texts must be signed.
    """
    if not received.legible:
        v1 = received.dialect is ApiVersion.V1
        return Answer(Code.BAD_PARAMETERS if v1 else Code.PARAMETER_ERROR)
    match received.dialect:
        case ApiVersion.V1:
            refusal = _doubt_v1(received, secrets, now)
        case ApiVersion.V2:
            refusal = _doubt_v2(received, secrets, now, counting)
    if refusal is not None:
        return Answer(refusal)
    if received.kind is None:
        return Answer(Code.BAD_PARAMETERS)
    return _read(received.kind, received.fields)


def _doubt_v1(received: Received, secrets: Mapping[str, str], now: float) -> Code | None:
    secret, seconds = secrets.get(received.sid or ""), received.seconds
    if secret is None or seconds is None or abs(now - seconds) > WINDOWS[ApiVersion.V1]:
        return Code.NO_PERMISSION
    return None if _same(received.proof, safe_key(secret, seconds)) else Code.NO_PERMISSION


def _doubt_v2(
    received: Received, secrets: Mapping[str, str], now: float, counting: Counting
) -> Code | None:
    if not received.timestamp:
        return Code.TIME_MISSING
    secret, seconds = secrets.get(received.sid or ""), received.seconds
    if seconds is None or abs(now - seconds) > WINDOWS[ApiVersion.V2]:
        return Code.TIME_OUT_OF_DATE
    if secret is None or received.sid is None:
        return Code.BAD_SIGNATURE
    try:
        expected = signature(received.fields, received.sid, secret, seconds, counting)
    except (TypeError, ValueError):  # what cannot be signed, or not be encoded
        return Code.PARAMETER_ERROR
    return None if _same(received.proof, expected) else Code.BAD_SIGNATURE


def _same(proof: str | None, expected: str) -> bool:
    return hmac.compare_digest((proof or "").encode(errors="replace"), expected.encode())


def _read(kind: type[Operation], received: Mapping[str, Any]) -> Operation | Answer:
    """Build the operation; unknown fields are ignored, as ClassIn does."""
    structured = _structured(kind)
    fields = {name: value for name, value in received.items() if name in structured}
    if kind.spec.endpoint.version is ApiVersion.V1:
        fields = {
            name: _from_form(value, structured=structured[name]) for name, value in fields.items()
        }
    try:
        return read(kind.spec.name, fields)
    except InvalidOperationError as error:
        code = _refusal(kind, fields, error)
        # Names only: a message must not quote values.
        wrong = sorted({fault.where.partition(".")[0] for fault in error.faults})
        return Answer(code, message=f"{code.phrase}: {', '.join(wrong)}")


def _from_form(value: object, *, structured: bool) -> object:
    """Decode a form's value: files, not checked yet, and the JSON of lists and objects."""
    if isinstance(value, File):
        return dict(value)
    if not isinstance(value, str) or not structured:
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _refusal(
    kind: type[Operation], fields: Mapping[str, Any], error: InvalidOperationError
) -> Code:
    """Return the code that tells what is wrong, among those that the operation's page lists."""
    if kind.spec.endpoint.version is ApiVersion.V1:
        known = Code.EMPTY_LIST in kind.spec.codes
        return Code.EMPTY_LIST if known and _lacks_list(kind, fields) else Code.BAD_PARAMETERS
    code = Code.PARAMETER_ERROR
    if _required(kind) - fields.keys():
        code = Code.PARAMETER_MISSING
    elif any(fault.kind == "string_too_long" for fault in error.faults):
        code = Code.BUSINESS_PARAMETER_ERROR
    return code if code in kind.spec.codes else Code.PARAMETER_ERROR


def _lacks_list(kind: type[Operation], fields: Mapping[str, Any]) -> bool:
    """Return whether a given list is empty, or is not JSON."""
    lists = [fields[name] for name, many in _structured(kind).items() if many and name in fields]
    return any(not isinstance(each, (list, dict)) or not each for each in lists)


@cache
def _structured(kind: type[Operation]) -> Mapping[str, bool]:
    """Return for each field, by ClassIn's name, whether a form carries it as JSON."""
    names = [field.alias or name for name, field in kind.model_fields.items()]
    return {name: kind.holds_json(name) for name in names}


@cache
def _required(kind: type[Operation]) -> frozenset[str]:
    fields = kind.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if field.is_required())
