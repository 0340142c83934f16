"""Classify a reply, or the lack of one, as a verdict. Pure."""

from collections.abc import Sequence
from http import HTTPStatus

from worker.classin.bulk_results import ItemResult, item_results
from worker.classin.codes import Code
from worker.classin.operation import Idempotency, Operation, Spec
from worker.classin.response import Reply
from worker.classin.verdicts import Verdict
from worker.errors import NoReplyError, NotSentError

_WELL = frozenset({Verdict.DONE, Verdict.ALREADY})
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def classify_reply(operation: Operation, reply: Reply, *, expected: bool) -> Verdict:
    """Classify a reply.

    `expected`: "it is so already" counts as success, because an earlier attempt may have done it or
    because the submitter accepts it. An unknown code is refused.
    """
    spec = operation.spec
    if reply.http == HTTPStatus.TOO_MANY_REQUESTS:
        return Verdict.THROTTLED
    if reply.http >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.http in _PASSING:
        return _again(operation)
    if (special := operation.judged(reply)) is not None:
        return special
    if reply.code is None:
        return _again(operation)
    if reply.code in spec.done:
        items = item_results(operation, reply.result)
        return _together(operation, items, expected=expected) if items else Verdict.DONE
    return _judge_code(operation, reply.code, expected=expected)


def classify_item(operation: Operation, item: ItemResult, *, expected: bool) -> Verdict:
    """Classify the result of one item."""
    if item.code in operation.spec.done:
        return Verdict.DONE
    return _judge_code(operation, item.code, expected=expected)


def _judge_code(operation: Operation, number: int | None, *, expected: bool) -> Verdict:
    spec = operation.spec
    if is_already(operation, number):
        return Verdict.ALREADY if expected else Verdict.REFUSED
    if number in spec.partial:
        return Verdict.PARTIAL
    code = Code.known(number)
    verdict = code.verdict if code is not None else Verdict.REFUSED
    if verdict is Verdict.REFUSED and expected and _silent_on_repeats(operation):
        return Verdict.AMBIGUOUS
    return _again(operation) if verdict is Verdict.RETRY else verdict


def _silent_on_repeats(operation: Operation) -> bool:
    """Return whether the reply to a repeat is undocumented: any refusal may be that reply."""
    return operation.spec.idempotency is Idempotency.KEYED and not operation.spec.already


def _together(operation: Operation, items: Sequence[ItemResult], *, expected: bool) -> Verdict:
    """Classify a bulk operation by its items: all, some or none succeeded."""
    verdicts = {classify_item(operation, item, expected=expected) for item in items}
    if verdicts <= _WELL:
        return Verdict.DONE
    if verdicts & {*_WELL, Verdict.PARTIAL} or len(verdicts) > 1:
        return Verdict.PARTIAL
    return verdicts.pop()


def is_already(operation: Operation, code: int | None) -> bool:
    """Return whether a code says "it is so already" for these fields."""
    known = Code.known(code)
    if known is None or known not in operation.spec.already:
        return False
    conditions = operation.spec.already[known]
    return all(getattr(operation, name) == value for name, value in conditions.items())


def minds_repeats(spec: Spec) -> bool:
    """Return whether an earlier attempt changes how a reply is classified."""
    return spec.idempotency in {Idempotency.UNSAFE, Idempotency.KEYED} or bool(spec.already)


def judge_accident(operation: Operation, accident: NoReplyError) -> Verdict:
    """Classify an attempt without a reply."""
    return Verdict.RETRY if isinstance(accident, NotSentError) else _again(operation)


def _again(operation: Operation) -> Verdict:
    """Retry, unless the request may have been carried out and a repeat would double it."""
    return Verdict.AMBIGUOUS if operation.spec.idempotency is Idempotency.UNSAFE else Verdict.RETRY
