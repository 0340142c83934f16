"""Smuggling: bytes that two servers read differently, said to a gateway as an operator starts it.

Whoever reaches the gateway through a proxy writes these. If the two disagree on where a request
ends, the rest is read as the beginning of the next client's request, and carries its key.
"""

import re
from collections.abc import Iterator

import pytest

from tests.security.gateway_target import Target, answer_of, gateway_process, status_of

HOST = b"Host: 127.0.0.1\r\n"

#: What would be carried out if the first request ended where the attacker wants.
HIDDEN = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """One gateway for all of them."""
    with gateway_process() as target:
        yield target


def refused(answer: bytes, *statuses: int) -> None:
    """It is one answer, a problem of such a status, after which the connection is closed."""
    assert status_of(answer) in (statuses or (400,)), answer[:300]
    assert len(re.findall(rb"HTTP/1\.1 \d", answer)) == 1, answer[:2000]
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"content-type: application/problem+json" in head, head
    assert b"connection: close" in head, head
    assert b"x-content-type-options: nosniff" in head, head


def post(*headers: bytes, body: bytes = b"0\r\n\r\n" + HIDDEN, path: bytes = b"/docs") -> bytes:
    """Write a POST with these headers."""
    lines = b"".join(each + b"\r\n" for each in headers)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


def get(*headers: bytes) -> bytes:
    """Write a GET of /docs with these headers."""
    return b"GET /docs HTTP/1.1\r\n" + b"".join(each + b"\r\n" for each in headers) + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked"

