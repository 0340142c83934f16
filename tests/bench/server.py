"""A ClassIn that says yes to everything, as fast as Python can: `python -m tests.bench.server`.

It reads of HTTP what the candidates send, and no more, so that most of the machine is theirs. Under
/bench/ it is told how slow to be, and tells what came; all times are those of time.monotonic.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

_HEAD = re.compile(rb"(GET|POST) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NUMBER = re.compile(rb"courseId=(\d+)")

_V1 = {"data": 1, "error_info": {"errno": 1, "error": "程序正常执行"}}
_V2 = {"code": 1, "msg": "程序正常执行", "data": 1}

#: Below this path are the calls of the first dialect.
_OLDER = b"/partner/"


def _response(answer: object, status: str = "200 OK") -> bytes:
    body = json.dumps(answer, ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


_YES_V1, _YES_V2 = _response(_V1), _response(_V2)


class Server:
    """What came since it was last told to begin."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begin(0.0)

    def _begin(self, latency: float) -> None:
        self._latency = latency
        self._answered = 0
        #: When each operation first came, by its number.
        self._arrivals: dict[int, float] = {}
        #: Who waits for how many answers.
        self._waiting: list[tuple[int, Connection]] = []

    def operate(self, connection: "Connection", path: bytes, body: bytes) -> None:
        """Take an operation, and answer it after the latency."""
        if found := _NUMBER.search(body):
            self._arrivals.setdefault(int(found[1]), time.monotonic())
        yes = _YES_V1 if path.startswith(_OLDER) else _YES_V2
        if self._latency:
            self._loop.call_later(self._latency, self._answer, connection, yes)
        else:
            self._answer(connection, yes)

    def _answer(self, connection: "Connection", response: bytes) -> None:
        connection.write(response)
        self._answered += 1
        for entry in [each for each in self._waiting if each[0] <= self._answered]:
            self._waiting.remove(entry)
            self._tell_how_many(entry[1])

    def control(self, connection: "Connection", path: str, asked: Mapping[str, str]) -> None:
        """Do what the bench asks for."""
        match path.removeprefix("/bench/"):
            case "begin":
                self._begin(float(asked["latency"]))
                connection.write(_response({}))
            case "answered":
                self._wait_for(connection, int(asked["number"]), float(asked["wait"]))
            case "arrivals":
                connection.write(_response(self._arrivals))
            case _:
                connection.write(_response({}))

    def _wait_for(self, connection: "Connection", number: int, wait: float) -> None:
        """Answer when so many operations are answered, or when the wait is over."""
        if self._answered >= number:
            self._tell_how_many(connection)
            return
        entry = (number, connection)
        self._waiting.append(entry)
        self._loop.call_later(wait, self._give_up, entry)

    def _give_up(self, entry: "tuple[int, Connection]") -> None:
        if entry in self._waiting:
            self._waiting.remove(entry)
            self._tell_how_many(entry[1])

    def _tell_how_many(self, connection: "Connection") -> None:
        connection.write(_response({"answered": self._answered, "at": time.monotonic()}))


class Connection(asyncio.Protocol):
    """One connection, kept alive as long as the other side likes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take requests as they get complete."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            head = _HEAD.match(self._received)
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            if head is None:
                self.write(_response({}, "400 Bad Request"))
            elif head[2].startswith(b"/bench/"):
                parts = urlsplit(head[2].decode())
                self._server.control(self, parts.path, dict(parse_qsl(parts.query)))
            else:
                self._server.operate(self, head[2], body)

    def write(self, response: bytes) -> None:
        """Answer, if the other side is still there."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(response)


async def _serve() -> None:
    server = Server()
    listening = await asyncio.get_running_loop().create_server(
        lambda: Connection(server), "127.0.0.1", 0, backlog=1000
    )
    port = listening.sockets[0].getsockname()[1]
    print(f"listening on http://127.0.0.1:{port}", flush=True)  # noqa: T201  # who started it waits
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
