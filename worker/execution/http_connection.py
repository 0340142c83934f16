"""One kept HTTP connection: what has left over it, and until when a reply must have come whole.

urllib3 makes the connection and http.client reads what is out of the ordinary. That common replies
are read here instead saves a quarter of a request's CPU time (bench row 12: 0.42 ms against 0.56);
requests' HTTPAdapter with urllib3's own connection takes 2.9 times as much, a Session 4.6 times.
"""

import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus, client
from typing import Any

from urllib3 import HTTPHeaderDict, HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import InvalidHeader

from worker.errors import ReplyLostError

#: An answer longer than this is none of ClassIn's (bytes).
LARGEST_REPLY = 16 * 1024 * 1024

#: The same of all that comes before it: its head, and interim replies with theirs.
LARGEST_HEAD = 256 * 1024

#: Of a request that is no bytes, so much is sent at a time.
_PIECE = 64 * 1024

#: The usual head of a reply: status, and headers of one line each.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [^\r\n]*\r\n"
    rb"((?:[!#-'*+.0-9A-Z^_`a-z|~-]+:[^\r\n]*\r\n)*[!#-'*+.0-9A-Z^_`a-z|~-]+:[^\r\n]*)\r\n\r\n"
)
_STAYS = "keep-alive"
_ENCODED = frozenset({"transfer-encoding", "content-encoding"})


@dataclass(slots=True)
class Exchange:
    """How far one request and its reply have come.

    `timeout`: seconds from the request, or its latest piece, to the last byte of the reply.
    `clock` gives seconds, from any start.
    """

    timeout: float
    clock: Callable[[], float] = time.monotonic
    #: Bytes of a reply's body that are taken.
    largest: int = LARGEST_REPLY
    #: Whether any byte of the request may have left.
    sent: bool = False
    _ends: float = field(default=0.0, init=False)

    def begin(self) -> None:
        """Begin anew: nothing of the next request has left."""
        self.sent = False

    def sending(self) -> None:
        """Note that the request, or a piece of it, is about to leave: the time counts from here."""
        self.sent = True
        self._ends = self.clock() + self.timeout

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if there are none."""
        left = self._ends - self.clock()
        if left <= 0:
            raise TimeoutError
        return left


class _Incoming(io.RawIOBase):
    """What arrives on a socket, within the exchange's time and no more of it than there is room."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._exchange = exchange
        #: Bytes that may still come; None: no reply is awaited.
        self.room: int | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:  # noqa: ANN401  # any kind of buffer
        if self.room is None:
            return None
        if self.room <= 0:
            raise ReplyLostError("the reply is longer than any of ClassIn's")
        self._sock.settimeout(self._exchange.left())
        got = self._sock.recv_into(buffer)
        self.room -= got
        return got


class _Replies(io.BufferedReader):
    """All replies of a connection, one after the other; http.client takes it for a socket."""

    def makefile(self, mode: str) -> "_Replies":
        """Return itself: what is buffered behind one reply must not be lost with it."""
        del mode
        return self

    def close(self) -> None:
        """Stay open: one reply has ended, not the connection."""


class Connection(HTTPConnection):
    """Sends a small request at one go, and reads the reply so where that came whole."""

    _incoming: _Incoming
    _replies: _Replies
    #: Whether the last request went out whole, and the reply to it leaves the connection open.
    _stays = False

    def __init__(self, *arguments: Any, exchange: Exchange, **options: Any) -> None:  # noqa: ANN401  # urllib3's
        super().__init__(*arguments, **options)
        self._exchange = exchange

    def connect(self) -> None:
        """Connect, and begin to listen."""
        super().connect()
        self._incoming = _Incoming(self.sock, self._exchange)
        self._replies = _Replies(self._incoming)

    @property
    def is_connected(self) -> bool:
        """Whether another request may be sent: nothing has come that nobody asked for."""
        return self._stays and super().is_connected and not self._has_left_over()

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,  # noqa: ANN401  # as urllib3 has it
        headers: Mapping[str, Any] | None = None,
        **options: bool,
    ) -> None:
        """Send a request; what is no bytes is read and goes piece by piece."""
        del options
        self._stays = False
        head = _head(method, url, headers or {})
        if isinstance(body, bytes):
            self.send(head + body)
        else:
            self.send(head)
            while piece := body.read(_PIECE):
                self.send(piece)
        self._stays = True

    def send(self, data: Any) -> None:  # noqa: ANN401  # bytes, of whatever kind
        """Send bytes, within the exchange's time."""
        if self.sock is None:
            self.connect()
        self._exchange.sending()
        rest = memoryview(data)
        while rest:
            self.sock.settimeout(self._exchange.left())
            rest = rest[self.sock.send(rest) :]

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, as there
        """Begin to read the reply; what is long or out of the ordinary is left to http.client."""
        self._incoming.room = LARGEST_HEAD
        seen = self._replies.peek()
        if (reply := _whole(seen)) is not None:
            self._replies.read(len(seen))
            return reply
        answer = self._final_answer()
        self._incoming.room += self._exchange.largest
        self._stays = self._stays and not answer.will_close
        return HTTPResponse(
            answer,
            HTTPHeaderDict(answer.headers.items()),
            answer.status,
            preload_content=False,
            original_response=answer,
            request_method="POST",
        )

    def _final_answer(self) -> client.HTTPResponse:
        """Read heads up to the reply's own: interim ones (1xx) are passed over."""
        while True:
            answer = client.HTTPResponse(self._replies, method="POST")  # type: ignore[arg-type]  # all that it asks of a socket
            answer.begin()
            if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise ReplyLostError("the reply would go on in another protocol")
            if answer.status >= HTTPStatus.OK:
                return answer

    def _has_left_over(self) -> bool:
        """Whether anything has come behind the last reply, as far as it was taken in."""
        self._incoming.room = None
        pending = self.sock.pending() if isinstance(self.sock, ssl.SSLSocket) else 0
        return bool(pending or self._replies.peek())


class SecureConnection(Connection, HTTPSConnection):
    """The same over TLS."""


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Write the head of a request. Raises InvalidHeader if one would begin another."""
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    text = "\n".join(lines)
    if "\r" in text or text.count("\n") != len(headers):
        raise InvalidHeader("a header has more than one line")
    return f"{text}\n\n".replace("\n", "\r\n").encode("latin-1")


def _whole(seen: bytes) -> HTTPResponse | None:
    """Read a reply that is here from its first byte to its last; None for any other.

    Only of the common form: one value for each header, a body as long as it says, not encoded, and
    the connection stays.
    """
    head = _HEAD.match(seen)
    if head is None:
        return None
    headers: dict[str, str] = {}
    lines = head[2].decode("latin-1").split("\r\n")
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")
    body = seen[head.end() :]
    common = (
        len(headers) == len(lines)
        and headers.get("content-length") == str(len(body))
        and headers.get("connection", _STAYS).lower() == _STAYS
        and headers.keys().isdisjoint(_ENCODED)
    )
    if not common:
        return None
    return HTTPResponse(io.BytesIO(body), headers, int(head[1]), preload_content=False)
