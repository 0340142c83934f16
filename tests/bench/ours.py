"""How our own operations are handed in: through the one door, as any program does."""

from producers import Submitter
from worker.classin.operations.courses import EditCourse
from worker.config.settings import from_env

_submitter = Submitter.from_settings(from_env())


def operation(number: int) -> EditCourse:
    """Build one: each for a course of its own, so that no lane makes any wait."""
    return EditCourse(course_id=number, course_name=f"Course {number}")


def send_all(numbers: range) -> None:
    """Submit a batch."""
    _submitter.submit_many(map(operation, numbers))


def send_one(number: int) -> None:
    """Submit one."""
    _submitter.submit(operation(number))
