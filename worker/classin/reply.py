"""What ClassIn said, read leniently.

Source: overview and the samples of the operations' pages
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from worker.classin.call import Dialect

#: So much of a message is kept; ClassIn's own are far shorter.
LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `code` is None when the body is not an answer of ClassIn's."""

    http: int
    code: int | None
    message: str
    #: What came back besides code and message, as paths from the root of the answer name it.
    result: Mapping[str, Any] | None = None
    #: ClassIn's own time, whole seconds since 1970, from the Date header.
    date: int | None = None
    #: Seconds to wait, from the Retry-After header.
    retry_after: float | None = None


def read_reply(dialect: Dialect, http: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Read an answer of either dialect; codes may arrive as numbers or as strings."""
    date = _date(headers.get("Date"))
    retry_after = _wait(headers.get("Retry-After"), date)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return Reply(http, None, "the answer is not JSON", None, date, retry_after)
    code, message, result = _parts(dialect, answer)
    if code is None:
        message = "the answer is JSON, but has no code"
    return Reply(http, code, message[:LONGEST_MESSAGE], result, date, retry_after)


def _parts(dialect: Dialect, answer: object) -> tuple[int | None, str, dict[str, Any] | None]:
    """Take an answer apart: code, message, and the rest."""
    if not isinstance(answer, dict):
        return None, "", None
    match dialect:
        case Dialect.V1:
            info = answer.get("error_info")
            if not isinstance(info, dict):
                return None, "", None
            number, text = info.get("errno"), info.get("error")
            rest = {key: value for key, value in answer.items() if key != "error_info"}
        case Dialect.V2:
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
    """Read a code that may be a number or a string; None if it is neither."""
    if isinstance(number, bool) or not isinstance(number, (int, str)):
        return None
    try:
        return int(number)
    except ValueError:
        return None


@lru_cache(maxsize=8)  # many replies come within a second
def _date(text: str | None) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp()) if text else None
    except (ValueError, OverflowError):
        return None


def _wait(text: str | None, date: int | None) -> float | None:
    """Read Retry-After: seconds, or a date that is compared with the reply's own."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        until = _date(text)
    return max(0.0, float(until - date)) if until is not None and date is not None else None
