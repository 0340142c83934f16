"""The simulator under maintenance, in a hurry, and with several hands in one course."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import pytest
import requests

from ops.simulator import (
    DEFAULT_SCHOOL,
    FaultRule,
    SimulatorClient,
    When,
    create_app,
    in_thread,
)
from ops.simulator.limits import MOST_CALLS
from worker.classin.catalogue import read
from worker.classin.operation import Operation
from worker.classin.request import prepare
from worker.classin.response import Reply, read_reply

START = 1_800_000_000
#: Seconds that a request is held; far more than a test's other requests take together.
HELD = 1.0

REGISTER = read("register", {"telephone": "13912345678", "password": "secret1"})
UNIT = read("create_unit", {"courseId": 414193, "name": "Create Unit", "publishFlag": 2})


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = START

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@dataclass
class Caller:
    """Sends operations as a worker would."""

    base_url: str
    clock: Clock

    def ask(self, operation: Operation) -> Reply:
        """Sign and send; the reply as a worker reads it."""
        request = prepare(operation, DEFAULT_SCHOOL, int(self.clock()))
        said = requests.post(
            self.base_url + request.target,
            headers=request.headers,
            data=request.form if request.body is None else request.body,
            timeout=10,
        )
        return read_reply(
            operation.spec.endpoint.version, said.status_code, said.headers, said.content
        )

    def codes(self, *operations: Operation) -> list[int | None]:
        """Ask one after the other; the codes."""
        return [self.ask(operation).code for operation in operations]


@pytest.fixture
def clock() -> Clock:
    """The simulator's time."""
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[SimulatorClient]:
    """A simulator with that time."""
    with in_thread(create_app(clock=clock)) as url:
        yield SimulatorClient(url)


@pytest.fixture
def caller(simulator: SimulatorClient, clock: Clock) -> Caller:
    """Someone who sends it operations."""
    return Caller(simulator.base_url, clock)


def lesson(course_id: int = 352861, **fields: object) -> Operation:
    """A lesson to create."""
    times = {"beginTime": START + 3600, "endTime": START + 7200}
    given = {"courseId": course_id, "className": "Numbers", "teacherUid": 1001001}
    return read("add_course_class", {**given, **times, **fields})


def students(course_id: int = 352861, uid: int = 1002003) -> Operation:
    """A student to add to a course, the way several are."""
    fields = {"courseId": course_id, "identity": 1, "studentJson": [{"uid": uid}]}
    return read("add_course_student_multiple", fields)


class Sender:
    """Sends an operation from a thread; its answer is held."""

    def __init__(self, caller: Caller, simulator: SimulatorClient, operation: Operation) -> None:
        self.codes: list[int | None] = []
        self._thread = threading.Thread(
            target=lambda: self.codes.append(caller.ask(operation).code)
        )
        self._simulator = simulator

    def __enter__(self) -> Self:
        """Send it, and wait until it has arrived."""
        self._thread.start()
        until = time.monotonic() + 10
        while not self._simulator.journal():
            assert time.monotonic() < until
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for its answer."""
        self._thread.join()


def test_maintenance_is_switched_on_and_off(caller: Caller, simulator: SimulatorClient) -> None:
    """In between every operation answers 901, in its dialect, and nothing is carried out."""
    top = read("get_top_folder_id", {})
    simulator.maintenance(on=True)
    assert caller.codes(top, UNIT) == [901, 901]
    assert simulator.counts()["create_unit"].applied == 0

    simulator.maintenance(on=False)
    assert caller.codes(top, UNIT) == [1, 1]


def test_one_school_alone_may_be_under_maintenance(
    caller: Caller, simulator: SimulatorClient
) -> None:
    """A rule for a school strikes the others' requests never."""
    simulator.faults(FaultRule(school="1", code=901))
    assert caller.codes(UNIT) == [1]
    simulator.faults(FaultRule(school=DEFAULT_SCHOOL.sid, code=901))
    assert caller.codes(UNIT) == [901]


