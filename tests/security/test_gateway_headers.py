"""What answers tell a browser, a cache, or who only looks: asked of a gateway as one starts it."""

import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.security.gateway_target import Target, answer_of, gateway_process, status_of

#: Anything that is answered: pages, problems of each layer, with a key and without.
PATHS = ("/docs", "/docs/start.js", "/openapi.json", "/healthz", "/v1/catalogue", "/nowhere")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """One gateway for all of them."""
    with gateway_process() as target:
        yield target


def ask(
    target: Target, path: str, *more: str, host: str = "127.0.0.1", method: str = "GET"
) -> tuple[int, dict[str, str], str]:
    """Ask for something; gives status, headers and body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more, "", ""]
    answer = target.say("\r\n".join(lines).encode())
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    return status_of(answer), headers, body


@pytest.mark.parametrize("path", [*PATHS, "/docs#x"])
def test_no_answer_can_be_framed_sniffed_or_read_by_another_site(target: Target, path: str) -> None:
    """A page in the operator's browser would frame /docs, or take an answer for a script."""
    _, headers, _ = ask(target, path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-frame-options"] == "deny"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_the_page_of_the_description_runs_no_script_but_its_own(target: Target) -> None:
    """Who gets text into that page would else read the key that is typed in there."""
    _, headers, page = ask(target, "/docs")
    (scripts,) = re.findall("script-src ([^;]*)", headers["content-security-policy"])
    assert scripts == "'self'"
    assert re.findall("<script(?! src=)|<[^>]* on[a-z]+=|https?://", page) == []
    for place in re.findall('(?:src|href)="([^"]*)"', page):
        assert ask(target, f"/{place}")[0] == 200
    assert '"openapi.json"' in ask(target, "/docs/start.js")[2]


def test_no_cache_keeps_what_was_asked_with_a_key(target: Target) -> None:
    """A proxy or a browser that several people use would show it to the next one."""
    key = target.key("cached")
    for path in ("/v1/catalogue", "/v1/operations", "/v1/operations/none", "/v1/none"):
        _, headers, _ = ask(target, path, f"Authorization: Bearer {key}")
        assert headers["cache-control"] == "no-store", path
    assert ask(target, "/v1/operations")[1]["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_no_other_site_is_let_in_and_nothing_says_what_runs_here(target: Target, path: str) -> None:
    """Another site's script asks with its origin; who looks for known holes asks for versions."""
    for method in ("GET", "OPTIONS"):
        origin = ("Origin: http://attacker.example", "Access-Control-Request-Method: GET")
        _, headers, _ = ask(target, path, *origin, method=method)
        assert [each for each in headers if each.startswith("access-control-")] == []
        assert headers.keys().isdisjoint({"server", "x-powered-by"})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["attacker.example", "attacker.example:8765", "127.0.0.1.x", "10.0.0.1"]
)
def test_a_page_whose_name_leads_to_this_machine_is_told_nothing(
    target: Target, path: str, host: str
) -> None:
    """DNS rebinding: a page of attacker.example in a browser here asks what only we can reach."""
    status, headers, body = ask(target, path, host=host)
    assert status == 421
    assert headers["content-type"] == "application/problem+json"
    assert "attacker" not in body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8765", "[::1]:8765"])
def test_the_names_of_this_machine_are_answered(target: Target, host: str) -> None:
    """Whoever asks for this machine means it."""
    assert ask(target, "/healthz", host=host)[0] == 200


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    made, key = tmp_path / "c.pem", tmp_path / "k.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-subj", "/CN=localhost", "-days", "2"]
    words += ["-keyout", str(key), "-out", str(made)]
    subprocess.run(words, check=True, capture_output=True)
    return made, key


def test_tls_is_of_today_and_says_to_stay(certificate: tuple[Path, Path]) -> None:
    """Who stands between would have the client fall back to TLS 1.1, or to plain http."""
    made, key = certificate
    options = ("--certificate", str(made), "--private-key", str(key))
    with gateway_process(*options) as target:
        context = ssl.create_default_context(cafile=str(made))
        context.check_hostname = False
        with closing(context.wrap_socket(target.connect())) as secure:
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}
            secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            head = answer_of(secure).lower()
        assert b"strict-transport-security: max-age=31536000" in head
        with closing(target.connect()) as old, pytest.raises((OSError, ValueError)):
            _speak_tls_1_1(old)


def _speak_tls_1_1(connection: socket.socket) -> None:
    """Begin with the hello of a client that knows nothing newer. Raises OSError when refused."""
    ciphers = bytes.fromhex("c013c014002f0035")
    hello = b"\x03\x02" + bytes(32) + b"\x00" + len(ciphers).to_bytes(2) + ciphers + b"\x01\x00"
    handshake = b"\x01" + len(hello).to_bytes(3) + hello
    connection.sendall(b"\x16\x03\x01" + len(handshake).to_bytes(2) + handshake)
    answer = connection.recv(7)
    if answer[:1] != b"\x16":  # an alert, or nothing at all
        raise ConnectionError("refused")
