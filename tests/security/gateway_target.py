"""A gateway as an operator starts it, and single bytes to say to it."""

import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ops.processes.redis_server import PrivateRedis
from ops.processes.supervisor import classin as command_line
from tests.stage import PATIENCE, Command, Environment, Process, start, until


@dataclass(frozen=True)
class Target:
    """A gateway that runs; `port` is on 127.0.0.1."""

    port: int
    pid: int
    environment: Environment
    log: Path

    def key(self, name: str, *limits: str) -> str:
        """Make an API key."""
        return Command(self.environment)("keys", "add", name, *limits).stdout.strip()

    def connect(self, address: str = "127.0.0.1") -> socket.socket:
        """Connect, from an address of this machine."""
        return socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE, source_address=(address, 0)
        )

    def say(self, data: bytes) -> bytes:
        """Say something on a connection of its own; return all of the answer until it is closed."""
        with closing(self.connect()) as connection:
            with suppress(ConnectionError):  # it may have hung up before the end
                connection.sendall(data)
            return all_of(connection)

    def said(self) -> str:
        """What stands in its log."""
        return self.log.read_text(encoding="utf-8")


@contextmanager
def gateway_process(*options: str, **variables: str) -> Iterator[Target]:
    """Start a gateway, with a Redis of its own and these variables besides; end both."""
    home = Path(tempfile.mkdtemp(prefix="cq-"))
    try:
        with PrivateRedis(home / "h", home / "h/redis.sock"):
            environment = Environment({})
            environment.set(home=str(home / "h"), sid="1000082", secret="x")
            environment.set(base_url="http://127.0.0.1:9", keys=str(home / "keys.json"))
            environment.set(**variables)
            log = home / "gateway.log"
            with log.open("wb") as output:
                process = start(
                    command_line("gateway", "--port", "0", *options),
                    environment,
                    stdout=output,
                    stderr=output,
                )
            try:
                yield _ready(process, environment, log)
            finally:
                process.terminate()
                process.wait(30)
            assert "Traceback" not in log.read_text(encoding="utf-8"), log.read_text()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _ready(process: Process, environment: Environment, log: Path) -> Target:
    def port() -> str | None:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        found = re.search(r"https?://\S+:(\d+)", log.read_text(encoding="utf-8"))
        return found and found[1]

    until(lambda: port() is not None, "the gateway listens")
    return Target(int(port() or 0), process.pid, environment, log)


def all_of(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    got = bytearray()
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            got += piece
    return bytes(got)


def answer_of(connection: socket.socket) -> bytes:
    """Read one answer: its head, and a body of the length that it names."""
    got = bytearray()
    while b"\r\n\r\n" not in got:
        if not (piece := connection.recv(65536)):
            return bytes(got)
        got += piece
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: *(\d+)", head)
    length = int(found[1]) if found else 0
    while len(body) < length and (piece := connection.recv(65536)):
        body += piece
    return head + b"\r\n\r\n" + body


def status_of(answer: bytes) -> int:
    """Return the status of an answer; 0 if there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
