"""Security and cache headers of every response. Pure."""

from collections.abc import Iterable

#: Nothing but the description's page is a page; that one has its scripts from here alone.
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PAGE = (
    f"{_NOTHING}; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'"
)

_ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

#: A year of https only, where it is spoken here.
_HTTPS_ONLY = "max-age=31536000"

#: The page of the description, and what it is made with: the only answers that a cache may keep.
PAGE, PUBLIC = "/docs", "/docs/"


def security_headers(path: str, scheme: str) -> dict[str, str]:
    """Return the headers for an answer."""
    found = {**_ALWAYS, "content-security-policy": _PAGE if path == PAGE else _NOTHING}
    if not path.startswith(PUBLIC):
        found["cache-control"] = "no-store"
    if scheme == "https":
        found["strict-transport-security"] = _HTTPS_ONLY
    return found


def with_security(
    headers: Iterable[tuple[bytes, bytes]], path: str, scheme: str
) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with these; where it has one of them already, ours counts."""
    ours = {name.encode(): text.encode() for name, text in security_headers(path, scheme).items()}
    return [*((name, text) for name, text in headers if name.lower() not in ours), *ours.items()]
