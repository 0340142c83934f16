"""The bench's own ClassIn: our transport takes its answers for success, and it tells what came."""

import time
from collections.abc import Iterator

import pytest

from tests.bench.target import Target, target
from worker.classin.catalogue import read
from worker.classin.request import prepare
from worker.classin.school import School
from worker.config.settings import Timeouts
from worker.execution.http_client import Transport

SCHOOL = School("main", "1000082", "Mb7SR6H")


@pytest.fixture(scope="module")
def server() -> Iterator[Target]:
    """One that runs."""
    with target() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("edit_course", {"courseId": 10_000_007, "courseName": "Course"}),
        ("create_unit", {"courseId": 10_000_007, "name": "Unit", "publishFlag": 0}),
    ],
)
def test_it_says_yes_in_both_dialects(server: Target, name: str, fields: dict[str, object]) -> None:
    """Over one connection, several times."""
    transport = Transport(server.url, Timeouts())
    operation = read(name, fields)
    request = prepare(operation, SCHOOL, int(time.time()))
    for _ in range(3):
        reply = transport.send(request, operation.spec.endpoint.version)
        assert (reply.http, reply.code) == (200, 1)


def test_it_tells_what_came_and_when(server: Target) -> None:
    """Since it was told to begin; answers come after the latency."""
    operation = read("edit_course", {"courseId": 10_000_008, "courseName": "Course"})
    server.begin(latency=0.05)
    assert server.answered(1, wait=0.01) is None

    began = time.monotonic()
    request = prepare(operation, SCHOOL, int(time.time()))
    Transport(server.url, Timeouts()).send(request, operation.spec.endpoint.version)

    at = server.answered(1, wait=10)
    assert at is not None
    (number, arrived), *others = server.arrivals().items()
    assert (number, others) == (10_000_008, [])
    assert began <= arrived <= at - 0.05
