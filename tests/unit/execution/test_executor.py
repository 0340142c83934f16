"""Carrying one operation out: the stories of what ClassIn may answer."""

from dataclasses import replace

import pytest

from tests.unit.stage import SCHOOL, Act, Stage, said
from worker.classin.operation import Operation
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.cloud import CreateFolder, RenameFolder
from worker.classin.operations.courses import EditCourse
from worker.classin.response import Reply
from worker.classin.verdicts import Verdict
from worker.errors import NotSentError, ReplyLostError
from worker.ledger.states import Reason, State

FOLDER = CreateFolder(folder_id=747759, folder_name="tools")
RENAME = RenameFolder(folder_id=747759, folder_name="hello")
COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
UNIT = CreateUnit(course_id=414193, name="Create Unit", publish_flag=Publication.PUBLISHED)

UNKNOWN_ERROR = said(104, "unknown error")
TIMEOUT = ReplyLostError("no reply in time")
REFUSED_CONNECTION = NotSentError("no connection: refused, or no such host")


def test_a_folder_is_created_at_the_first_attempt(stage: Stage) -> None:
    """One request, and the record holds what came back."""
    folder = stage.submit(FOLDER)
    started = stage.clock.ms

    classin = stage.perform(folder, said(1, "ok", data=123456))

    record = stage.ledger.find(folder)
    assert record.state is State.SUCCEEDED
    assert (record.code, record.message, record.result) == (1, "ok", {"data": 123456})
    assert (record.already, record.reason) == (False, None)
    (attempt,) = record.attempts
    assert (attempt.n, attempt.at, attempt.http, attempt.code) == (1, started, 200, 1)
    assert attempt.verdict is Verdict.DONE
    assert classin.sent[0].target == "/partner/api/cloud.api.php?action=createFolder"


