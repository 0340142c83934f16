"""The transport against servers that answer, misbehave, or are not there."""

import gzip
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlencode

import pytest
import trustme

from ops.simulator import DEFAULT_SCHOOL, SimulatorClient
from tests.raw_server import OK, answering, request, server, take
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.cloud import CreateFolder
from worker.classin.request import Request, prepare
from worker.classin.response import Reply
from worker.config.settings import Timeouts
from worker.errors import NotSentError, ReplyLostError
from worker.execution.http_client import Transport
from worker.execution.http_connection import LARGEST_REPLY

HURRY = Timeouts(connect=0.5, reply=0.5)


def send(address: str, deadlines: Timeouts = HURRY) -> Reply:
    """Send one request there."""
    return Transport(address, deadlines).send(request(), ApiVersion.V1)


def outcome(address: str) -> Reply | ReplyLostError:
    """Send, and give what came of it."""
    try:
        return send(address)
    except ReplyLostError as accident:
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

    with pytest.raises(NotSentError, match="refused"):
        send(f"http://127.0.0.1:{port}")


def test_no_such_host() -> None:
    """A name that does not resolve: nothing can have been done."""
    with pytest.raises(NotSentError, match="no such host"):
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

    assert isinstance(accident, ReplyLostError) or accident.code is None
    assert "127.0.0.1" not in str(accident)


def test_a_server_that_keeps_silent() -> None:
    """The reply's deadline ends the wait."""
    over = threading.Event()

    def keep_silent(connection: socket.socket) -> None:
        del connection
        over.wait(30)

    with server(keep_silent) as address:
        with pytest.raises(ReplyLostError, match="no reply in time"):
            send(address)
        over.set()


def test_a_trickle_cannot_outlast_the_deadline() -> None:
    """A byte now and then is no reply."""

    def trickle(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while connection.send(b" "):
            threading.Event().wait(0.05)

    with server(trickle) as address, pytest.raises(ReplyLostError, match="in time"):
        send(address)


def test_a_reply_without_end() -> None:
    """Only so much is read."""

    def flood(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        piece = b" " * 65536
        for _ in range(2 * LARGEST_REPLY // len(piece)):
            connection.sendall(piece)

    with server(flood) as address, pytest.raises(ReplyLostError, match="longer"):
        send(address, Timeouts(connect=5, reply=60))


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
        pytest.raises(NotSentError, match="certificate"),
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

    assert Transport(simulator.base_url, HURRY).send(fresh, ApiVersion.V1).code == 102


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
        assert [transport.send(request(), ApiVersion.V1).code for _ in range(2)] == [1, 1]

    assert len(accepted) == 1


def body_of(reply: bytes) -> bytes:
    """What comes after the head."""
    return reply.partition(b"\r\n\r\n")[2]


ANSWER = body_of(OK)

#: The same answer, in each form that HTTP has for it.
FORMS = {
    "usual": [OK % len(ANSWER)],
    "status without words": [(OK % len(ANSWER)).replace(b" OK", b" ", 1)],
    "two pieces": [(OK % len(ANSWER))[:-20], (OK % len(ANSWER))[-20:]],
    "two pieces of head": [(OK % len(ANSWER))[:10], (OK % len(ANSWER))[10:]],
    "continued": [b"HTTP/1.1 100 Continue\r\n\r\n", OK % len(ANSWER)],
    "bare": [b"HTTP/1.1 200 OK\r\n\r\n", ANSWER],
    "old": [(OK % len(ANSWER)).replace(b"1.1", b"1.0", 1)],
    "closing": [(OK % len(ANSWER)).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)],
    "folded": [(OK % len(ANSWER)).replace(b"\r\n", b"\r\nX-Long: a\r\n b\r\n", 1)],
    "twice": [(OK % len(ANSWER)).replace(b"\r\n", b"\r\nX: 1\r\nX: 2\r\n", 1)],
    "more": [OK % len(ANSWER) + b"HTTP/1.1 500 Not for you\r\n\r\n"],
    "spaced": [(OK % len(ANSWER)).replace(b": ", b":\t", 1)],
    "chunked": [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(ANSWER), ANSWER),
    ],
    "packed": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        % len(gzip.compress(ANSWER)),
        gzip.compress(ANSWER),
    ],
    "long": [OK % (len(ANSWER) + 99999), b" " * 99999],
}


