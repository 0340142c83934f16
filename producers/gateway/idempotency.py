"""Idempotency keys: one request of one API key is carried out once, however often it comes.

Whatever a request makes is named by its key: its batch, and its operations by their positions. So
those who send it at the same moment, or again after it broke off, all fill the same batch, and the
ledger lets the first to name an operation have it. A digest of the whole request goes along with
each name: with another request under the same key, the ledger refuses the first operation of it.
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
    """A client's name for a request."""

    name: str
    #: The public half of the API key that used it: to others it says nothing.
    owner: str

    @classmethod
    def read(cls, name: str, owner: str) -> Self:
        """Take what a client calls its request. Raises Problem for what is no name."""
        try:
            SubmitRequest.read({"operation": "", "fields": {}, "dedup_key": name})
        except ValidationError as error:
            errors = [
                {"detail": fault.what, "parameter": "Idempotency-Key"} for fault in error.faults
            ]
            raise ProblemError(422, "The Idempotency-Key is no name.", errors) from None
        return cls(name, owner)

    def batch(self, mark: Callable[[str, str], str]) -> str:
        """Return the id of the batch that the request makes, if it makes one."""
        return id_from(mark("idempotency-key", f"{self.owner}\n{self.name}"))

    def named(self, submissions: Sequence[Submission], asks: str) -> list[Submission]:
        """Name the operations of a request, whose digest `asks` is."""
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
    """Sum up all that a request asks for, however it was spelt. No credential can be guessed."""
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
    """Refuse lines that have a name of their own besides."""
    fault = FieldError("dedup_key", "should not be given beside Idempotency-Key")
    return [
        InvalidInputError("line", [fault])
        if isinstance(line, SubmitRequest) and line.dedup_key is not None
        else line
        for line in lines
    ]


def other_request() -> ProblemError:
    """Say that a key stands for another request."""
    return ProblemError(409, "This Idempotency-Key came with another body before.")
