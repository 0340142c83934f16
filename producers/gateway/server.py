"""The server: uvicorn with a socket of ours, and little patience for slow connections."""

import asyncio
import json
import signal
import socket
import ssl
from collections.abc import Callable

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from producers.gateway.app import GatewayApp
from producers.gateway.problems import Problem
from worker.classin.errors import Fault, InvalidInput, Unavailable
from worker.descriptors import make_room_for_connections
from worker.settings import Gateway, Settings

#: Seconds until the head of a request must have come, and between two requests.
HEAD_PATIENCE, IDLE_PATIENCE = 10.0, 30

#: Connections at once; the next are refused.
CONNECTIONS = 500

#: Bytes of a request's head.
LONGEST_HEAD = 32 * 1024

#: Seconds that what is under way gets to end.
GRACE = 10


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up when the head of a request does not come in time."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn says the same
        """Begin to count as soon as somebody is there."""
        super().connection_made(transport)
        self._count(transport)

    def data_received(self, data: bytes) -> None:
        """Count from the first byte of a head to its last."""
        if self._limit is None and not self._is_busy:
            self._count(self.transport)
        super().data_received(data)
        if self._limit is not None and self._is_busy:
            self._limit.cancel()
            self._limit = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more."""
        if self._limit is not None:
            self._limit.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of a problem."""
        problem = Problem(400, msg)
        body = json.dumps(problem.to_json()).encode()
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def _is_busy(self) -> bool:
        """Whether a request's head has come, and its answer has not gone."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first
        return cycle is not None and not cycle.response_complete

    def _count(self, transport: asyncio.Transport) -> None:
        self._limit = self.loop.call_later(HEAD_PATIENCE, transport.close)


class _Server(uvicorn.Server):
    """Tells when it is ready, and lets those go home who wait when it is to end."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], object], close: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._close = close

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._close()
        await super().shutdown(sockets)


def must_be_safe(gateway: Gateway) -> None:
    """Refuse to listen where keys could be read on their way, or TLS could not be spoken.

    Raises InvalidInput.
    """
    faults = []
    if gateway.exposed:
        what = (
            "is not this machine: give a certificate and its key, or say --behind-proxy where"
            " somebody in front speaks https"
        )
        faults.append(Fault("--host", f"{gateway.host} {what}"))
    if (gateway.certificate is None) != (gateway.private_key is None):
        faults.append(Fault("--certificate", "and --private-key belong together"))
    if gateway.certificate and gateway.private_key:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                gateway.certificate, gateway.private_key
            )
        except OSError as error:
            what = "and --private-key cannot be used: " + str(error.strerror or error)
            faults.append(Fault("--certificate", what))
    if faults:
        raise InvalidInput("gateway", faults)


def listen(gateway: Gateway) -> socket.socket:
    """Open the port. Raises Unavailable."""
    make_room_for_connections(CONNECTIONS)
    try:
        family, _, _, _, place = socket.getaddrinfo(
            gateway.host, gateway.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(place[:2], family=family, backlog=CONNECTIONS)
        # Connections take it over; asyncio does not do that for a socket made so.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        where = f"{gateway.host} port {gateway.port}"
        raise Unavailable(f"The gateway cannot listen at {where}: {error.strerror}") from error
    return listening


def address_of(gateway: Gateway, listening: socket.socket) -> str:
    """Give the address to ask at."""
    scheme = "https" if gateway.certificate else "http"
    host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def serve(
    settings: Settings, listening: socket.socket, ready: Callable[[], object] = lambda: None
) -> None:
    """Answer until SIGTERM or SIGINT; says when it is ready. Raises Unavailable."""
    app = GatewayApp.from_settings(settings)
    gateway = settings.gateway
    config = uvicorn.Config(
        app.asgi,
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,  # the intake has its own, without what was asked
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_PATIENCE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        ssl_certfile=gateway.certificate,
        ssl_keyfile=gateway.private_key,
    )
    # uvicorn repeats the signal once all is done, which would then end the process as if killed.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = _Server(config, ready, app.close)
    server.run(sockets=[listening])
    if not server.started:
        raise Unavailable("The gateway did not start: its log says why.")
