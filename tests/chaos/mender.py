"""Retries of what ClassIn refused: each record by several at the same moment, as people do."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.work import Step
from worker.errors import InvalidInputError, NotFoundError, UnavailableError
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

#: So many retry one record at the same moment.
AT_ONCE = 8

#: Seconds between two looks.
_PAUSE = 0.2

#: Retries a record with fields set anew; returns the ids of the records that try it again. Raises
#: InvalidInputError where it is tried again already, and UnavailableError.
Retry = Callable[[str, Step], Sequence[str]]


class Mender:
    """Waits until records have failed, and has each retried by several threads together.

    `records`: the ids of records by their operations' numbers, as they are taken in.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        records: Callable[[], dict[int, str]],
        ledger: RedisLedger,
        retry: Retry,
    ) -> None:
        self._steps = steps
        self._records = records
        self._ledger = ledger
        self._retry = retry
        self._stopped = threading.Event()
        #: What the threads were told tries a record again, by the operation's number.
        self.told: dict[int, set[str]] = {step.number: set() for step in steps}

    def run(self) -> None:
        """Retry all that failed, unless told to stop; what settles otherwise is left alone."""
        ahead = list(self._steps)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while ahead and not self._stopped.wait(_PAUSE):
                settled = {each.number: self._state(each) for each in ahead}
                for step in ahead:
                    if settled[step.number] is State.FAILED:
                        self._retry_together(step, pool)
                ahead = [each for each in ahead if settled[each.number] is None]

    def stop(self) -> None:
        """Retry no more."""
        self._stopped.set()

    def _state(self, step: Step) -> State | None:
        """Return the state in which a step has settled; None: it has not, or nobody can say."""
        record_id = self._records().get(step.number)
        if record_id is None:
            return None
        try:
            state = self._ledger.find(record_id).state
        except (NotFoundError, UnavailableError):
            return None
        return state if state.settled else None

    def _retry_together(self, step: Step, pool: ThreadPoolExecutor) -> None:
        together = threading.Barrier(AT_ONCE)

        def insist(_: int) -> Sequence[str]:
            together.wait()
            return self._insist(step)

        for told in pool.map(insist, range(AT_ONCE)):
            self.told[step.number].update(told)

    def _insist(self, step: Step) -> Sequence[str]:
        """Try until the ledger answers, whatever it says."""
        while not self._stopped.is_set():
            try:
                return self._retry(self._records()[step.number], step)
            except InvalidInputError:
                break  # another was quicker
            except UnavailableError:
                time.sleep(_PAUSE)
        return []
