"""Read a request body on demand, with a minimum rate."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from starlette.types import Message, Receive, Scope

from producers.gateway.fair_share import Share
from producers.gateway.problems import LAST, ProblemError


class ClientGoneError(Exception):
    """The client has disconnected."""


class Incoming:
    """The ASGI `receive` of one request, with accounting of the bytes received.

    `read` returns the whole body, once. Held bytes count in `share`.
    """

    def __init__(
        self, scope: Scope, receive: Receive, share: Share, *, most: int, window: float, least: int
    ) -> None:
        self._receive = receive
        self._share = share
        self._most = most
        self._window = window
        self._least = least
        self._held = 0
        #: The client that the bytes count for; empty: none yet.
        self.whose = ""
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"").decode("latin-1")
        self._declared = int(declared) if declared.isdecimal() else 0
        #: Whether the whole body has arrived; true at once for requests without a body.
        self.complete = not self._declared and b"transfer-encoding" not in headers

    async def __call__(self) -> Message:
        """Receive, as ASGI defines it."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self.complete = True
        return message

    @contextmanager
    def of(self, whose: str) -> Iterator[None]:
        """Attribute the held bytes to a client until the request ends."""
        self.whose = whose
        try:
            yield
        finally:
            self._share.give_back(self.whose, self._held)
            self._held = 0

    async def read(self) -> bytes:
        """Read the whole body.

        Raises ProblemError if it is too large, too slow or exceeds a share, and ClientGoneError.
        """
        if self._declared > self._most:
            raise self._too_large()
        self._share.must_have(self.whose, self._declared)
        body = bytearray()
        while True:
            # Minimum rate: a client that trickles bytes would hold its slot for nothing.
            wanted = len(body) + self._least
            try:
                async with asyncio.timeout(self._window):
                    while len(body) < wanted:
                        if await self._add_to(body):
                            return bytes(body)
            except TimeoutError:
                raise ProblemError(408, "The body comes too slowly.", headers=LAST) from None

    async def _add_to(self, body: bytearray) -> bool:
        """Append the next chunk; return whether it was the last."""
        message = await self()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece: bytes = message.get("body", b"")
        if len(body) + len(piece) > self._most:
            raise self._too_large()
        self.hold(len(piece))
        body += piece
        return not message.get("more_body")

    async def drain(self, seconds: float) -> None:
        """Discard the rest of the body for a while.

        A client that is still sending when the connection closes does not read the response.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.complete:
                    if (await self())["type"] == "http.disconnect":
                        return

    def hold(self, number: int) -> None:
        """Reserve so many more bytes. Raises ProblemError if the share is exhausted."""
        self._share.take(self.whose, number)
        self._held += number

    def _too_large(self) -> ProblemError:
        return ProblemError(413, f"A body has at most {self._most:,} bytes.", headers=LAST)
