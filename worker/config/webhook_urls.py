"""Validate webhook addresses, origins and the signing secret. Pure."""

import re
from urllib.parse import urlsplit

from worker.config.urls import is_loopback, split_address

#: Maximum length of an address.
_LONGEST = 2000

#: 24 to 64 bytes in base64, with or without padding.
_SECRET = re.compile(
    "whsec_(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?"
)

_USUAL_PORTS = {"http": 80, "https": 443}


def fault_of_address(url: str) -> str | None:
    """Return what is wrong with a webhook address; None if nothing is."""
    parts = split_address(url)
    if (
        parts is None
        or parts.scheme not in _USUAL_PORTS
        or not parts.hostname
        or "@" in parts.netloc
        or parts.fragment
        or len(url) > _LONGEST
        or not (url.isascii() and url.isprintable())
        or " " in url
    ):
        return "should be an address like https://sis.example/hook"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "should start with https://; plain http goes to loopback addresses only"
    return None


def fault_of_origins(text: str) -> str | None:
    """Return what is wrong with origins, separated by spaces; None if nothing is."""
    for each in text.split():
        if (
            fault_of_address(each) is not None
            or urlsplit(each).path not in {"", "/"}
            or "?" in each
        ):
            return "should be addresses like https://sis.example, with blanks between them"
    return None


def fault_of_secret(text: str) -> str | None:
    """Return what is wrong with a secret; None if nothing is."""
    if _SECRET.fullmatch(text):
        return None
    return "should be whsec_ and 24 to 64 random bytes in base 64"


def origin_of(url: str) -> str:
    """Return scheme, host and port of a valid address: `https://sis.example:443`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _USUAL_PORTS[parts.scheme]}"
