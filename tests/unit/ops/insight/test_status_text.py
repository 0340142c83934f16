"""A record in words."""

from typing import Any

import pytest

from ops.insight.status_text import status_text
from tests.tables import for_each
from worker.classin.codes import Code
from worker.classin.remedies import Remedy
from worker.classin.verdicts import Verdict
from worker.ledger.record import Attempt, Record
from worker.ledger.states import Reason, State

#: Remedies that say that something still happens by itself.
STILL = {Remedy.WAIT.value, Remedy.SLOW_DOWN.value, Remedy.NOTHING_YET.value}


def record(state: State, attempts: int = 1, **more: Any) -> Record:  # noqa: ANN401
    """A record that stands there."""
    noted = tuple(Attempt(n, 0, 5, 200, 104, "", Verdict.RETRY) for n in range(1, attempts + 1))
    return Record(
        id="a",
        operation="edit_course",
        school="main",
        fields={},
        state=state,
        sequence=1,
        enqueued_at=0,
        attempts=noted,
        **more,
    )


@pytest.mark.parametrize(
    ("told", "meaning", "todo"),
    [
        (record(State.QUEUED), "It waits for a worker.", "Nothing, if one runs"),
        (
            record(State.QUEUED, code=102),
            "It did not pass yet (102, SID, safeKey or time was not accepted",
            "Check SID and secret",
        ),
        (record(State.BLOCKED), "It waits for others.", "Nothing: wait for it."),
        (record(State.RUNNING), "A worker is at it.", "Nothing: wait for it."),
        (record(State.SUCCEEDED, code=1), "ClassIn has it.", "Nothing: this is done."),
        (
            record(State.SUCCEEDED, code=206, already=True),
            "ClassIn has it. It was so already.",
            "Nothing: this is done.",
        ),
        (
            record(State.DEFERRED, code=104),
            "It did not pass yet (104, unknown error) and is tried again by itself.",
            "Nothing: it is tried again by itself.",
        ),
        (
            record(State.DEFERRED, message="no reply in time"),
            "It did not pass yet (no reply in time) and is tried again by itself.",
            "Nothing: it is tried again by itself.",
        ),
        (
            record(State.DEFERRED, code=102),
            "It did not pass yet (102, SID, safeKey or time was not accepted",
            "Check SID and secret",
        ),
        (
            record(State.PARTIAL, code=103),
            "The main thing is done, a part is not: 103, the picture could not be stored.",
            "Look in ClassIn which part is there",
        ),
        (
            record(State.UNCERTAIN, message="no reply in time"),
            "Perhaps it was done: no reply in time. Doing it again could do it twice.",
            "Look in ClassIn, then say which: `classin settle a --succeeded`",
        ),
        (
            record(
                State.UNCERTAIN, reason=Reason.POISON, code=104, message="3 workers fell silent"
            ),
            "Perhaps it was done, and it may be what kills workers: 3 workers fell silent.",
            "Read the workers' logs and look in ClassIn, then say which: `classin settle a",
        ),
        (
            record(State.FAILED, reason=Reason.POISON, code=104, message="3 workers fell silent"),
            "It may be what kills workers: 3 workers fell silent.",
            "Read the workers' logs",
        ),
        (
            record(State.FAILED, reason=Reason.DECIDED, decided="no lesson there"),
            "It was uncertain, and a person found that it was not done: no lesson there.",
            "Retry it",
        ),
        (
            record(State.SUCCEEDED, decided="seen in ClassIn"),
            "ClassIn has it. It was uncertain, and a person found it done: seen in ClassIn.",
            "Nothing: this is done",
        ),
        (
            record(State.FAILED, reason=Reason.REFUSED, code=144),
            "ClassIn refused it: 144, the institution has no such course.",
            "Check the id",
        ),
        (
            record(State.FAILED, reason=Reason.REFUSED, code=987654, message="what?"),
            "ClassIn refused it: 987654, a code that is not listed: what?.",
            "Correct the field",
        ),
        (
            record(State.FAILED, 0, reason=Reason.REFUSED, message="courseId: is required"),
            "It was refused before sending: courseId: is required.",
            "Correct the field",
        ),
        (
            record(State.FAILED, 8, reason=Reason.EXHAUSTED, code=104),
            "Its time is up after 8 attempts: 104, unknown error.",
            "When ClassIn is well again, submit the operation anew.",
        ),
        (
            record(State.FAILED, 8, reason=Reason.EXHAUSTED, code=102),
            "Its time is up after 8 attempts: 102, SID",
            "Check SID and secret",
        ),
        (
            record(State.FAILED, 0, reason=Reason.DEPENDENCY),
            "Another one did not succeed",
            "Mend that one first",
        ),
        (
            record(State.FAILED, 0, reason=Reason.EXPIRED),
            "It was never sent: its turn",
            "Raise CLASSIN_PACE",
        ),
        (record(State.CANCELLED), "It was called off before it was done.", "Nothing: this is"),
    ],
)
def test_a_record_is_told_in_words(told: Record, meaning: str, todo: str) -> None:
    """What its state means, and what a person does about it."""
    said = status_text(told)
    assert said.meaning.startswith(meaning)
    assert said.todo.startswith(todo)


@for_each("code", [None, *Code])
def test_nobody_is_told_to_wait_for_what_is_given_up(code: Code | None) -> None:
    """Nothing more happens to it by itself."""
    assert status_text(record(State.FAILED, reason=Reason.EXHAUSTED, code=code)).todo not in STILL


@for_each("code", [None, *Code])
@for_each("state", State)
def test_every_record_has_a_meaning_and_a_remedy(state: State, code: Code | None) -> None:
    """Whole sentences, in every state, with every code."""
    said = status_text(record(state, code=code))
    assert said.meaning.endswith(".")
    assert said.todo.endswith(".")
