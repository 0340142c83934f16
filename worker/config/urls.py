"""Parse addresses, and tell whether they are loopback."""

import ipaddress
from urllib.parse import SplitResult, urlsplit


def split_address(text: str) -> SplitResult | None:
    """Parse an address; None if its host or port is invalid."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
