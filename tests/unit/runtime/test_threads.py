"""The threads of a worker: they begin, work side by side, and end."""

import threading

import pytest

from tests.unit.stage import ClassIn, Stage, said
from worker.classin.operations.courses import EditCourse
from worker.classin.response import Reply
from worker.ledger.states import State
from worker.runtime.dispatcher import QueuedRecord
from worker.runtime.threads import WorkerThreads

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")

#: Seconds until a story that does not go on is given up: a limit, not a measure.
PATIENCE = 60


def test_a_crew_works_side_by_side_and_ends_when_all_is_noted(stage: Stage) -> None:
    """Each waits for the other's request to be out: alone, neither would get on."""
    both = threading.Barrier(2)

    def meet() -> Reply:
        both.wait(PATIENCE)
        return said(1)

    dispatch = stage.dispatch(ClassIn([meet]), 2)
    crew = WorkerThreads(dispatch, 2, stage.stopping)
    crew.start()
    accepted = threading.Event()
    records = [stage.submit(COURSE) for _ in range(4)]
    dispatch.enqueue([QueuedRecord(each) for each in records], accepted.set)
    assert accepted.wait(PATIENCE)

    while not all(each.state.settled for each in stage.ledger.find_all(records)):
        threading.Event().wait(0.01)
    stage.stopping.set()
    crew.stop()
    assert [each.state for each in stage.ledger.find_all(records)] == [State.SUCCEEDED] * 4


def test_a_crew_that_is_to_end_finishes_what_is_under_way(stage: Stage) -> None:
    """What has not begun is given back."""
    under_way = threading.Event()

    def asked_to_end() -> Reply:
        stage.stopping.set()
        under_way.set()
        return said(1)

    dispatch = stage.dispatch(ClassIn([asked_to_end]), 1)
    crew = WorkerThreads(dispatch, 1, stage.stopping)
    first, second = stage.submit(COURSE), stage.submit(COURSE)
    crew.start()
    dispatch.enqueue([QueuedRecord(first), QueuedRecord(second)], lambda: None)
    assert under_way.wait(PATIENCE)
    crew.stop()
    assert stage.ledger.find(first).state is State.SUCCEEDED
    assert stage.ledger.find(second).state is State.QUEUED
    assert [due.id for due in stage.published] == [second]


def test_an_error_of_ours_ends_no_thread(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next job is done."""

    def fail() -> None:
        raise ZeroDivisionError

    dispatch = stage.dispatch(ClassIn([said(1)]))
    crew, done = WorkerThreads(dispatch, 1, stage.stopping), threading.Event()
    crew.start()
    dispatch.jobs.put(fail)
    dispatch.jobs.put(done.set)
    assert done.wait(PATIENCE)
    assert "ZeroDivisionError" in caplog.text
    stage.stopping.set()
    crew.stop()
