"""Which messages a worker may see, and which of them are its own."""

import base64
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.published import taken_from
from worker.broker.consumer import recorded_ids
from worker.broker.message_check import fault_of
from worker.broker.messages import SEVERAL, task_name
from worker.broker.queue import Queues
from worker.ledger.types import ReadyRecord

TASKS = {task_name("edit_course")}
DELETE = object()

ODD_BODIES: list[object] = [
    None, 1, "abc", {}, {"a": 1, "b": 2, "c": 3}, [], [[], {}], [{}, {}, {}], [[], [], {}],
    [[], {}, []], [[], {}, {}, {}],
]  # fmt: skip

SHAPE = "it is not shaped like a message of Celery's"
KINDS = "its parts are not of the right kinds"


def encoded(body: object) -> str:
    """A body as Celery writes it."""
    return base64.b64encode(json.dumps(body).encode()).decode()


def message(path: str = "", value: object = DELETE) -> dict[str, Any]:
    """A message as Celery writes it, but for the part at this path."""
    written: dict[str, Any] = {
        "body": encoded([[], {"courseId": 1}, {"callbacks": None, "chain": None}]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": "classin.edit_course", "id": "a", "retries": 0},
        "properties": {
            "correlation_id": "a",
            "delivery_info": {"exchange": "", "routing_key": "classin"},
            "delivery_tag": "t",
            "body_encoding": "base64",
        },
    }
    if path:
        *above, last = path.split("/")
        part = written
        for step in above:
            part = part[step]
        if value is DELETE:
            del part[last]
        else:
            part[last] = value
    return written


def fault(written: object) -> str | None:
    """What is wrong with it."""
    return fault_of(json.dumps(written), TASKS)


def test_a_message_of_celery_s_passes(queues: Queues) -> None:
    """One that our own queues have written, and one with fields."""
    queues.send_task("classin.edit_course", task_id="a", queue="classin")
    (written,) = taken_from(queues)
    assert fault_of(json.dumps(written).encode(), TASKS) is None
    assert fault(message()) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("content-encoding", DELETE),
        ("properties/correlation_id", DELETE),
        ("properties/reply_to", "x"),
        ("headers/lang", DELETE),
        ("body", encoded([[1], {}, None])),
        ("body", encoded([[], {"courseId": "第"}, {}])),
    ],
)
def test_what_we_do_not_need_may_be_otherwise(path: str, value: object) -> None:
    """Other senders write other headers."""
    assert fault(message(path, value)) is None


def test_a_body_may_be_plain_text() -> None:
    """Where the sender did not encode it."""
    written = message("properties/body_encoding")
    written["body"] = json.dumps([[], {}, None])
    assert fault(written) is None


@pytest.mark.parametrize(
    "item",
    [
        b"", b"hello", b"\xff\xfe\x00", b"{", b"null", b"3", b'"text"', b"[]", b"{}", b"NaN",
        b"[" * 100_000, b"9" * 5000, b'{"headers": [], "properties": []}',
        b'{"headers": {"task": "classin.edit_course", "id": "a"}}',
    ],
)  # fmt: skip
def test_what_is_no_message_is_found_out(item: bytes) -> None:
    """Whatever somebody pushed into the list."""
    assert fault_of(item, TASKS) == SHAPE


@pytest.mark.parametrize(
    "path",
    [
        "body", "headers", "headers/task", "headers/id", "properties", "properties/delivery_tag",
        "properties/delivery_info",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [DELETE, None, 5, [], True])
def test_a_part_that_is_missing_or_odd_is_found_out(path: str, value: object) -> None:
    """Celery itself would break at it."""
    assert fault(message(path, value)) in {SHAPE, KINDS}


@pytest.mark.parametrize(
    "body",
    ["", "x", "第", "%%%", base64.b64encode(b"hello").decode(), base64.b64encode(b"\xff").decode()]
    + [encoded(odd) for odd in ODD_BODIES],
)
def test_a_body_of_another_shape_is_found_out(body: str) -> None:
    """Arguments, named arguments, and what goes with them: nothing else."""
    assert fault(message("body", body)) in {SHAPE, KINDS}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("headers/id", "", KINDS),
        ("headers/id", "\ud800", KINDS),
        ("properties/delivery_info", "classin", KINDS),
        ("content-type", "application/x-python-serialize", "it is not JSON"),
        ("content-type", DELETE, "it is not JSON"),
        ("headers/task", "classin.fly", "it names no operation of the catalogue"),
        ("headers/task", "celery.backend_cleanup", "it names no operation of the catalogue"),
    ],
)
def test_a_message_for_somebody_else_is_found_out(path: str, value: object, said: str) -> None:
    """No id to record it under, no JSON, no operation of ours."""
    assert fault(message(path, value)) == said


@given(st.binary())
def test_no_bytes_break_the_check(item: bytes) -> None:
    """All of them are ill formed, and that is all."""
    assert fault_of(item, TASKS) == SHAPE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    "body", "content-type", "content-encoding", "headers", "headers/task", "headers/id",
    "properties", "properties/delivery_tag", "properties/delivery_info",
    "properties/body_encoding",
]  # fmt: skip


@given(st.sampled_from(PATHS), json_values)
def test_no_part_of_a_message_breaks_the_check(path: str, value: object) -> None:
    """It passes, or what is wrong is said in one line without what it holds."""
    said = fault(message(path, value))
    assert said is None or said.startswith("it")


@given(json_values)
def test_no_body_breaks_the_check(body: object) -> None:
    """Only three parts of the right kinds pass."""
    assert (fault(message("body", encoded(body))) is None) == (
        isinstance(body, list)
        and [type(part) for part in body[:2]] == [list, dict]
        and len(body) == 3
        and isinstance(body[2], dict | None)
    )


def received(queues: Queues) -> Sequence[str] | None:
    """The records that the next message is for, as a worker understands it."""
    (written,) = taken_from(queues)
    body = json.loads(base64.b64decode(written["body"]))
    return recorded_ids(SimpleNamespace(headers=written["headers"], payload=body))


def test_our_own_messages_are_known(queues: Queues) -> None:
    """Their records were there first: nothing is to be recorded."""
    queues.publish([ReadyRecord("a", "edit_course")])
    assert received(queues) == ["a"]
    queues.publish([ReadyRecord("a", "edit_course"), ReadyRecord("b", "create_folder")])
    assert received(queues) == ["a", "b"]


@pytest.mark.parametrize("headers", [{}, {"ids": None}, {"ids": 5}, {"ids": "ab"}, {"ids": [1]}])
def test_one_for_several_names_them(queues: Queues, headers: dict[str, Any]) -> None:
    """Else it is no message of ours."""
    queues.send_task(SEVERAL, task_id="a", queue="classin", headers=headers)
    with pytest.raises((LookupError, ValueError)):
        received(queues)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kwargs": {"courseId": 5}, "headers": {"recorded": True}},
        {"args": [5], "headers": {"recorded": True}},
        {"link": "other", "headers": {"recorded": True}},
        {"headers": {"recorded": True}, "countdown": 60},
        {"headers": {"school": "main"}},
    ],
)
def test_those_of_another_celery_are_known(queues: Queues, options: dict[str, Any]) -> None:
    """Also one that asks for nothing in particular, and whatever it says of itself."""
    if "link" in options:
        options = {**options, "link": queues.signature(options["link"])}
    queues.send_task("classin.edit_course", task_id="a", queue="classin", **options)
    assert received(queues) is None
