"""Test doubles for programs that submit: no Redis, no worker, no ClassIn.

    from producers import EditCourse, State, submit
    from producers.testing import failed, submitting_in_memory

    def test_rename_of_a_missing_course() -> None:
        with submitting_in_memory() as submitted:
            submitted.set_outcome(EditCourse, failed(144, "no such course"))
            receipt = submit(EditCourse(course_id=352861, course_name="Spring"))
            assert submitted.operations == [EditCourse(course_id=352861, course_name="Spring")]
            assert receipt.wait(30).state is State.FAILED

Fields, options, dedup keys, dependencies and lanes behave as in production, errors included. An
operation without an outcome stays queued until `submitted.settle(receipt, outcome)`; until then
`wait` raises TimeoutError at once. `submitted.unavailable = True` simulates a Redis that is down.
With pytest, the fixture `submitted` of `producers.testing.pytest_plugin` does the same.
"""

from producers.testing.outcomes import Outcome, failed, succeeded
from producers.testing.submitter import InMemorySubmitter, submitting_in_memory

__all__ = ["InMemorySubmitter", "Outcome", "failed", "submitting_in_memory", "succeeded"]
