"""Carrying one operation out: what may go wrong on our own side."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.redis_server import SharedRedis
from tests.unit.stage import Stage, said
from worker.classin.operation import Operation
from worker.classin.operations.cloud import CreateFolder
from worker.classin.operations.courses import EditCourse
from worker.classin.operations.lessons import AddCourseClass
from worker.classin.response import Reply
from worker.errors import ReplyLostError
from worker.ledger.keys import Keys
from worker.ledger.record import Priority
from worker.ledger.states import Reason, State
from worker.ledger.types import ReadyRecord

KEYS = Keys()

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


def broken() -> Reply:
    """A sender that fails in a way nobody thought of."""
    raise ZeroDivisionError


def killed() -> Reply:
    """A worker that ends while it waits for a reply."""
    raise KeyboardInterrupt


def test_a_second_delivery_does_nothing(stage: Stage) -> None:
    """The record is settled, or not due: no request, no change."""
    done, waiting = stage.submit(FOLDER), stage.submit(FOLDER)
    stage.perform(done, said(1))
    stage.perform(waiting, said(253))
    before = stage.ledger.find_all([done, waiting])

    for record_id in (done, waiting):
        assert stage.perform(record_id, said(104)).sent == []

    assert stage.ledger.find_all([done, waiting]) == before


def test_a_delivery_while_another_is_under_way_does_nothing(stage: Stage) -> None:
    """Two workers with the same message send one request."""
    folder = stage.submit(FOLDER)

    def meanwhile() -> Reply:
        assert stage.perform(folder, said(193)).sent == []
        return said(1)

    assert len(stage.perform(folder, meanwhile).sent) == 1
    assert stage.ledger.find(folder).state is State.SUCCEEDED


def test_a_message_without_a_record_is_told(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """In the log: nobody else would know."""
    assert stage.perform("nowhere", said(1)).sent == []
    assert "there is no record nowhere" in caplog.text


def test_a_school_that_this_worker_lacks_is_waited_for(stage: Stage) -> None:
    """Another worker, or a corrected setting, may have it."""
    folder = stage.submit_raw("create_folder", FOLDER.to_dict(), school="elsewhere")

    assert stage.perform(folder, said(1)).sent == []

    record = stage.ledger.find(folder)
    assert record.state is State.DEFERRED
    assert (record.message, record.attempts) == ("this worker has no school 'elsewhere'", ())
    assert (record.unread, stage.seconds_until_due(folder)) == (False, 60)
    record = stage.carry_on(folder, said(1))
    assert (record.state, record.reason) == (State.FAILED, Reason.EXHAUSTED)


def test_a_school_that_comes_in_time_is_served(stage: Stage) -> None:
    """The record was only waiting for it."""
    folder = stage.submit_raw("create_folder", FOLDER.to_dict(), school="elsewhere")
    stage.perform(folder, said(1))
    stage.schools = {"elsewhere": stage.schools["main"]}
    assert stage.carry_on(folder, said(1)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("name", "fields", "faults"),
    [
        ("create_folder", {}, "folderId: is required; folderName: is required"),
        ("create_folder", {"folderId": "x", "folderName": "a"}, "folderId: should be a whole"),
        ("create_foldr", {}, "operation: ClassIn knows no 'create_foldr'; did you mean create_"),
        ("edit_course", {"courseId": 1, "expiryTime": 1.5}, "expiryTime: "),
        ("edit_course", {"courseId": 1, "colour": "\ud800"}, "colour: unknown field"),
    ],
)
def test_fields_that_were_never_valid_fail_the_record(
    stage: Stage, name: str, fields: dict[str, object], faults: str
) -> None:
    """With every fault in its message, and nothing sent."""
    record_id = stage.submit_raw(name, fields)

    assert stage.perform(record_id, said(1)).sent == []

    record = stage.ledger.find(record_id)
    assert (record.state, record.reason, record.code) == (State.FAILED, Reason.REFUSED, None)
    assert (record.message or "").startswith(faults)


@pytest.mark.parametrize("ahead", [-1, 3600, 400 * 24 * 3600])
def test_an_expiry_that_is_past_when_its_turn_comes_is_not_sent(stage: Stage, ahead: int) -> None:
    """ClassIn would refuse it."""
    expiry = stage.clock.ms // 1000 + ahead
    record_id = stage.submit_raw("edit_course", {"courseId": 1, "expiryTime": expiry})

    assert stage.perform(record_id, said(1)).sent == []

    record = stage.ledger.find(record_id)
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert (record.message or "").startswith("expiryTime: should be at least 1 day")


def test_an_expiry_that_passed_after_an_unread_attempt_is_left_to_a_person(stage: Stage) -> None:
    """The attempt may have set it, while there was time."""
    day = 24 * 3600
    expiry = stage.clock.ms // 1000 + day + 60
    record_id = stage.submit_raw("edit_course", {"courseId": 1, "expiryTime": expiry})
    stage.perform(record_id, ReplyLostError("no reply in time"))

    record = stage.carry_on(record_id, ReplyLostError("no reply in time"))

    assert record.state is State.UNCERTAIN
    assert (record.message or "").endswith("an earlier attempt may have been carried out")


def test_an_error_in_the_worker_is_logged_and_the_record_comes_back(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have gone wrong after sending, so that "so already" is no surprise later."""
    folder = stage.submit(FOLDER)

    stage.perform(folder, broken)

    assert "ZeroDivisionError" in caplog.text
    record = stage.ledger.find(folder)
    assert (record.state, record.unread, record.deferrals) == (State.DEFERRED, True, 1)
    assert record.message == "an error in the worker; its log says which"
    stage.clock.forward(stage.seconds_until_due(folder))
    stage.perform(folder, said(206))
    assert stage.ledger.find(folder).already is True


