"""The way to ClassIn over HTTP: the only importer of requests."""

import io
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from http import client
from http.client import HTTPException
from typing import Any, Protocol, cast
from urllib.parse import quote_plus, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_toolbelt import MultipartEncoder
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPHeaderDict, HTTPResponse, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, InvalidHeader, NewConnectionError

from worker.classin.call import Dialect
from worker.classin.errors import NotSent, Unread
from worker.classin.reply import Reply, read_reply
from worker.classin.wire import Request
from worker.settings import Deadlines

#: An answer longer than this is none of ClassIn's (bytes).
LARGEST_REPLY = 16 * 1024 * 1024

_PIECE = 64 * 1024

#: What goes with every request. Replies are too small to be worth compressing.
_HEADERS = {"User-Agent": "classin-queue", "Accept": "*/*", "Accept-Encoding": "identity"}

_FORM = "application/x-www-form-urlencoded"

#: The usual head of a reply: status, and headers of one line each.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9]{2}) [^\r\n]*\r\n"
    rb"((?:[!#-'*+.0-9A-Z^_`a-z|~-]+:[^\r\n]*\r\n)*[!#-'*+.0-9A-Z^_`a-z|~-]+:[^\r\n]*)\r\n\r\n"
)
_STAYS = "keep-alive"
_ENCODED = frozenset({"transfer-encoding", "content-encoding"})


class Stream(Protocol):
    """A file on its way: `len` is how many bytes are still to come."""

    @property
    def len(self) -> int:
        """How many bytes are still to come."""

    def read(self, size: int = ...) -> bytes:
        """Give the next ones, so many at most."""


class Transport:
    """Sends signed requests over connections that are kept, one for each thread.

    TLS certificates are always verified; redirects are not followed; nothing is read from the
    environment: no proxies, no .netrc.
    """

    def __init__(
        self,
        base_url: str,
        deadlines: Deadlines,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url
        self._deadlines = deadlines
        self._clock = clock
        self._local = threading.local()

    def send(
        self, request: Request, dialect: Dialect, streams: Mapping[str, Stream] | None = None
    ) -> Reply:
        """Send one request, its files from these streams, and read its reply.

        Raises NotSent when ClassIn cannot have got it, Unread when it may have, and what reading a
        stream raises.
        """
        body, headers = _body(request, streams or {})
        ends = self._clock() + self._deadlines.connect + self._deadlines.reply
        try:
            with self._way().post(request.target, body, headers) as response:
                if streams:  # they may have taken long
                    ends = self._clock() + self._deadlines.reply
                answer = self._read(response, ends)
                return read_reply(dialect, response.status_code, response.raw.headers, answer)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _accident(error) from None
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            raise Unread(f"the exchange broke off ({type(error).__name__})") from None

    def _read(self, response: requests.Response, ends: float) -> bytes:
        """Read the body as it comes, so that a trickle cannot outlast the deadline."""
        body = bytearray()
        while piece := response.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST_REPLY:
                raise Unread("the reply is longer than any of ClassIn's")
            if self._clock() > ends:
                raise Unread("the reply did not end in time")
        response.raw.release_conn()
        return bytes(body)

    def _way(self) -> "_Way":
        way: _Way | None = getattr(self._local, "way", None)
        if way is None:
            way = self._local.way = _Way(self._base_url, self._deadlines)
        return way


def post_once(url: str, body: bytes, headers: Mapping[str, str], deadlines: Deadlines) -> int:
    """Send a body to an address of anybody's; gives the HTTP status, and reads no more.

    What holds for requests to ClassIn holds here. Raises NotSent or Unread.
    """
    try:
        target = requests.Request("POST", url).prepare().path_url
        parts = urlsplit(url)
        with closing(_Way(f"{parts.scheme}://{parts.netloc}", deadlines)) as way:
            return way.post(target, body, headers).status_code
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _accident(error) from None
    except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
        raise Unread(f"the exchange broke off ({type(error).__name__})") from None


class _Way(HTTPAdapter):
    """What requests has below its sessions, for one address: all that stays is looked up once."""

    def __init__(self, base_url: str, deadlines: Deadlines) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        address = requests.Request("POST", base_url).prepare().url or ""
        parts = urlsplit(address)
        self._path = parts.path.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"Host": parts.netloc, **_HEADERS}
        #: Requests takes urllib3's own as well, which its types do not say.
        self._timeout: Any = Timeout(connect=deadlines.connect, read=deadlines.reply)
        self._pool: HTTPConnectionPool | None = None

    def post(
        self, target: str, body: bytes | MultipartEncoder, headers: Mapping[str, str]
    ) -> requests.Response:
        """Send a body there, and give the reply, which is still to be read."""
        length = len(body) if isinstance(body, bytes) else body.len
        all_headers: Any = {**self._headers, **headers, "Content-Length": str(length)}
        request = requests.PreparedRequest()
        request.method, request.headers, request.body = "POST", all_headers, body
        request.url = self._origin + self._path + target
        return self.send(request, stream=True, timeout=self._timeout)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001  # as requests has it
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """Give the pool, which keeps one connection."""
        if self._pool is None:
            found = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pool = cast("HTTPConnectionPool", found)
            secure = self._pool.scheme == "https"
            self._pool.ConnectionCls = _SecureConnection if secure else _Connection
        return self._pool

    def request_url(
        self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None
    ) -> str:
        """Give path and query."""
        del proxies
        return (request.url or "").removeprefix(self._origin)

    def build_response(
        self, req: requests.PreparedRequest, resp: BaseHTTPResponse
    ) -> requests.Response:
        """Give what is read here of a response: no cookies, no encoding."""
        del req
        response = requests.Response()
        response.status_code, response.raw = resp.status, resp
        return response


