"""Files by address: who names one, or answers there, leads nobody inside, and holds nobody up."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest
import trustme
from fastapi.testclient import TestClient

from ops.simulator import SimulatorClient
from producers.gateway.app import GatewayApp
from producers.intake.attachments import FileOpener, attach
from producers.intake.submitter import Submitter
from tests.raw_server import Behaviour
from tests.raw_server import server as raw_server
from tests.redis_server import SharedRedis
from tests.stage import WorkerProcess, until
from tests.unit.stage import SCHOOL
from worker.classin.field_types import LARGEST_FILE, LARGEST_PICTURE, File
from worker.classin.operations.cloud import UploadFile
from worker.classin.operations.users import Register
from worker.config.file_access import Address, FileAccess, WebError
from worker.config.settings import Gateway, Settings
from worker.execution import web_files
from worker.execution.file_streams import open_file
from worker.execution.web_files import open_web_file
from worker.keyring import KeyRing
from worker.ledger.api_keys import ApiKeys
from worker.ledger.audit import Audit
from worker.ledger.record import Submission, new_id
from worker.ledger.store import RedisLedger

#: An address on the web, for a name that a test makes up.
PUBLIC = ipaddress.ip_address("8.8.8.8")

#: Ways to write this machine, its network, or what a cloud tells its machines.
INSIDE = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "00.0", "localhost",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1", "192.168.0.1",
    "100.64.0.1", "224.0.0.1", "[ff02::1]", "255.255.255.255", "192.0.2.1", "[2001:db8::1]",
]  # fmt: skip


def typed(*hosts: str) -> FileAccess:
    """What somebody at a command line may name, with these hosts listed."""
    return FileAccess(None, hosts, any_host=True)


def refusal(at: str, access: FileAccess, *found: Address) -> str:
    """Ask for what must not be had; gives why. Names lead to these addresses, the last for good."""
    answers = [*found]

    def resolve(host: str, port: int) -> list[Address]:
        if not found:
            return [*web_files.resolve(host, port)]
        return [answers.pop(0) if len(answers) > 1 else answers[0]]

    with pytest.raises(PermissionError) as refused:
        open_web_file(at, access, resolve).close()
    return str(refused.value.strerror)


@contextmanager
def answering(
    *pieces: bytes, then: Behaviour = lambda _: None
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends these pieces to whoever asks; its address, and what it was asked."""
    asked: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        for piece in pieces:
            connection.sendall(piece)
        then(connection)

    with raw_server(behave) as address:
        yield address, asked


def head(length: int | None, *more: str, status: str = "200 OK") -> bytes:
    """The head of a reply."""
    lines = [f"HTTP/1.1 {status}", *more]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def read_all(address: str, clock: Callable[[], float] = monotonic) -> bytes:
    """Read what a listed host has, to its end."""
    access = FileAccess(hosts=(address,))
    with closing(open_web_file(f"{address}/a?token=canary", access, clock=clock)) as file:
        return b"".join(iter(lambda: file.read(65536), b""))


def port_of(address: str) -> str:
    """The port of a server."""
    return address.rpartition(":")[2]


@pytest.mark.parametrize("host", INSIDE)
def test_an_address_inside_is_not_asked_however_it_is_written(host: str) -> None:
    """Whoever names a file would reach what only this machine reaches."""
    assert "an address that is not public" in refusal(f"https://{host}/a.pdf", typed())


@pytest.mark.parametrize(
    "at",
    ["https://files.example@127.0.0.1/a", "https://127.0.0.1\\@files.example/a", "https://127。0。0。1/a",
     "https://ⓕiles.example/a", "https://files.example#@evil.example/a", "https://files.example.evil.example/a",
     "https://files.example:8443/a", "http://files.example/a", "https:/files.example", "https:///a",
     "https://files.example\t.evil.example/", "//files.example/a"],
)  # fmt: skip
def test_only_the_listed_host_itself_is_asked(at: str) -> None:
    """Whoever names a file would dress another host up as the listed one."""
    access = FileAccess(hosts=("files.example",))
    if at == "https://files.example#@evil.example/a":  # that is the listed host, and a fragment
        assert access.web_address(at).host == "files.example"
    else:
        with pytest.raises(PermissionError, match="files are taken from"):
            access.web_address(at)


def test_a_listed_name_that_leads_inside_is_not_asked() -> None:
    """Whoever has the zone of a listed host would turn it to a server inside."""
    access = FileAccess(hosts=("https://files.example",))
    loopback = ipaddress.ip_address("127.0.0.1")
    assert "not public" in refusal("https://files.example/a", access, loopback)