def test_a_reset_ends_maintenance(caller: Caller, simulator: SimulatorClient) -> None:
    """A new beginning is a working one."""
    simulator.maintenance(on=True)
    simulator.reset()
    assert caller.codes(UNIT) == [1]


@pytest.mark.parametrize("given", [{}, {"on": 1}, [], "on", None])
def test_maintenance_takes_true_or_false(given: Any, simulator: SimulatorClient) -> None:  # noqa: ANN401  # any JSON
    """Anything else is refused, and changes nothing."""
    url = f"{simulator.base_url}/simulator/maintenance"
    said = requests.post(url, data=json.dumps(given), timeout=5)
    assert (said.status_code, said.json()["faults"][0]["where"]) == (422, "on")


@pytest.mark.parametrize(
    ("held", "other", "elsewhere", "busy"),
    [
        (lesson(), lesson(className="Letters"), lesson(414193), 460),
        (students(), students(uid=1002004), students(414193), 464),
    ],
)
def test_writes_to_one_course_do_not_overlap(
    held: Operation,
    other: Operation,
    elsewhere: Operation,
    busy: int,
    caller: Caller,
    simulator: SimulatorClient,
) -> None:
    """While one is held, the next to the same course is refused; another course is free."""
    simulator.faults(FaultRule(operation=held.spec.name, delay=HELD, nth=(1,)))
    with Sender(caller, simulator, held) as sender:
        assert caller.codes(other, elsewhere, UNIT) == [busy, 1, 1]
    assert sender.codes == [1]
    assert caller.codes(other) == [1]
    assert simulator.applied(held.spec.name) == 3
    assert [entry.turn for entry in simulator.journal(held.spec.name)] == [3, None, 1, 4]


def test_what_was_carried_out_is_in_nobodys_way(caller: Caller, simulator: SimulatorClient) -> None:
    """Only its answer is held: a repeat with the same identity finds the lesson."""
    simulator.faults(FaultRule(operation="add_course_class", delay=HELD, when=When.AFTER, first=1))
    identified = lesson(courseUniqueIdentity="n1")
    with Sender(caller, simulator, identified):
        assert caller.codes(identified) == [398]


def test_the_same_parameters_wait_five_seconds(
    caller: Caller, simulator: SimulatorClient, clock: Clock
) -> None:
    """From the last equal request on; what is refused is not struck by any rule."""
    simulator.faults(FaultRule(operation="register", code=104, nth=(3,)))
    assert caller.codes(REGISTER, REGISTER) == [1, 101003002]
    clock.now += 4
    assert caller.codes(REGISTER) == [101003002]
    clock.now += 5
    assert caller.codes(REGISTER) == [135]


def test_a_thousand_classrooms_a_minute(caller: Caller, clock: Clock) -> None:
    """One more is too fast; the minute after, it is not."""
    times = {"startTime": START + 3600, "endTime": START + 7200}
    fields = {"courseId": 352861, "name": "Numbers", "teacherUid": 1001001}
    classroom = read("create_classroom", fields | times)
    assert caller.codes(*[classroom] * (MOST_CALLS + 1)) == [1] * MOST_CALLS + [101003001]
    clock.now += 60
    assert caller.codes(classroom) == [1]


def test_the_rates_can_be_switched_off(clock: Clock) -> None:
    """A test with other worries does without them."""
    with in_thread(create_app(clock=clock, rates=False)) as url:
        assert Caller(url, clock).codes(REGISTER, REGISTER) == [1, 135]


def test_a_code_can_come_with_the_true_answer(caller: Caller, simulator: SimulatorClient) -> None:
    """So a lesson is made without its recording, and its id is told."""
    rule = FaultRule(operation="add_course_class", code=281, with_data=True, when=When.AFTER)
    simulator.faults(rule)
    reply = caller.ask(lesson())
    assert reply.code == 281
    assert reply.result is not None
    assert (
        reply.result["data"]
        == simulator.state()["schools"][DEFAULT_SCHOOL.sid]["lessons"][-1]["classId"]
    )
