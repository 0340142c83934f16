"""Request heads: ambiguous ones are refused before h11 parses them. Pure.

Proxies and servers that disagree on where a request ends let one client write into another's. The
leniency that RFC 9112 allows is therefore not applied: each line ends with CR LF, each header
stands on one line, and exactly one header gives the body's length.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

#: Limits: bytes of a head, bytes of its target, header lines.
LONGEST_HEAD, LONGEST_TARGET, MOST_HEADERS = 32 * 1024, 8 * 1024, 100

#: Illegal in any head: a bare CR or LF, or a control character other than tab.
_STRAY = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_FIRST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/(\d\.\d)")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_LENGTH = re.compile(rb"\d{1,18}")
_HOST = re.compile(rb"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")

_VERSIONS = frozenset({b"1.0", b"1.1"})

#: Headers that must not be repeated: another server might use the other one.
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"authorization", b"expect")


class Refusal(NamedTuple):
    """Why a head is refused."""

    status: int
    detail: str


def stray(head: bytes | bytearray, start: int) -> Refusal | None:
    """Find the first illegal byte of a partial head, from a position on."""
    if _STRAY.search(head, max(0, start - 1)):
        return Refusal(400, "A head has lines that end with CR LF, and no control characters.")
    return None


def first_line_fault(line: bytes) -> Refusal | None:
    """Check the request line, without its line end."""
    if len(line) > LONGEST_TARGET:
        return Refusal(414, f"A target has at most {LONGEST_TARGET:,} bytes.")
    found = _FIRST_LINE.fullmatch(line)
    if found is None:
        return Refusal(400, "The first line should be METHOD /PATH HTTP/1.1.")
    method, target, version = found.groups()
    if version not in _VERSIONS:
        return Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if not target.startswith(b"/") or b"#" in target or method == b"CONNECT":
        return Refusal(400, "The target should be a path: this is no proxy.")
    return None


def head_fault(head: bytes, hosts: frozenset[str] | None = None) -> Refusal | None:
    """Check a complete head, without the empty line. `hosts`: the only allowed Host values."""
    first, *lines = head.split(b"\r\n")
    if fault := first_line_fault(first):
        return fault
    if len(lines) > MOST_HEADERS:
        return Refusal(431, f"A head has at most {MOST_HEADERS} headers.")
    headers: dict[bytes, list[bytes]] = {}
    for line in lines:
        if (found := _HEADER.fullmatch(line)) is None:
            return Refusal(400, "Each header should be NAME: VALUE, on one line.")
        headers.setdefault(found[1].lower(), []).append(found[2])
    for name in _ONCE:
        if len(headers.get(name, ())) > 1:
            return Refusal(400, f"{name.decode().title()} should be given once.")
    version_1_0 = first.endswith(b"1.0")
    return (
        _length_fault(headers, version_1_0=version_1_0)
        or _expectation_fault(headers)
        or _host_fault(headers.get(b"host", ()), hosts, needed=not version_1_0)
    )


def _length_fault(headers: dict[bytes, list[bytes]], *, version_1_0: bool) -> Refusal | None:
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if length and coding:
        return Refusal(400, "Content-Length and Transfer-Encoding exclude each other.")
    if length and not _LENGTH.fullmatch(length[0]):
        return Refusal(400, "Content-Length should be a number.")
    if coding and version_1_0:
        return Refusal(400, "HTTP/1.0 has no Transfer-Encoding.")
    if coding and coding[0].lower() != b"chunked":
        return Refusal(501, "Transfer-Encoding should be chunked.")
    return None


def _expectation_fault(headers: dict[bytes, list[bytes]]) -> Refusal | None:
    expected = headers.get(b"expect", [b"100-continue"])[0]
    if expected.lower() != b"100-continue":
        return Refusal(417, "Expect should be 100-continue.")
    return None


def _host_fault(
    given: Sequence[bytes], hosts: frozenset[str] | None, *, needed: bool
) -> Refusal | None:
    if not given:
        return Refusal(400, "Host should be given.") if needed else None
    if (found := _HOST.fullmatch(given[0])) is None:
        return Refusal(400, "Host should be NAME or NAME:PORT.")
    if hosts is not None and found[1].decode().lower() not in hosts:
        # DNS rebinding: a page's own name can resolve to this machine.
        return Refusal(421, "This name is not this gateway's: ask for 127.0.0.1 or localhost.")
    return None
