"""The receipt of a submission, and what refers to the result that it will have."""

import time
from dataclasses import dataclass, field
from typing import Any

from worker.classin.references import Reference
from worker.ledger.record import Record
from worker.ledger.types import Ledger

#: Seconds between two looks at a record that is waited for: first, and at most.
_FIRST_LOOK, _SLOWEST_LOOK = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of a submission."""

    #: Of its record; of an earlier one, where that has its dedup key.
    id: str
    _ledger: Ledger = field(repr=False)
    #: Whether this submission was recorded: no earlier one had its dedup key.
    new: bool = True

    def record(self) -> Record:
        """Give the record as it is now."""
        return self._ledger.find(self.id)

    def wait(self, timeout: float | None = None) -> Record:
        """Wait until the record is settled, for so many seconds at most. Raises TimeoutError."""
        ends = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_LOOK
        while not (record := self.record()).state.settled:
            if ends is not None and time.monotonic() + pause > ends:
                raise TimeoutError(f"{self.id} is {record.state} still")
            time.sleep(pause)
            pause = min(pause * 1.5, _SLOWEST_LOOK)
        return record


def result_of(receipt: Receipt | str, path: str = "data") -> Any:  # noqa: ANN401  # for any field
    """Refer to what a record's result will hold, in a field of another operation.

    `receipt`: or the record's id or dedup key; `path`: keys and positions from the result's root,
    with dots between them.
    """
    return Reference(receipt.id if isinstance(receipt, Receipt) else receipt, path)
