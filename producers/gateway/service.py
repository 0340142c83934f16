"""What an API key may ask for, carried out. Calls block on the ledger and run in a thread."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from producers.gateway.idempotency import (
    IdempotencyKey,
    digest_of_request,
    other_request,
    without_dedup_keys,
)
from producers.gateway.problems import ProblemError, of_faults, of_line
from producers.gateway.request_body import Asked
from producers.intake.checked import Checked, Position
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from producers.retry.rebuild import mending
from producers.retry.service import retry
from producers.webhook import foreign_webhook
from worker.classin.catalogue import CATALOGUE
from worker.classin.operation import MASK
from worker.config.settings import Settings
from worker.errors import CONFLICT, InvalidInputError, NotFoundError, ValidationError
from worker.ledger.api_keys import ApiKey
from worker.ledger.audit import Audit
from worker.ledger.batch import BatchInfo, Webhook
from worker.ledger.decoding import cannot_be_read
from worker.ledger.record import Record
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, WaitReason

log = logging.getLogger(__name__)

#: The `source` of operations that arrive here.
SOURCE = "http"

#: Pages scanned for a limited key before its client must continue with the cursor.
_MOST_PAGES = 10


#: Stands for a waited-for record outside of the key's scope.
_NOT_TOLD = WaitReason(behind=MASK)


class Taken(NamedTuple):
    """The result of a submission."""

    #: None for a single operation.
    batch: str | None
    #: Of each record: id, operation, school.
    operations: Sequence[Mapping[str, str]]
    #: Whether any of them is new.
    new: bool


class GatewayService:
    """API operations within a key's scope. Methods raise ProblemError or our exceptions."""

    def __init__(
        self, settings: Settings, ledger: RedisLedger, submitter: Submitter, audit: Audit
    ) -> None:
        self._audit = audit
        self._settings = settings
        self._ledger = ledger
        self._submitter = submitter.limited_to(settings.gateway.files)

    def submit(
        self,
        key: ApiKey,
        asked: Asked,
        idempotency: str | None = None,
        webhook: str | None = None,
    ) -> Taken:
        """Submit one operation or a list, all or none; a webhook belongs to a list."""
        must_write(key)
        about = BatchInfo(source=SOURCE, webhook=self._webhook(webhook))
        once = None if idempotency is None else IdempotencyKey.read(idempotency, key.prefix)
        checked = self._check(key, asked, once)
        if once is None:
            return self._enter(checked, about, is_list=asked.is_list)
        asks = digest_of_request(
            checked.submissions,
            self._submitter.cipher,
            is_list=asked.is_list,
            webhook=webhook,
        )
        checked = checked._replace(submissions=once.named(checked.submissions, asks))
        try:
            return self._enter(
                checked,
                replace(about, asks=self._settings.keyring.mark("asked", asks)),
                is_list=asked.is_list,
            )
        except InvalidInputError as refused:
            if all(fault.kind == CONFLICT for fault in refused.faults):
                raise other_request() from None
            raise

    def _check(self, key: ApiKey, asked: Asked, once: IdempotencyKey | None) -> Checked:
        """Check the whole request. Raises ProblemError, which names every fault."""
        lines = [self._read(key, each) for each in asked.objects]
        self._must_cover(key, lines)
        if once is not None:
            lines = without_dedup_keys(lines)
        checked = self._submitter.check_all(
            ((Position(str(n)), partial(_given, line)) for n, line in enumerate(lines)),
            SOURCE,
            None if once is None else once.batch(self._settings.keyring.mark),
            partial(_covers, key) if key.limited else None,
        )
        if checked.found:
            places = ((int(n) if asked.is_list else None, fault) for n, fault in checked.found)
            raise of_faults(places)
        return checked

    def _webhook(self, url: str | None) -> Webhook | None:
        """Return the requested webhook. Raises ProblemError."""
        if url is None:
            return None
        try:
            return foreign_webhook(url, self._settings, "webhook")
        except InvalidInputError as error:
            errors = [{"detail": each.text, "parameter": each.where} for each in error.faults]
            raise ProblemError(422, "This webhook cannot be called.", errors) from None

    def _enter(self, checked: Checked, about: BatchInfo, *, is_list: bool) -> Taken:
        batch = checked.batch if is_list or len(checked.submissions) > 1 else None
        submissions = [replace(each, batch=batch) for each in checked.submissions]
        if batch is None:
            receipts = self._submitter.enter(submissions)
        else:
            receipts = self._submitter.enter_batch(Checked(batch, submissions), about)
        operations = [
            {"id": receipt.id, "operation": each.operation, "school": each.school}
            for each, receipt in zip(submissions, receipts, strict=True)
        ]
        return Taken(batch, operations, any(receipt.new for receipt in receipts))

    def _read(self, key: ApiKey, given: object) -> SubmitRequest | ValidationError:
        """Parse one object; return its faults instead, if it has any."""
        try:
            line = SubmitRequest.read(given)
        except ValidationError as error:
            return InvalidInputError("line", [of_line(fault) for fault in error.faults])
        if line.school is None and len(key.schools) == 1:
            line = line.model_copy(update={"school": key.schools[0]})
        return line

    def _school_of(self, line: SubmitRequest) -> str:
        try:
            return self._settings.school(line.school).name
        except InvalidInputError:  # told later
            return line.school or ""

    def _must_cover(self, key: ApiKey, lines: Sequence[SubmitRequest | ValidationError]) -> None:
        errors = [
            {
                "detail": f"{line.operation} for school {school!r} is beyond this key",
                "pointer": f"#/{n}" if len(lines) > 1 else "#",
            }
            for n, line in enumerate(lines)
            if isinstance(line, SubmitRequest) and line.operation in CATALOGUE
            if not key.covers(school := self._school_of(line), line.operation)
        ]
        if errors:
            raise ProblemError(403, "This key is limited to other schools or kinds.", errors)

    def find(self, key: ApiKey, record_id: str) -> Record:
        """Return a record within the key's scope. Raises NotFoundError."""
        return self.seen(key, self._ledger.find(record_id))

    def seen(self, key: ApiKey, record: Record) -> Record:
        """Return a record if it is within the key's scope. Raises NotFoundError."""
        if not _covers(key, record):
            raise NotFoundError(f"there is no record {record.id!r}")
        return record

    def shown(self, key: ApiKey, records: Sequence[Record]) -> list[dict[str, Any]]:
        """Return records as `classin show --json` does, with personal data masked.

        A record that another waits for is hidden if it is outside the key's scope.
        """
        obstacles = self._ledger.wait_reasons(records)
        ahead = sorted({each.behind for each in obstacles.values() if each.behind is not None})
        others = self._ledger.find_all(ahead) if key.limited and ahead else ()
        foreign = {other.id for other in others if not _covers(key, other)}
        waiting = {
            name: (_NOT_TOLD if each.behind in foreign else each).to_dict()
            for name, each in obstacles.items()
        }
        return [{**each.to_dict(), "waits_for": waiting.get(each.id)} for each in records]

    def page(
        self, key: ApiKey, chosen: Filter, limit: int, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """List records within the key's scope, newest first, with the next cursor.

        A page of a limited key may be shorter than asked, and still have a next one.
        """
        if chosen.batch is not None and not self.sees_batch(key, chosen.batch):
            return [], None
        records: list[Record] = []
        for _ in range(_MOST_PAGES):
            page = self._ledger.page(chosen, limit, cursor)
            for record_id in page.unreadable:  # nobody can say whose business it is
                log.error("%s", cannot_be_read(f"record {record_id}"))
            records += (each for each in page.records if _covers(key, each))
            cursor = page.cursor
            if cursor is None or len(records) >= limit:
                break
        if len(records) > limit:
            cursor = str(records[limit - 1].sequence)
        return self.shown(key, records[:limit]), cursor

    def sees_batch(self, key: ApiKey, batch: str) -> bool:
        """Return whether the whole batch, pruned records included, is within the key's scope."""
        if not key.limited:
            return True
        kinds = self._ledger.batches.kinds(batch)
        return bool(kinds) and all(key.covers(*kind) for kind in kinds)

    def batch(self, key: ApiKey, batch: str) -> dict[str, Any]:
        """Count a batch by state. Raises NotFoundError outside of the key's scope."""
        counts = self._ledger.batch_counts(batch)
        if not counts or not self.sees_batch(key, batch):
            raise NotFoundError(f"there is no batch {batch!r}")
        settled = sum(number for state, number in counts.items() if state.settled)
        total = sum(counts.values())
        return {
            "id": batch,
            "states": {state.value: number for state, number in counts.items()},
            "total": total,
            "settled": settled,
            "done": settled == total,
            "about": None
            if (about := self._ledger.batches.info(batch)) is None
            else about.to_dict(),
        }

    def retry(self, key: ApiKey, record_id: str, *, mend: bool) -> Taken:
        """Retry a record, or submit its follow-up; a second call returns the first retry."""
        must_write(key)
        record = self.find(key, record_id)
        if record.retried_by is not None:
            raise _tried_already(record_id, record.retried_by)
        try:
            for operation in mending(record) if mend else ():
                if not key.covers(record.school, operation.spec.name):
                    raise ProblemError(403, f"{operation.spec.name} is beyond this key.")
            self._note(key, "retry", record_id, "mend" if mend else "")
            receipts = retry(self._submitter, record_id, mend=mend)
        except ValidationError as error:
            errors = [{"detail": str(fault), "pointer": "#"} for fault in error.faults]
            raise ProblemError(409, "It cannot be tried again as it is.", errors) from None
        if not receipts[0].new:  # somebody else was quicker
            raise _tried_already(record_id, receipts[0].id)
        found = self._ledger.find_all([receipt.id for receipt in receipts])
        operations = [
            {"id": each.id, "operation": each.operation, "school": each.school} for each in found
        ]
        return Taken(None, operations, new=True)

    def cancel(self, key: ApiKey, record_id: str) -> State:
        """Cancel a record; return its state."""
        must_write(key)
        self.find(key, record_id)
        self._note(key, "cancel", record_id)
        return self._submitter.cancel(record_id)

    def _note(self, key: ApiKey, what: str, record_id: str, about: str = "") -> None:
        """Write an audit entry before a change."""
        self._audit.note(f"key {key.name}", what, about=about, ids=[record_id])


def _tried_already(record_id: str, stands_for_it: str) -> ProblemError:
    """Return the existing retry of a record, or the record itself if it has succeeded."""
    if stands_for_it == record_id:
        return ProblemError(409, "It has succeeded meanwhile: there is nothing to try again.")
    return ProblemError(409, f"It was tried again already, as {stands_for_it}.")


def _covers(key: ApiKey, record: Record) -> bool:
    return key.covers(record.school, record.operation)


def names_files(asked: Asked) -> bool:
    """Return whether the request names files that must be read first."""
    return any(
        isinstance(fields := each.get("fields"), dict)
        and not fields.keys().isdisjoint(CATALOGUE[each["operation"]].file_fields())
        for each in asked.objects
        if isinstance(each, dict)
        if isinstance(each.get("operation"), str) and each["operation"] in CATALOGUE
    )


def must_write(key: ApiKey) -> None:
    """Refuse a read-only key."""
    if not key.writes:
        raise ProblemError(403, "This key reads only.")


def must_read(key: ApiKey) -> None:
    """Refuse a write-only key."""
    if not key.reads:
        raise ProblemError(403, "This key writes only.")


def _given(line: SubmitRequest | ValidationError) -> SubmitRequest:
    if isinstance(line, ValidationError):
        raise line
    return line
