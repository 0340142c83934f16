"""One attempt: open the files, sign, send, and classify the reply."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from worker.classin.classify import classify_reply, judge_accident
from worker.classin.codes import Code
from worker.classin.endpoint import ApiVersion
from worker.classin.field_types import Sensitivity
from worker.classin.masking import hidden_values, masks_any, scrubbed, without_values
from worker.classin.operation import Idempotency, Operation
from worker.classin.request import Request, prepare
from worker.classin.response import Reply
from worker.classin.school import School
from worker.classin.signing import Counting
from worker.classin.verdicts import Verdict
from worker.errors import NoReplyError, ReplyLostError
from worker.execution.clock_skew import SigningClock, explains, may_mean_clock
from worker.execution.file_streams import Files
from worker.execution.http_client import Stream
from worker.execution.retry_policy import Outcome
from worker.execution.text_lengths import DOUBT, Countings
from worker.ledger.record import Attempt
from worker.ledger.types import Claim, ReadyRecord


class Sender(Protocol):
    """Something that brings a request to ClassIn: the transport, or a test's stand-in."""

    def send(self, request: Request, dialect: ApiVersion, streams: Mapping[str, Stream]) -> Reply:
        """Send, with files from these streams.

        Raises NotSentError, ReplyLostError, or what a stream raises.
        """


@dataclass(slots=True)
class Delivery:
    """One claimed operation, and how far its attempts have come."""

    claim: Claim
    operation: Operation
    school: School
    #: Fields with earlier results filled in; None once the record has them.
    unsaved_fields: Mapping[str, Any] | None
    #: Records that became ready because of reported attempts.
    released: list[ReadyRecord] = field(default_factory=list)
    #: Attempts begun in this delivery.
    attempts: int = 0
    #: The last attempt that was reported to the ledger in this delivery.
    reported: Attempt | None = None
    #: Whether the ledger has ended it: another worker has the record, or it was cancelled.
    is_over: bool = False
    #: Whether a reply that says "it exists already" means success.
    expects_existing: bool = field(init=False)

    def __post_init__(self) -> None:
        record = self.claim.record
        self.expects_existing = record.unread or record.accepts_existing


class AttemptRunner:
    """Makes single attempts, for any number of threads.

    It learns from replies: how far this machine's clock is off, and how ClassIn counts long texts.
    `clock` returns seconds since 1970.
    """

    def __init__(self, sender: Sender, files: Files, clock: Callable[[], float]) -> None:
        self._sender = sender
        self._files = files
        self._clock = clock
        self._signing = SigningClock(clock)
        self._countings = Countings()

    def now(self) -> float:
        """Return ClassIn's time, as far as it is known (seconds since 1970)."""
        return self._signing.now()

    def run(
        self,
        delivery: Delivery,
        may_send: Callable[[Delivery], bool],
        on_progress: Callable[[], None],
    ) -> Outcome | None:
        """Make one attempt; return None if nothing was sent because `may_send` said no.

        `may_send` is asked right before the request; `on_progress` is called while files are read.
        Raises FileChangedError, and what `may_send` and `on_progress` raise.
        """
        claim, operation = delivery.claim, delivery.operation
        delivery.attempts += 1
        at = began = self._clock()
        reply: Reply | None = None
        counting = self._countings.of(delivery.school.name)
        try:
            with self._files.opened(claim.record.id, operation, on_progress) as streams:
                if not may_send(delivery):
                    return None
                at, began = self._signing.now(), self._clock()  # reading a file may take long
                request = prepare(operation, delivery.school, int(at), counting)
                reply = self._sender.send(request, operation.spec.endpoint.version, streams)
            verdict, message = self._classify(delivery, reply, began, counting)
            message, reply = _redacted(operation, message, reply)
            code, http = reply.code, reply.http
            unread = verdict is Verdict.RETRY
            late = code is None and verdict in {Verdict.RETRY, Verdict.AMBIGUOUS}
        except NoReplyError as error:
            verdict = judge_accident(operation, error)
            code, http, message = None, None, str(error)
            unread = late = isinstance(error, ReplyLostError)
        delivery.expects_existing |= unread
        took = round((self._clock() - began) * 1000)
        number = len(claim.record.attempts) + delivery.attempts
        attempt = Attempt(number, int(at * 1000), took, http, code, message, verdict)
        late &= operation.spec.idempotency is not Idempotency.READ_ONLY
        return Outcome(attempt, reply, unread, late)

    def _classify(
        self, delivery: Delivery, reply: Reply, began: float, counting: Counting
    ) -> tuple[Verdict, str]:
        """Return the verdict on a reply and the message to keep; learn from the reply."""
        told = may_mean_clock(reply.code)
        self._signing.observe(began, self._clock(), reply.date, told=told)
        verdict = classify_reply(delivery.operation, reply, expected=delivery.expects_existing)
        if verdict is Verdict.LOCKED_OUT and explains(reply.code, self._signing.skew()):
            verdict = Verdict.CLOCK_SKEW
        message = reply.message or _phrase(reply.code)
        if verdict is Verdict.CLOCK_SKEW and (report := self._signing.report()) is not None:
            message = f"{message}; {report}"
        if reply.code == Code.BAD_SIGNATURE and self._is_missigned(delivery, counting):
            return Verdict.MISSIGNED, f"{message}; {DOUBT}"
        return verdict, message

    def _is_missigned(self, delivery: Delivery, counting: Counting) -> bool:
        """Return whether a long text may be why the signature was refused; learn from that."""
        fields = delivery.operation.wire_fields()
        return self._countings.refused(delivery.school.name, fields, counting)


def _redacted(operation: Operation, message: str, reply: Reply) -> tuple[str, Reply]:
    """Return ClassIn's message without any masked value, and the reply without any credential.

    Personal data stay in the reply: it is masked whenever it is shown.
    """
    kind = type(operation)
    if not masks_any(kind):
        return message, reply
    fields = operation.to_dict()
    message = scrubbed(message, hidden_values(kind, fields))
    credentials = hidden_values(kind, fields, Sensitivity.CREDENTIAL)
    if not credentials or reply.result is None:
        return message, reply
    return message, replace(reply, result=without_values(reply.result, credentials))


def _phrase(code: int | None) -> str:
    known = Code.known(code)
    return known.phrase if known else ""
