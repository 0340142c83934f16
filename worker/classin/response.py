"""Parse ClassIn's replies leniently.

Source: overview and the samples of the operations' pages
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from worker.classin.endpoint import ApiVersion

#: Characters of a message that are kept; ClassIn's own are far shorter.
LONGEST_MESSAGE = 500

#: Maximum of Retry-After in seconds: the whole kind waits for it, and ClassIn's limits are per
#: minute. A server that needs longer says so again.
LONGEST_RETRY_AFTER = 3600.0

#: Maximum digits of a code.
_LONGEST_CODE = 18


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply. `code` is None if the body is none of ClassIn's."""

    http: int
    code: int | None
    message: str
    #: The reply without code and message; paths start at its root.
    result: Mapping[str, Any] | None = None
    #: ClassIn's time from the Date header, whole seconds since 1970.
    date: int | None = None
    #: Seconds to wait, from the Retry-After header.
    retry_after: float | None = None


def read_reply(dialect: ApiVersion, http: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Parse a reply of either API version; codes may be numbers or strings."""
    date = _date(headers.get("Date"))
    retry_after = _wait(headers.get("Retry-After"), date)
    try:
        answer = json.loads(body, parse_float=_number, parse_constant=_nothing)
    except (ValueError, RecursionError):
        return Reply(http, None, "the answer is not JSON", None, date, retry_after)
    code, message, result = _parts(dialect, answer)
    if code is None:
        message = "the answer is JSON, but has no code"
    return Reply(http, code, message[:LONGEST_MESSAGE], result, date, retry_after)


def _parts(dialect: ApiVersion, answer: object) -> tuple[int | None, str, dict[str, Any] | None]:
    """Split a reply: code, message and the rest."""
    if not isinstance(answer, dict):
        return None, "", None
    match dialect:
        case ApiVersion.V1:
            info = answer.get("error_info")
            if not isinstance(info, dict):
                return None, "", None
            number, text = info.get("errno"), info.get("error")
            rest = {key: value for key, value in answer.items() if key != "error_info"}
        case ApiVersion.V2:
            info = answer.get("error_info")
            if "code" not in answer and isinstance(info, dict):  # as v1 would say it
                answer = {**answer, "code": info.get("code", info.get("errno"))}
                answer["msg"] = info.get("error")
            number, text = answer.get("code"), answer.get("msg")
            beside = {"code", "msg", "error_info"}
            rest = {key: value for key, value in answer.items() if key not in beside}
    said = {key: value for key, value in rest.items() if value not in (None, "", [], {})}
    return whole(number), text if isinstance(text, str) else "", said or None


def whole(number: object) -> int | None:
    """Parse a code given as a number or a string; None if it is neither."""
    if isinstance(number, bool) or not isinstance(number, (int, str)):
        return None
    try:
        code = int(number)
    except ValueError:
        return None
    return code if abs(code) < 10**_LONGEST_CODE else None


@lru_cache(maxsize=8)  # many replies come within a second
def _date(text: str | None) -> int | None:
    """Parse an HTTP date; without a zone it is UTC."""
    try:
        if not text:
            return None
        date = parsedate_to_datetime(text)
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _wait(text: str | None, date: int | None) -> float | None:
    """Parse Retry-After: seconds, or a date that is compared with the reply's own.

    Anything else is ignored: negative, infinite, or in another notation.
    """
    if not text:
        return None
    if re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", text):
        return min(float(text), LONGEST_RETRY_AFTER)
    until = _date(text)
    if until is None or date is None:
        return None
    return min(max(0.0, float(until - date)), LONGEST_RETRY_AFTER)


def _number(text: str) -> float | None:
    """Parse a number with a fraction or an exponent; one that is too large is ignored."""
    number = float(text)
    return number if math.isfinite(number) else None


def _nothing(_: str) -> None:
    """Ignore NaN and infinities: they cannot be written as JSON again."""
