"""Replies that never end, and replies to nobody: one deadline for all of it, one reply each."""

import itertools
import socket
import threading
from collections.abc import Iterable

import pytest

from tests.raw_server import OK, Behaviour, request, server, take
from worker.classin.endpoint import ApiVersion
from worker.config.settings import Timeouts
from worker.errors import ReplyLostError
from worker.execution.http_client import Transport, post_once

#: Short, where the server never comes to an end; long, where something else must end it.
SHORT, LONG = Timeouts(connect=5, reply=0.5), Timeouts(connect=5, reply=300)

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

#: What begins a reply, and what then comes again and again.
ENDLESS = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "header": (HEAD + b"X-Slow: ", b"o"),
    "headers": (HEAD, b"X-Slow: o\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"),
    "body": (HEAD + b"\r\n", b" "),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"1;", b"x"),
    "chunks": (CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n"),
    "trailer": (CHUNKED + b"0\r\nX-Slow: ", b"o"),
    "trailers": (CHUNKED + b"0\r\n", b"X-Slow: o\r\n"),
}


class Endless:
    """A server that does not end its reply, until the other side hangs up."""

    def __init__(self, start: bytes, again: Iterable[bytes], pause: float) -> None:
        self._start = start
        self._again = again
        self._pause = pause
        #: Set as soon as it cannot send any more.
        self.hung_up = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        """Answer one request."""
        take(connection)
        try:
            connection.sendall(self._start)
            for piece in self._again:
                connection.sendall(piece)
                threading.Event().wait(self._pause)
        finally:
            self.hung_up.set()


@pytest.mark.parametrize(("start", "again"), ENDLESS.values(), ids=ENDLESS)
def test_reply_timeout_covers_the_whole_reply(start: bytes, again: bytes) -> None:
    """Each byte comes soon after the last, and the reply never: it is given up in time."""
    trickle = Endless(start, map(bytes, zip(itertools.cycle(again))), pause=0.01)

    with server(trickle) as address:
        with pytest.raises(ReplyLostError, match="in time"):
            Transport(address, SHORT).send(request(), ApiVersion.V1)
        assert trickle.hung_up.wait(60)


@pytest.mark.parametrize(("start", "again"), ENDLESS.values(), ids=ENDLESS)
def test_flood_is_no_reply(start: bytes, again: bytes) -> None:
    """What comes without end and without pause is given up long before the deadline."""
    flood = Endless(start, itertools.repeat(again * (65536 // len(again))), pause=0)

    with server(flood) as address:
        with pytest.raises(ReplyLostError):
            Transport(address, LONG).send(request(), ApiVersion.V1)
        assert flood.hung_up.wait(60)


def test_reply_timeout_covers_the_head_of_a_webhooks_answer() -> None:
    """Who is told that a batch has settled cannot hold the thread either."""
    trickle = Endless(HEAD + b"X-Slow: ", itertools.repeat(b"o"), pause=0.01)

    with server(trickle) as address:
        with pytest.raises(ReplyLostError, match="in time"):
            post_once(f"{address}/hook", b"{}", {}, SHORT)
        assert trickle.hung_up.wait(60)


def coded(code: int, length: int = 0) -> bytes:
    """A whole reply with that code, filled up with blanks to that many bytes."""
    body = b'{"error_info":{"errno":"%d","error":""}}' % code
    head = OK.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    blanks = length - len(head % (length or 1)) - len(body)
    body += b" " * max(0, blanks)
    return head % len(body) + body


def replying(*replies: bytes, seen: list[int]) -> Behaviour:
    """Answer one request after the other on each connection, and count the connections."""
    left = iter(replies)

    def behave(connection: socket.socket) -> None:
        seen.append(1)
        while True:
            take(connection)
            connection.sendall(next(left))

    return behave


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" * 3,
    ],
    ids=["102", "103", "several"],
)
def test_interim_replies_shift_no_reply_to_the_next_request(interim: bytes) -> None:
    """What is said before the reply is passed over: each request gets its own."""
    seen: list[int] = []

    with server(replying(interim + coded(1), coded(104), coded(7), seen=seen)) as address:
        transport = Transport(address, LONG)
        codes = [transport.send(request(), ApiVersion.V1).code for _ in range(3)]

    assert codes == [1, 104, 7]
    assert len(seen) == 1


def test_switching_protocols_is_no_reply() -> None:
    """Nobody asked for another protocol; the connection is not used again."""
    seen: list[int] = []
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"

    with server(replying(upgrade + coded(104), coded(1), seen=seen)) as address:
        transport = Transport(address, LONG)
        with pytest.raises(ReplyLostError):
            transport.send(request(), ApiVersion.V1)
        assert transport.send(request(), ApiVersion.V1).code == 1

    assert len(seen) == 2


@pytest.mark.parametrize("left", [coded(7), coded(7)[:-9], b"\r\n"], ids=["all", "part", "blank"])
@pytest.mark.parametrize("first", [coded(1), coded(1, 20_000)], ids=["short", "long"])
def test_connection_with_bytes_left_over_is_not_used_again(first: bytes, left: bytes) -> None:
    """Whatever came after a reply belongs to nobody's request, and more of it may follow."""
    seen: list[int] = []

    with server(replying(first + left, coded(104), seen=seen)) as address:
        transport = Transport(address, LONG)
        codes = [transport.send(request(), ApiVersion.V1).code for _ in range(2)]

    assert codes == [1, 104]
    assert len(seen) == 2
