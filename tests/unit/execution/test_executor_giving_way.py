"""Carrying one operation out: when it gives way to others, or is called off."""

from dataclasses import replace

import pytest

from tests.unit.stage import SCHOOL, Act, Stage, said
from worker.classin.operations.cloud import CreateFolder
from worker.classin.operations.courses import EditCourse
from worker.classin.response import Reply
from worker.errors import NotSentError
from worker.ledger.states import Reason, State
from worker.ledger.types import ReadyRecord
from worker.runtime.dispatcher import IN_A_ROW
from worker.runtime.fair_share import FairShare

FOLDER = CreateFolder(folder_id=747759, folder_name="tools")
COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
REFUSED_CONNECTION = NotSentError("no connection: refused, or no such host")


def stopped(stage: Stage, act: Act) -> Act:
    """Let the worker be asked to end while it waits for this reply."""

    def reply() -> Reply:
        stage.stopping.set()
        if isinstance(act, Reply):
            return act
        raise act  # type: ignore[misc]  # the other acts here are accidents

    return reply


@pytest.mark.parametrize("act", [said(104), said(102), REFUSED_CONNECTION])
def test_a_worker_that_is_to_end_gives_back_what_another_attempt_might_do(
    stage: Stage, act: Act
) -> None:
    """At once, so that another worker goes on where this one stopped."""
    course = stage.submit(COURSE)
    assert len(stage.perform(course, stopped(stage, act)).sent) == 1
    record = stage.ledger.find(course)
    assert (record.state, record.deferrals, len(record.attempts)) == (State.QUEUED, 0, 1)
    assert stage.published == [ReadyRecord(course, "edit_course")]
    assert stage.ledger.school_pauses() == []

    stage.stopping.clear()
    stage.perform(course, said(1))
    assert [each.n for each in stage.ledger.find(course).attempts] == [1, 2]


@pytest.mark.parametrize(
    ("reply", "state"), [(said(1), State.SUCCEEDED), (said(253), State.DEFERRED)]
)
def test_a_worker_that_is_to_end_notes_what_is_decided(
    stage: Stage, reply: Reply, state: State
) -> None:
    """Its last attempt ends as any other."""
    course = stage.submit(COURSE)
    stage.perform(course, stopped(stage, reply))
    assert stage.ledger.find(course).state is state
    assert stage.published == []


def test_a_worker_that_is_to_end_begins_nothing(stage: Stage) -> None:
    """A message that it still got is sent anew."""
    course = stage.submit(COURSE)
    stage.stopping.set()
    assert stage.perform(course, said(1)).sent == []
    assert stage.ledger.find(course).started_at is None
    assert [due.id for due in stage.published] == [course]


def test_what_has_not_begun_when_the_worker_is_to_end_is_given_back(stage: Stage) -> None:
    """It waited for its pace; what was said before is not forgotten."""
    stage.ledger.set_paces({"main edit_course": 1200})
    first, second = stage.submit(COURSE), stage.submit(COURSE)
    stage.perform(second, said(253, "not now"))
    stage.clock.forward(stage.seconds_until_due(second))
    stage.perform(first, said(1))
    stage.asleep = stage.stopping.set
    assert stage.perform(second, said(1)).sent == []
    record = stage.ledger.find(second)
    assert (record.state, record.code, record.message) == (State.QUEUED, 253, "not now")
    assert stage.published == [ReadyRecord(second, "edit_course")]


def test_what_was_to_be_tried_again_when_the_worker_is_to_end_is_given_back(stage: Stage) -> None:
    """It waited for its next attempt; what the last one came to is kept."""
    course = stage.submit(COURSE)
    stage.asleep = stage.stopping.set
    assert len(stage.perform(course, said(104, "busy"), said(1)).sent) == 1
    record = stage.ledger.find(course)
    assert (record.state, record.code, record.message) == (State.QUEUED, 104, "busy")
    assert (record.deferrals, len(record.attempts)) == (0, 1)
    assert stage.published == [ReadyRecord(course, "edit_course")]


def test_what_is_called_off_while_it_runs_is_not_tried_again(stage: Stage) -> None:
    """The attempt under way is the last one."""
    course = stage.submit(COURSE)

    def cancel() -> Reply:
        assert stage.ledger.cancel(course) == (State.RUNNING, [])
        return said(104)

    assert len(stage.perform(course, cancel, said(1)).sent) == 1
    record = stage.ledger.find(course)
    assert (record.state, len(record.attempts)) == (State.CANCELLED, 1)
    assert stage.clock.waits == []


