"""HTTP answers: what a server may say, its head and length right or wrong, or any bytes."""

import json
import zlib
from functools import cache
from gzip import compress
from typing import Any

from hypothesis import strategies as st

from tests.security.fuzz.damage import damaged, odd_values, spoiled, written

_STATUSES = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 204 No Content",
    b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 Switching", b"HTTP/1.1 103 Early Hints",
    b"HTTP/1.1 302 Found", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 410 Gone", b"HTTP/1.1 429 X",
    b"HTTP/1.1 500 X", b"HTTP/1.1 503 X", b"HTTP/1.1 999 X", b"HTTP/1.1 099 X", b"HTTP/2 200",
    b"HTTP/1.1 -200 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 \xb2\xb0\xb0 OK", b"ICY 200 OK", b"",
)  # fmt: skip

_HEADERS = (
    b"Date: Tue, 01 Sep 2026 08:00:00 GMT", b"Date: Tue, 99 Foo 99999 99:99:99 +9999",
    b"Date: Mon, 01 Jan 0001 00:00:00 +2359", b"Date: ", b"Date: 1 1 1 1 1", b"Date: \xff\x00",
    b"Date: Fri, 31 Dec 9999 23:59:59 -2359", b"Date: Tue, 01 Sep 2026 08:00 \xb2", b"Date: 0 Jan",
    b"Retry-After: 5", b"Retry-After: -1", b"Retry-After: 1e9", b"Retry-After: inf",
    b"Retry-After: " + b"9" * 5000, b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT",
    b"Retry-After: \xb2", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: x", b"Content-Encoding: gzip", b"Content-Encoding: deflate",
    b"Content-Encoding: gzip, gzip, gzip", b"Content-Encoding: zstd", b"Content-Encoding: br",
    b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 1_0", b"Content-Length: +5",
    b"Content-Length: 99999999999999999999", b"Content-Length: 5, 5", b"Content-Length: 0x5",
    b"Connection: close", b"Connection: keep-alive", b"Location: http://127.0.0.1:1/x",
    b"Location: file:///etc/passwd", b"Set-Cookie: a=b", b"X: " + b"y" * 70_000, b" folded: x",
    b"no colon", b": no name", b"X\x00Y: z", b"Content-Type: text/html; charset=nonsense",
)  # fmt: skip

#: Answers of ClassIn's, and what is told in lists.
ANSWERS: tuple[Any, ...] = (
    {"error_info": {"errno": 1, "error": "程序正常执行"}, "data": 747759},
    {"error_info": {"errno": "104", "error": "unknown error"}},
    {"error_info": {"errno": 135, "error": "registered already"}, "data": 1002003},
    {
        "error_info": {"errno": 1, "error": ""},
        "data": [{"errno": 1, "data": 5}, {"errno": 461, "error": "x"}],
    },
    {"code": 1, "msg": "ok", "data": {"activityId": 5, "name": "x", "customColumn": 7}},
    {"code": 101002006, "msg": "clock"},
    {"code": "29208", "msg": "the name is taken", "data": {"list": [{"code": 1}]}},
)


def _bomb(size: int) -> bytes:
    """Compress so many MB of nothing, piece by piece: this process must stay small."""
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(size)) + packer.flush()


@cache
def _bombs() -> tuple[bytes, ...]:
    """Make bodies that grow when they are opened; it takes seconds."""
    return (*map(_bomb, (1, 20, 400)), compress(compress(_bomb(50))))


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """What stands below the head."""
    match draw(st.integers(0, 9)):
        case 0:
            content: bytes = draw(st.binary(max_size=200))
        case 1:
            content = json.dumps(draw(odd_values)).encode()
        case 2:
            content = draw(st.sampled_from(_bombs()))
        case 3:
            content = draw(st.sampled_from((b"[" * 100_000, b"9" * 10_000, b'{"a":' * 9000, b"")))
        case _:
            content = draw(spoiled(written(draw(damaged(ANSWERS)))))
    match draw(st.integers(0, 5)):
        case 0:
            return compress(content)
        case 1:
            return zlib.compress(content)
        case _:
            return content


def _chunked(draw: st.DrawFn, body: bytes) -> bytes:
    size = draw(st.sampled_from((b"%x", b"0x%x", b"%x;a=b", b"-%x", b"fffffff%x", b" %x", b"+%x")))
    chunk: bytes = size % len(body) + b"\r\n" + body + b"\r\n"
    return chunk + draw(st.sampled_from((b"0\r\n\r\n", b"", b"0\r\nX: y\r\n\r\n", b"0\r\n")))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """All that a server sends before it hangs up."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.binary(max_size=400))
    body = draw(bodies())
    lines = [draw(st.sampled_from(_STATUSES) | st.just(_STATUSES[0]))]
    headers = draw(st.lists(st.sampled_from(_HEADERS), max_size=3))
    lines += headers
    if any(b"chunked" in each for each in headers):
        body = _chunked(draw, body)
    elif draw(st.integers(0, 3)):
        lines.append(b"Content-Length: %d" % len(body))
    end = draw(st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")))
    before = draw(st.sampled_from((b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3)))
    content: bytes = before + end.join(lines) + end * 2 + body
    return draw(spoiled(content, 2)) if draw(st.integers(0, 3)) == 0 else content
