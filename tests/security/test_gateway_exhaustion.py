"""Exhaustion: who wants nothing but that others get nothing, against a gateway as one starts it."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.security.gateway_target import Target, answer_of, gateway_process, status_of
from tests.stage import at_once, until

HOST = b"Host: 127.0.0.1\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"

#: More than there are places for.
CROWD = 700

#: As many as there are places for, so that each newcomer makes one go.
CONNECTIONS = 500


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """One gateway for all of them: each attack has ended when the next begins."""
    with gateway_process() as target:
        yield target


@contextmanager
def crowd(target: Target, number: int, says: bytes) -> Iterator[list[socket.socket]]:
    """Connect so often, from one address; all say the same, and wait."""
    with ExitStack() as stack:
        connections = []
        for _ in range(number):
            connection = stack.enter_context(closing(target.connect("127.0.0.7")))
            with suppress(ConnectionError):  # those before made way
                connection.sendall(says)
            connections.append(connection)
        yield connections


def healthy(target: Target) -> bool:
    """Whether somebody else is told that all is well."""
    return status_of(target.say(HEALTH)) == 200


def post(key: str, length: int, path: str = "/v1/operations", *more: str) -> bytes:
    """Write the head of a POST with a body of this length."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}"]
    lines += more or ["Content-Type: application/json"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    return "\r\n".join([*lines, "", ""]).encode()


#: What each of a crowd says, by the name of the attack.
SAYS = {
    "connections_that_say_nothing": b"",
    "heads_that_never_end": b"GET /docs HTTP/1.1\r\n" + HOST,
    "bodies_that_are_half_sent_to_a_page": post("", 1000, "/docs") + b"x",
    "bodies_that_are_half_sent_without_a_key": post("", 1000) + b"x",
    "bodies_that_are_half_sent_with_a_wrong_key": post("cq_00000000_wrong", 1000) + b"x",
    "readers_of_the_page_who_read_nothing": b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\n"
    + HOST
    + b"\r\n",
    "readers_of_the_description_who_read_nothing": b"GET /openapi.json HTTP/1.1\r\n"
    + HOST
    + b"\r\n",
    "requests_one_behind_the_other": (b"GET /docs HTTP/1.1\r\n" + HOST + b"\r\n") * 50,
}


@pytest.mark.parametrize("attack", SAYS)
def test_a_crowd_without_a_key_keeps_nobody_out(target: Target, attack: str) -> None:
    """Anybody on the network connects as often as they can; others would find no place."""
    key = target.key(attack[:60])
    asked = b"GET /v1/operations HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    with crowd(target, CROWD, SAYS[attack]):
        assert healthy(target)
        answer = target.say(asked + f"Authorization: Bearer {key}\r\n\r\n".encode())
        assert status_of(answer) == 200, answer[:300]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (post("", 9_000_000), 401),
        (post("cq_00000000_wrong", 9_000_000), 401),
        (post("", 9_000_000, "/nowhere"), 404),
        (post("", 9_000_000, "/docs"), 405),
        (post("KEY", 9_000_000, "/v1/operations", "Content-Type: text/plain"), 415),
        (post("READS", 9_000_000), 403),
        (post("KEY", 99_000_000), 413),
        (post("KEY", 9_000_000, "/v1/nowhere"), 404),
        (post("KEY", 9_000_000, "/v1/catalogue"), 405),
    ],
)
def test_a_body_that_nobody_wants_is_not_waited_for(
    target: Target, head: bytes, status: int
) -> None:
    """Who announces a body and sends none of it is answered at once, and holds no place."""
    key = target.key(f"unwanted {abs(hash(head))}")
    reads = target.key(f"reads {abs(hash(head))}", "--read")
    head = head.replace(b"KEY", key.encode()).replace(b"READS", reads.encode())
    with closing(target.connect()) as connection:
        connection.sendall(head)
        answer = answer_of(connection)
    assert status_of(answer) == status, answer[:300]
    assert b"connection: close" in answer.lower()


def test_who_still_sends_a_body_reads_why_it_is_refused(target: Target) -> None:
    """An honest client with a wrong key learns that, and not that the connection broke."""
    answer = target.say(post("cq_00000000_wrong", 3_000_000) + b" " * 3_000_000)
    assert status_of(answer) == 401


def test_bodies_of_many_clients_are_bounded_in_all(target: Target) -> None:
    """Keys that send as much as they may at the same moment would fill the memory."""
    keys = [target.key(f"memory {n}") for n in range(4)]
    body = b"[" + b" " * (9 * 1024 * 1024) + b"]"
    before = peak_memory(target)

    def send(number: int) -> int:
        head = post(keys[number % len(keys)], len(body)).replace(
            b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
        )
        return status_of(target.say(head + body))

    answers = Counter(at_once(40, send))

    assert answers.keys() <= {422, 429, 503}, answers
    assert answers[422] > 0
    assert peak_memory(target) - before < 250 * 1024
    assert healthy(target)


def test_a_small_body_of_very_many_values_is_refused(target: Target) -> None:
    """Each pair of brackets becomes an object thirty times as large."""
    key = target.key("brackets")
    before = peak_memory(target)
    body = b"[" + b"{}," * 3_000_000 + b"{}]"
    answer = target.say(post(key, len(body)) + body)
    assert status_of(answer) == 413
    assert peak_memory(target) - before < 100 * 1024


def peak_memory(target: Target) -> int:
    """The most memory that the gateway has had, in kB."""
    status = Path(f"/proc/{target.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if "VmHWM" in line).split()[1])


def test_a_body_that_trickles_is_cut_off(target: Target) -> None:
    """Who has a key and sends a byte now and then would hold a place for as long as it likes."""
    key = target.key("trickle")
    with closing(target.connect()) as connection:
        connection.sendall(post(key, 1000) + b"[")
        stop = threading.Event()

        def trickle() -> None:
            with suppress(OSError):
                while not stop.wait(1):
                    connection.sendall(b" ")

        thread = threading.Thread(target=trickle)
        thread.start()
        answer = answer_of(connection)
        stop.set()
        thread.join()
    assert status_of(answer) == 408


def test_a_slow_host_of_files_takes_no_thread_that_others_need() -> None:
    """Who has a key names files at a host that says nothing; sixteen of them stopped everything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        with slow_files(host) as target, ExitStack() as stack:
            key = target.key("files")
            asked = {
                "operation": "edit_course",
                "fields": {"courseId": 1, "Filedata": f"@https://{host}/x.jpg"},
            }
            body = json.dumps(asked).encode()
            for _ in range(20):
                connection = stack.enter_context(closing(target.connect()))
                connection.sendall(post(key, len(body)) + body)
            until(lambda: "429" in target.said(), "the last ones are refused")
            good = {"operation": "edit_course", "fields": {"courseId": 1, "courseName": "x"}}
            other = json.dumps(good).encode()
            with closing(target.connect()) as connection:
                connection.sendall(post(key, len(other)) + other)
                assert status_of(answer_of(connection)) == 201
            assert healthy(target)
            silent.close()  # else whoever waits for it keeps the gateway from ending at once


@contextmanager
def slow_files(host: str) -> Iterator[Target]:
    """A gateway that may ask a host of this machine for files."""
    with gateway_process(gateway_files_from=host) as target:
        yield target