class _Connection(HTTPConnection):
    """Sends a small request at one go, and reads the reply to it so where that came whole."""

    _small = False

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,  # noqa: ANN401  # as urllib3 has it
        headers: Mapping[str, Any] | None = None,
        **options: bool,
    ) -> None:
        """Send a request; what is no bytes goes piece by piece."""
        self._small = isinstance(body, bytes)
        if not self._small:
            super().request(method, url, body, headers, **options)
            return
        if self.sock is not None:
            self.sock.settimeout(self.timeout)
        self.send(_head(method, url, headers or {}) + body)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3's own, as there
        """Begin to read the reply; what is long or out of the ordinary is left to http.client."""
        if not self._small:
            return super().getresponse()
        self.sock.settimeout(self.timeout)
        answer = client.HTTPResponse(self.sock, method="POST")
        try:
            if (reply := _whole(answer.fp.peek())) is not None:
                answer.close()
                return reply
            answer.begin()
        except BaseException:
            answer.close()
            raise
        if answer.will_close:
            self.close()
        return HTTPResponse(
            answer,
            HTTPHeaderDict(answer.headers.items()),
            answer.status,
            preload_content=False,
            original_response=answer,
            request_method="POST",
        )


class _SecureConnection(_Connection, HTTPSConnection):
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


def _body(
    request: Request, streams: Mapping[str, Stream]
) -> tuple[bytes | MultipartEncoder, Mapping[str, str]]:
    """Give what to send, and the headers; files are read as they are sent."""
    if request.files:
        parts: list[tuple[str, object]] = [*(request.form or {}).items()]
        parts += [(name, (file.name, streams[name])) for name, file in request.files.items()]
        encoder = MultipartEncoder(parts)
        return encoder, {**request.headers, "Content-Type": encoder.content_type}
    if request.form is None:
        return request.body or b"", request.headers
    return _written(request.form), {**request.headers, "Content-Type": _FORM}


def _written(form: Mapping[str, str]) -> bytes:
    """Write a form as `urlencode` does; most values need no quoting."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in form.items()).encode()


def _quoted(text: str) -> str:
    return text if text.isalnum() and text.isascii() else quote_plus(text)


def _accident(error: requests.RequestException) -> NotSent | Unread:
    """Tell a request that never left from one whose reply was lost.

    The texts are ours: those of requests quote the address and more.
    """
    if isinstance(error, requests.ConnectTimeout):
        return NotSent("no connection in time")
    if isinstance(error, requests.exceptions.SSLError):
        return NotSent("the TLS certificate was not accepted")
    if isinstance(error, requests.Timeout):
        return Unread("no reply in time")
    cause = error.args[0] if error.args else None
    if isinstance(getattr(cause, "reason", None), NewConnectionError):
        return NotSent("no connection: refused, or no such host")
    return Unread("the connection was lost before the reply")
