"""Idempotency keys: one request of one API key is carried out once, however often it arrives.

The key names everything that a request creates: its batch, and its operations by position.
Concurrent and repeated requests therefore fill the same batch, and the ledger accepts the first of
each operation. A digest of the whole request goes with each name: under the same key, the ledger
refuses a different request at its first operation.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, Self

from producers.gateway.problems import ProblemError
from producers.intake.request import SubmitRequest
from producers.intake.run_keys import digest_of_submission
from worker.encryption import FieldCipher
from worker.errors import FieldError, InvalidInputError, ValidationError
from worker.ledger.codec import digest_of
from worker.ledger.record import Submission, id_from


class IdempotencyKey(NamedTuple):
    """A client's idempotency key."""

    name: str
    #: The public half of the API key, so that keys of different clients do not collide.
    owner: str

    @classmethod
    def read(cls, name: str, owner: str) -> Self:
        """Parse the header. Raises ProblemError."""
        try:
            SubmitRequest.read({"operation": "", "fields": {}, "dedup_key": name})
        except ValidationError as error:
            errors = [
                {"detail": fault.text, "parameter": "Idempotency-Key"} for fault in error.faults
            ]
            raise ProblemError(422, "The Idempotency-Key is no name.", errors) from None
        return cls(name, owner)

    def batch(self, mark: Callable[[str, str], str]) -> str:
        """Return the id of the batch that the request creates, if any."""
        return id_from(mark("idempotency-key", f"{self.owner}\n{self.name}"))

    def named(self, submissions: Sequence[Submission], asks: str) -> list[Submission]:
        """Set the dedup keys of a request's operations; `asks` is the request's digest."""
        return [
            replace(each, dedup_key=self.name, dedup_scope=f"{self.owner} {n}", digest=asks)
            for n, each in enumerate(submissions, 1)
        ]


def digest_of_request(
    submissions: Sequence[Submission],
    seals: FieldCipher,
    *,
    is_list: bool,
    webhook: str | None,
) -> str:
    """Return a keyed digest of a request, independent of its spelling."""
    operations = [
        [
            each.school,
            digest_of_submission(each, seals),
            each.lane,
            each.after,
            each.priority,
            each.accepts_existing,
            each.stops_lane,
        ]
        for each in submissions
    ]
    return digest_of("", {"operations": operations, "list": is_list, "webhook": webhook})


def without_dedup_keys(
    lines: Sequence[SubmitRequest | ValidationError],
) -> list[SubmitRequest | ValidationError]:
    """Refuse lines with a dedup key of their own."""
    fault = FieldError("dedup_key", "should not be given beside Idempotency-Key")
    return [
        InvalidInputError("line", [fault])
        if isinstance(line, SubmitRequest) and line.dedup_key is not None
        else line
        for line in lines
    ]


def other_request() -> ProblemError:
    """Return the problem of a key that was used for a different request."""
    return ProblemError(409, "This Idempotency-Key came with another body before.")