def test_an_error_in_the_worker_that_stays_ends_exhausted(stage: Stage) -> None:
    """It does not come back for ever."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, broken)
    stage.clock.forward(stage.patience.give_up_after)
    stage.perform(folder, broken)
    assert stage.ledger.find(folder).reason is Reason.EXHAUSTED


def test_a_worker_that_lost_its_lease_while_sending_gives_way(stage: Stage) -> None:
    """What it brings home no longer counts; the other worker's word does."""
    folder = stage.submit(FOLDER)

    def stuck() -> Reply:
        stage.take_back(folder)
        assert len(stage.perform(folder, said(206, data=5)).sent) == 1
        return said(193)

    assert len(stage.perform(folder, stuck).sent) == 1

    record = stage.ledger.find(folder)
    assert (record.state, record.already, record.code) == (State.SUCCEEDED, True, 206)
    assert [attempt.code for attempt in record.attempts] == [206]


def test_a_worker_that_lost_its_lease_stops_repeating(stage: Stage) -> None:
    """It finds out when it notes the attempt, and sends nothing more."""
    folder = stage.submit(FOLDER)

    def stuck() -> Reply:
        stage.take_back(folder)
        raise ReplyLostError("no reply in time")

    assert len(stage.perform(folder, stuck).sent) == 1
    assert stage.ledger.find(folder).attempts == ()


def test_a_worker_that_is_cut_off_from_the_ledger_sends_nothing_more(
    stage: Stage, server: SharedRedis
) -> None:
    """Its lease has run out meanwhile: it need not ask to know that another may have the record."""
    stage.patience = replace(stage.patience, first_wait=60, longest_wait=60)
    course = stage.submit(COURSE)

    def cut_off() -> None:
        server.connected = False

    stage.asleep = cut_off
    assert len(stage.perform(course, said(104)).sent) == 1
    server.connected = True
    record = stage.ledger.find(course)
    assert (record.state, len(record.attempts)) == (State.RUNNING, 1)


def test_a_killed_worker_s_record_is_due_when_its_lease_ends(stage: Stage) -> None:
    """And whoever takes it over knows that a request may have been out."""
    folder = stage.submit(FOLDER)
    with pytest.raises(KeyboardInterrupt):
        stage.perform(folder, killed)
    assert stage.ledger.requeue_due(5, orphans=True) == []
    stage.clock.forward(stage.patience.lease)
    assert stage.ledger.requeue_due(5, orphans=True) == [
        ReadyRecord(folder, "create_folder", suspect=True)
    ]
    stage.perform(folder, said(206))
    assert stage.ledger.find(folder).already is True


