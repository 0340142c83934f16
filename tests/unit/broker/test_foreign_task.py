"""What another Celery asks for, and how it is recorded before it waits for a thread."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from celery.app.task import Context

from tests.unit.stage import Stage, said
from worker.broker.foreign_task import ForeignTask, ForeignTaskRecorder
from worker.config.settings import Settings
from worker.errors import UnavailableError
from worker.ledger.record import Submission
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import SubmitResult

FOREIGN = ForeignTask(
    id="0b7cbe0c-6a5d-4b9a-a4f4-2c4a4d6d8b0e",
    operation="create_folder",
    fields={"folder_id": "747759", "folderName": "tools"},
    headers={},
    positional=False,
    linked=False,
)


@pytest.mark.parametrize(
    ("number", "priority"),
    [(0, "high"), (3, "normal"), (6, "low"), (4, "normal"), (None, "normal")],
)
def test_an_arrival_has_its_message_s_priority(number: int | None, priority: str) -> None:
    """As far as it is one that we know."""
    request = Context({"id": "a", "delivery_info": {"priority": number}})
    assert ForeignTask.of("edit_course", request).priority == priority


def test_what_arrives_is_recorded_as_if_it_were_submitted(settings: Settings) -> None:
    """Fields by their names on the wire, with lane and school, under the task's id."""
    submission = FOREIGN.submission(settings)
    assert (submission.id, submission.source) == (FOREIGN.id, "celery")
    assert submission.fields == {"folderId": 747759, "folderName": "tools"}
    assert (submission.school, submission.lane) == ("main", "main:folder_id:747759")
    assert submission.refused == ""


def test_its_identity_is_made_on_arrival(settings: Settings) -> None:
    """The same each time that it arrives; being its own, it makes no lane."""
    course = replace(FOREIGN, operation="add_course", fields={"courseName": "Physics"})
    submission = course.submission(settings)
    assert submission.fields["courseUniqueIdentity"]
    assert submission.lane is None
    assert course.submission(settings) == submission


@pytest.mark.parametrize("fields", [{"folderId": "x"}, {"nosuch": [1, {"a": None}]}])
def test_fields_that_do_not_pass_are_recorded_as_they_are(
    settings: Settings, fields: dict[str, Any]
) -> None:
    """With what is wrong with them, which refuses them."""
    submission = replace(FOREIGN, fields=fields).submission(settings)
    assert (submission.fields, submission.lane) == (fields, None)
    assert next(iter(fields)) in submission.refused


@pytest.mark.parametrize(
    ("if_exists", "accepts"), [("accept", True), ("refuse", False), (1, False)]
)
def test_a_header_says_what_an_existing_one_means(
    settings: Settings, if_exists: object, *, accepts: bool
) -> None:
    """As the line of a file would."""
    arrival = replace(FOREIGN, headers={"if_exists": if_exists})
    assert arrival.submission(settings).accepts_existing is accepts


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"headers": {"school": "north"}}, "there is no 'north'"),
        ({"positional": True}, "by name"),
        ({"linked": True}, "links, chains and chords"),
    ],
)
def test_what_is_wrong_with_the_message_itself_is_said(
    settings: Settings, change: dict[str, Any], said: str
) -> None:
    """The record bears the school's name as it was given."""
    arrival = replace(FOREIGN, **change)
    submission = arrival.submission(settings)
    assert said in submission.refused
    assert submission.school == arrival.headers.get("school", "main")


def test_all_that_is_wrong_with_a_message_is_said_at_once(settings: Settings) -> None:
    """Of its school, its shape and its fields."""
    arrival = replace(
        FOREIGN, headers={"school": "north"}, linked=True, positional=True, fields={"folderId": 5}
    )
    refused = arrival.submission(settings).refused
    for part in ("no 'north'", "by name", "links, chains and chords", "folderName: is required"):
        assert part in refused


@pytest.mark.parametrize(
    "change",
    [
        {"linked": True},
        {"positional": True},
        {"headers": {"school": "north"}},
        {"fields": {"folderId": "x", "folderName": "tools"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_refused_message_stays_refused_whoever_is_brought_its_record(
    stage: Stage, settings: Settings, change: dict[str, Any]
) -> None:
    """The worker that recorded it is killed at once; another one is brought the record's id."""
    stage.ledger.submit([replace(FOREIGN, **change).submission(settings)])
    early = stage.ledger.find(FOREIGN.id)

    classin = stage.perform(FOREIGN.id, said(1, data=5))

    assert classin.sent == []
    record = stage.ledger.find(FOREIGN.id)
    assert (record.state, record.reason, record.attempts) == (State.FAILED, Reason.REFUSED, ())
    assert record == early


@dataclass
class Doorstep:
    """A ledger and a broker that are away for a while, and a worker that waits for them."""

    settings: Settings
    ledger_back_after: int = 0
    broker_back_after: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    stops_after: int | None = None
    waits: list[float] = field(default_factory=list)
    tries: int = 0
    recorded: int = 0
    back: int = 0

    def take(self) -> bool:
        """Record one message."""
        recorder = ForeignTaskRecorder(
            cast("RedisLedger", self), self.settings, self.stopping, self._try, self._sleep
        )
        return recorder.record(FOREIGN, self._put_back)

    def submit(self, submissions: Sequence[Submission]) -> Sequence[SubmitResult]:
        """Play the ledger."""
        if len(self.waits) < self.ledger_back_after:
            raise UnavailableError("Redis does not answer")
        self.recorded += 1
        return [SubmitResult(each.id, new=True, ready=True) for each in submissions]

    def _try(self) -> None:
        self.tries += 1

    def _put_back(self) -> None:
        if len(self.waits) < self.broker_back_after:
            raise OSError
        self.back += 1

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) == self.stops_after:
            self.stopping.set()


@pytest.mark.parametrize("away", [0, 1, 100])
def test_a_message_is_recorded_however_long_the_ledger_is_away(
    settings: Settings, away: int
) -> None:
    """Nothing else is fetched meanwhile, which is no stall."""
    doorstep = Doorstep(settings, ledger_back_after=away)
    assert doorstep.take()
    assert (doorstep.recorded, doorstep.back, len(doorstep.waits)) == (1, 0, away)
    assert doorstep.tries == away + 1


def test_a_worker_that_is_to_end_puts_its_message_back(settings: Settings) -> None:
    """It may be long until the ledger is there again."""
    doorstep = Doorstep(settings, ledger_back_after=100, stops_after=3)
    assert not doorstep.take()
    assert (doorstep.recorded, doorstep.back, len(doorstep.waits)) == (0, 1, 3)


@pytest.mark.parametrize(("ledger", "broker"), [(5, 9), (9, 5)])
def test_with_both_away_the_first_to_be_back_gets_it(
    settings: Settings, ledger: int, broker: int
) -> None:
    """Until the grace time is over."""
    doorstep = Doorstep(settings, ledger, broker, stops_after=1)
    assert doorstep.take() is (ledger < broker)
    assert doorstep.recorded + doorstep.back == 1
    assert len(doorstep.waits) == 5
