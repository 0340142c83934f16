"""A moment as a person writes it: so long ago, or a date."""

import re
from datetime import datetime

from worker.settings import read_seconds


def read_moment(text: str, now: float) -> int | None:
    """Read a span before now (seconds since 1970), or a date, as ms since 1970; None: neither."""
    if re.fullmatch(r"[\d.]+[smhd]?", text):
        try:
            return round((now - read_seconds(text)) * 1000)
        except (ValueError, OverflowError):
            return None
    try:
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