@pytest.mark.parametrize("pieces", FORMS.values(), ids=FORMS)
def test_a_reply_is_read_in_every_form(pieces: list[bytes]) -> None:
    """However it is cut, and whatever else its head says; a second one as well."""

    def behave(connection: socket.socket) -> None:
        for _ in range(2):
            take(connection)
            for piece in pieces:
                connection.sendall(piece)
                threading.Event().wait(0.01)
            if pieces in (FORMS["bare"], FORMS["old"], FORMS["closing"]):
                return

    with server(behave) as address:
        transport = Transport(address, HURRY)
        assert [transport.send(request(), ApiVersion.V1).code for _ in range(2)] == [1, 1]


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    """Before the request is sent: nothing is lost."""
    closed = threading.Semaphore(0)
    taken: list[int] = []

    def once(connection: socket.socket) -> None:
        take(connection)
        taken.append(1)
        connection.sendall(OK % len(ANSWER))
        connection.close()
        closed.release()

    with server(once) as address:
        transport = Transport(address, HURRY)
        for _ in range(3):
            assert transport.send(request(), ApiVersion.V1).code == 1
            assert closed.acquire(timeout=5)

    assert len(taken) == 3


def test_after_an_accident_the_connection_is_not_used_again() -> None:
    """What comes late on it would be taken for the reply to another request."""
    accepted: list[int] = []
    late = threading.Event()

    def behave(connection: socket.socket) -> None:
        accepted.append(1)
        take(connection)
        if len(accepted) == 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            late.wait(5)
        connection.sendall(OK % len(ANSWER))

    with server(behave) as address:
        transport = Transport(address, HURRY)
        with pytest.raises(ReplyLostError, match="in time"):
            transport.send(request(), ApiVersion.V1)
        late.set()
        assert transport.send(request(), ApiVersion.V1).code == 1

    assert len(accepted) == 2


@pytest.mark.parametrize("prefix", ["", "/behind/a/proxy"])
def test_a_request_arrives_as_it_was_prepared(prefix: str) -> None:
    """In both dialects: path, headers and body."""
    got: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        for _ in range(2):
            got.append(connection.recv(65536))
            connection.sendall(OK % len(ANSWER))

    form = {"folderName": "a b&c=课 ~-._", "folderId": "747759", "empty": ""}
    older = Request("/partner/api/cloud.api.php?action=createFolder", form=form)
    newer = Request("/lms/unit/create", {"X-EEO-UID": "1"}, body=b'{"a":1}')
    with server(behave) as address:
        transport = Transport(address + prefix, HURRY)
        for each in (older, newer):
            transport.send(each, ApiVersion.V1)

    host = address.removeprefix("http://").encode()
    for each, raw in zip((older, newer), got, strict=True):
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == f"POST {prefix}{each.target} HTTP/1.1".encode()
        assert {b"Host: " + host, b"Content-Length: %d" % len(body)} < set(lines)
        assert (b"X-EEO-UID: 1" in lines) is (each is newer)
        assert body == (each.body or urlencode(form).encode())


def test_a_header_cannot_begin_another() -> None:
    """What is sent is one request, whatever a value holds."""
    seen: list[bytes] = []
    crooked = Request("/lms/unit/create", {"X-EEO-UID": "1\r\nX-More: 2"}, body=b"{}")
    with (
        server(lambda connection: seen.append(connection.recv(1))) as address,
        pytest.raises(NotSentError, match="InvalidHeader"),
    ):
        Transport(address, HURRY).send(crooked, ApiVersion.V2)

    assert seen in ([], [b""])


def test_over_tls_a_connection_is_kept_as_well(tmp_path: Path) -> None:
    """To a server with a certificate of somebody who is trusted."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    accepted: list[int] = []

    def serve_two(connection: socket.socket) -> None:
        accepted.append(1)
        with connection:
            for _ in range(2):
                take(connection)
                connection.sendall(OK % len(ANSWER))

    with server(serve_two, context) as address:
        trusted = str(tmp_path / "ca.pem")
        transport = Transport(address, Timeouts(connect=5, reply=5), trusted=trusted)
        assert [transport.send(request(), ApiVersion.V1).code for _ in range(2)] == [1, 1]

    assert len(accepted) == 1
