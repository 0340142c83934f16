"""The receiver of the webhooks of a trial's batches: it is slow, fails, and forgets to answer."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, NamedTuple

from standardwebhooks import Webhook

#: What the workers sign with, and the receiver checks.
SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdHJpYWwncyB3ZWJob29rcw=="

#: With these chances it takes what it is told and says that it did not, says nothing, or takes
#: some seconds.
_FAILS, _HANGS_UP, _DAWDLES = 0.2, 0.1, 0.1
_SECONDS = 2.0


class News(NamedTuple):
    """What the receiver was told, and said that it took."""

    #: `batch.settled`, or `batch.incomplete` of one that broke off.
    kind: str
    data: dict[str, Any]


class Receiver:
    """Keeps what it is told by signed requests; with trouble, as chance will have it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lock = threading.Lock()
        self._news: list[News] = []
        #: Requests whose signature was not right.
        self.unsigned = 0
        self.url = ""

    @property
    def news(self) -> Sequence[News]:
        """All that it was told and said that it took, in order."""
        with self._lock:
            return list(self._news)

    def take(self, headers: dict[str, str], body: bytes) -> HTTPStatus | None:
        """Take a request; return what to answer, None for nothing at all."""
        try:
            Webhook(SECRET).verify(body, headers)
        except Exception:  # noqa: BLE001  # whatever is wrong with it
            self.unsigned += 1
            return HTTPStatus.BAD_REQUEST
        with self._lock:
            luck = self._random.random()
            if luck >= _FAILS + _HANGS_UP:
                news = json.loads(body)
                self._news.append(News(news["type"], news["data"]))
        if luck < _FAILS:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if luck < _FAILS + _HANGS_UP:
            return None
        if luck > 1 - _DAWDLES:
            time.sleep(_SECONDS)
        return HTTPStatus.NO_CONTENT


@contextmanager
def receiver(random: Random) -> Iterator[Receiver]:
    """Run a receiver on this machine."""
    here = Receiver(random)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = here.take(headers, body)
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here.url = f"http://127.0.0.1:{server.server_port}/hooks"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()
