"""What broke off before anything had left is sent again; after that it may be done already."""

import os
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from ops.processes.redis_server import PrivateRedis
from ops.simulator import DEFAULT_SCHOOL
from producers import file_at
from tests.raw_server import OK, request, server, take
from tests.unit.clock import Clock
from tests.unit.stage import Stage
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.activities import ActivityType, CreateActivityNoClass
from worker.classin.operations.cloud import UploadFile
from worker.classin.request import prepare
from worker.classin.response import Reply
from worker.config.file_access import FileAccess
from worker.config.settings import Timeouts
from worker.errors import NotSentError, ReplyLostError
from worker.execution.file_streams import Source, VerifiedStream, open_at
from worker.execution.http_client import Transport
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.runtime.dispatcher import QueuedRecord

DEADLINES = Timeouts(connect=30, reply=30)

#: An operation of the harmful kind: sent twice, it is done twice.
DRAFT = CreateActivityNoClass(
    course_id=414193,
    unit_id=5,
    activity_type=ActivityType.HOMEWORK,
    name="Essay",
    teacher_uid=1000001,
)

#: One of its replies, and one to an older operation.
DONE = b'HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{"code":1,"msg":""}'
ANSWER = OK % len(OK.partition(b"\r\n\r\n")[2])

#: A record of TLS that no key opens.
FORGED = b"\x17\x03\x03\x00\x40" + bytes(64)


@dataclass
class Tls:
    """An authority that the worker trusts, and one that nobody knows."""

    trusted: str
    context: ssl.SSLContext
    unknown: ssl.SSLContext


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """Certificates for this machine."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return Tls(str(tmp_path / "ca.pem"), _certified(authority), _certified(trustme.CA()))


def _certified(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def stage(redis: PrivateRedis) -> Stage:
    """A worker's inner parts, on a real Redis."""
    clock = Clock()
    return Stage(RedisLedger(connect(redis.url), clock.millis), clock)


def beneath(connection: socket.socket, do: Callable[[socket.socket], object]) -> None:
    """Do something to a connection below its TLS."""
    with closing(socket.socket(fileno=os.dup(connection.fileno()))) as raw:
        do(raw)


#: How TLS breaks after the request has been read.
FAULTS: dict[str, Callable[[socket.socket], object]] = {
    "garbage": lambda raw: raw.sendall(b"HTTP/1.1 500 Oops\r\n\r\n"),
    "bad record": lambda raw: raw.sendall(FORGED),
    "no close_notify": lambda raw: raw.shutdown(socket.SHUT_RDWR),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_tls_fault_after_the_request_leaves_a_harmful_operation_uncertain(
    stage: Stage, tls: Tls, fault: Callable[[socket.socket], object]
) -> None:
    """It was carried out before TLS broke: it is not sent a second time."""
    applied: list[int] = []

    def apply_and_break(connection: socket.socket) -> None:
        take(connection)
        applied.append(1)
        beneath(connection, fault)

    with server(apply_and_break, tls.context) as address:
        transport = Transport(address, DEADLINES, trusted=tls.trusted)
        record_id = stage.submit(DRAFT)
        stage.deliver(stage.dispatch(transport), QueuedRecord(record_id))

    assert stage.ledger.find(record_id).state is State.UNCERTAIN
    assert len(applied) == 1


def test_tls_fault_in_the_handshake_lets_a_harmful_operation_be_repeated(
    stage: Stage, tls: Tls
) -> None:
    """Nothing had left: it is sent once the certificate is right, and done once."""
    applied: list[int] = []

    def apply(connection: socket.socket) -> None:
        take(connection)
        applied.append(1)
        connection.sendall(DONE)

    record_id = stage.submit(DRAFT)
    for context, state in ((tls.unknown, State.DEFERRED), (tls.context, State.SUCCEEDED)):
        with server(apply, context) as address:
            transport = Transport(address, DEADLINES, trusted=tls.trusted)
            stage.clock.ms = stage.ledger.find(record_id).due_at or stage.clock.ms
            stage.deliver(stage.dispatch(transport), QueuedRecord(record_id))
        assert stage.ledger.find(record_id).state is state

    assert len(applied) == 1


def test_something_else_than_tls_is_not_sent_to(tls: Tls) -> None:
    """A server that answers the handshake with plain text has seen no request."""

    def answer(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(answer) as address:
        transport = Transport(address.replace("http:", "https:"), DEADLINES, trusted=tls.trusted)
        with pytest.raises(NotSentError):
            transport.send(request(), ApiVersion.V1)


def test_kept_connection_that_ends_under_a_request_may_have_brought_it() -> None:
    """Whether the server read what it hung up on, nobody can tell."""

    def hang_up_on_the_second(connection: socket.socket) -> None:
        take(connection)
        connection.sendall(ANSWER)
        connection.recv(1)

    with server(hang_up_on_the_second) as address:
        transport = Transport(address, DEADLINES)
        assert transport.send(request(), ApiVersion.V1).code == 1
        with pytest.raises(ReplyLostError):
            transport.send(request(), ApiVersion.V1)


@pytest.fixture
def upload(tmp_path: Path) -> UploadFile:
    """An upload of a file larger than what the network takes at one go."""
    path = tmp_path / "film.mp4"
    path.write_bytes(b"a" * 20_000_000)
    return UploadFile(folder_id=747759, filedata=file_at(path))


class Failing:
    """A file's content that can be read only at first."""

    def __init__(self) -> None:
        self._pieces = [b"a" * 65536]

    def read(self, size: int, /) -> bytes:
        """Give one piece, and then nothing any more."""
        if not self._pieces:
            raise TimeoutError
        return self._pieces.pop()[:size]

    def close(self) -> None:
        """Nothing is open."""


def send_file(transport: Transport, upload: UploadFile, content: Source | None = None) -> Reply:
    """Send an upload, its file's content from there."""
    file = upload.files()["Filedata"]
    signed = prepare(upload, DEFAULT_SCHOOL, 1_790_000_000)
    with closing(
        VerifiedStream("Filedata", file, content or open_at(file.at, FileAccess(None)))
    ) as reading:
        return transport.send(signed, ApiVersion.V1, {"Filedata": reading})


def test_file_that_fails_under_way_may_have_arrived_in_part(upload: UploadFile) -> None:
    """A server may do something with the half of a request."""
    arrived = threading.Event()

    def listen(connection: socket.socket) -> None:
        while connection.recv(65536):
            arrived.set()

    with server(listen) as address:
        with pytest.raises(ReplyLostError, match="cannot be read now"):
            send_file(Transport(address, DEADLINES), upload, Failing())
        assert arrived.wait(60)


def test_connection_whose_request_did_not_go_out_whole_is_not_used_again(
    upload: UploadFile,
) -> None:
    """The server answered and hung up half-way; the next request takes another connection."""
    seen: list[int] = []

    def answer_early(connection: socket.socket) -> None:
        seen.append(1)
        connection.recv(1)
        connection.sendall(ANSWER)

    with server(answer_early) as address:
        transport = Transport(address, DEADLINES)
        for _ in range(2):
            with suppress(ReplyLostError):  # hanging up may have swallowed the answer
                assert send_file(transport, upload).code == 1

    assert len(seen) == 2
