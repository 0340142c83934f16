"""Retry by hand: preview what a retry would do, then submit the new records."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

from producers.intake.dependencies import pointed
from producers.intake.receipt import Receipt
from producers.intake.submitter import Submitter
from producers.retry.assess import Outlook, Prospect, RetryAssessor
from producers.retry.edits import Setting
from producers.retry.select import WINDOW, in_windows, matching
from producers.retry.submissions import RetryBuilder, RetryOptions
from worker.errors import FieldError, InvalidInputError
from worker.ledger.audit import Audit
from worker.ledger.record import Record, new_id
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

#: Maximum faults that are shown; of more, only the number.
_MOST_FAULTS = 20


class Wanted(NamedTuple):
    """What an administrator wants to retry."""

    #: Named ids: all of them are retried, or none.
    ids: Sequence[str] = ()
    #: Or a filter: those that can be retried are.
    chosen: Filter = Filter()
    settings: Sequence[Setting] = ()
    mend: bool = False
    #: Include records that would be refused again, could be done twice, or kill workers.
    force: bool = False

    def about(self) -> str:
        """Return it for the audit trail: names of fields, without values."""
        sides = asdict(self.chosen) if not self.ids else {}
        words = [f"{name}={value}" for name, value in sides.items() if value is not None]
        words += [f"set {setting.where}" for setting in self.settings]
        words += ["mend"] if self.mend else []
        words += ["force"] if self.force else []
        return " ".join(words)


class Tried(NamedTuple):
    """The result of retrying one record."""

    prospect: Prospect
    #: The new records; none if somebody else was first.
    receipts: Sequence[Receipt]
    #: Then the record that stands for them: somebody else's retry, or the record itself, which has
    #: succeeded since.
    instead: Receipt | None = None


class RetryService:
    """Retries for an administrator. Each method raises UnavailableError."""

    def __init__(self, submitter: Submitter, ledger: RedisLedger, audit: Audit, who: str) -> None:
        self._submitter = submitter
        self._ledger = ledger
        self._audit = audit
        self._who = who

    def preview(self, wanted: Wanted) -> list[Prospect]:
        """Return what a retry of each record would do; change nothing.

        Raises NotFoundError, and InvalidInputError for edits that do not fit and for named records
        that cannot be retried.
        """
        ids = self._in_order(wanted.ids) if wanted.ids else self._matching(wanted)
        options = RetryOptions(
            mend=wanted.mend,
            settings=wanted.settings,
            door=self._submitter.door,
            batch=new_id() if len(ids) > 1 else None,
        )
        retries = RetryBuilder(self._ledger, self._submitter.builder, options)
        prospects = RetryAssessor(retries, tries_refused=bool(wanted.ids), force=wanted.force)
        found = [each for some in in_windows(self._ledger, ids) for each in prospects.of(some)]
        bad = [
            FieldError(each.id, _refusal(each))
            for each in found
            if (wanted.ids and not each.submissions)
            or (wanted.settings and each.outlook is Outlook.UNFIT)
        ]
        if bad:
            raise InvalidInputError("nothing was retried", _shortened(bad))
        return found

    def _in_order(self, ids: Sequence[str]) -> list[str]:
        """Return ids by sequence, each once. Raises NotFoundError."""
        records = {each.id: each for each in self._ledger.find_all(list(dict.fromkeys(ids)))}
        for missing in (each for each in ids if each not in records):
            self._ledger.find(missing)
        return sorted(records, key=lambda each: records[each].sequence)

    def _matching(self, wanted: Wanted) -> list[str]:
        def fits(record: Record) -> bool:
            return record.state.settled

        return matching(self._ledger, wanted.chosen, fits)

    def retry(
        self,
        prospects: Sequence[Prospect],
        wanted: Wanted,
        why: str = "",
        on_step: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Tried]:
        """Submit the retries of previewed records, and return the result of each.

        `on_step` is called with the number done. Raises what Submitter.enter does.
        """
        chosen = [each for each in prospects if each.submissions]
        #: Dependencies, by the ids they were to have: others may have retried the same meanwhile.
        instead: dict[str, str] = {}
        for start in range(0, len(chosen), WINDOW):
            some = chosen[start : start + WINDOW]
            yield from self._retry(some, wanted, why, instead)
            on_step(len(some))

    def _retry(
        self, some: Sequence[Prospect], wanted: Wanted, why: str, instead: dict[str, str]
    ) -> Iterator[Tried]:
        """Retry some records; the ledger decides whether somebody else was first."""
        entries = [pointed(entry, instead) for each in some for entry in each.submissions]
        ids = [each.id for each in some]
        self._audit.note(self._who, "retry", about=wanted.about(), ids=ids, why=why)
        receipts = self._submitter.enter(entries)
        found = {entry.id: each for entry, each in zip(entries, receipts, strict=True)}
        instead |= {its_id: each.id for its_id, each in found.items() if each.id != its_id}
        for prospect in some:
            mine = [found[entry.id] for entry in prospect.submissions]
            is_late = mine[0].id != prospect.submissions[0].id
            yield Tried(prospect, [] if is_late else mine, mine[0] if is_late else None)


def _refusal(prospect: Prospect) -> str:
    """Return why a record is not retried, and what would change that."""
    hints = {
        Outlook.IN_VAIN: "would be refused again: --set a field, or --force",
        Outlook.DOUBLES: "may have been done, and would be done twice: `classin settle` decides it,"
        " --force tries it all the same",
        Outlook.DEADLY: "may be what kills workers: --force tries it all the same",
    }
    hint = hints.get(prospect.outlook)
    return f"{prospect.why}; {hint}" if hint else prospect.why


def _shortened(faults: Sequence[FieldError]) -> list[FieldError]:
    more = len(faults) - _MOST_FAULTS
    told = [FieldError("", f"... and {more:,} more")] if more > 0 else []
    return [*faults[:_MOST_FAULTS], *told]
