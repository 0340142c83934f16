"""One connection: its head is checked before h11 parses it, and slow clients are cut off."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import cast

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from producers.gateway.client_address import network_of
from producers.gateway.problems import ProblemError
from producers.gateway.request_head import (
    LONGEST_HEAD,
    Refusal,
    first_line_fault,
    head_fault,
    stray,
)
from producers.gateway.security_headers import with_security

#: Maximum connections. At the limit, an idle one is closed for a new one.
CONNECTIONS = 500

#: Timeouts in seconds: for a complete head; for a client to read some of its response; and for a
#: closing connection to deliver the rest.
HEAD_PATIENCE, READER_PATIENCE, PARTING = 10.0, 30.0, 2.0

#: Maximum bytes of a request: body, framing, and what is read of a refused one.
_MOST_OF_A_REQUEST = 64 * 1024 * 1024

#: Flag in a request's state: it was answered, and its remaining body is discarded.
ANSWERED = "answered"

_FULL = Refusal(503, "Too many connections are busy.")


class Connection(H11Protocol):
    """HTTP/1.1 for one client, one request at a time.

    A request that is refused here reaches no route, no key lookup and no thread.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        hosts: frozenset[str] | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._hosts = hosts
        self._head = bytearray()
        #: Bytes of the current request; None: its head has not arrived yet.
        self._came: int | None = None
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None
        #: The client it counts for, and since when it is idle.
        self.whose = "?"
        self.since = 0.0

    @property
    def waits(self) -> bool:
        """Return whether the connection is idle."""
        cycle = self._under_way
        return self._refused or cycle is None or ANSWERED in self.scope["state"]

    @property
    def _under_way(self) -> RequestResponseCycle | None:
        """The request whose response is not complete yet."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first
        return None if cycle is None or cycle.response_complete else cycle

    @property
    def known(self) -> bool:
        """Return whether a valid key was used on it."""
        return bool(self.scope) and self.scope["state"].get("access") is not None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says the same
        """Take a place for the connection, closing another if needed."""
        others = cast("set[Connection]", self.connections)
        full = len(others) >= CONNECTIONS and not _make_room(others)
        super().connection_made(transport)
        self.whose = network_of(self.client[0] if self.client else "")
        self.since = self.loop.time()
        self._wait(HEAD_PATIENCE, transport.abort)
        if full:
            self._refuse(_FULL)

    def data_received(self, data: bytes) -> None:
        """Check the head once it is complete, then pass it and the body to h11."""
        if self._refused:
            return
        if self._came is None:
            if self._timer is None:  # of a connection that was kept
                self._wait(HEAD_PATIENCE, self.transport.abort)
            if (whole := self._take_head(data)) is None:
                return
            data = whole
            self._cancel_timer()
            self._came = 0
        self._came += len(data)
        if self._came > _MOST_OF_A_REQUEST:
            self.transport.abort()
            return
        super().data_received(data)

    def _take_head(self, data: bytes) -> bytes | None:
        """Append to the head; return it with what follows it once it is complete and valid."""
        seen = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n", max(0, seen - 3))
        head = self._head if end < 0 else self._head[:end]
        line_end = head.find(b"\r\n")
        first = bytes(head[: line_end if line_end >= 0 else None])
        fault = stray(head, seen)
        if fault is None and line_end >= max(0, seen - 1):
            fault = first_line_fault(first)
        if fault is None and len(head) > LONGEST_HEAD:
            fault = Refusal(431, f"A head has at most {LONGEST_HEAD:,} bytes.")
        if fault is None and end >= 0:
            fault = head_fault(bytes(head), self._hosts)
        if fault is not None:
            self._refuse(fault)
        if fault is not None or end < 0:
            return None
        whole = bytes(self._head)
        self._head.clear()
        return whole

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 cannot parse, such as a body's chunks."""
        self._refuse(Refusal(400, msg))

    def _refuse(self, fault: Refusal) -> None:
        """Answer with a problem document, and read no more."""
        self._refused = True
        if (cycle := self._under_way) is not None:
            # Tell the route that the client is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()  # in the midst of an answer
            return
        self.transport.write(_written(fault, self.scheme or "http"))
        # Closing a connection with unread bytes discards the response on its way.
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._wait(PARTING, self.transport.abort)
        else:
            self.transport.close()

    def on_response_complete(self) -> None:
        """Check the next head, which may have arrived during the last response."""
        if self.conn.trailing_data[0] or self.conn.their_state is h11.SEND_BODY:
            self.transport.close()
        super().on_response_complete()
        self.since = self.loop.time()
        self._came = None
        if self.transport.is_closing():
            self._wait(READER_PATIENCE, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, or one whose client does not read."""
        self.transport.close()
        self._wait(PARTING, self.transport.abort)

    def pause_writing(self) -> None:
        """Start the timeout of a client that does not read."""
        super().pause_writing()
        self._reader = self.loop.call_later(READER_PATIENCE, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop the timeout: the client reads again."""
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection's slot."""
        self._cancel_timer()
        super().connection_lost(exc)

    def _should_upgrade(self) -> bool:
        return False  # no other protocol is spoken; RFC 9110 lets a server go on without a word

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        self._cancel_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _make_room(connections: "set[Connection]") -> bool:
    """Close the least important connection: no key, from the busiest client, the oldest."""
    waiting = [each for each in connections if each.waits]
    if not waiting:
        return False
    held = Counter(each.whose for each in connections)
    least = min(waiting, key=lambda each: (each.known, -held[each.whose], each.since))
    connections.discard(least)
    least.transport.abort()
    return True


def _written(fault: Refusal, scheme: str) -> bytes:
    problem = ProblemError(fault.status, fault.detail)
    body = json.dumps(problem.to_dict()).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (b"retry-after", b"5"),
    ]
    if fault is not _FULL:
        headers.pop()
    lines = [b": ".join(each) for each in with_security(headers, "", scheme)]
    first = f"HTTP/1.1 {problem.status.value} {problem.status.phrase}".encode()
    return b"\r\n".join([first, *lines, b"", body])
