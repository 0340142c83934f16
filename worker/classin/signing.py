"""How a request proves whom it comes from, in both dialects.

Source: appendix/signature (v2), Gettingstartedguide (v1)
"""

import hashlib
from collections.abc import Mapping

#: Values longer than this many bytes take no part in a v2 signature.
LONGEST_SIGNED = 1024


def safe_key(secret: str, timestamp: int) -> str:
    """The v1 proof: 32 lower-case hex digits over the secret and the whole seconds alone."""
    return _md5(f"{secret}{timestamp}")


def signature(fields: Mapping[str, object], sid: str, secret: str, timestamp: int) -> str:
    """The v2 proof: 32 lower-case hex digits over the top-level integers and strings of a body.

    Arrays, objects and over-long values travel unsigned. The sources disagree on how booleans,
    fractions and null are signed, so those raise TypeError: the wire never carries them.
    """
    signed = {"sid": sid, "timeStamp": str(timestamp)}
    for key, value in fields.items():
        if isinstance(value, (list, tuple, dict)):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            message = f"{key}: only integers and strings can be signed"
            raise TypeError(message)
        text = str(value)
        if len(text.encode()) <= LONGEST_SIGNED:
            signed[key] = text
    joined = "&".join(f"{key}={signed[key]}" for key in sorted(signed))
    return _md5(f"{joined}&key={secret}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
