"""A call to an address of anybody's, over real sockets."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from worker.config.settings import Timeouts
from worker.errors import NotSentError, ReplyLostError
from worker.execution.http_client import post_once

DEADLINES = Timeouts(connect=2, reply=0.3)


class _Answer(BaseHTTPRequestHandler):
    #: Paths that were asked for.
    asked: list[str]

    def do_POST(self) -> None:  # as the library has it
        """Send elsewhere, or keep silent."""
        self.rfile.read(int(self.headers["content-length"]))
        self.asked.append(self.path)
        if self.path.startswith("/silent"):
            return
        self.send_response(302)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Keep quiet."""


@pytest.fixture
def asked() -> list[str]:
    """The paths that a server was asked for."""
    return []


@pytest.fixture
def address(asked: list[str]) -> Iterator[str]:
    """A server."""
    kind = type("Answer", (_Answer,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_path_and_query_arrive_and_no_redirect_is_followed(address: str, asked: list[str]) -> None:
    """What it says is the answer."""
    assert post_once(f"{address}/hook/?key=a%20b", b"{}", {}, DEADLINES) == 302
    assert post_once(address, b"{}", {}, DEADLINES) == 302
    assert asked == ["/hook/?key=a%20b", "/"]


def test_what_brings_no_answer_is_told_apart(address: str) -> None:
    """Nobody is there, or somebody who keeps silent; the address is in no error."""
    with pytest.raises(ReplyLostError) as silent:
        post_once(f"{address}/silent?key=hidden", b"{}", {}, DEADLINES)
    with pytest.raises(NotSentError) as nobody:
        post_once("http://127.0.0.1:9/hook?key=hidden", b"{}", {}, DEADLINES)
    assert "hidden" not in f"{silent.value} {nobody.value}"
