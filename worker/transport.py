"""The way to ClassIn over HTTP: the only importer of requests."""

import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Protocol

import requests
from requests.adapters import HTTPAdapter
from requests_toolbelt import MultipartEncoder
from urllib3.exceptions import HTTPError, NewConnectionError

from worker.classin.call import Dialect
from worker.classin.errors import NotSent, Unread
from worker.classin.reply import Reply, read_reply
from worker.classin.wire import Request
from worker.settings import Deadlines

#: An answer longer than this is none of ClassIn's (bytes).
LARGEST_REPLY = 16 * 1024 * 1024

_PIECE = 64 * 1024


class Stream(Protocol):
    """A file on its way: `len` is how many bytes are still to come."""

    @property
    def len(self) -> int:
        """How many bytes are still to come."""

    def read(self, size: int = ...) -> bytes:
        """Give the next ones, so many at most."""


class Transport:
    """Sends signed requests over connections that are kept, one session for each thread.

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
            with self._session().post(
                self._base_url + request.target,
                data=body,
                headers=headers,
                timeout=(self._deadlines.connect, self._deadlines.reply),
                allow_redirects=False,
                stream=True,
            ) as response:
                if streams:  # they may have taken long
                    ends = self._clock() + self._deadlines.reply
                answer = self._read(response, ends)
                return read_reply(dialect, response.status_code, response.headers, answer)
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
        return bytes(body)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers["User-Agent"] = "classin-queue"
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._local.session = session
        return session


def _body(
    request: Request, streams: Mapping[str, Stream]
) -> tuple[bytes | Mapping[str, str] | MultipartEncoder | None, Mapping[str, str]]:
    """Give what to send, and the headers; files are read as they are sent."""
    if not request.files:
        return request.body if request.form is None else request.form, request.headers
    parts: list[tuple[str, object]] = [*(request.form or {}).items()]
    parts += [(name, (file.name, streams[name])) for name, file in request.files.items()]
    encoder = MultipartEncoder(parts)
    return encoder, {**request.headers, "Content-Type": encoder.content_type}


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
