"""Security and cache headers of every response. Pure."""

from collections.abc import Iterable

#: Only the documentation page is a page; its scripts come from this server.
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

#: HSTS for a year, where TLS is on.
_HTTPS_ONLY = "max-age=31536000"

#: The documentation page and its files are the only cacheable responses.
PAGE, PUBLIC = "/docs", "/docs/"


def security_headers(path: str, scheme: str) -> dict[str, str]:
    """Return the headers of a response."""
    found = {**_ALWAYS, "content-security-policy": _PAGE if path == PAGE else _NOTHING}
    if not path.startswith(PUBLIC):
        found["cache-control"] = "no-store"
    if scheme == "https":
        found["strict-transport-security"] = _HTTPS_ONLY
    return found


def with_security(
    headers: Iterable[tuple[bytes, bytes]], path: str, scheme: str
) -> list[tuple[bytes, bytes]]:
    """Merge these headers into a response's; ours win."""
    ours = {name.encode(): text.encode() for name, text in security_headers(path, scheme).items()}
    return [*((name, text) for name, text in headers if name.lower() not in ours), *ours.items()]
