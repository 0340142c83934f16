"""Long texts, which ClassIn may count by bytes or by characters when it checks a signature."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from tests.unit.stage import SCHOOL, ClassIn, Stage, said
from worker.classin.endpoint import ApiVersion
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.request import Request
from worker.classin.response import Reply
from worker.classin.signing import Counting, signature
from worker.classin.verdicts import Verdict
from worker.execution.http_client import Stream
from worker.ledger.states import State
from worker.runtime.dispatcher import QueuedRecord

WRONG_SIGNATURE = said(101002005, "signature exception")


@dataclass
class Checking(ClassIn):
    """A ClassIn that checks signatures, and counts long texts in one way."""

    counting: Counting = Counting.BYTES
    script: list[object] = field(default_factory=list)  # type: ignore[assignment]  # none is played

    def send(self, request: Request, dialect: ApiVersion, streams: Mapping[str, Stream]) -> Reply:
        """Take one request, if it is signed as it should be."""
        del dialect, streams
        self.sent.append(request)
        proof, body = request.headers, json.loads(request.body or b"{}")
        expected = signature(body, SCHOOL.sid, SCHOOL.secret, int(proof["X-EEO-TS"]), self.counting)
        return said(1) if proof["X-EEO-SIGN"] == expected else WRONG_SIGNATURE


def unit(content: str) -> CreateUnit:
    """A unit with an introduction."""
    return CreateUnit(
        course_id=414193, name="Create Unit", publish_flag=Publication.PUBLISHED, content=content
    )


def carry_out(stage: Stage, classin: ClassIn, *contents: str) -> list[str]:
    """Let one worker create units with these introductions, one after the other: the ids."""
    dispatch, ids = stage.dispatch(classin), []
    for content in contents:
        ids.append(stage.submit(unit(content)))
        stage.deliver(dispatch, QueuedRecord(ids[-1]))
    return ids


MORE_BYTES, AS_MANY_BYTES = "长" * 400, "x" * 1024


@pytest.mark.parametrize(
    ("content", "counting", "requests"),
    [
        (MORE_BYTES, Counting.BYTES, 1),
        (MORE_BYTES, Counting.CHARACTERS, 2),
        (MORE_BYTES, Counting.FEWER_BYTES, 1),
        (AS_MANY_BYTES, Counting.BYTES, 1),
        (AS_MANY_BYTES, Counting.CHARACTERS, 1),
        (AS_MANY_BYTES, Counting.FEWER_BYTES, 2),
        ("长" * 1025, Counting.CHARACTERS, 1),
    ],
)
def test_a_long_text_arrives_however_the_service_counts(
    content: str, counting: Counting, requests: int, stage: Stage
) -> None:
    """Signed by bytes first, and once the other way if that is refused."""
    classin = Checking(counting=counting)

    (record_id,) = carry_out(stage, classin, content)

    record = stage.ledger.find(record_id)
    assert (record.state, record.unread, len(classin.sent)) == (State.SUCCEEDED, False, requests)
    verdicts = [attempt.verdict for attempt in record.attempts]
    assert verdicts == [*[Verdict.MISSIGNED] * (requests - 1), Verdict.DONE]
    assert stage.ledger.school_pauses() == []


def test_the_way_the_service_counts_is_remembered(stage: Stage) -> None:
    """Only the first long text is signed twice."""
    classin = Checking(counting=Counting.CHARACTERS)

    ids = carry_out(stage, classin, MORE_BYTES, MORE_BYTES, "short", AS_MANY_BYTES)

    records = [stage.ledger.find(each) for each in ids]
    assert [len(record.attempts) for record in records] == [2, 1, 1, 1]
    assert {record.state for record in records} == {State.SUCCEEDED}


def test_a_long_text_refused_in_both_ways_closes_no_school(stage: Stage) -> None:
    """It is put off, and the record says why; what has no long text closes the school as ever."""
    classin = ClassIn([WRONG_SIGNATURE])

    long, short = carry_out(stage, classin, MORE_BYTES, "short")

    record = stage.ledger.find(long)
    assert (record.state, record.code) == (State.DEFERRED, 101002005)
    assert [attempt.verdict for attempt in record.attempts] == [Verdict.MISSIGNED] * 2
    assert (record.message or "").startswith("signature exception; a text of 1,024 bytes or more")
    signs = {request.headers["X-EEO-SIGN"] for request in classin.sent[:2]}
    assert len(signs) == 2
    assert [closure.code for closure in stage.ledger.school_pauses()] == [101002005]
    assert stage.ledger.find(short).state is State.QUEUED


def test_a_long_text_alone_never_closes_its_school(stage: Stage) -> None:
    """Though every attempt of it is refused."""
    carry_out(stage, ClassIn([WRONG_SIGNATURE]), MORE_BYTES, MORE_BYTES)

    assert stage.ledger.school_pauses() == []


def test_the_other_way_comes_next_where_one_attempt_is_all_there_is(stage: Stage) -> None:
    """In the next delivery, though there only."""
    stage.patience = replace(stage.patience, attempts=1)
    classin = Checking(counting=Counting.CHARACTERS)
    dispatch = stage.dispatch(classin)
    record_id = stage.submit(unit(MORE_BYTES))

    stage.deliver(dispatch, QueuedRecord(record_id))
    assert stage.ledger.find(record_id).state is State.DEFERRED
    stage.clock.forward(stage.seconds_until_due(record_id))
    stage.deliver(dispatch, QueuedRecord(record_id))

    assert stage.ledger.find(record_id).state is State.SUCCEEDED
    assert len(classin.sent) == 2
