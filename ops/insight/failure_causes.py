"""Failures grouped by cause, with the meaning and the remedy of each."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from worker.classin.codes import Code
from worker.classin.remedies import Remedy
from worker.classin.verdicts import Verdict
from worker.ledger.hourly_stats import Ending
from worker.ledger.states import Reason, State

#: States in which a person has something to do.
FAILURES = frozenset({State.FAILED, State.PARTIAL, State.UNCERTAIN})


#: The remedy of expired operations.
AFTER_EXPIRY = (
    "Raise CLASSIN_PACE, if ClassIn allows it, or CLASSIN_GIVE_UP_AFTER; then `classin retry`."
)


class Cause(NamedTuple):
    """What failed operations have in common."""

    state: State
    reason: Reason | None
    code: int | None


@dataclass(frozen=True, slots=True)
class Failures:
    """The failed operations of one cause."""

    cause: Cause
    #: By operation.
    of: Counter[str]

    @property
    def number(self) -> int:
        """Return their number."""
        return self.of.total()

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "number": self.number,
            "state": self.cause.state.value,
            "reason": self.cause.reason.value if self.cause.reason else None,
            "code": self.cause.code,
            "means": meaning(self.cause),
            "todo": todo(self.cause),
            "operations": dict(self.of.most_common()),
        }


def failures(settled: Mapping[Ending, int]) -> list[Failures]:
    """Group failures by cause, the most frequent first."""
    groups: dict[Cause, Counter[str]] = {}
    for ending, number in settled.items():
        if ending.state in FAILURES:
            cause = Cause(ending.state, ending.reason, ending.code)
            groups.setdefault(cause, Counter())[ending.operation] += number
    found = [Failures(cause, of) for cause, of in groups.items()]
    return sorted(found, key=lambda each: (-each.number, str(each.cause)))


def number_of_failures(settled: Iterable[tuple[Ending, int]]) -> int:
    """Return the number of failures."""
    return sum(number for ending, number in settled if ending.state in FAILURES)


def meaning(cause: Cause) -> str:
    """Return what happened, by ClassIn's code if there is one."""
    match cause.reason:
        case Reason.DEPENDENCY:
            return "another one, which it waited for, did not succeed"
        case Reason.POISON:
            doubt = "; it may have been done" if cause.state is State.UNCERTAIN else ""
            return f"workers died while they had it{doubt}"
        case Reason.EXPIRED:
            return "it was never sent: its turn, by its pace, did not come in time"
        case Reason.DECIDED:
            return "a person found that it was not done"
        case Reason.REFUSED | Reason.EXHAUSTED | None:
            pass
    if cause.state is State.PARTIAL and cause.code == Code.OK:
        return "some of its items failed"
    if cause.code is None:
        refused = cause.reason is Reason.REFUSED
        return "its fields were refused before it was sent" if refused else "no reply"
    code = Code.known(cause.code)
    return code.phrase if code else "a code that is not listed"


def todo(cause: Cause) -> str:
    """Return what a person does about it."""
    match cause.state, cause.reason:
        case State.PARTIAL, _:
            return "Submit the rest: `classin retry ID`, or with --mend; `classin show ID` says."
        case State.UNCERTAIN, Reason.POISON:
            return "Read the workers' logs, look in ClassIn, then `classin settle` each."
        case State.UNCERTAIN, _:
            return Remedy.LOOK.value
        case _, Reason.DEPENDENCY:
            return "Mend those first, then `classin retry` these."
        case _, Reason.POISON:
            return "Read the workers' logs before they are tried again."
        case _, Reason.EXPIRED | Reason.DECIDED as reason:
            return AFTER_EXPIRY if reason is Reason.EXPIRED else Remedy.RESUBMIT.value
    code = Code.known(cause.code)
    if cause.reason is Reason.EXHAUSTED and not _is_lasting(code):
        return Remedy.RESUBMIT.value
    return code.remedy.value if code else Remedy.CHANGE.value


def _is_lasting(code: Code | None) -> bool:
    """Return whether the code's cause persists until somebody acts."""
    return code is not None and code.verdict in {Verdict.LOCKED_OUT, Verdict.CLOCK_SKEW}