def test_what_is_called_off_too_late_is_done(stage: Stage) -> None:
    """ClassIn's word is the last."""
    course = stage.submit(COURSE)

    def cancel() -> Reply:
        stage.ledger.cancel(course)
        return said(1)

    stage.perform(course, cancel)
    assert stage.ledger.find(course).state is State.SUCCEEDED


def test_who_waited_for_it_goes_on_at_once(stage: Stage) -> None:
    """One with the worker that brought the news, good or bad; the others get a message."""
    stage.in_a_row = IN_A_ROW
    first = stage.submit(FOLDER)
    second = stage.submit_raw("edit_course", COURSE.to_dict(), after=(first,), lane="l")
    third = stage.submit_raw("edit_course", COURSE.to_dict(), lane="l")
    stage.perform(first, said(193), said(1))
    assert stage.ledger.find(second).reason is Reason.DEPENDENCY
    assert stage.ledger.find(third).state is State.SUCCEEDED

    first = stage.submit(FOLDER)
    waiting = {stage.submit_raw("edit_course", COURSE.to_dict(), after=(first,)) for _ in range(3)}
    stage.perform(first, said(1))
    told = {due.id for due in stage.published}
    assert told < waiting
    assert len(told) == 2
    (taken,) = waiting - told
    assert stage.ledger.find(taken).state is State.SUCCEEDED


def test_a_long_lane_lets_others_have_a_turn(stage: Stage) -> None:
    """After some in a row the next one's message goes to the end of the queue."""
    stage.in_a_row = IN_A_ROW
    lane = [
        stage.submit_raw("edit_course", COURSE.to_dict(), lane="l") for _ in range(IN_A_ROW + 2)
    ]
    stage.perform(lane[0], said(1))
    states = [stage.ledger.find(each).state for each in lane]
    assert states == [State.SUCCEEDED] * IN_A_ROW + [State.QUEUED, State.BLOCKED]
    assert stage.published == [ReadyRecord(lane[IN_A_ROW], "edit_course")]


def test_a_short_wait_for_the_pace_is_slept_through(stage: Stage) -> None:
    """Before the first request."""
    stage.ledger.set_paces({"main edit_course": 1200})
    first, second = stage.submit(COURSE), stage.submit(COURSE)
    stage.perform(first, said(1))
    stage.clock.waits.clear()
    stage.perform(second, said(1))
    assert stage.clock.waits == [0.2]
    assert stage.ledger.find(second).state is State.SUCCEEDED


def test_a_long_wait_for_the_pace_is_left_to_the_ledger(stage: Stage) -> None:
    """No thread waits for it; then it goes out like any other."""
    stage.ledger.set_paces({"main edit_course": 5000})
    first, second = stage.submit(COURSE), stage.submit(COURSE)
    stage.perform(first, said(1))
    assert stage.perform(second, said(1)).sent == []
    assert stage.clock.waits == []
    assert stage.ledger.find(second).paced
    assert stage.carry_on(second, said(1)).state is State.SUCCEEDED


def test_a_further_attempt_waits_for_the_pace(stage: Stage) -> None:
    """Beside the wait that any further attempt has."""
    stage.ledger.set_paces({"main edit_course": 2000})
    course = stage.submit(COURSE)
    stage.perform(course, said(104), said(1))
    assert stage.clock.waits[0] == 1.0
    assert len(stage.clock.waits) == 2


def test_a_further_attempt_is_put_off_for_a_slow_pace(stage: Stage) -> None:
    """It comes back when its turn has come, with no deferral counted, and its doubt kept."""
    stage.ledger.set_paces({"main create_folder": 9000})
    folder = stage.submit(FOLDER)
    assert len(stage.perform(folder, said(104)).sent) == 1
    record = stage.ledger.find(folder)
    assert (record.state, record.deferrals, record.unread) == (State.DEFERRED, 0, True)
    assert (len(record.attempts), record.paced, stage.clock.waits) == (1, True, [])
    assert stage.carry_on(folder, said(206)).already is True


def test_too_fast_puts_others_of_its_kind_off(stage: Stage) -> None:
    """Without another request to tell it."""
    first, second, other = stage.submit(COURSE), stage.submit(COURSE), stage.submit(FOLDER)
    stage.perform(first, said(None, http=429, retry_after=9))
    assert stage.perform(second, said(1)).sent == []
    assert stage.ledger.find(second).paced
    assert len(stage.perform(other, said(1)).sent) == 1