def test_a_name_is_looked_up_once_and_what_was_judged_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever has the zone would answer with a public address first, and then with this machine."""
    with answering(head(1), b"a") as (address, asked):
        looked_up: list[str] = []

        def rebinding(host: str, *_: object, **__: object) -> list[object]:
            looked_up.append(host)
            ip = "127.0.0.1" if looked_up.count("rebind.example") > 1 else "127.0.0.2"
            place = (host if host[0].isdecimal() else ip, int(port_of(address)))
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place)]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        at = f"http://rebind.example:{port_of(address)}"
        access = FileAccess(hosts=(at, "127.0.0.2/32"))
        with pytest.raises(WebError):
            open_web_file(f"{at}/a", access)
        assert looked_up.count("rebind.example") == 1
        assert asked == []


@pytest.mark.parametrize(
    "inside",
    ["http://127.0.0.1:1/a", "http://localhost:{port}/a", "file:///etc/hostname",
     "http://other.example/a", "https://127.0.0.1:{port}/a", "gopher://a/"],
)  # fmt: skip
def test_a_redirect_leads_to_no_other_host(inside: str) -> None:
    """Whoever runs a listed host would send the reader inside."""
    with answering() as (_, asked), answering() as (other, _):
        target = inside.format(port=port_of(other))
        moved = head(0, f"Location: {target}", status="302 Found")
        with answering(moved) as (address, _), pytest.raises((PermissionError, ValueError)):
            open_web_file(f"{address}/a", FileAccess(hosts=(address,)))
        assert asked == []


def test_a_redirect_to_a_listed_host_is_followed() -> None:
    """As file services do; each step is judged anew."""
    with answering(head(1), b"a") as (shelf, _):
        moved = head(0, f"Location: {shelf}/b", status="307 Temporary Redirect")
        with answering(moved) as (address, _):
            access = FileAccess(hosts=(address, shelf))
            with closing(open_web_file(f"{address}/a", access)) as file:
                assert file.read(10) == b"a"


def test_redirects_come_to_an_end() -> None:
    """Whoever runs a listed host would keep the reader going round."""
    with answering(head(0, "Location: /a", status="302 Found")) as (address, asked):
        with pytest.raises(WebError, match="redirects too often"):
            open_web_file(f"{address}/a", FileAccess(hosts=(address,)))
        assert len(asked) <= 6


def test_tls_is_verified_for_the_name_although_an_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever sits on the way would answer with a certificate of another host."""
    authority = trustme.CA()
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    monkeypatch.setattr(web_files, "_trusted", lambda: trusted)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("files.example").configure_cert(context)

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head(1) + b"a")

    def here(_: str, __: int) -> list[Address]:
        return [ipaddress.ip_address("127.0.0.1")]

    with raw_server(behave, context) as address:
        good, bad = (
            f"https://{host}:{port_of(address)}" for host in ("files.example", "b.example")
        )
        access = FileAccess(hosts=(good, bad, "127.0.0.0/8"))
        with closing(open_web_file(f"{good}/a", access, here)) as file:
            assert file.read(10) == b"a"
        with pytest.raises(WebError, match="certificate was not accepted"):
            open_web_file(f"{bad}/a", access, here)


def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    """Whoever has the zone would let the first address fail, and the second be this machine."""
    found = [PUBLIC, ipaddress.ip_address("127.0.0.1")]
    with pytest.raises(PermissionError, match="not public"):
        open_web_file("https://files.example/a", typed(), lambda _, __: found)


def test_an_operator_may_list_a_network_and_an_address() -> None:
    """A school's own file server lies inside: it is asked where the settings say so."""
    with answering(head(1), b"a") as (address, _):
        port = port_of(address)
        named = f"http://files.lan:{port}"
        inner = ipaddress.ip_address("127.0.0.1")
        access = FileAccess(hosts=(named, "127.0.0.1/32"))
        with closing(open_web_file(f"{named}/a", access, lambda _, __: [inner])) as file:
            assert file.read(10) == b"a"
        other = ipaddress.ip_address("127.0.0.2")
        assert "not public" in refusal(f"{named}/a", access, other)


@pytest.fixture
def door(tmp_path: Path) -> Callable[[str], FileOpener]:
    """What may be named where a host is listed by its address."""
    settings = Settings(home=tmp_path, ring=KeyRing.in_memory())
    return lambda host: FileOpener(settings, FileAccess(hosts=(host,)))


def test_an_endless_body_is_read_no_further_than_the_field_takes(
    door: Callable[[str], FileOpener],
) -> None:
    """Whoever runs a listed host would fill the reader's memory or time."""
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        while sent < 100 * LARGEST_PICTURE:
            connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")
            sent += 65536

    with answering(head(None, "Transfer-Encoding: chunked"), then=pour) as (address, _):
        given = {"telephone": "13800138777", "Filedata": f"@{address}/a.png"}
        _, faults = attach(Register, given, door(address))
    assert [str(fault).partition("a.png ")[2] for fault in faults] == [
        "should have at most 1,048,576 bytes"
    ]
    assert sent < 20 * LARGEST_PICTURE


