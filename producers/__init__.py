"""Submit operations to ClassIn: `submit` one, or `submit_many` as a batch.

    from producers import EditCourse, submit

    receipt = submit(EditCourse(course_id=352861, course_name="Spring"))
    receipt.wait(30).state

All operations, and the classes that their fields take, can be imported from here; each module is
loaded when one of its names is first used. `file_at` describes a file for an operation. `result_of`
refers to the result of an earlier operation in a field of a later one.

In an event loop, `await submit_async(...)`, `await submit_many_async(...)` and
`await receipt.wait_async(...)` do the same without blocking it. For tests see `producers.testing`.
"""

from importlib import import_module

from producers.intake.attachments import file_at
from producers.intake.receipt import Receipt, result_of
from producers.intake.submit import (
    submit,
    submit_async,
    submit_many,
    submit_many_async,
    submitting_to,
)
from producers.intake.submitter import Submitter
from worker.classin.index import INDEX, TYPES
from worker.classin.operation import Operation
from worker.errors import UnavailableError, ValidationError
from worker.ledger.record import Record
from worker.ledger.states import State

#: The module of each operation, by class name, and of each class that operations' fields take.
_CHAPTERS = {name.title().replace("_", ""): brief.chapter for name, brief in INDEX.items()} | TYPES

__all__ = [  # noqa: PLE0604  # all are text
    "ValidationError",
    "Operation",
    "Receipt",
    "Record",
    "State",
    "Submitter",
    "UnavailableError",
    "file_at",
    "result_of",
    "submit",
    "submit_async",
    "submit_many",
    "submit_many_async",
    "submitting_to",
    *_CHAPTERS,
]


def __getattr__(name: str) -> object:
    """Import the module of an operation on first use: importing all of them is slow.

    Type checkers read all names in `__init__.pyi`.
    """
    if name not in _CHAPTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"worker.classin.operations.{_CHAPTERS[name]}"), name)


def __dir__() -> list[str]:
    """Return all names that can be imported."""
    return sorted(__all__)
