"""Submit operations to ClassIn: `submit` one, or `submit_many` as a batch.

    from producers import EditCourse, submit

    receipt = submit(EditCourse(course_id=352861, course_name="Spring"))
    receipt.wait(30).state

Every operation can be imported from here; what declares it is imported when it is first asked for.
`file_at` describes a file for an operation. `result_of` stands for the result of an earlier
operation in a field of a later one.
"""

from producers.intake.attachments import file_at
from producers.intake.receipt import Receipt, result_of
from producers.intake.submitter import Submitter, submit, submit_many
from worker.classin.catalogue import find
from worker.classin.index import INDEX
from worker.classin.operation import Operation
from worker.errors import UnavailableError, ValidationError
from worker.ledger.record import Record
from worker.ledger.states import State

#: The operations by the names of their classes: `EditCourse` is `edit_course`.
_OPERATIONS = {name.title().replace("_", ""): name for name in INDEX}

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
    "submit_many",
    *_OPERATIONS,
]


def __getattr__(name: str) -> type[Operation]:
    """Import an operation when it is asked for: to import all of them takes long.

    Type checkers read `__init__.pyi`, which lists them.
    """
    if name not in _OPERATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return find(_OPERATIONS[name])


def __dir__() -> list[str]:
    """List what can be imported, every operation included."""
    return sorted(__all__)