def test_of_a_school_that_has_its_share_nothing_more_is_taken(stage: Stage) -> None:
    """It is carried out afterwards, without a message; another school's goes on beside it."""
    stage.shares = FairShare(1)
    stage.schools = {"main": SCHOOL, "other": replace(SCHOOL, name="other")}
    first, second, third = (stage.submit(COURSE) for _ in range(3))
    other = stage.submit_raw("edit_course", COURSE.to_dict(), school="other")

    def meanwhile() -> Reply:
        for record_id in (third, second):
            assert stage.perform(record_id, said(1)).sent == []
        assert len(stage.perform(other, said(1)).sent) == 1
        return said(1)

    classin = stage.perform(first, meanwhile, said(1))

    assert len(classin.sent) == 3
    records = stage.ledger.find_all([first, second, third, other])
    assert [each.state for each in records] == [State.SUCCEEDED] * 4
    assert (records[1].started_at or 0) <= (records[2].started_at or 0)
    assert stage.published == []


def test_a_worker_that_is_to_end_takes_nothing_that_was_put_aside(stage: Stage) -> None:
    """It comes back to others with the next look."""
    stage.shares = FairShare(1)
    first, second = stage.submit(COURSE), stage.submit(COURSE)

    def meanwhile() -> Reply:
        stage.perform(second, said(1))
        stage.stopping.set()
        return said(1)

    assert len(stage.perform(first, meanwhile).sent) == 1
    assert stage.ledger.unpark_some(5, 5)[0] == [ReadyRecord(second, "edit_course")]


def referring(stage: Stage, first: str, path: str = "data") -> str:
    """Submit a folder inside the one that another record makes; gives its id."""
    fields = {"folderId": {"$result": first, "path": path}, "folderName": "inside"}
    return stage.submit_raw("create_folder", fields, after=(first,))


def test_an_earlier_result_is_filled_in(stage: Stage) -> None:
    """As it is sent it is kept, so that a later attempt asks for the same."""
    stage.in_a_row = IN_A_ROW
    first = stage.submit(FOLDER)
    second = referring(stage, first)

    classin = stage.perform(first, said(1, data=123456), said(104), said(1))

    assert [(request.form or {})["folderId"] for request in classin.sent[1:]] == ["123456"] * 2
    record = stage.ledger.find(second)
    assert record.state is State.SUCCEEDED
    assert record.fields == {"folderId": 123456, "folderName": "inside"}


def test_what_is_filled_in_is_kept_before_it_is_sent(stage: Stage) -> None:
    """Also where repeats do not matter: who takes over a dead worker's record sees what went."""
    stage.in_a_row = IN_A_ROW
    first = stage.submit(FOLDER)
    fields = {"courseId": {"$result": first, "path": "data"}, "courseName": "x"}
    second = stage.submit_raw("edit_course", fields, after=(first,))

    def killed() -> Reply:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.perform(first, said(1, data=5), killed)
    assert stage.ledger.find(second).fields == {"courseId": 5, "courseName": "x"}


def test_a_result_that_has_nothing_there_fails_the_record(stage: Stage) -> None:
    """It says where it looked; nothing is sent."""
    first = stage.submit(FOLDER)
    second = referring(stage, first, "data.folder.id")
    stage.perform(first, said(1, data=123456))
    assert stage.perform(second, said(1)).sent == []
    record = stage.ledger.find(second)
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert record.message == (f"folderId: the result of {first} has nothing at data.folder.id")


def test_a_result_that_does_not_fit_fails_the_record(stage: Stage) -> None:
    """What comes out is checked like what is handed in."""
    first = stage.submit(FOLDER)
    second = referring(stage, first)
    stage.perform(first, said(1, data="none"))
    assert stage.perform(second, said(1)).sent == []
    assert (stage.ledger.find(second).message or "").startswith("folderId: should be a whole")


def test_fields_without_references_stay_as_they_are(stage: Stage) -> None:
    """Nothing is written where nothing was filled in."""
    fields = {"course_id": 5, "courseName": "as it was written"}
    course = stage.submit_raw("edit_course", fields)
    stage.perform(course, said(1))
    assert stage.ledger.find(course).fields == fields


def test_a_worker_with_nothing_to_do_does_nothing(stage: Stage) -> None:
    """A record that waits for another was delivered all the same."""
    first = stage.submit(FOLDER)
    second = referring(stage, first)
    assert stage.perform(second, said(1)).sent == []
    assert stage.ledger.find(second).state is State.BLOCKED
