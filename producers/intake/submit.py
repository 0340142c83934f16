"""Submit with the settings of the environment, blocking or in an event loop.

from producers import EditCourse, submit

receipt = submit(EditCourse(course_id=352861, course_name="Today is a good day"))
receipt.wait(30).state
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Unpack

from producers.intake.receipt import Receipt
from producers.intake.request import Options
from producers.intake.submitter import Submitter
from producers.intake.thread_pool import submitting_threads
from worker.classin.operation import Operation
from worker.config.settings import from_env

#: What records name as their source.
_SOURCE = "python"

#: Submitters that replace the environment's; the last one counts.
_instead: list[Submitter] = []


@contextmanager
def submitting_to(submitter: Submitter) -> Iterator[None]:
    """Make the functions of this module use this Submitter within the context, in all threads."""
    _instead.append(submitter)
    try:
        yield
    finally:
        _instead.remove(submitter)


@cache
def _of_environment() -> Submitter:
    return Submitter.from_settings(from_env())


def _submitter() -> Submitter:
    return _instead[-1] if _instead else _of_environment()


def submit(
    operation: Operation | str,
    fields: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> Receipt:
    """Submit one operation with the environment's settings; see Submitter.submit."""
    return _submitter().submit(operation, fields, source=_SOURCE, **options)


def submit_many(operations: Iterable[Operation | Mapping[str, Any]]) -> Sequence[Receipt]:
    """Submit a batch with the environment's settings; see Submitter.submit_many."""
    return _submitter().submit_many(operations, source=_SOURCE)


async def submit_async(
    operation: Operation | str,
    fields: Mapping[str, Any] | None = None,
    **options: Unpack[Options],
) -> Receipt:
    """Run `submit` in a thread, so that the event loop is not blocked.

    Cancelling abandons the receipt, not the submission: the operation may still be recorded, and is
    then carried out. To find out, submit it again with the same `dedup_key`.
    """
    return await submitting_threads().ask(submit, operation, fields, **options)


async def submit_many_async(
    operations: Iterable[Operation | Mapping[str, Any]],
) -> Sequence[Receipt]:
    """Run `submit_many` in a thread, which also iterates over `operations`.

    Cancelling does not stop a batch that has started; see submit_async.
    """
    return await submitting_threads().ask(submit_many, operations)