@pytest.mark.parametrize("operation", [FOLDER, UNIT])
def test_each_attempt_is_signed_with_its_own_time(stage: Stage, operation: Operation) -> None:
    """Two unknown errors and a success are three attempts, seconds apart."""
    stage.patience = replace(stage.patience, first_wait=60, longest_wait=60)
    record_id = stage.submit(operation)

    classin = stage.perform(record_id, UNKNOWN_ERROR, UNKNOWN_ERROR, said(1))

    record = stage.ledger.find(record_id)
    assert record.state is State.SUCCEEDED
    assert [attempt.code for attempt in record.attempts] == [104, 104, 1]
    assert [attempt.n for attempt in record.attempts] == [1, 2, 3]
    assert classin.timestamps() == [str(attempt.at // 1000) for attempt in record.attempts]
    assert len(set(classin.timestamps())) == 3


def test_an_unknown_error_that_stays_ends_exhausted(stage: Stage) -> None:
    """Deferred again and again, then failed when its time is up."""
    folder = stage.submit(FOLDER)
    submitted = stage.clock()

    classin = stage.perform(folder, UNKNOWN_ERROR)

    record = stage.ledger.find(folder)
    assert len(classin.sent) == len(record.attempts) == 4
    assert (record.state, record.deferrals) == (State.DEFERRED, 1)
    assert stage.seconds_until_due(folder) == 60

    record = stage.carry_on(folder, UNKNOWN_ERROR)

    assert (record.state, record.reason) == (State.FAILED, Reason.EXHAUSTED)
    assert (record.code, record.message) == (104, "unknown error")
    assert 86400 <= stage.clock() - submitted < 86400 + 60
    assert [attempt.n for attempt in record.attempts] == list(range(1, len(record.attempts) + 1))


def test_the_waits_between_deliveries_grow(stage: Stage) -> None:
    """The last of them repeats, and none goes beyond the end of patience."""
    stage.patience = replace(stage.patience, attempts=1, defer_delays=(10, 20), give_up_after=65)
    folder, waits = stage.submit(FOLDER), []
    stage.perform(folder, UNKNOWN_ERROR)
    while not stage.ledger.find(folder).state.settled:
        waits.append(stage.seconds_until_due(folder))
        stage.clock.forward(waits[-1])
        stage.perform(folder, UNKNOWN_ERROR)
    assert waits == [10, 20, 20, 15]
    assert stage.ledger.find(folder).reason is Reason.EXHAUSTED


@pytest.mark.parametrize(
    ("operation", "code"), [(FOLDER, 193), (COURSE, 144), (UNIT, 147), (FOLDER, 206), (UNIT, 29208)]
)
def test_a_refusal_is_final(stage: Stage, operation: Operation, code: int) -> None:
    """One attempt; also where a name was taken before we came."""
    record_id = stage.submit(operation)
    classin = stage.perform(record_id, said(code, "no"))
    record = stage.ledger.find(record_id)
    assert (record.state, record.reason, record.code) == (State.FAILED, Reason.REFUSED, code)
    assert len(classin.sent) == len(record.attempts) == 1
    assert stage.clock.waits == []


def test_a_code_that_nobody_listed_is_a_refusal(stage: Stage) -> None:
    """What it means is unknown, so it is not repeated."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(987654, "what?"))
    record = stage.ledger.find(folder)
    assert (record.state, record.reason, record.code) == (State.FAILED, Reason.REFUSED, 987654)


@pytest.mark.parametrize("unread", [TIMEOUT, UNKNOWN_ERROR, said(None), said(1, http=502)])
def test_so_already_after_an_unread_attempt_is_success(stage: Stage, unread: Act) -> None:
    """The first attempt may have made the folder; the id comes back with the second."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, unread, said(206, "exists", data=123456))
    record = stage.ledger.find(folder)
    assert (record.state, record.already, record.code) == (State.SUCCEEDED, True, 206)
    assert record.result == {"data": 123456}
    assert [attempt.verdict for attempt in record.attempts] == [Verdict.RETRY, Verdict.ALREADY]


def test_a_doubt_is_remembered_across_deliveries(stage: Stage) -> None:
    """An hour of refused connections later the folder is still our own."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, TIMEOUT, REFUSED_CONNECTION)
    stage.clock.forward(stage.seconds_until_due(folder))
    stage.perform(folder, said(206))
    assert stage.ledger.find(folder).already is True


@pytest.mark.parametrize(
    "harmless", [REFUSED_CONNECTION, said(None, http=429), said(901), said(102), said(460)]
)
def test_an_attempt_that_did_nothing_explains_no_so_already(stage: Stage, harmless: Act) -> None:
    """It was not us who took the name."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, harmless, said(206))
    if not stage.ledger.find(folder).state.settled:
        stage.clock.forward(stage.seconds_until_due(folder))
        stage.perform(folder, said(206))
    record = stage.ledger.find(folder)
    assert (record.state, record.reason, record.code) == (State.FAILED, Reason.REFUSED, 206)


def test_what_exists_is_accepted_where_the_submitter_said_so(stage: Stage) -> None:
    """Even at the first attempt."""
    folder = stage.submit(FOLDER, accepts_existing=True)
    stage.perform(folder, said(206, "exists", data=123456))
    record = stage.ledger.find(folder)
    assert (record.state, record.already) == (State.SUCCEEDED, True)


def test_a_folder_that_has_its_name_already_is_renamed(stage: Stage) -> None:
    """The id that comes with 206 is its own."""
    rename = stage.submit(RENAME)
    stage.perform(rename, said(206, data="747759"))
    record = stage.ledger.find(rename)
    assert (record.state, record.already) == (State.SUCCEEDED, False)


def test_a_locked_out_school_is_signed_anew_once(stage: Stage) -> None:
    """Then the record waits until somebody is let in, with all others of its school."""
    course, folder = stage.submit(COURSE), stage.submit(FOLDER)
    classin = stage.perform(course, said(102, "no permission"))
    record = stage.ledger.find(course)
    assert len(classin.sent) == 2
    assert [attempt.verdict for attempt in record.attempts] == [Verdict.LOCKED_OUT] * 2
    assert (record.state, record.code, record.unread) == (State.QUEUED, 102, False)
    assert stage.perform(folder, said(1)).sent == []

    (closure,) = stage.ledger.school_pauses()
    assert (closure.code, closure.parked) == (102, 2)
    stage.clock.forward(stage.patience.probe_intervals[0])
    stage.perform(folder, said(1))

    assert stage.ledger.school_pauses() == []
    stage.perform(course, said(1))
    assert stage.ledger.find(course).state is State.SUCCEEDED


def test_maintenance_holds_a_school_until_a_look_finds_it_over(stage: Stage) -> None:
    """Nothing else of it is sent meanwhile; there is no end to a school's patience."""
    folder, course = stage.submit(FOLDER), stage.submit(COURSE)
    for look in stage.patience.probe_intervals[:3]:
        assert len(stage.perform(folder, said(901)).sent) == 1
        assert stage.perform(course, said(1)).sent == []
        assert stage.seconds_until_due(folder) == look
        stage.clock.forward(look)
    stage.perform(folder, said(1))
    stage.perform(course, said(1))
    assert {each.state for each in stage.ledger.find_all([folder, course])} == {State.SUCCEEDED}


@pytest.mark.parametrize("code", [102, 101002005, 101002006])
def test_signing_anew_may_be_all_it_takes(stage: Stage, code: int) -> None:
    """The moment of signing was at fault."""
    unit = stage.submit(UNIT)
    stage.perform(unit, said(code), said(1))
    assert stage.ledger.find(unit).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (said(460), 5),
        (said(101003002), 5),
        (said(None, http=429), 5),
        (said(None, http=429, retry_after=120), 120),
        (said(None, http=429, retry_after=1), 5),
    ],
)
def test_throttling_waits_and_spends_no_deferral(stage: Stage, reply: Act, seconds: float) -> None:
    """As long as ClassIn says, and at least the usual; later waits grow none for it."""
    folder = stage.submit(FOLDER)
    for _ in range(3):
        assert len(stage.perform(folder, reply).sent) == 1
        record = stage.ledger.find(folder)
        assert (record.state, record.deferrals) == (State.DEFERRED, 0)
        assert stage.seconds_until_due(folder) == seconds
        stage.clock.forward(seconds)
    stage.perform(folder, said(1))
    assert stage.ledger.find(folder).state is State.SUCCEEDED


