"""From a reply, or the lack of one, to a verdict: pure."""

from http import HTTPStatus

from worker.classin.codes import Code
from worker.classin.errors import Accident, NotSent
from worker.classin.operation import Operation, Repeat
from worker.classin.reply import Reply
from worker.classin.verdicts import Verdict

_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def judge(operation: Operation, reply: Reply, *, expected: bool) -> Verdict:
    """Judge what ClassIn said.

    `expected`: "it is so already" is no surprise, because an earlier attempt may have done it, or
    because the submitter accepts it. A code that the table lacks is refused.
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
        return Verdict.DONE
    if reply.code in spec.already:
        return Verdict.ALREADY if expected else Verdict.REFUSED
    if reply.code in spec.partly:
        return Verdict.PARTLY
    code = Code.known(reply.code)
    verdict = code.verdict if code is not None else Verdict.REFUSED
    return _again(operation) if verdict is Verdict.AGAIN else verdict


def judge_accident(operation: Operation, accident: Accident) -> Verdict:
    """Judge an attempt that brought no reply."""
    return Verdict.AGAIN if isinstance(accident, NotSent) else _again(operation)


def _again(operation: Operation) -> Verdict:
    """Repeat, unless the first may have been carried out and the second would double it."""
    return Verdict.UNSURE if operation.spec.repeat is Repeat.HARMFUL else Verdict.AGAIN
