"""Send a response with the common headers, within a time limit."""

from starlette.types import Message, Scope, Send

from producers.gateway.body_reader import Incoming
from producers.gateway.connection import ANSWERED
from producers.gateway.security_headers import with_security

#: Bytes that a connection buffers; smaller responses do not count.
_SMALL = 64 * 1024

#: Seconds for which an unread body is discarded before the connection closes.
_LINGER = 5.0

_NO_MORE: Message = {"type": "http.response.body", "body": b"", "more_body": False}
_NOTHING: Message = {**_NO_MORE, "more_body": True}


class Outgoing:
    """The ASGI `send` of one request; `status` is the response's status, 0 before."""

    def __init__(self, scope: Scope, send: Send, incoming: Incoming) -> None:
        self._scope = scope
        self._send = send
        self._incoming = incoming
        self._kept_open = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send, as ASGI defines it; after a large response, wait for the client to read."""
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message.get("more_body") or self._is_taken(message):
            await self._send(message)
        else:
            self._kept_open = True
            await self._send({**message, "more_body": True})
            await self._send(_NOTHING)  # which waits for a slow reader

    def _is_taken(self, last: Message) -> bool:
        return self._incoming.complete and len(last.get("body", b"")) <= _SMALL

    async def _start(self, message: Message) -> None:
        of_the_key = self._scope["state"].get("headers", {}).items()
        said = [(name.encode(), text.encode()) for name, text in of_the_key]
        headers = with_security(
            [*message.get("headers", ()), *said],
            self._scope["path"],
            self._scope.get("scheme", "http"),
        )
        length = int(dict(headers).get(b"content-length", b"0"))
        if length > _SMALL and self._incoming.whose:
            self._incoming.hold(length)
        if not self._incoming.complete:
            headers = [each for each in headers if each[0].lower() != b"connection"]
            headers.append((b"connection", b"close"))
        self.status = message["status"]
        await self._send({**message, "headers": headers})

    async def end(self) -> None:
        """Finish the response, and close a connection whose body was not read."""
        if self._kept_open:
            self._scope["state"][ANSWERED] = True
            await self._incoming.drain(_LINGER)
            await self._send(_NO_MORE)
