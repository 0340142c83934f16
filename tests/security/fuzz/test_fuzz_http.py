"""The door of the gateway: bytes on its port, with a key or without."""

import json
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hypothesis import strategies as st

from ops.processes.supervisor import classin as command_line
from tests.security.fuzz.canaries import ALL, must_not_sing, must_show_no_signature
from tests.security.fuzz.damage import damaged, odd_values, spoiled, written
from tests.security.fuzz.door import Door
from tests.security.fuzz.exploring import passes
from tests.security.fuzz.oracle import BrokenError, Take
from tests.security.fuzz.place import must_tell_nothing
from tests.security.fuzz.system import Log, a_system
from tests.security.fuzz.test_fuzz_jsonl import LINES
from tests.stage import start, until
from worker.ledger.api_keys import ApiKeys
from worker.ledger.redis_client import connect

#: Seconds after which a server that says nothing may wait for more.
_LULL = 0.5

#: What a server may say of itself on purpose: not known here, not now, not this HTTP.
_MEANT = frozenset({501, 503, 505})

#: Stands for a key until it is known.
_KEY = b"@KEY@"

_TARGETS = (
    b"POST /v1/operations", b"POST /v1/operations", b"POST /v1/operations", b"GET /v1/operations",
    b"GET /v1/operations?state=failed&limit=5&since=2d", b"GET /v1/operations?limit=9999999999999",
    b"GET /v1/operations?cursor=%00&school=%ff&batch=%ud800", b"GET /v1/operations/%2e%2e%2fx",
    b"GET /v1/operations?since=99999999999999999d", b"GET /v1/batches/x", b"GET /healthz",
    b"POST /v1/operations/x/retry?mend=maybe", b"POST /v1/operations/x/cancel", b"GET /docs",
    b"GET /docs/../../etc/passwd", b"GET //v1/operations", b"GET /v1/openapi.json", b"PUT /v1/",
    b"GET http://127.0.0.1/v1/operations", b"OPTIONS *", b"CONNECT 127.0.0.1:80", b"GET /\xff\x00",
    b"HEAD /healthz", b"TRACE /", b"G\x00T /", b"GET /" + b"a" * 40_000, b"get /healthz", b"PRI *",
)  # fmt: skip

_VERSIONS = (b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 x", b"")

_HEADERS = (
    b"Authorization: Bearer " + _KEY, b"Authorization: Bearer " + _KEY, b"Authorization: Bearer x",
    b"Authorization: Bearer cq_00000000_" + b"A" * 43, b"Authorization: Basic eDp4",
    b"Content-Type: application/json", b"Content-Type: application/jsonl",
    b"Content-Type: application/json; charset=utf-16", b"Content-Type: multipart/form-data",
    b"Content-Length: 5", b"Content-Length: 99999999999", b"Content-Length: -1",
    b"Content-Length: 5, 5", b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding: xchunked", b"Expect: 100-continue",
    b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"Host: a", b"Host: \xff",
    b'Idempotency-Key: "x"', b"Idempotency-Key: " + b"x" * 500, b"Idempotency-Key: \xe9",
    b"X-Forwarded-For: 127.0.0.1", b"X: " + b"y" * 20_000, b" folded: x", b"no colon", b"A\x00: b",
    b"Content-Encoding: gzip", b"Last-Event-ID: 99999999999999999999",
    b"Accept: text/event-stream",
)  # fmt: skip

_CHUNKS = (b"%x\r\n", b"0x%x\r\n", b"%x;a=b\r\n", b"-%x\r\n", b"fffffff%x\r\n", b"%x\n", b" %x\r\n")


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    match draw(st.integers(0, 4)):
        case 0:
            return draw(st.binary(max_size=100))
        case 1:
            return json.dumps(draw(odd_values)).encode()
        case 2:
            return b"\n".join(draw(st.lists(damaged(LINES).map(written), max_size=3)))
        case _:
            lines = draw(st.lists(damaged(LINES), min_size=1, max_size=3))
            return draw(spoiled(written(lines[0] if len(lines) == 1 else lines)))


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 15)) == 0:
        return draw(st.binary(max_size=300))
    body = draw(_bodies())
    usual = draw(st.integers(0, 5)) > 0
    version = _VERSIONS[0] if usual else draw(st.sampled_from(_VERSIONS))
    lines = [draw(st.sampled_from(_TARGETS) | st.just(_TARGETS[0])) + b" " + version]
    lines += [b"Host: x", b"Connection: close", _HEADERS[0], _HEADERS[5]] if usual else []
    odd = draw(st.lists(st.sampled_from(_HEADERS), max_size=0 if draw(st.booleans()) else 2))
    lines += odd
    if any(b"chunked" in each for each in odd):
        body = draw(st.sampled_from(_CHUNKS)) % len(body) + body + b"\r\n0\r\n\r\n"
    elif usual:
        lines.append(b"Content-Length: %d" % len(body))
    end = b"\r\n" if usual else draw(st.sampled_from((b"\r\n", b"\n")))
    request = end.join(lines) + end * 2 + body
    return draw(spoiled(request, 2)) if draw(st.integers(0, 5)) == 0 else request


