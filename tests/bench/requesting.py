"""What one request costs the thread that sends it, beside the ways that requests has."""

import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool

from tests.bench.place import Place
from tests.bench.sizes import Sizes
from worker.classin.catalogue import read
from worker.classin.request import prepare
from worker.classin.response import read_reply
from worker.classin.school import School
from worker.config.settings import Timeouts
from worker.execution.http_client import Transport, _Connector
from worker.execution.http_connection import Connection, _Replies

_OPERATION = read("edit_course", {"courseId": 10_000_007, "courseName": "Course"})
_REQUEST = prepare(_OPERATION, School("main", "1000082", "Mb7SR6H"), 1_800_000_000)
_VERSION = _OPERATION.spec.endpoint.version


#: In each turn, so many are sent in one way before the next has its turn.
_IN_A_TURN = 20


class _Blind(_Replies):
    """Shows nothing before it is read, so that http.client reads every reply."""

    def peek(self, size: int = 0, /) -> bytes:
        """Show nothing."""
        del size
        return b""


class _PlainConnection(Connection):
    """Ours without the quick reading of common replies."""

    def connect(self) -> None:
        """Connect."""
        super().connect()
        self._replies = _Blind(self._incoming)


class _PlainConnector(_Connector):
    """Makes such connections."""

    def get_connection_with_tls_context(self, *given: Any, **named: Any) -> HTTPConnectionPool:  # noqa: ANN401  # as they come
        """Return the pool."""
        pool = super().get_connection_with_tls_context(*given, **named)
        pool.ConnectionCls = _PlainConnection
        return pool


class _PlainTransport(Transport):
    """Sends over them."""

    def _way(self) -> _Connector:
        if not hasattr(self._local, "way"):
            self._local.way = _PlainConnector(self._base_url, self._deadlines)
        return cast("_Connector", self._local.way)


def _ways(url: str) -> dict[str, Callable[[], object]]:
    """Give each way to send the request once and read its reply, by name."""
    session, adapter = requests.Session(), HTTPAdapter(pool_connections=1, pool_maxsize=1)
    ours, plain = Transport(url, Timeouts()), _PlainTransport(url, Timeouts())
    address = url + _REQUEST.target

    def by_adapter() -> object:
        sent = requests.Request("POST", address, _REQUEST.headers, data=_REQUEST.form).prepare()
        answer = adapter.send(sent, stream=True, timeout=(5, 30))
        return read_reply(_VERSION, answer.status_code, answer.headers, answer.content)

    def by_session() -> object:
        answer = session.post(
            address, _REQUEST.form, headers=_REQUEST.headers, timeout=(5, 30), allow_redirects=False
        )
        return read_reply(_VERSION, answer.status_code, answer.headers, answer.content)

    return {
        "request": lambda: ours.send(_REQUEST, _VERSION),
        "request by Connection, http.client": lambda: plain.send(_REQUEST, _VERSION),
        "request by HTTPAdapter": by_adapter,
        "request by Session": by_session,
    }


def requesting(place: Place, sizes: Sizes) -> Iterator[tuple[str, float]]:
    """Send requests in each way, in turn; give the CPU milliseconds of one."""
    ways = _ways(place.environment["CLASSIN_BASE_URL"])
    used = dict.fromkeys(ways, 0.0)
    turns = max(1, sizes.requests // _IN_A_TURN)
    for _ in range(turns):
        for name, send in ways.items():
            send()  # the caches are its own again
            began = time.thread_time()
            for _ in range(_IN_A_TURN):
                send()
            used[name] += time.thread_time() - began
    for name, seconds in used.items():
        yield name, seconds * 1000 / (turns * _IN_A_TURN)
