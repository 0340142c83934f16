"""The nightly retry: what ran out of time, and what a school knows to pass, is tried again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from producers.intake.submitter import Submitter
from producers.oneroster import SOURCE
from producers.retry.assess import Outlook, Prospect, RetryAssessor
from producers.retry.select import culprits_of, in_windows, matching
from producers.retry.submissions import RetryBuilder, RetryOptions, retry_key
from worker.ledger.audit import Audit
from worker.ledger.record import Record, new_id
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryJob:
    """Which failed records are tried again each night, and how often in all."""

    #: Besides what is failed/exhausted: what ended with one of these codes of ClassIn's.
    codes: frozenset[int] = frozenset()
    #: Of this school only; None: of all.
    school: str | None = None
    #: Submitted since then, in ms since 1970; None: whenever.
    since: int | None = None
    #: So often a record is tried again in all, by whomever.
    most: int = 3


@dataclass(slots=True)
class Retried:
    """What came of one night."""

    tick: str
    #: Of the new records; empty batches are nobody's.
    batch: str
    #: How many were tried again, by operation and what had kept them: a code, or a reason.
    by_cause: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Tried as often as they may be: a person should look.
    spent: list[str] = field(default_factory=list)
    #: Left out for another reason.
    left_out: Counter[Outlook] = field(default_factory=Counter)

    @property
    def number(self) -> int:
        """How many were tried again."""
        return self.by_cause.total()

    def to_dict(self) -> dict[str, Any]:
        """Give it as programs see it."""
        causes = sorted(self.by_cause.items())
        return {
            "tick": self.tick,
            "batch": self.batch if self.number else None,
            "retried": self.number,
            "causes": [
                {"operation": operation, "cause": cause, "retried": number}
                for (operation, cause), number in causes
            ],
            "spent": list(self.spent),
            "left_out": {outlook.value: number for outlook, number in self.left_out.items()},
        }


class NightlyRetry:
    """Tries again what failed, and what failed only because it waited for that."""

    def __init__(self, submitter: Submitter, ledger: RedisLedger, audit: Audit) -> None:
        self._submitter = submitter
        self._ledger = ledger
        self._audit = audit

    def run(
        self, job: RetryJob, tick: str, *, who: str = "schedule", dry_run: bool = False
    ) -> Retried:
        """Try again all that the job names.

        The same `tick` again, even at the same time, tries nothing twice; a dry run only counts
        what would be. Raises UnavailableError: then it can be run again.
        """
        retried = Retried(tick, new_id())
        options = RetryOptions(batch=retried.batch, tick=tick)
        retries = RetryBuilder(self._ledger, self._submitter.builder, options)
        prospects = RetryAssessor(retries, tries_refused=True)
        chosen = Filter(state=State.FAILED.value, school=job.school, since=job.since)
        ids = matching(self._ledger, chosen, lambda record: _is_of(job, record) or _waited(record))
        for records in in_windows(self._ledger, ids):
            some = [
                prospect
                for record in records
                if self._is_wanted(record, job, retried, prospects)
                for prospect in prospects.of([record])
            ]
            for prospect in some:
                if not prospect.submissions:
                    retried.left_out[prospect.outlook] += 1
                elif dry_run:
                    retried.by_cause[prospect.operation, _cause(prospect)] += 1
            if not dry_run:
                self._enter(some, retried, prospects, who)
        return retried

    def _is_wanted(
        self, record: Record, job: RetryJob, retried: Retried, prospects: RetryAssessor
    ) -> bool:
        """Return whether the job is to try a record again, if that can be done."""
        if record.retried_by is not None or _is_of_tick(record, retried.tick):
            return False
        if record.source == SOURCE:  # the next sync knows whether it is still wanted
            return False
        if not (_is_of(job, record) or self._is_let_down(record, prospects, retried.tick)):
            return False
        if self._tries_of(record, job.most) < job.most:
            return True
        retried.spent.append(record.id)
        return False

    def _is_let_down(self, record: Record, prospects: RetryAssessor, tick: str) -> bool:
        """Return whether it failed because of one that is tried again tonight."""
        others = culprits_of(record)
        if any(map(prospects.is_fresh, others)):
            return True
        keys = [retry_key(other, tick) for other in others]
        return bool(keys and self._ledger.find_ids(record.school, keys))

    def _tries_of(self, record: Record, most: int) -> int:
        """Count how often it was tried again so far, no further than that matters."""
        tries = 0
        earlier: Sequence[Record] = [record]
        while earlier and earlier[0].retry_of is not None and tries < most:
            tries += 1
            earlier = self._ledger.find_all([earlier[0].retry_of])
        return tries

    def _enter(
        self, some: Sequence[Prospect], retried: Retried, prospects: RetryAssessor, who: str
    ) -> None:
        """Submit what can be tried again."""
        chosen = [prospect for prospect in some if prospect.submissions]
        if not chosen:
            return
        ids = [prospect.id for prospect in chosen]
        self._audit.note(who, "retry", about=f"tick {retried.tick}", ids=ids)
        submissions = [each for prospect in chosen for each in prospect.submissions]
        receipts = self._submitter.enter(submissions)
        for prospect, receipt in zip(chosen, receipts, strict=True):
            prospects.entered(prospect.id, receipt.id)
            if receipt.new:
                retried.by_cause[prospect.operation, _cause(prospect)] += 1


def _is_of(job: RetryJob, record: Record) -> bool:
    return record.reason in {Reason.EXHAUSTED, Reason.EXPIRED} or (
        record.reason is Reason.REFUSED and record.code in job.codes
    )


def _waited(record: Record) -> bool:
    return record.reason is Reason.DEPENDENCY


def _is_of_tick(record: Record, tick: str) -> bool:
    """Return whether a record is itself what this tick tried again."""
    return (
        record.dedup_key is not None
        and record.retry_of is not None
        and (record.dedup_key == retry_key(record.retry_of, tick))
    )


def _cause(prospect: Prospect) -> str:
    if prospect.reason is Reason.DEPENDENCY or prospect.code is None:
        return prospect.reason.value if prospect.reason else prospect.state.value
    return str(prospect.code)
