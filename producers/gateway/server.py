"""The server: uvicorn with our own socket, protocol and TLS."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path

import uvicorn

from producers.gateway.app import GatewayApp
from producers.gateway.connection import CONNECTIONS, HEAD_PATIENCE, Connection
from producers.gateway.request_head import LONGEST_HEAD
from worker.config.settings import Gateway, Settings
from worker.config.urls import is_loopback
from worker.errors import FieldError, InvalidInputError, UnavailableError
from worker.private_files import read_secret
from worker.runtime.file_descriptors import make_room_for_connections

#: Keep-alive in seconds.
IDLE_PATIENCE = 30

#: Grace in seconds for running requests at shutdown.
GRACE = 10


class _Server(uvicorn.Server):
    """Signal readiness, and end all waits on shutdown."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], object], close: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._close = close

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.ssl is not None:
            # uvicorn's default allows silent clients a minute.
            loop = asyncio.get_running_loop()
            patient = partial(loop.create_server, ssl_handshake_timeout=HEAD_PATIENCE)
            loop.create_server = patient  # type: ignore[method-assign]  # no other way leads there
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._close()
        await super().shutdown(sockets)


def must_be_safe(gateway: Gateway) -> None:
    """Refuse to listen without TLS beyond loopback, or with unusable TLS files.

    Raises InvalidInputError.
    """
    faults = []
    if gateway.exposed:
        what = (
            "is not this machine: give a certificate and its key, or say --behind-proxy where"
            " somebody in front speaks https"
        )
        faults.append(FieldError("--host", f"{gateway.host} {what}"))
    if (gateway.certificate is None) != (gateway.private_key is None):
        faults.append(FieldError("--certificate", "and --private-key belong together"))
    if gateway.certificate and gateway.private_key:
        try:
            read_secret(Path(gateway.private_key))
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                gateway.certificate, gateway.private_key
            )
        except OSError as error:
            what = "and --private-key cannot be used: " + str(error.strerror or error)
            faults.append(FieldError("--certificate", what))
    if faults:
        raise InvalidInputError("gateway", faults)


def own_names(gateway: Gateway) -> frozenset[str] | None:
    """Return the allowed Host values for a loopback listener; None: any.

    A page in a local browser can let its own name resolve to this machine (DNS rebinding), and
    could then read what needs no key.
    """
    if gateway.behind_proxy or not is_loopback(gateway.host):
        return None
    return frozenset({"localhost", "127.0.0.1", "[::1]", gateway.host.lower()})


def listen(gateway: Gateway) -> socket.socket:
    """Open the listening socket. Raises UnavailableError."""
    # Connections in their TLS handshake are not included.
    make_room_for_connections(2 * CONNECTIONS if gateway.certificate else CONNECTIONS)
    try:
        family, _, _, _, place = socket.getaddrinfo(
            gateway.host, gateway.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.create_server(place[:2], family=family, backlog=CONNECTIONS)
        # Set on the listener: asyncio does not set it on accepted sockets of a given one.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        where = f"{gateway.host} port {gateway.port}"
        raise UnavailableError(f"The gateway cannot listen at {where}: {error.strerror}") from error
    return listening


def address_of(gateway: Gateway, listening: socket.socket) -> str:
    """Return the URL to use."""
    scheme = "https" if gateway.certificate else "http"
    host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
    return f"{scheme}://{host}:{listening.getsockname()[1]}"


def serve(
    settings: Settings, listening: socket.socket, ready: Callable[[], object] = lambda: None
) -> None:
    """Serve until SIGTERM or SIGINT; report readiness. Raises UnavailableError."""
    app = GatewayApp.from_settings(settings)
    gateway = settings.gateway
    config = uvicorn.Config(
        app.asgi,
        # uvicorn calls it for each connection.
        http=partial(Connection, hosts=own_names(gateway)),  # type: ignore[arg-type]  # not a class
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        access_log=False,  # the intake has its own, without what was asked
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_PATIENCE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=LONGEST_HEAD + 4,
        ssl_certfile=gateway.certificate,
        ssl_keyfile=gateway.private_key,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    # uvicorn raises the signal again at the end, which would end the process as if killed.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server = _Server(config, ready, app.close)
    server.run(sockets=[listening])
    if not server.started:
        raise UnavailableError("The gateway did not start: its log says why.")
