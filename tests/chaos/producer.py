"""Hands operations in, alone and in batches, and says again what the death of Redis cut short."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

from producers import Submitter
from producers.intake.checked import Position
from producers.intake.request import SubmitRequest
from tests.chaos.work import Step
from worker.errors import InvalidInputError, UnavailableError
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.types import ReadyRecord

#: Seconds until something is said again.
PAUSE = 0.2

#: Seconds before its death of which Redis may forget what it was told: it syncs once a second.
FORGOTTEN = 3.0

#: One in so many times a batch is handed in, of so many operations at least and at most.
_BATCHES, _SMALLEST, _LARGEST = 20, 5, 40


def hand_in(submitter: Submitter, webhook: str, steps: Sequence[Step]) -> list[str]:
    """Submit one operation, or several as a batch of which the webhook hears; return the ids.

    A batch that is handed in again is the same batch.
    """
    if len(steps) > 1:
        lines = [
            (Position(str(place)), partial(_line, step)) for place, step in enumerate(steps, 1)
        ]
        checked = submitter.check_all(lines, "chaos", batch_of(steps))
        if checked.faults:
            raise InvalidInputError("the trial's own work", checked.faults)
        about = BatchInfo(source="chaos", webhook=Webhook(url=webhook))
        return [receipt.id for receipt in submitter.enter_batch(checked, about)]
    (step,) = steps
    return [submitter.submit(step.operation, step.fields, **_options(step)).id]


def batch_of(steps: Sequence[Step]) -> str:
    """Return the id of the batch that these are handed in as."""
    return f"trial-{steps[0].number}"


def _line(step: Step) -> SubmitRequest:
    asked = {"operation": step.operation, "fields": step.fields, **_options(step)}
    return SubmitRequest.read({name: value for name, value in asked.items() if value is not None})


def _options(step: Step) -> dict[str, Any]:
    return {
        "school": step.school,
        "dedup_key": step.key,
        "priority": step.priority,
        "lane": step.named,
        "after": [step.after] if step.after else [],
    }


def handfuls(steps: Sequence[Step], random: Random) -> Iterator[Sequence[Step]]:
    """Divide operations into those handed in alone and batches; about as many come either way."""
    place = 0
    while place < len(steps):
        batch = random.randrange(_BATCHES) == 0
        size = random.randint(_SMALLEST, _LARGEST) if batch else 1
        yield steps[place : place + size]
        place += size


class Producer:
    """Hands operations in, one handful after the other, evenly over so many seconds.

    `door` takes a handful in and gives the ids of its records, or raises UnavailableError.
    """

    def __init__(
        self,
        door: Callable[[Sequence[Step]], Sequence[str]],
        handfuls: Sequence[Sequence[Step]],
        seconds: float,
    ) -> None:
        self._door = door
        self._handfuls = handfuls
        self._pause = seconds / len(handfuls)
        self._stopped = threading.Event()
        #: What was taken in of late, with when.
        self._lately: deque[tuple[float, Sequence[Step]]] = deque()
        #: What was taken in: the records, by the operations' numbers.
        self.receipts: dict[int, ReadyRecord] = {}
        #: How often something was said again.
        self.said_again = 0

    def run(self) -> None:
        """Hand all of it in, however long that takes, unless told to stop."""
        began = time.monotonic()
        for number, handful in enumerate(self._handfuls):
            self._stopped.wait(max(0.0, began + number * self._pause - time.monotonic()))
            doubtful = self._hand_in(handful)
            while doubtful and not self._stopped.is_set():
                doubtful = [*self._hand_in(doubtful[0]), *doubtful[1:]]

    def _hand_in(self, handful: Sequence[Step]) -> list[Sequence[Step]]:
        """Hand one handful in, until it is taken; gives what must be said again.

        That is what Redis may have forgotten when it died: the last seconds before.
        """
        doubtful: list[Sequence[Step]] = []
        while not self._stopped.is_set():
            try:
                taken = self._door(handful)
            except UnavailableError:
                doubtful += [each for _, each in self._lately]
                self._lately.clear()
                self.said_again += 1
                self._stopped.wait(PAUSE)
            else:
                self.receipts = self.receipts | {  # another thread reads it
                    step.number: ReadyRecord(record_id, step.operation)
                    for step, record_id in zip(handful, taken, strict=True)
                }
                self._remember(handful)
                break
        return doubtful

    def _remember(self, handful: Sequence[Step]) -> None:
        now = time.monotonic()
        self._lately.append((now, handful))
        while now - self._lately[0][0] > FORGOTTEN:
            self._lately.popleft()

    def taken_in(self) -> dict[int, str]:
        """Return the ids of the records that were taken in so far, by the operations' numbers."""
        return {number: due.id for number, due in dict(self.receipts).items()}

    def stop(self) -> None:
        """Hand in no more."""
        self._stopped.set()