def _answer_to(place: tuple[str, int], request: bytes) -> bytes:
    """Send bytes, and read until it hangs up; where it waits for more, say that none come."""
    answer = b""
    with (
        socket.create_connection(place, timeout=_LULL) as connection,
        suppress(ConnectionError),  # it hung up before all was said
    ):
        connection.sendall(request)
        while True:
            try:
                got = connection.recv(65536)
            except TimeoutError:
                if connection.gettimeout() != _LULL:
                    raise BrokenError("it neither answers nor hangs up") from None
                connection.settimeout(50)
                connection.shutdown(socket.SHUT_WR)
                continue
            if not got:
                return answer
            answer += got
    return answer


def _must_be_sound(answer: bytes) -> None:
    """See that an answer is none, or one that a client can use."""
    if not answer:
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 ([1-5][0-9]{2}) ", head)
    if status is None or (status[1] >= b"500" and int(status[1]) not in _MEANT):
        raise BrokenError(f"it answers {head[:200]!r} {body[:500]!r}")
    is_problem = b"application/problem+json" in head
    if int(status[1]) >= 400 and body and not is_problem:
        raise BrokenError(f"no problem: {head[:200]!r} {body[:500]!r}")
    must_not_sing("answered", [answer.decode("utf-8", "replace")], ALL)


@contextmanager
def _opened() -> Iterator[Take]:
    with a_system() as environment:
        settings = environment.settings
        redis = connect(settings.ledger_url)
        token, _ = ApiKeys(redis, settings.keyring).add("fuzz", 0)
        path = Path(environment.variables["CLASSIN_HOME"], "..", "gateway.log")
        with path.open("wb") as output:
            process = start(
                command_line("gateway", "--port", "0"), environment, stdout=output, stderr=output
            )
        address = re.compile(r"http://([^:/\s]+):(\d+)")
        until(lambda: address.search(path.read_text("utf-8")) is not None, "the gateway listens")
        found = address.search(path.read_text("utf-8"))
        assert found is not None
        place, said = (found[1], int(found[2])), Log(path)

        def take(request: bytes) -> Iterable[str]:
            _must_be_sound(_answer_to(place, request.replace(_KEY, token.encode())))
            if process.poll() is not None:
                raise BrokenError(f"the gateway has ended: {said.news()[-3000:]}")
            new = said.news()
            if "Traceback" in new or " at\n" in new or token in new:
                raise BrokenError(f"an error in the log: {new[-3000:]}")
            must_show_no_signature(new)
            must_tell_nothing(redis)
            yield new

        try:
            yield take
        finally:
            process.kill()
            process.wait()


DOOR = Door("http", _requests(), _opened, limit=90.0, examples=80)


def test_whatever_is_sent_to_the_gateway_is_answered_in_good_form() -> None:
    """Whoever reaches the port: no 500, no hang, no traceback, and no canary in answers or log."""
    passes(DOOR)
