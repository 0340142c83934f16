"""The way to ClassIn over HTTP: the only importer of requests."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPException
from typing import Any, Protocol, cast
from urllib.parse import quote_plus, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_toolbelt import MultipartEncoder
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from worker.classin.endpoint import ApiVersion
from worker.classin.request import Request
from worker.classin.response import Reply, read_reply
from worker.config.settings import Timeouts
from worker.errors import NotSentError, ReplyLostError
from worker.execution.http_connection import LARGEST_REPLY, Connection, Exchange, SecureConnection

_PIECE = 64 * 1024

#: What goes with every request. Replies are too small to be worth compressing.
_HEADERS = {"User-Agent": "classin-queue", "Accept": "*/*", "Accept-Encoding": "identity"}

_FORM = "application/x-www-form-urlencoded"


class Stream(Protocol):
    """A file on its way: `len` is how many bytes are still to come."""

    @property
    def len(self) -> int:
        """How many bytes are still to come."""

    def read(self, size: int = ...) -> bytes:
        """Return the next ones, so many at most."""


class Transport:
    """Sends signed requests over connections that are kept, one for each thread.

    TLS certificates are always verified; redirects are not followed; nothing is read from the
    environment: no proxies, no .netrc.
    """

    def __init__(self, base_url: str, deadlines: Timeouts, *, trusted: str | None = None) -> None:
        """Take the service's base URL, and a file of authorities to trust; None: the usual ones."""
        self._base_url = base_url
        self._deadlines = deadlines
        self._trusted = trusted
        self._local = threading.local()

    def send(
        self, request: Request, dialect: ApiVersion, streams: Mapping[str, Stream] | None = None
    ) -> Reply:
        """Send one request, its files from these streams, and read its reply.

        Raises NotSentError when ClassIn cannot have got it, ReplyLostError when it may have, and
        what else reading a stream raises.
        """
        body, headers = _body(request, streams or {})
        way = self._way()
        with way.exchanging(), way.post(request.target, body, headers) as response:
            answer = _read(response)
            return read_reply(dialect, response.status_code, response.raw.headers, answer)

    def _way(self) -> "_Connector":
        way: _Connector | None = getattr(self._local, "way", None)
        if way is None:
            way = self._local.way = _Connector(self._base_url, self._deadlines, self._trusted)
        return way


def post_once(url: str, body: bytes, headers: Mapping[str, str], deadlines: Timeouts) -> int:
    """Send a body to an address of anybody's; gives the HTTP status, and reads no more.

    What holds for requests to ClassIn holds here. Raises NotSentError or ReplyLostError.
    """
    target = _prepared(url).path_url
    parts = urlsplit(url)
    with (
        closing(_Connector(f"{parts.scheme}://{parts.netloc}", deadlines)) as way,
        way.exchanging(),
        way.post(target, body, headers) as response,
    ):
        return response.status_code


def _read(response: requests.Response) -> bytes:
    """Read the body as it comes."""
    body = bytearray()
    try:
        while piece := response.raw.read(_PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST_REPLY:
                raise ReplyLostError("the reply is longer than any of ClassIn's")
    except ValueError:  # of http.client, for a length that is none
        raise ReplyLostError("the reply is not HTTP") from None
    response.raw.release_conn()
    return bytes(body)


class _Connector(HTTPAdapter):
    """What requests has below its sessions, for one address: all that stays is looked up once."""

    def __init__(self, base_url: str, deadlines: Timeouts, trusted: str | None = None) -> None:
        self._verify = trusted or True
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        parts = urlsplit(_prepared(base_url).url or "")
        self._path = parts.path.rstrip("/")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"Host": parts.netloc, **_HEADERS}
        #: Requests takes urllib3's own as well, which its types do not say.
        self._timeout: Any = Timeout(connect=deadlines.connect)
        self._exchange = Exchange(deadlines.reply)
        self._pool: HTTPConnectionPool | None = None

    @contextmanager
    def exchanging(self) -> Iterator[None]:
        """Say of whatever breaks off inside whether the request may have left."""
        self._exchange.begin()
        try:
            yield
        except NotSentError as error:  # a file could not be read to its end
            raise ReplyLostError(str(error)) if self._exchange.sent else error from None
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            raise _unread(error) if self._exchange.sent else _not_sent(error) from None

    def post(
        self, target: str, body: bytes | MultipartEncoder, headers: Mapping[str, str]
    ) -> requests.Response:
        """Send a body there, and give the reply, which is still to be read."""
        length = len(body) if isinstance(body, bytes) else body.len
        all_headers: Any = {**self._headers, **headers, "Content-Length": str(length)}
        request = requests.PreparedRequest()
        request.method, request.headers, request.body = "POST", all_headers, body
        request.url = self._origin + self._path + target
        return self.send(request, stream=True, timeout=self._timeout, verify=self._verify)

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001  # as requests has it
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> HTTPConnectionPool:
        """Return the pool, which keeps one connection."""
        if self._pool is None:
            found = super().get_connection_with_tls_context(request, verify, proxies, cert)
            self._pool = cast("HTTPConnectionPool", found)
            secure = self._pool.scheme == "https"
            self._pool.ConnectionCls = SecureConnection if secure else Connection
            self._pool.conn_kw["exchange"] = self._exchange
        return self._pool

    def request_url(
        self, request: requests.PreparedRequest, proxies: Mapping[str, str] | None
    ) -> str:
        """Return path and query."""
        del proxies
        return (request.url or "").removeprefix(self._origin)

    def build_response(
        self, req: requests.PreparedRequest, resp: BaseHTTPResponse
    ) -> requests.Response:
        """Return what is read here of a response: no cookies, no encoding."""
        del req
        response = requests.Response()
        response.status_code, response.raw = resp.status, resp
        return response


def _prepared(url: str) -> requests.PreparedRequest:
    """Take an address as requests does. Raises NotSentError if it is none."""
    try:
        return requests.Request("POST", url).prepare()
    except requests.RequestException as error:
        raise NotSentError(f"no request can go to that address ({type(error).__name__})") from None


def _body(
    request: Request, streams: Mapping[str, Stream]
) -> tuple[bytes | MultipartEncoder, Mapping[str, str]]:
    """Return what to send, and the headers; files are read as they are sent."""
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


def _not_sent(error: BaseException) -> NotSentError:
    """Return what kept a request from leaving.

    The texts are ours, here and below: those of requests quote the address and more.
    """
    causes = list(_causes(error))
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return NotSentError("the TLS certificate was not accepted")
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return NotSentError("no TLS connection came about")
    if any(isinstance(each, NewConnectionError) for each in causes):
        return NotSentError("no connection: refused, or no such host")
    if any(isinstance(each, (TimeoutError, HTTPTimeoutError)) for each in causes):
        return NotSentError("no connection in time")
    return NotSentError(f"the request was not sent ({type(error).__name__})")


def _unread(error: BaseException) -> ReplyLostError:
    """Return what became of a reply."""
    if any(isinstance(each, (TimeoutError, HTTPTimeoutError)) for each in _causes(error)):
        return ReplyLostError("no reply in time")
    return ReplyLostError(f"the connection was lost before the reply ({type(error).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, and what it arose from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
