"""Carrying one operation out: what may go wrong on our own side."""

import pytest

from tests.unit.stage import Stage, said
from worker.classin.errors import NotFound, Unread
from worker.classin.operations.cloud import CreateFolder
from worker.classin.reply import Reply
from worker.execution import Execution
from worker.ledger.ledger import Due
from worker.ledger.lifecycle import Reason, State
from worker.settings import Patience

LEASE = Patience().lease
FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


def broken() -> Reply:
    """A sender that fails in a way nobody thought of."""
    raise ZeroDivisionError


def test_a_second_delivery_does_nothing(stage: Stage) -> None:
    """The record is settled, or not due: no request, no change."""
    done, waiting = stage.submit(FOLDER), stage.submit(FOLDER)
    stage.perform(done, said(1))
    stage.perform(waiting, said(901))
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


def test_a_message_without_a_record_is_told(stage: Stage) -> None:
    """Whoever performs it decides what that means."""
    with pytest.raises(NotFound):
        stage.perform("nowhere", said(1))


def test_a_school_that_this_worker_lacks_is_waited_for(stage: Stage) -> None:
    """Another worker, or a corrected setting, may have it."""
    folder = stage.submit_raw("create_folder", FOLDER.to_json(), school="elsewhere")

    assert stage.perform(folder, said(1)).sent == []

    record = stage.ledger.find(folder)
    assert record.state is State.DEFERRED
    assert (record.message, record.attempts) == ("this worker has no school 'elsewhere'", ())
    assert (record.unread, stage.seconds_until_due(folder)) == (False, 60)
    record = stage.carry_on(folder, said(1))
    assert (record.state, record.reason) == (State.FAILED, Reason.EXHAUSTED)


def test_a_school_that_comes_in_time_is_served(stage: Stage) -> None:
    """The record was only waiting for it."""
    folder = stage.submit_raw("create_folder", FOLDER.to_json(), school="elsewhere")
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


def test_an_error_in_the_worker_is_raised_and_the_record_comes_back(stage: Stage) -> None:
    """It may have gone wrong after sending, so that "so already" is no surprise later."""
    folder = stage.submit(FOLDER)

    with pytest.raises(ZeroDivisionError):
        stage.perform(folder, broken)

    record = stage.ledger.find(folder)
    assert (record.state, record.unread, record.deferrals) == (State.DEFERRED, True, 1)
    assert record.message == "an error in the worker; its log says which"
    stage.clock.forward(stage.seconds_until_due(folder))
    stage.perform(folder, said(206))
    assert stage.ledger.find(folder).already is True


def test_an_error_in_the_worker_that_stays_ends_exhausted(stage: Stage) -> None:
    """It does not come back for ever."""
    folder = stage.submit(FOLDER)
    with pytest.raises(ZeroDivisionError):
        stage.perform(folder, broken)
    stage.clock.forward(stage.patience.give_up_after)
    with pytest.raises(ZeroDivisionError):
        stage.perform(folder, broken)
    assert stage.ledger.find(folder).reason is Reason.EXHAUSTED


def test_a_worker_that_lost_its_lease_while_sending_gives_way(stage: Stage) -> None:
    """What it brings home no longer counts; the other worker's word does."""
    folder = stage.submit(FOLDER)

    def stuck() -> Reply:
        stage.clock.forward(LEASE)
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
        stage.clock.forward(LEASE)
        assert stage.ledger.claim(folder, "another", LEASE) is not None
        raise Unread("no reply in time")

    assert len(stage.perform(folder, stuck).sent) == 1
    assert stage.ledger.find(folder).attempts == ()


def test_a_killed_worker_s_record_is_due_when_its_lease_ends(stage: Stage) -> None:
    """And whoever takes it over knows that a request may have been out."""
    folder = stage.submit(FOLDER)

    def killed() -> Reply:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.perform(folder, killed)
    assert stage.ledger.due(5, 0) == []
    stage.clock.forward(LEASE)
    assert stage.ledger.due(5, 0) == [Due(folder, "create_folder")]
    stage.perform(folder, said(206))
    assert stage.ledger.find(folder).already is True


def test_a_record_can_be_refused_before_anything_is_sent(stage: Stage) -> None:
    """As a message with what cannot be kept is; once settled, nothing changes it."""
    folder = stage.submit(FOLDER)
    execution = Execution(
        ledger=stage.ledger, sender=_Nobody(), schools={}, patience=stage.patience
    )
    execution.refuse(folder, "fields should be given by name")
    execution.refuse(folder, "something else")
    record = stage.ledger.find(folder)
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert (record.message, record.attempts) == ("fields should be given by name", ())


class _Nobody:
    """A sender that must not be asked."""

    def send(self, *_: object) -> Reply:
        """Fail."""
        raise AssertionError
