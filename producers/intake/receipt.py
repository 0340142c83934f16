"""The receipt of a submission, and what refers to the result that it will have."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from producers.intake.ledger import IntakeLedger
from producers.intake.thread_pool import submitting_threads
from worker.classin.references import Reference
from worker.ledger.record import Record

#: Seconds between two looks at a record that is waited for: first, and at most.
_FIRST_LOOK, _SLOWEST_LOOK = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of a submission."""

    #: Of its record; of an earlier one, where that has its dedup key.
    id: str
    _ledger: IntakeLedger = field(repr=False)
    #: Whether this submission was recorded: no earlier one had its dedup key.
    new: bool = True

    def record(self) -> Record:
        """Return the record as it is now."""
        return self._ledger.find(self.id)

    def wait(self, timeout: float | None = None) -> Record:
        """Wait until the record is settled, for so many seconds at most. Raises TimeoutError."""
        pauses = _pauses(timeout)
        while not (record := self.record()).state.settled:
            time.sleep(_next_pause(pauses, record))
        return record

    async def wait_async(self, timeout: float | None = None) -> Record:  # noqa: ASYNC109  # as wait has it
        """Wait without blocking the event loop; see wait. Cancelling only stops the waiting."""
        pauses, threads = _pauses(timeout), submitting_threads()
        while not (record := await threads.ask(self.record)).state.settled:  # noqa: ASYNC110  # the ledger is polled
            await asyncio.sleep(_next_pause(pauses, record))
        return record


def _pauses(timeout: float | None) -> Iterator[float]:
    """Yield the pauses (seconds) between polls, until the timeout would pass."""
    ends = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_LOOK
    while ends is None or time.monotonic() + pause <= ends:
        yield pause
        pause = min(pause * 1.5, _SLOWEST_LOOK)


def _next_pause(pauses: Iterator[float], record: Record) -> float:
    for pause in pauses:
        return pause
    raise TimeoutError(f"{record.id} is {record.state} still")


def result_of(receipt: Receipt | str, path: str = "data") -> Any:  # noqa: ANN401  # for any field
    """Refer to what a record's result will hold, in a field of another operation.

    `receipt`: or the record's id or dedup key; `path`: keys and positions from the result's root,
    with dots between them.
    """
    return Reference(receipt.id if isinstance(receipt, Receipt) else receipt, path)
