"""Parse a time argument: an age such as `2d`, or a date."""

import re
from datetime import datetime

from worker.config.env import read_seconds
from worker.errors import FieldError


def read_moment(text: str, now: float) -> int | None:
    """Parse an age before now (seconds since 1970) or a date; return ms since 1970, or None."""
    return _read(text, now, -1)


def read_end(text: str, now: float) -> int | None:
    """Parse a time from now on (seconds since 1970) or a date; return ms since 1970, or None."""
    return _read(text, now, 1)


def _read(text: str, now: float, sign: int) -> int | None:
    if re.fullmatch(r"[\d.]+[smhd]?", text):
        try:
            return round((now + sign * read_seconds(text)) * 1000)
        except (ValueError, OverflowError):
            return None
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def moment_of(option: str, text: str | None, now: float, faults: list[FieldError]) -> int | None:
    """Return the moment of an option, if given; add a fault if it is invalid."""
    moment = None if text is None else read_moment(text, now)
    if text is not None and moment is None:
        faults.append(
            FieldError(option, f"should be like 2d, 90m or 2026-09-01T08:00; got {text!r}")
        )
    return moment
