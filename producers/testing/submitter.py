"""A Submitter for tests that keeps everything in memory."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from producers.intake.receipt import Receipt
from producers.intake.submit import submitting_to
from producers.intake.submitter import Submitter
from producers.testing.ledger import InMemoryLedger
from producers.testing.outcomes import Outcome
from worker.classin.catalogue import find, read
from worker.classin.operation import Operation
from worker.classin.school import School
from worker.config.settings import ONLY_SCHOOL, Settings
from worker.keyring import KeyRing
from worker.ledger.record import Record, Submission

#: An outcome, or a function that returns it for each record; None leaves the record queued.
Decided = Outcome | Callable[[Record], Outcome | None] | None


class InMemoryReceipt(Receipt):
    """A receipt that never sleeps: only the test itself can settle its record."""

    def wait(self, timeout: float | None = None) -> Record:
        """Return the settled record. Raises TimeoutError at once if it is not settled."""
        del timeout
        return super().wait(0)

    async def wait_async(self, timeout: float | None = None) -> Record:  # noqa: ASYNC109  # as Receipt has it
        """Return the settled record. Raises TimeoutError at once if it is not settled."""
        del timeout
        return await super().wait_async(0)


class InMemorySubmitter(Submitter):
    """A Submitter with the usual checks and errors, without Redis.

    `schools`: the configured names. `outcome`: the outcome of operations that have none by
    `set_outcome`; None leaves them queued until `settle`. `clock` returns seconds since 1970.
    """

    def __init__(
        self,
        schools: Iterable[str] = (ONLY_SCHOOL,),
        *,
        outcome: Decided = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._memory = InMemoryLedger(clock, self._outcome_of)
        self._outcome = outcome
        self._outcomes: dict[str, Decided] = {}
        known = {name: School(name, "1", "none") for name in schools}
        settings = Settings(home=Path(), schools=known, ring=KeyRing.in_memory())
        super().__init__(settings, self._memory, clock=clock)

    @property
    def records(self) -> Sequence[Record]:
        """The current records of everything submitted, in order."""
        return self._memory.records()

    @property
    def operations(self) -> Sequence[Operation]:
        """The submitted operations, in order, for comparison.

        Credentials are decrypted; a unique identity that the queue generated is left out.
        """
        return [self._operation_of(record) for record in self.records]

    @property
    def unavailable(self) -> bool:
        """Whether to raise UnavailableError as if Redis were down."""
        return self._memory.unavailable

    @unavailable.setter
    def unavailable(self, away: bool) -> None:
        self._memory.unavailable = away

    def set_outcome(self, operation: type[Operation] | str, outcome: Decided) -> None:
        """Settle each operation of a kind with this outcome as soon as it is queued.

        Raises InvalidOperationError for an unknown name.
        """
        kind = find(operation) if isinstance(operation, str) else operation
        self._outcomes[kind.spec.name] = outcome

    def settle(self, receipt: Receipt | str, outcome: Outcome) -> None:
        """Settle a queued operation, given by receipt or id.

        Raises NotFoundError, and ValueError if it is not queued.
        """
        self._memory.settle(receipt if isinstance(receipt, str) else receipt.id, outcome)

    def enter(
        self,
        submissions: Sequence[Submission],
        on_entered: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Receipt]:
        """Record checked operations; see Submitter.enter."""
        receipts = super().enter(submissions, on_entered)
        return [InMemoryReceipt(each.id, self._memory, each.new) for each in receipts]

    def _outcome_of(self, record: Record) -> Outcome | None:
        decided = self._outcomes.get(record.operation, self._outcome)
        return decided(record) if callable(decided) else decided

    def _operation_of(self, record: Record) -> Operation:
        fields = self.cipher.decrypt_fields(
            record.operation, record.fields, record.school, record.id
        )
        operation = read(record.operation, fields)
        bare = _without_identity(operation)
        return bare if bare.identified(record.id) == operation else operation


def _without_identity(operation: Operation) -> Operation:
    """Return an operation without its unique identity."""
    outer, _, inner = (operation.spec.identity or "").partition(".")
    if not outer:
        return operation
    if not inner:
        return operation.model_copy(update={outer: None})
    items = tuple(item.model_copy(update={inner: None}) for item in getattr(operation, outer) or ())
    return operation.model_copy(update={outer: items})


@contextmanager
def submitting_in_memory(
    schools: Iterable[str] = (ONLY_SCHOOL,),
    *,
    outcome: Decided = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[InMemorySubmitter]:
    """Send `producers.submit` and its variants to an InMemorySubmitter within the context."""
    submitter = InMemorySubmitter(schools, outcome=outcome, clock=clock)
    with submitting_to(submitter):
        yield submitter
