"""Files that lie elsewhere, read over HTTP, and streamed to the simulator."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import time

import pytest

from ops.simulator import DEFAULT_SCHOOL, SimulatorClient
from producers.intake.attachments import FileOpener, attach, file_at
from worker.classin.endpoint import ApiVersion
from worker.classin.field_types import File, without_mac
from worker.classin.operation import Operation
from worker.classin.operations.cloud import UploadFile
from worker.classin.request import prepare
from worker.config.file_access import FileAccess
from worker.config.settings import Settings, Timeouts
from worker.errors import FileChangedError, NotSentError
from worker.execution.file_streams import Files, VerifiedStream, open_at
from worker.execution.http_client import Transport
from worker.keyring import KeyRing
from worker.ledger.store import RedisLedger

CONTENT = bytes(range(256)) * 4096
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Shelf(BaseHTTPRequestHandler):
    """A plain web server: no HEAD, no ranges; a path of digits answers that status."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer as the path asks."""
        asked = self.path.partition("?")[0].strip("/")
        status = int(asked) if asked.isdecimal() else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        with suppress(OSError):  # of an error, nobody reads what it has to say
            self.wfile.write(CONTENT[:1000] if asked == "torn.pdf" else CONTENT)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def shelf() -> Iterator[str]:
    """A web server with one file, under any name; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def door(shelf: str, tmp_path: Path) -> FileOpener:
    """What may be named by whoever runs this, with these web servers listed by their addresses."""
    hosts = (shelf, "http://127.0.0.1:1")
    settings = Settings(home=tmp_path, file_hosts=hosts, ring=KeyRing.in_memory())
    return FileOpener(settings, settings.typed_files)


def upload(at: str, door: FileOpener) -> Operation:
    """An upload of what lies there."""
    file = File(name="week 1.pdf", size=len(CONTENT), sha256=DIGEST, at=at)
    return door.vouched(UploadFile(folder_id=747759, filedata=file))


def test_a_file_on_the_web_is_described(shelf: str, door: FileOpener) -> None:
    """Read through, and left where it is; the query belongs to the address, not to the name."""
    fields, faults = attach(UploadFile, {"Filedata": f"@{shelf}/week%201.pdf?token=x"}, door)
    assert faults == []
    assert without_mac(fields["Filedata"]) == {
        "name": "week 1.pdf",
        "size": len(CONTENT),
        "sha256": DIGEST,
        "at": f"{shelf}/week%201.pdf?token=x",
    }


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("404", "cannot be read: no such file"),
        ("403", "cannot be read: HTTP 403"),
        ("500", "cannot be read: HTTP 500"),
        ("torn.pdf?token=x", "cannot be read: its server broke off (ProtocolError)"),
    ],
)
def test_a_file_on_the_web_that_cannot_be_read_is_explained(
    shelf: str, path: str, said: str, door: FileOpener
) -> None:
    """In one line, without what may be a credential."""
    _, faults = attach(UploadFile, {"Filedata": f"@{shelf}/{path}"}, door)
    where = path.replace("token=x", "***")
    assert [str(fault) for fault in faults] == [f"Filedata: {shelf}/{where} {said}"]


def test_a_web_server_that_is_not_there_is_explained(door: FileOpener) -> None:
    """Whoever submits hears it at once."""
    _, faults = attach(UploadFile, {"Filedata": "@http://127.0.0.1:1/a.pdf"}, door)
    assert str(faults[0]).startswith(
        "Filedata: http://127.0.0.1:1/a.pdf cannot be read: no connection"
    )


@pytest.mark.parametrize(
    ("path", "raised"),
    [
        ("404", FileChangedError),
        ("410", FileChangedError),
        ("403", FileChangedError),
        ("429", NotSentError),
        ("503", NotSentError),
        ("torn.pdf", NotSentError),
    ],
)
def test_a_worker_tells_what_passes_from_what_stays(
    shelf: str, ledger: RedisLedger, path: str, raised: type[Exception], door: FileOpener
) -> None:
    """A missing file fails the record; a web server in trouble is asked again later."""
    with (
        pytest.raises(raised, match=r"Filedata \(week 1.pdf\) cannot be read"),
        Files(ledger, door.settings).opened("a", upload(f"{shelf}/{path}", door), lambda: None),
    ):
        pytest.fail("it was opened")


def test_a_web_server_that_is_away_is_waited_for(ledger: RedisLedger, door: FileOpener) -> None:
    """Nothing was sent to ClassIn."""
    with (
        pytest.raises(NotSentError, match="cannot be read now"),
        Files(ledger, door.settings).opened(
            "a", upload("http://127.0.0.1:1/a.pdf", door), lambda: None
        ),
    ):
        pytest.fail("it was opened")


def test_a_file_goes_from_the_web_to_classin(
    shelf: str, ledger: RedisLedger, simulator: SimulatorClient, door: FileOpener
) -> None:
    """In one stream, by way of the worker."""
    operation = upload(f"{shelf}/week%201.pdf", door)
    transport = Transport(simulator.base_url, Timeouts())
    with Files(ledger, door.settings).opened("a", operation, lambda: None) as streams:
        request = prepare(operation, DEFAULT_SCHOOL, int(time()))
        assert transport.send(request, ApiVersion.V1, streams).code == 1
    (entry,) = simulator.journal("upload_file", applied=True)
    assert entry.fields == {
        "folderId": "747759",
        "Filedata": {"name": "week 1.pdf", "bytes": len(CONTENT), "sha256": DIGEST},
    }


@pytest.mark.parametrize("name", ["第一 单元.pdf", "a;b=c&d%20.pdf", "x" * 128])
def test_a_file_s_name_arrives_as_it_is(
    simulator: SimulatorClient, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """Whatever characters it holds."""
    path = tmp_path_factory.mktemp("names") / name
    path.write_bytes(b"a")
    file = file_at(path)
    request = prepare(UploadFile(folder_id=747759, filedata=file), DEFAULT_SCHOOL, int(time()))
    with closing(VerifiedStream("Filedata", file, open_at(file.at, FileAccess(None)))) as reading:
        reply = Transport(simulator.base_url, Timeouts()).send(
            request, ApiVersion.V1, {"Filedata": reading}
        )
    assert reply.code == 1
    assert simulator.journal("upload_file")[0].fields["Filedata"] == file.summary()
