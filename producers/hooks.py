"""The hook of submissions: functions that are told of each record that was submitted here.

    from producers.hooks import RecordSubmitted, on_submitted

    @on_submitted
    def count(submitted: RecordSubmitted) -> None: ...

How a module with such functions attaches, and what holds for them, `worker.hooks` says. They are
called in the thread that submits, after the record and its message are stored.
"""

from typing import NamedTuple

from worker.hooks import Hook
from worker.ledger.record import Priority


class RecordSubmitted(NamedTuple):
    """One operation that was submitted."""

    #: The record's id: an earlier one's, where that has the same dedup key.
    id: str
    operation: str
    school: str
    batch: str | None
    source: str | None
    priority: Priority
    #: Whether this submission was recorded; False: an earlier record stands for it.
    new: bool
    #: The record that this one tries again, if any.
    retry_of: str | None


on_submitted: Hook[RecordSubmitted] = Hook("on_submitted")
