"""A server of single bytes: it does with each connection what a test says, however ill that is."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ops.simulator import DEFAULT_SCHOOL
from worker.classin.operations.cloud import CreateFolder
from worker.classin.request import Request, prepare

#: An answer of ClassIn's, of that length.
OK = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{"error_info":{"errno":"1","error":""}}'

Behaviour = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behaviour, wrap: ssl.SSLContext | None = None) -> Iterator[str]:
    """Listen, and treat one connection after the other as told; gives the address."""
    met: list[socket.socket] = []

    def meet(connection: socket.socket) -> None:
        met.append(connection)
        with connection:
            behave(connection)

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                meet(wrap.wrap_socket(connection, server_side=True) if wrap else connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        try:
            yield f"{'https' if wrap else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for each in (listener, *met):
                with suppress(OSError):  # most have ended
                    each.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def request() -> Request:
    """A signed request."""
    return prepare(
        CreateFolder(folder_id=747759, folder_name="tools"), DEFAULT_SCHOOL, 1_790_000_000
    )


def take(connection: socket.socket) -> None:
    """Read one whole request, however the network cut it. Raises OSError if none comes."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _some(connection)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    while len(body) < length:
        body += _some(connection)


def _some(connection: socket.socket) -> bytes:
    if not (got := connection.recv(65536)):
        raise ConnectionError("they have hung up")
    return got


def answering(*pieces: bytes) -> Behaviour:
    """Read the request, then send these pieces and close."""

    def behave(connection: socket.socket) -> None:
        take(connection)
        for piece in pieces:
            connection.sendall(piece)

    return behave
