"""The transport against servers that answer, misbehave, or are not there."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme

from ops.simulator import DEFAULT_SCHOOL, SimulatorClient
from worker.classin.call import Dialect
from worker.classin.errors import NotSent, Unread
from worker.classin.operations.cloud import CreateFolder
from worker.classin.reply import Reply
from worker.classin.wire import Request, prepare
from worker.settings import Deadlines
from worker.transport import LARGEST_REPLY, Transport

HURRY = Deadlines(connect=0.5, reply=0.5)

OK = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{"error_info":{"errno":"1","error":""}}'

Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behaviour, wrap: ssl.SSLContext | None = None) -> Iterator[str]:
    """Listen, and treat each connection as told; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    behave(wrap.wrap_socket(connection, server_side=True) if wrap else connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"{'https' if wrap else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def request() -> Request:
    """A signed request."""
    return prepare(
        CreateFolder(folder_id=747759, folder_name="tools"), DEFAULT_SCHOOL, 1_790_000_000
    )


def send(address: str, deadlines: Deadlines = HURRY) -> Reply:
    """Send one request there."""
    return Transport(address, deadlines).send(request(), Dialect.V1)


def take(connection: socket.socket) -> None:
    """Read one whole request, however the network cut it."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65536)


def answering(*pieces: bytes) -> Behaviour:
    """Read the request, then send these pieces and close."""

    def behave(connection: socket.socket) -> None:
        take(connection)
        for piece in pieces:
            connection.sendall(piece)

    return behave


def outcome(address: str) -> Reply | Unread:
    """Send, and give what came of it."""
    try:
        return send(address)
    except Unread as accident:
        return accident


def test_a_reply_is_read() -> None:
    """Whole, with the code that came as text."""
    body = OK.partition(b"\r\n\r\n")[2]
    with server(answering(OK % len(body))) as address:
        assert send(address).code == 1


def test_nobody_listens() -> None:
    """Refused: nothing can have been done."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(NotSent, match="refused"):
        send(f"http://127.0.0.1:{port}")


def test_no_such_host() -> None:
    """A name that does not resolve: nothing can have been done."""
    with pytest.raises(NotSent, match="no such host"):
        send("http://nowhere.invalid")


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",),
        (b"\x00\x01\x02\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "bad gzip", "garbage", "length"],
)
def test_a_reply_that_breaks_off(pieces: tuple[bytes, ...]) -> None:
    """It may have been done: the outcome is unread, or the body no answer of ClassIn's."""
    with server(answering(*pieces)) as address:
        accident = outcome(address)

    assert isinstance(accident, Unread) or accident.code is None
    assert "127.0.0.1" not in str(accident)


def test_a_server_that_keeps_silent() -> None:
    """The reply's deadline ends the wait."""
    over = threading.Event()

    def keep_silent(connection: socket.socket) -> None:
        del connection
        over.wait(30)

    with server(keep_silent) as address:
        with pytest.raises(Unread, match="no reply in time"):
            send(address)
        over.set()


def test_a_trickle_cannot_outlast_the_deadline() -> None:
    """A byte now and then is no reply."""

    def trickle(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while connection.send(b" "):
            threading.Event().wait(0.05)

    with server(trickle) as address, pytest.raises(Unread, match="did not end in time"):
        send(address)


def test_a_reply_without_end() -> None:
    """Only so much is read."""

    def flood(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        piece = b" " * 65536
        for _ in range(2 * LARGEST_REPLY // len(piece)):
            connection.sendall(piece)

    with server(flood) as address, pytest.raises(Unread, match="longer"):
        send(address, Deadlines(connect=5, reply=60))


def test_redirects_are_not_followed() -> None:
    """Nobody else gets the signed request."""
    redirect = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(answering(redirect)) as address:
        reply = send(address)

    assert (reply.http, reply.code) == (307, None)


def test_an_untrusted_certificate_is_refused() -> None:
    """TLS is always verified; the request is not sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    seen: list[bytes] = []
    with (
        server(lambda connection: seen.append(connection.recv(1)), context) as address,
        pytest.raises(NotSent, match="certificate"),
    ):
        send(address)

    assert seen == []


def test_the_environment_offers_no_way_out(
    monkeypatch: pytest.MonkeyPatch, simulator: SimulatorClient
) -> None:
    """Neither a proxy nor a certificate bundle is taken from it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    fresh = prepare(CreateFolder(folder_id=5, folder_name="x"), DEFAULT_SCHOOL, 0)

    assert Transport(simulator.base_url, HURRY).send(fresh, Dialect.V1).code == 102


def test_a_connection_is_kept() -> None:
    """One thread, one connection: a second request needs no second handshake."""
    accepted: list[int] = []
    body = OK.partition(b"\r\n\r\n")[2]

    def serve_two(connection: socket.socket) -> None:
        accepted.append(1)
        for _ in range(2):
            take(connection)
            connection.sendall(OK % len(body))

    with server(serve_two) as address:
        transport = Transport(address, HURRY)
        assert [transport.send(request(), Dialect.V1).code for _ in range(2)] == [1, 1]

    assert len(accepted) == 1