@pytest.mark.parametrize(("claimed", "sent"), [(10, 5), (LARGEST_FILE * 100, 5)])
def test_a_length_that_is_a_lie_is_noticed(
    door: Callable[[str], FileOpener], claimed: int, sent: int
) -> None:
    """Whoever runs a listed host would have half a file taken for a whole one."""
    with answering(head(claimed), b"a" * sent) as (address, _):
        given = {"folderId": 1, "Filedata": f"@{address}/a.pdf"}
        _, faults = attach(UploadFile, given, door(address))
    assert "its server broke off" in str(faults[0])


def test_what_is_compressed_all_the_same_is_taken_as_it_was_sent() -> None:
    """Whoever runs a listed host would have a small body become a large one."""
    body = b"\x1f\x8b no gzip at all"
    with answering(head(len(body), "Content-Encoding: gzip"), body) as (address, _):
        assert read_all(address) == body


class Clock:
    """Goes on a second each time that somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Look at it."""
        self.now += 1.0
        return self.now


@pytest.mark.parametrize("drip", [b"X-Drip: a\r\n", b"a"])
def test_a_server_that_drips_is_left(drip: bytes) -> None:
    """Whoever runs a listed host would hold a thread of the worker, or of the gateway, for ever."""
    stopped = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(20_000):
            if stopped.wait(0.001):
                return
            connection.sendall(drip)

    begun = b"HTTP/1.1 200 OK\r\n" if drip[0:1] == b"X" else head(10**6)
    with answering(begun, then=trickle) as (address, _):
        with pytest.raises(WebError, match="too slow"):
            read_all(address, clock=Clock())
        stopped.set()


def test_what_a_server_says_stands_in_no_message() -> None:
    """Whoever runs a listed host would write into terminals, logs and answers."""
    unwell = head(0, status="500 canary\x1b[2J")
    with answering(unwell) as (address, _), pytest.raises(WebError) as told:
        read_all(address)
    assert str(told.value) == "HTTP 500"


def test_every_later_attempt_is_judged_anew(tmp_path: Path) -> None:
    """Whoever has the zone would let a name lead inside once the file was described."""
    settings = Settings(home=tmp_path, ring=KeyRing.in_memory())
    told = File(name="a.pdf", size=1, sha256="0" * 64, at="https://localhost/a.pdf")
    operation = FileOpener(settings, settings.typed_files).vouched(
        UploadFile(folder_id=1, filedata=told)
    )
    with pytest.raises(PermissionError, match="not public"):
        open_file(operation.files()["Filedata"], settings)


def test_a_client_of_the_gateway_is_led_to_no_other_host(
    tmp_path: Path, server: SharedRedis
) -> None:
    """Whoever has an API key, and a listed host, would read what the gateway's host reaches."""
    redis = server.client()
    ring = KeyRing.in_memory()
    ledger, keys = RedisLedger(redis), ApiKeys(redis, ring)
    with answering(head(6), b"canary") as (inner, asked):
        moved = head(0, f"Location: {inner}/secret", status="302 Found")
        with answering(moved) as (listed, _):
            settings = Settings(
                home=tmp_path,
                broker_url="memory://",
                schools={"main": SCHOOL},
                gateway=Gateway(files_from=(listed,)),
                ring=ring,
            )
            app = GatewayApp(settings, ledger, Submitter(settings, ledger), keys, Audit(redis))
            token, _ = keys.add("sis", 0)
            fields = {"folderId": 1, "Filedata": f"@{listed}/a.pdf"}
            with TestClient(app.asgi, raise_server_exceptions=False) as client:
                answer = client.post(
                    "/v1/operations",
                    json={"operation": "upload_file", "fields": fields},
                    headers={"authorization": f"Bearer {token}"},
                )
    assert answer.status_code == 422
    assert "redirects to a host that CLASSIN_GATEWAY_FILES_FROM does not list" in answer.text
    assert (asked, [*ledger.counts().by_state()]) == ([], [])


def test_a_worker_asks_no_host_that_a_record_written_by_hand_names(
    worker: WorkerProcess, ledger: RedisLedger, simulator: SimulatorClient
) -> None:
    """Whoever writes Redis would have a worker reach what only its host reaches."""
    with answering(head(6), b"canary") as (inner, asked):
        told = File(name="a.pdf", size=6, sha256=sha256(b"canary").hexdigest(), at=f"{inner}/a")
        fields = UploadFile(folder_id=747759, filedata=told).to_dict()
        entry = Submission(id=new_id(), operation="upload_file", school="main", fields=fields)
        ledger.submit([entry])
        worker.start()
        until(lambda: ledger.find(entry.id).state.settled, "the record is refused")
    assert "none is taken here" in (ledger.find(entry.id).message or "")
    assert (asked, simulator.journal()) == ([], [])
