"""Files on the web: read over one connection, to an address that was looked at before."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urljoin

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError, NewConnectionError

from worker.config.file_access import USUAL_PORTS, Address, FileAccess, WebAddress, WebError
from worker.errors import ReplyLostError
from worker.execution.http_connection import Connection, Exchange, SecureConnection

#: Seconds for a connection, for the head of a reply, and then between two pieces.
_CONNECT, _SILENCE = 10.0, 30.0

#: What a server may take besides, in seconds, and what it must bring for each further one (bytes).
_GRACE, _LEAST_RATE = 60.0, 64 * 1024

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: Bytes as they lie there: of what is encoded all the same, those that are sent.
_HEADERS = {"User-Agent": "classin-queue", "Accept": "*/*", "Accept-Encoding": "identity"}

#: Finds the addresses that a host's name leads to.
Resolve = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> Sequence[Address]:
    """Find the addresses of a host, in the order in which to try them. Raises WebError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebError("there is no such host") from None
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def open_web_file(
    at: str,
    access: FileAccess,
    resolve: Resolve = resolve,
    clock: Callable[[], float] = time.monotonic,
) -> "WebFile":
    """Ask for a file. Every redirect is judged as the first address is.

    `clock` gives seconds, from any start. Raises PermissionError for an address that may not be
    asked, ValueError for what is none, and WebError.
    """
    before: WebAddress | None = None
    for _ in range(_MOST_REDIRECTS + 1):
        address = access.web_address(at, before)
        file = WebFile.ask(address, access, resolve, _Pace(clock))
        if file.status == HTTPStatus.OK:
            return file
        file.close()
        if file.status not in _REDIRECTS or not file.location:
            missing = file.status == HTTPStatus.NOT_FOUND
            raise WebError("no such file" if missing else f"HTTP {file.status}", file.status)
        before, at = address, urljoin(at, file.location)
    raise WebError("it redirects too often", HTTPStatus.LOOP_DETECTED)


class _Pace(Exchange):
    """How long a server may take: for each piece, and for all that it has brought so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(_SILENCE, clock, largest=2**62)
        self.brought = 0
        #: Seconds that were spent waiting, without those since `since`.
        self._waited = 0.0
        self._since = clock()

    def waits(self) -> None:
        """Note that somebody begins to wait for the server."""
        self._since = self.clock()
        self.sending()

    def got(self, count: int) -> None:
        """Note what it brought."""
        self._waited += self.clock() - self._since
        self.brought += count

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if there are none."""
        waited = self._waited + self.clock() - self._since
        left = _GRACE + self.brought / _LEAST_RATE - waited
        if left <= 0:
            raise TimeoutError
        return min(left, super().left())


class WebFile:
    """The reply to one request for a file."""

    def __init__(self, connection: Connection, reply: HTTPResponse, pace: _Pace) -> None:
        self._connection, self._reply, self._pace = connection, reply, pace
        self.status = reply.status
        self.location = reply.headers.get("Location", "")

    @classmethod
    def ask(
        cls, address: WebAddress, access: FileAccess, resolve: Resolve, pace: "_Pace"
    ) -> "WebFile":
        """Look up a host, judge what its name leads to, and ask there. Raises as open_web_file."""
        literal = address.literal
        found = [literal] if literal else resolve(address.host, address.port)
        access.must_be_open(address, found)
        error = WebError("there is no such host")
        for each in dict.fromkeys(found):
            connection = _connection(address, each, pace)
            try:
                pace.waits()
                connection.request("GET", address.target, b"", _headers(address))
                return cls(connection, connection.getresponse(), pace)
            except (HTTPError, HTTPException, OSError, ReplyLostError) as failure:
                connection.close()
                error = _explained(failure)
                if not isinstance(failure, NewConnectionError):
                    break
        raise error

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end. Raises WebError."""
        self._pace.waits()
        try:
            piece = self._reply.read(size, decode_content=False)
        except (HTTPError, HTTPException, OSError, ReplyLostError) as failure:
            raise _explained(failure) from None
        self._pace.got(len(piece))
        return piece

    def close(self) -> None:
        """Let go of the connection."""
        with suppress(HTTPError, HTTPException, OSError):
            self._reply.close()
        self._connection.close()


def _connection(address: WebAddress, ip: Address, pace: _Pace) -> Connection:
    """Build the way to an IP address; TLS is verified for the host's name."""
    if address.scheme == "http":
        return Connection(str(ip), address.port, exchange=pace, timeout=_CONNECT)
    return SecureConnection(
        str(ip),
        address.port,
        exchange=pace,
        timeout=_CONNECT,
        server_hostname=address.host,
        ssl_context=_trusted(),
    )


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _headers(address: WebAddress) -> dict[str, str]:
    host = f"[{address.host}]" if ":" in address.host else address.host
    if address.port != USUAL_PORTS[address.scheme]:
        host += f":{address.port}"
    return {"Host": host, "Connection": "close", **_HEADERS}


def _explained(error: BaseException) -> WebError:
    """Put what went wrong in our words: those of libraries quote addresses."""
    causes: list[BaseException] = []
    each: BaseException | None = error
    while each is not None:
        causes.append(each)
        each = each.__cause__ or each.__context__
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return WebError("its server's TLS certificate was not accepted")
    if any(isinstance(each, TimeoutError) for each in causes):
        return WebError("its server is too slow")
    if isinstance(error, NewConnectionError):
        return WebError("no connection to its server")
    if isinstance(error, OSError) and not isinstance(error, HTTPError):
        return WebError("the connection to its server was lost")
    return WebError(f"its server broke off ({type(error).__name__})")
