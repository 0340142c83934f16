"""Sign requests of both API versions.

Source: appendix/signature (v2), Gettingstartedguide (v1)
"""

import hashlib
from collections.abc import Mapping
from enum import Enum

#: Longer values are left out of a v2 signature.
LONGEST_SIGNED = 1024


class Counting(Enum):
    """How a text's length decides whether it is signed.

    The page says bytes; its Python sample, and the SDKs, count characters; its PHP sample also
    leaves out what has exactly 1,024 bytes. What the service does is unknown.
    """

    BYTES = "bytes"
    CHARACTERS = "characters"
    FEWER_BYTES = "fewer-bytes"

    def signs(self, text: str) -> bool:
        """Return whether a text is signed."""
        match self:
            case Counting.BYTES:
                return len(text.encode()) <= LONGEST_SIGNED
            case Counting.CHARACTERS:
                return len(text) <= LONGEST_SIGNED
            case Counting.FEWER_BYTES:
                return len(text.encode()) < LONGEST_SIGNED


def otherwise(fields: Mapping[str, object], counting: Counting) -> Counting | None:
    """Return another way of counting that signs these fields differently; None if there is none."""
    texts = [value for value in fields.values() if isinstance(value, str)]
    return next(
        (
            other
            for other in Counting
            if any(other.signs(text) is not counting.signs(text) for text in texts)
        ),
        None,
    )


def safe_key(secret: str, timestamp: int) -> str:
    """Return the v1 signature: 32 lower-case hex digits over secret and whole seconds alone."""
    return _md5(f"{secret}{timestamp}")


def signature(
    fields: Mapping[str, object],
    sid: str,
    secret: str,
    timestamp: int,
    counting: Counting = Counting.BYTES,
) -> str:
    """Return the v2 signature: 32 hex digits over a body's top-level integers and strings.

    Arrays, objects and long texts are not signed. The sources disagree on how booleans, fractions
    and null are signed, so those raise TypeError: the wire format never has them.
    """
    signed = {"sid": sid, "timeStamp": str(timestamp)}
    for key, value in fields.items():
        if isinstance(value, (list, tuple, dict)):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            message = f"{key}: only integers and strings can be signed"
            raise TypeError(message)
        text = str(value)
        if counting.signs(text):
            signed[key] = text
    joined = "&".join(f"{key}={signed[key]}" for key in sorted(signed))
    return _md5(f"{joined}&key={secret}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