@pytest.mark.parametrize("code", [901, 253, 800])
def test_what_passes_later_is_not_pressed(stage: Stage, code: int) -> None:
    """One attempt for each delivery."""
    course = stage.submit(COURSE)
    assert len(stage.perform(course, said(code)).sent) == 1
    assert stage.ledger.find(course).state is State.DEFERRED
    assert stage.seconds_until_due(course) == 60


def test_what_could_be_done_twice_is_left_to_a_person(
    stage: Stage, ring_bell: type[Operation]
) -> None:
    """After an unread reply nothing is sent again; where none was sent, it is."""
    unread, unsent = stage.submit(ring_bell()), stage.submit(ring_bell())
    assert len(stage.perform(unread, TIMEOUT).sent) == 1
    assert stage.ledger.find(unread).state is State.UNCERTAIN
    stage.perform(unsent, REFUSED_CONNECTION, said(1))
    assert stage.ledger.find(unsent).state is State.SUCCEEDED


def test_what_is_partly_done_says_so(stage: Stage, ring_bell: type[Operation]) -> None:
    """The main thing stands, with what came back."""
    bell = stage.submit(ring_bell())
    stage.perform(bell, said(103, "no picture", data=5))
    record = stage.ledger.find(bell)
    assert (record.state, record.code, record.result) == (State.PARTIAL, 103, {"data": 5})


def test_a_silent_reply_gets_our_words(stage: Stage) -> None:
    """A code without a message is still explained in the record."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(193))
    assert stage.ledger.find(folder).message == "the folder does not exist"


def test_an_attempt_says_how_long_it_took(stage: Stage) -> None:
    """From signing to the end of the reply."""
    folder = stage.submit(FOLDER)

    def slow() -> Reply:
        stage.clock.forward(2.5)
        return said(1)

    stage.perform(folder, slow)
    assert stage.ledger.find(folder).attempts[0].ms == 2500


def test_nothing_secret_gets_into_the_record(stage: Stage) -> None:
    """Neither the secret nor any proof."""
    folder, unit = stage.submit(FOLDER), stage.submit(UNIT)
    forms = stage.perform(folder, TIMEOUT, said(193, "no")).sent
    bodies = stage.perform(unit, TIMEOUT, said(147, "no")).sent
    proofs = {(request.form or {})["safeKey"] for request in forms}
    proofs |= {request.headers["X-EEO-SIGN"] for request in bodies}
    for record_id in (folder, unit):
        record = stage.ledger.find(record_id)
        shown = f"{record!r} {record.to_dict()} {dict(record.fields)}"
        assert [secret for secret in {*proofs, SCHOOL.secret} if secret in shown] == []
