"""Prospects: of each record, whether trying it again can help, harm, or is needed no more."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from producers.intake.ledger import IntakeLedger
from producers.retry.submissions import RetryBuilder
from worker.classin.catalogue import CATALOGUE
from worker.classin.codes import Code
from worker.classin.operation import Idempotency
from worker.classin.verdicts import Verdict
from worker.errors import InvalidInputError, InvalidOperationError
from worker.ledger.record import Edit, Record, Submission
from worker.ledger.states import Reason, State

_WELL = frozenset({State.SUCCEEDED, State.PARTIAL})


class Outlook(StrEnum):
    """What trying a record again may lead to."""

    #: It may help.
    HOPEFUL = "hopeful"
    #: ClassIn, or we, would refuse the same again.
    IN_VAIN = "in vain"
    #: It may have been done, and would be done twice.
    DOUBLES = "could double"
    #: Workers died of it.
    DEADLY = "could kill workers"
    #: It was tried again, and went well since.
    DONE_SINCE = "done since"
    #: It was tried again, and that is under way.
    UNDER_WAY = "under way"
    #: It was tried again: the last of its tries is the one to be tried.
    LATER_TRY = "tried later"
    #: Its fields break the catalogue's rules, as they are or as they are to be set.
    UNFIT = "unfit"
    #: It cannot be built, or nothing is left to try.
    IMPOSSIBLE = "impossible"


class Prospect(NamedTuple):
    """What there is to say of trying one record again."""

    id: str
    operation: str
    state: State
    reason: Reason | None
    code: int | None
    outlook: Outlook
    #: Why so, in words; ClassIn's own where it refused.
    why: str
    edits: tuple[Edit, ...] = ()
    #: What would be submitted.
    submissions: tuple[Submission, ...] = ()


class RetryAssessor:
    """Assesses records in order of sequence: those that wait for others come after them.

    `tries_refused`: retry what would be refused again, too; `force`: and what could be done twice,
    or kills workers.
    """

    def __init__(
        self, retries: RetryBuilder, *, tries_refused: bool = False, force: bool = False
    ) -> None:
        self._retries = retries
        self._tries_refused = tries_refused or force or bool(retries.options.settings)
        self._force = force
        #: Ids of the new records, by those that they retry.
        self._fresh: dict[str, str] = {}

    def of(self, records: Sequence[Record]) -> list[Prospect]:
        """Look at some more records. Raises UnavailableError."""
        tries = {each.id: each for each in later_tries(records, self._retries.ledger)}
        return [self._of(record, tries) for record in records]

    def wants(self, prospect: Prospect) -> bool:
        """Return whether a record is to be tried again."""
        match prospect.outlook:
            case Outlook.HOPEFUL:
                return True
            case Outlook.IN_VAIN:
                return self._tries_refused
            case Outlook.DOUBLES | Outlook.DEADLY:
                return self._force
            case _:
                return False

    def _of(self, record: Record, tries: Mapping[str, Record]) -> Prospect:
        outlook, why = self._judged(record, tries)
        prospect = Prospect(
            record.id, record.operation, record.state, record.reason, record.code, outlook, why
        )
        if not self.wants(prospect):
            return prospect
        try:
            submissions = self._retries.of(record, self._fresh)
        except InvalidOperationError as error:
            told = "; ".join(map(str, error.faults))
            return prospect._replace(outlook=Outlook.UNFIT, why=told)
        except InvalidInputError as error:
            told = "; ".join(fault.text for fault in error.faults)
            return prospect._replace(outlook=Outlook.IMPOSSIBLE, why=told)
        if not self._retries.options.mend:
            self._fresh[record.id] = submissions[0].id
        return prospect._replace(edits=submissions[0].edits, submissions=tuple(submissions))

    def is_fresh(self, record_id: str) -> bool:
        """Return whether a record is among those that are to be tried again."""
        return record_id in self._fresh

    def entered(self, record_id: str, as_id: str) -> None:
        """Take in under which id a record is tried again: another may have been quicker."""
        self._fresh[record_id] = as_id

    def _judged(self, record: Record, tries: Mapping[str, Record]) -> tuple[Outlook, str]:
        if record.retried_by is not None:
            return _superseded(record, tries)
        if record.state is State.UNCERTAIN and _would_double(record):
            return Outlook.DOUBLES, record.message or "it may have been done"
        if record.reason is Reason.POISON:
            return Outlook.DEADLY, record.message or "workers died of it"
        if record.reason is Reason.REFUSED and is_lasting(record.code):
            return Outlook.IN_VAIN, in_words(record)
        return Outlook.HOPEFUL, in_words(record)


def later_tries(records: Sequence[Record], ledger: IntakeLedger) -> list[Record]:
    """Find all later tries of these records that are kept. Raises UnavailableError."""
    found: list[Record] = []
    known: set[str] = set()
    pending = {each.retried_by for each in records if each.retried_by}
    while pending:
        known |= pending
        later = ledger.find_all(sorted(pending))
        found += later
        pending = {each.retried_by for each in later if each.retried_by} - known
    return found


def _superseded(record: Record, tries: Mapping[str, Record]) -> tuple[Outlook, str]:
    """Return how the last try of a record that was tried again ended."""
    last, ended = record, record.state
    while last.retried_by is not None:
        later = tries.get(last.retried_by)
        if later is None:
            ended = last.retry_ended or ended
            break
        last, ended = later, later.state
    name = last.retried_by or last.id
    if ended in _WELL:
        return Outlook.DONE_SINCE, f"was tried again as {name}, which {_tense(ended)}"
    if not ended.settled:
        return Outlook.UNDER_WAY, f"is being tried again as {name}, which is {ended.value}"
    return Outlook.LATER_TRY, f"was tried again as {name}, which is {ended.value}: retry that one"


def _tense(ended: State) -> str:
    return "is partial" if ended is State.PARTIAL else ended.value


def _would_double(record: Record) -> bool:
    kind = CATALOGUE.get(record.operation)
    return kind is None or kind.spec.idempotency is Idempotency.UNSAFE


def is_lasting(number: int | None) -> bool:
    """Return whether what was refused with this code would be refused again."""
    code = Code.known(number)
    return code is None or code.verdict is Verdict.REFUSED


def in_words(record: Record) -> str:
    """Return what came back last, in ClassIn's words or ours."""
    code = Code.known(record.code)
    said = record.message or ""
    if code is not None and code is not Code.OK:
        return f"{said} ({code.phrase})" if said and said != code.phrase else code.phrase
    return said
