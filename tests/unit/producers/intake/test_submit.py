"""Submitting in event loops, with the settings of the environment."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from producers import (
    EditCourse,
    Operation,
    State,
    ValidationError,
    submit_async,
    submit_many_async,
)
from producers.testing import InMemorySubmitter, succeeded
from producers.testing.pytest_plugin import submitted  # noqa: F401  # a fixture
from worker.ledger.record import Record

COURSE = EditCourse(course_id=352861, course_name="Spring")


def test_a_task_submits_and_waits(submitted: InMemorySubmitter) -> None:  # noqa: F811  # the fixture
    """As a thread does."""

    async def story() -> None:
        receipt = await submit_async(COURSE, dedup_key="a")
        again = await submit_async("edit_course", COURSE.to_dict(), dedup_key="a")
        assert (receipt.new, again.new, again.id) == (True, False, receipt.id)
        with pytest.raises(TimeoutError, match=f"{receipt.id} is queued still"):
            await receipt.wait_async(30)
        submitted.settle(receipt, succeeded(1))
        assert (await receipt.wait_async()).state is State.SUCCEEDED
        assert len(await submit_many_async([COURSE, COURSE])) == 2
        with pytest.raises(ValidationError, match="courseId: is required"):
            await submit_async("edit_course", {})

    asyncio.run(story())
    assert [record.source for record in submitted.records] == ["python"] * 3


def test_a_batch_that_has_begun_is_recorded_though_its_task_is_cancelled(
    submitted: InMemorySubmitter,  # noqa: F811  # the fixture
) -> None:
    """Only its receipts are lost."""
    begun, may_end, recorded = Event(), Event(), Event()

    def decide(record: Record) -> None:
        del record
        recorded.set()

    def operations() -> Iterator[Operation]:
        begun.set()
        assert may_end.wait(60)
        yield COURSE

    async def story() -> None:
        task = asyncio.create_task(submit_many_async(operations()))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_end.set()
        await asyncio.to_thread(recorded.wait, 60)

    submitted.set_outcome(EditCourse, decide)
    asyncio.run(story())
    assert submitted.operations == [COURSE]
