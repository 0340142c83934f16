"""What ClassIn said, read leniently."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.classin.endpoint import ApiVersion
from worker.classin.response import LONGEST_MESSAGE, Reply, read_reply

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def v1(body: object, headers: dict[str, str] | None = None) -> Reply:
    """Read an answer of the first generation."""
    return read_reply(ApiVersion.V1, 200, headers or {}, json.dumps(body).encode())


def v2(body: object) -> Reply:
    """Read an answer of the second generation."""
    return read_reply(ApiVersion.V2, 200, {}, json.dumps(body).encode())


@pytest.mark.parametrize("number", [206, "206", " 206 "])
def test_a_code_may_be_a_number_or_a_text(number: object) -> None:
    """Both generations send either."""
    old = v1({"data": "747759", "error_info": {"errno": number, "error": "exists"}})
    new = v2({"code": number, "msg": "exists", "data": "747759"})
    assert old == new == Reply(200, 206, "exists", {"data": "747759"})


@pytest.mark.parametrize("name", ["code", "errno"])
def test_the_second_generation_may_answer_as_the_first(name: str) -> None:
    """With code and words in an object of their own."""
    said = v2({"error_info": {name: "206", "error": "exists"}, "data": 5})
    assert said == Reply(200, 206, "exists", {"data": 5})


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ({"data": 0}, {"data": 0}),
        ({"data": {"unitId": 5}, "more_data": [1]}, {"data": {"unitId": 5}, "more_data": [1]}),
        ({"data": None}, None),
        ({"data": []}, None),
        ({"data": {}, "folder_list": ""}, None),
        ({}, None),
    ],
)
def test_what_comes_besides_the_code_is_kept(
    answer: dict[str, Any], result: dict[str, Any] | None
) -> None:
    """Empty values say nothing and are left out; zero is no empty value."""
    assert v1(answer | {"error_info": {"errno": 1, "error": ""}}).result == result
    assert v2(answer | {"code": 1, "msg": ""}).result == result


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe", b'{"code":', b"[" * 100_000])
def test_a_body_that_is_not_json_has_no_code(body: bytes) -> None:
    """A gateway's page, half an answer or nothing at all."""
    reply = read_reply(ApiVersion.V2, 502, {}, body)
    assert reply == Reply(502, None, "the answer is not JSON")


@pytest.mark.parametrize(
    "body",
    [
        3, [], "1", None, {}, {"error_info": None}, {"error_info": []}, {"error_info": {}},
        {"error_info": {"errno": None}}, {"error_info": {"errno": True}},
        {"error_info": {"errno": 1.0}}, {"error_info": {"errno": "x"}},
        {"error_info": {"errno": ""}}, {"error_info": {"errno": []}},
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_has_no_code(body: object) -> None:
    """What cannot be a code is none, and the message says so."""
    assert v1(body).code is None
    assert v1(body).message == "the answer is JSON, but has no code"


def test_an_endless_message_is_cut() -> None:
    """A record need not hold more than a person reads."""
    assert v2({"code": 1, "msg": "x" * 100_000}).message == "x" * LONGEST_MESSAGE


def test_a_message_that_is_no_text_is_none() -> None:
    """The code alone is enough."""
    assert v2({"code": 104, "msg": {"en": "no"}}) == Reply(200, 104, "")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        (" 7 ", 7.0),
        ("-3", None),
        ("1e20", None),
        ("1_000", None),
        ("inf", None),
        ("nan", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("Fri, 15 Jan 99999999999999999999 08:00:00 GMT", None),
    ],
)
def test_the_time_to_wait_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    """A date is compared with the reply's own, so that our clock plays no part."""
    reply = v1({}, {"Date": "Fri, 15 Jan 2027 08:00:00 GMT", "Retry-After": header})
    assert reply.date == 1_800_000_000
    assert reply.retry_after == seconds


@pytest.mark.parametrize(
    "header", ["31536000", "100000000000000000000", "9" * 400, "Sat, 15 Jan 2028 08:00:00 GMT"]
)
def test_retry_after_of_a_year_is_clamped(header: str) -> None:
    """And of more: one odd header stops a kind of operation for an hour at most."""
    reply = v1({}, {"Date": "Fri, 15 Jan 2027 08:00:00 GMT", "Retry-After": header})
    assert reply.retry_after == 3600.0


def test_a_date_without_a_zone_is_in_utc() -> None:
    """Wherever this machine stands."""
    assert v1({}, {"Date": "Fri, 15 Jan 2027 08:00:00 -0000"}).date == 1_800_000_000


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_left_out_of_a_result(number: str) -> None:
    """It could not be written as JSON again."""
    body = f'{{"code": 1, "data": {{"a": {number}, "b": 1.5}}}}'.encode()
    assert read_reply(ApiVersion.V2, 200, {}, body).result == {"data": {"a": None, "b": 1.5}}


@pytest.mark.parametrize("code", ["1" * 19, "-" + "1" * 30])
def test_a_code_of_too_many_digits_is_none(code: str) -> None:
    """No table of codes has it."""
    assert read_reply(ApiVersion.V2, 200, {}, f'{{"code": {code}}}'.encode()).code is None


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Fri, 15 Jan 99999999999999999999 08:00:00 GMT", "0 0 0 0"]
)
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    """The answer is worth reading without it."""
    assert v1({}, {"Date": date, "Retry-After": "Fri, 15 Jan 2027 08:00:00 GMT"}).date is None


@given(st.sampled_from(ApiVersion), st.integers(100, 599), st.binary(), st.text(), st.text())
def test_no_bytes_and_no_headers_break_the_reading(
    dialect: ApiVersion, http: int, body: bytes, date: str, wait: str
) -> None:
    """Whatever comes back, it is a reply."""
    reply = read_reply(dialect, http, {"Date": date, "Retry-After": wait}, body)
    assert reply.http == http


@given(st.sampled_from(ApiVersion), json_values)
def test_no_json_breaks_the_reading(dialect: ApiVersion, body: object) -> None:
    """Any JSON gives a code that is a number, or none."""
    for answer in (body, {"code": body, "msg": body, "error_info": {"errno": body, "error": body}}):
        code = read_reply(dialect, 200, {}, json.dumps(answer).encode()).code
        assert code is None or type(code) is int


@given(st.sampled_from(["error_info", "code", "msg", "data"]), json_values)
def test_any_part_may_be_odd(part: str, value: object) -> None:
    """One odd part leaves the rest readable."""
    answer = {"error_info": {"errno": 1}, "code": 1, "msg": "", "data": None} | {part: value}
    assert v1(answer).code == 1 or part == "error_info"
    assert v2(answer).code == 1 or part == "code"
