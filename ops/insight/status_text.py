"""A record's status as text: what its state means, and what to do about it."""

from dataclasses import dataclass

from ops.insight.failure_causes import AFTER_EXPIRY
from producers.retry.rebuild import again, mending
from worker.classin.codes import Code
from worker.classin.remedies import Remedy
from worker.classin.verdicts import Verdict
from worker.errors import ValidationError
from worker.ledger.record import Record
from worker.ledger.states import Reason, State


@dataclass(frozen=True, slots=True)
class StatusText:
    """What became of a record, and what to do."""

    meaning: str
    todo: str


def status_text(record: Record) -> StatusText:
    """Return what the record's state means and what to do, one sentence each."""
    match record.state:
        case State.QUEUED | State.BLOCKED | State.RUNNING | State.DEFERRED:
            return _under_way(record)
        case State.SUCCEEDED:
            already = " It was so already." if record.already else ""
            if record.decided is not None:
                already = f" It was uncertain, and a person found it done: {record.decided}."
            return StatusText(f"ClassIn has it.{already}", Remedy.NOTHING.value)
        case State.PARTIAL:
            return _partial(record)
        case State.FAILED:
            return _failed(record)
        case State.UNCERTAIN:
            return _uncertain(record)
        case State.CANCELLED:
            return StatusText("It was called off before it was done.", Remedy.NOTHING.value)


def _under_way(record: Record) -> StatusText:
    if record.state is State.BLOCKED:
        return StatusText("It waits for others.", Remedy.NOTHING_YET.value)
    if record.state is State.RUNNING:
        return StatusText("A worker is at it.", Remedy.NOTHING_YET.value)
    if record.quiet or (record.paced and not record.attempts):
        return StatusText("It waits for its turn.", Remedy.NOTHING_YET.value)
    if record.state is State.DEFERRED or record.code is not None:
        return StatusText(
            f"It did not pass yet ({_why(record)}) and is tried again by itself.",
            _remedy(record, Remedy.WAIT),
        )
    return StatusText("It waits for a worker.", "Nothing, if one runs: `classin doctor` looks.")


def _partial(record: Record) -> StatusText:
    """Name the command that completes a partial result, if there is one."""
    meaning = f"The main thing is done, a part is not: {_why(record)}."
    if record.code == Code.OK:
        meaning = "Some of its items failed, the others are done."
    for mend in (False, True):
        try:
            _ = mending(record) if mend else again(record)
        except ValidationError:
            continue
        todo = f"Submit the rest: `classin retry {record.id}{' --mend' if mend else ''}`."
        return StatusText(meaning, todo)
    return StatusText(meaning, Remedy.LOOK.value)


def _uncertain(record: Record) -> StatusText:
    say = f"then say which: `classin settle {record.id} --succeeded` or `--failed`."
    if record.reason is Reason.POISON:
        return StatusText(
            f"Perhaps it was done, and it may be what kills workers: {record.message}.",
            f"Read the workers' logs and look in ClassIn, {say}",
        )
    return StatusText(
        f"Perhaps it was done: {_why(record)}. Doing it again could do it twice.",
        f"Look in ClassIn, {say}",
    )


def _failed(record: Record) -> StatusText:
    match record.reason:
        case Reason.EXHAUSTED:
            return StatusText(
                f"Its time is up after {len(record.attempts)} attempts: {_why(record)}.",
                _lasting_remedy(record),
            )
        case Reason.DEPENDENCY:
            return StatusText(
                f"Another one did not succeed: {_why(record)}.",
                "Mend that one first, then `classin retry` this one.",
            )
        case Reason.POISON:
            return StatusText(
                f"It may be what kills workers: {record.message}.",
                "Read the workers' logs before it is tried again.",
            )
        case Reason.DECIDED:
            return StatusText(
                f"It was uncertain, and a person found that it was not done: {record.decided}.",
                "Retry it, if it is wanted still.",
            )
        case Reason.EXPIRED:
            return StatusText(
                "It was never sent: its turn, by its pace, did not come in time.", AFTER_EXPIRY
            )
        case Reason.REFUSED | None:
            who = "ClassIn refused it" if record.attempts else "It was refused before sending"
            return StatusText(f"{who}: {_why(record)}.", _remedy(record, Remedy.CHANGE))


def _why(record: Record) -> str:
    """Return the last code with its meaning, or what happened instead of a reply."""
    if record.code is None:
        return record.message or "no reply"
    code = Code.known(record.code)
    return (
        f"{record.code}, {code.phrase if code else f'a code that is not listed: {record.message}'}"
    )


def _lasting_remedy(record: Record) -> str:
    """Return the remedy of a persistent cause; otherwise submit anew."""
    code = Code.known(record.code)
    lasting = code is not None and code.verdict in {Verdict.LOCKED_OUT, Verdict.CLOCK_SKEW}
    return _remedy(record, Remedy.RESUBMIT) if lasting else Remedy.RESUBMIT.value


def _remedy(record: Record, otherwise: Remedy) -> str:
    """Return the code's remedy if it says more than the verdict."""
    code = Code.known(record.code)
    if code is None or code.verdict is Verdict.RETRY:
        return otherwise.value
    return code.remedy.value