#: What is written, by the name of the attack, and the status that refuses it.
ATTACKS = {
    "content_length_with_transfer_encoding": (post(b"Content-Length: 5", CHUNKED), 400),
    "transfer_encoding_before_content_length": (post(CHUNKED, b"Content-Length: 5"), 400),
    "two_content_lengths_that_differ": (post(b"Content-Length: 0", b"Content-Length: 5"), 400),
    "two_content_lengths_that_agree": (post(b"Content-Length: 5", b"Content-Length: 5"), 400),
    "a_list_of_content_lengths": (post(b"Content-Length: 5, 5"), 400),
    "content_length_with_a_sign": (post(b"Content-Length: +5"), 400),
    "content_length_in_hexadecimal": (post(b"Content-Length: 0x5"), 400),
    "content_length_that_is_negative": (post(b"Content-Length: -1"), 400),
    "content_length_that_is_empty": (post(b"Content-Length: "), 400),
    "chunked_twice_in_one_line": (post(b"Transfer-Encoding: chunked, chunked"), 501),
    "chunked_twice_in_two_lines": (post(CHUNKED, CHUNKED), 400),
    "xchunked": (post(b"Transfer-Encoding: xchunked"), 501),
    "identity": (post(b"Transfer-Encoding: identity"), 501),
    "gzip_before_chunked": (post(b"Transfer-Encoding: gzip, chunked"), 501),
    "chunked_with_a_vertical_tab": (post(b"Transfer-Encoding: \x0bchunked"), 400),
    "chunked_in_http_1_0": (
        b"POST /docs HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n\r\n0\r\n\r\n" + HIDDEN,
        400,
    ),
    "space_before_the_colon": (post(b"Transfer-Encoding : chunked"), 400),
    "a_line_without_a_colon": (get(HOST.strip(), b"nonsense"), 400),
    "a_header_without_a_name": (get(HOST.strip(), b": x"), 400),
    "a_continued_line": (get(HOST.strip(), b"X-A: b", b" c: d"), 400),
    "a_continued_first_line": (b"GET /docs HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n", 400),
    "line_ends_without_carriage_return": (b"GET /docs HTTP/1.1\nHost: 127.0.0.1\n\n", 400),
    "one_line_end_without_carriage_return": (
        b"GET /docs HTTP/1.1\r\nHost: 127.0.0.1\nX-A: b\r\n\r\n",
        400,
    ),
    "an_end_of_head_without_carriage_return": (b"GET /docs HTTP/1.1\r\n" + HOST + b"\n", 400),
    "a_carriage_return_within_a_line": (get(HOST.strip(), b"X-A: b\rX-B: c"), 400),
    "a_nul_in_a_header": (get(HOST.strip(), b"X-A: b\x00c"), 400),
    "an_escape_in_a_header": (get(HOST.strip(), b"X-A: \x1b[2J"), 400),
    "a_delete_in_a_header": (get(HOST.strip(), b"X-A: \x7f"), 400),
    "a_nul_in_the_target": (b"GET /do\x00cs HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an_empty_line_first": (b"\r\n\r\n" + get(HOST.strip()), 400),
    "a_tab_in_the_first_line": (b"GET\t/docs HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "two_spaces_in_the_first_line": (b"GET  /docs HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "http_0_9": (b"GET /docs\r\n", 400),
    "http_2_in_plain_text": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "http_1_9": (b"GET /docs HTTP/1.9\r\n" + HOST + b"\r\n", 505),
    "tls_to_a_plain_port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a_whole_address_as_the_target": (
        b"GET http://127.0.0.1/docs HTTP/1.1\r\n" + HOST + b"\r\n",
        400,
    ),
    "an_authority_as_the_target": (b"CONNECT 192.0.2.1:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an_asterisk_as_the_target": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a_fragment_in_the_target": (b"GET /docs#x HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a_target_that_is_too_long": (
        b"GET /docs?" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        414,
    ),
    "no_host": (get(), 400),
    "two_hosts": (get(HOST.strip(), b"Host: attacker.example"), 400),
    "a_host_with_a_path": (get(b"Host: 127.0.0.1/x"), 400),
    "a_host_with_a_user": (get(b"Host: x@127.0.0.1"), 400),
    "an_empty_host": (get(b"Host: "), 400),
    "an_expectation_that_is_unknown": (post(b"Expect: 200-ok", b"Content-Length: 5"), 417),
    "one_header_over_the_limit": (get(HOST.strip(), b"X-A: " + b"b" * 40_000), 431),
    "many_small_headers": (get(HOST.strip(), *(b"X-%d: y" % n for n in range(1000))), 431),
    "a_head_without_end": (b"GET /docs HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, 431),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(
    target: Target, attack: str
) -> None:
    """Anybody on the network writes this; a proxy in front may read it as another request."""
    written, status = ATTACKS[attack]
    refused(target.say(written), status)


@pytest.mark.parametrize("attack", ["a_nul_in_a_header", "two_hosts", "no_host"])
def test_what_is_refused_is_refused_byte_by_byte_too(target: Target, attack: str) -> None:
    """Anybody cuts it as they like; a check of whole pieces alone would let it by."""
    written, status = ATTACKS[attack]
    with target.connect() as connection:
        connection.setsockopt(6, 1, 1)  # each byte a packet of its own
        for n in range(len(written)):
            try:
                connection.sendall(written[n : n + 1])
            except ConnectionError:
                break
        got = b""
        while piece := connection.recv(65536):
            got += piece
    refused(got, status)


def test_a_second_request_behind_the_first_is_not_carried_out(target: Target) -> None:
    """Who smuggles a request into another's connection gets the connection closed instead."""
    first = get(HOST.strip())
    answer = target.say(first + HIDDEN)
    assert (status_of(answer), answer.count(b"HTTP/1.1 ")) == (200, 1)
    assert b'"openapi"' not in answer


def test_a_request_behind_a_body_that_nobody_read_is_not_carried_out(target: Target) -> None:
    """An unread body is never taken for a request: the connection ends with the answer."""
    answer = target.say(post(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN))
    refused(answer, 405)


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket"])
def test_no_other_protocol_is_spoken_on_a_connection(target: Target, upgrade: bytes) -> None:
    """A proxy that passes an upgrade on would no longer see what follows: there is none."""
    asked = get(HOST.strip(), b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + upgrade)
    answer = target.say(asked + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert (status_of(answer), answer.count(b"HTTP/1.1 ")) == (200, 1)


def chunks(target: Target, body: bytes) -> bytes:
    """Send a body in chunks, with a key."""
    key = target.key(f"k{abs(hash(body))}").encode()
    headers = (b"Authorization: Bearer " + key, b"Content-Type: application/json", CHUNKED)
    return target.say(post(*headers, body=body, path=b"/v1/operations"))


def test_chunk_extensions_and_trailers_without_end_are_refused(target: Target) -> None:
    """Who has a key sends them for as long as it likes; nothing of it is the body's size."""
    refused(chunks(target, b"1;" + b"a" * 100_000))
    refused(chunks(target, b"0\r\n" + b"X-A: b\r\n" * 20_000))


@pytest.mark.parametrize("size", [b"-1", b"0x1", b"1 1", b"", b"\n1", b"f" * 30])
def test_a_chunk_whose_size_can_be_read_in_two_ways_is_refused(target: Target, size: bytes) -> None:
    """Who has a key, behind a proxy that reads sizes in another way."""
    refused(chunks(target, size + b"\r\na\r\n0\r\n\r\n"))


def test_http_1_0_is_answered_once_and_closed(target: Target) -> None:
    """Kept alive, it could be a proxy's that does not know where our answer ends."""
    asked = b"GET /docs HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n"
    answer = target.say(asked)
    assert (status_of(answer), answer.count(b"HTTP/1.1 ")) == (200, 1)


def test_what_an_honest_client_writes_is_answered_and_kept_alive(target: Target) -> None:
    """All of this costs nobody a request who means well."""
    with target.connect() as connection:
        for _ in range(3):
            connection.sendall(get(HOST.strip(), b"X-Name: \xe5\xad\xa6", b"Accept:*/*"))
            assert status_of(answer_of(connection)) == 200