@pytest.mark.parametrize(
    ("operation", "announced"),
    [
        (FOLDER, True),
        (
            AddCourseClass(
                course_id=1, class_name="a", begin_time=1893456000, end_time=1893459600,
                teacher_uid=5,
            ),
            True,
        ),
        (COURSE, False),
    ],
)  # fmt: skip
def test_a_request_is_announced_where_its_repeat_is_judged_otherwise(
    stage: Stage, redis: Redis, operation: Operation, *, announced: bool
) -> None:
    """Elsewhere a write is saved: sending it again leads to the same. It may be out either way."""
    record_id = stage.submit(operation)
    with pytest.raises(KeyboardInterrupt):
        stage.perform(record_id, killed)
    assert redis.hexists(KEYS.record(record_id), "sending") is announced
    stage.take_back(record_id)
    assert stage.ledger.find(record_id).unread is True


def test_what_could_be_done_twice_is_not_sent_after_a_worker_died(
    stage: Stage, ring_bell: type[Operation]
) -> None:
    """A person must look whether the bell rang."""
    bell = stage.submit(ring_bell())
    with pytest.raises(KeyboardInterrupt):
        stage.perform(bell, killed)
    stage.take_back(bell)
    assert stage.perform(bell, said(1)).sent == []
    record = stage.ledger.find(bell)
    assert record.state is State.UNCERTAIN
    assert record.message == "a worker fell silent after it may have been sent"


def test_what_could_be_done_twice_is_sent_when_nothing_was_before(
    stage: Stage, ring_bell: type[Operation]
) -> None:
    """The worker died between the claim and the request."""
    bell = stage.submit(ring_bell())
    assert try_claim(stage.ledger, bell, "killed", "w", stage.patience.lease) is not None
    stage.take_back(bell)
    stage.perform(bell, said(1))
    assert stage.ledger.find(bell).state is State.SUCCEEDED


def test_what_kills_its_workers_is_given_up(stage: Stage) -> None:
    """So that it does not take one after the other."""
    folder = stage.submit(FOLDER)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            stage.perform(folder, killed)
        stage.clock.forward(stage.patience.lease)
        stage.ledger.requeue_due(5, orphans=True)
    assert stage.ledger.find(folder).reason is Reason.POISON


def test_what_happened_is_noted_when_the_ledger_is_back(stage: Stage, server: SharedRedis) -> None:
    """ClassIn has done it: that must not get lost because Redis restarts at this moment."""
    folder = stage.submit(FOLDER)
    seconds = 5

    def away() -> Reply:
        server.connected = False
        return said(1, data=5)

    def come_back() -> None:
        server.connected = len(stage.clock.waits) == seconds

    stage.asleep = come_back
    assert len(stage.perform(folder, away).sent) == 1
    assert stage.clock.waits == [1.0] * seconds
    record = stage.ledger.find(folder)
    assert (record.state, record.result) == (State.SUCCEEDED, {"data": 5})


def test_a_worker_that_is_to_end_does_not_wait_for_the_ledger(
    stage: Stage, server: SharedRedis
) -> None:
    """Its record is taken back like that of any silent worker."""
    folder = stage.submit(FOLDER)

    def away() -> Reply:
        server.connected = False
        stage.stopping.set()
        return said(1)

    stage.perform(folder, away)
    assert stage.clock.waits == []
    server.connected = True
    assert stage.ledger.find(folder).state is State.RUNNING


def test_nothing_is_begun_until_the_ledger_is_back(stage: Stage, server: SharedRedis) -> None:
    """Nor is it forgotten."""
    folder = stage.submit(FOLDER)
    server.connected = False

    def come_back() -> None:
        server.connected = len(stage.clock.waits) == 2

    stage.asleep = come_back
    assert len(stage.perform(folder, said(1)).sent) == 1
    assert stage.ledger.find(folder).state is State.SUCCEEDED


def test_who_can_go_on_is_told_later_where_the_broker_is_away(stage: Stage) -> None:
    """The record is settled all the same; its follower is queued, and its message found missing."""
    first = stage.submit(FOLDER)
    waiting = [
        stage.submit_raw("create_folder", FOLDER.to_dict(), after=(first,)) for _ in range(2)
    ]
    stage.broker_away = True
    stage.perform(first, said(1))
    assert stage.ledger.find(first).state is State.SUCCEEDED
    adrift = stage.ledger.requeue_lost(5, 0, empty=(*Priority,))
    assert {due.id for due in adrift} == {*waiting}
