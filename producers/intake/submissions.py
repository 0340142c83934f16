"""Build what the ledger records of checked operations."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from producers.intake.checked import Entry
from producers.intake.lanes import own_lane
from worker.classin.catalogue import read
from worker.classin.field_types import without_place
from worker.classin.lanes import lane_of
from worker.classin.operation import Operation
from worker.classin.references import renamed
from worker.config.settings import Settings
from worker.encryption import FieldCipher
from worker.ledger.codec import digest_of
from worker.ledger.record import Priority, Submission, new_id


class SubmissionBuilder:
    """Builds submissions by the keys of one installation: fields encrypted, lanes named.

    Each method raises InvalidSettingsError and UnavailableError where the keys cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def cipher(self) -> FieldCipher:
        """What encrypts the credentials in records."""
        return FieldCipher(self._settings.keyring)

    def lane_of(self, school: str, operation: Operation) -> str | None:
        """Return the lane in which an operation waits, unless its submitter names one."""
        return lane_of(school, operation, self._settings.keyring.mark)

    def digest_of(self, operation: Operation, school: str) -> str:
        """Return the digest of what is asked: ids by the same names, files by what they hold.

        No credential can be guessed from it.
        """
        fields = self.cipher.comparable(operation, school)
        for name in operation.files():
            fields[name] = without_place(fields[name])
        return digest_of(operation.spec.name, fields)

    def of(self, entry: Entry, ids: Mapping[str, str] = MappingProxyType({})) -> list[Submission]:
        """Build what is recorded of an entry; `ids`: of the records that it names."""
        return [self._of(entry, operation, ids) for operation in entry.operations]

    def _of(self, entry: Entry, operation: Operation, ids: Mapping[str, str]) -> Submission:
        own_id, line, origin, school = new_id(), entry.line, entry.origin, entry.school
        names = [*line.after, *sorted(operation.references())] if entry.names else []
        # With the identity by which ClassIn knows a repeat, so that a retry has the same.
        fields = self.cipher.encrypt_fields(operation.identified(own_id), school, own_id)
        if names and (by_id := renamed(fields, ids)) != fields:
            fields, operation = by_id, read(operation.spec.name, by_id)
        accepts_existing = operation.spec.accepts_existing
        if line.if_exists is not None:
            accepts_existing = line.if_exists == "accept"
        return Submission(
            id=own_id,
            operation=operation.spec.name,
            school=school,
            fields=fields,
            lane=own_lane(school, line.lane) if line.lane else self.lane_of(school, operation),
            batch=origin.batch,
            source=origin.source,
            row=origin.row,
            accepts_existing=accepts_existing,
            after=tuple(dict.fromkeys(ids.get(name, name) for name in names)),
            stops_lane=line.lane_on_failure == "stop",
            priority=line.priority or Priority.NORMAL,
            dedup_key=line.dedup_key,
            digest=entry.digest,
        )
