"""Requests that may still be carried out after their attempt is over: nobody answered them."""

import pytest
from redis import Redis

from tests.unit.stage import Act, Stage, said
from worker.classin.operation import Operation
from worker.classin.operations.cloud import GetTopFolderId
from worker.classin.operations.courses import EditCourse
from worker.classin.response import Reply
from worker.config.settings import RetrySettings
from worker.errors import NotSentError, ReplyLostError
from worker.ledger.keys import Keys
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

KEYS = Keys()

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
LOST = ReplyLostError("no reply in time")


def broken() -> Reply:
    """A sender that fails in a way nobody thought of."""
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("act", "late"),
    [
        pytest.param(LOST, True, id="no reply"),
        pytest.param(said(None, http=502), True, id="an answer of something in between"),
        pytest.param(broken, True, id="an error of ours, perhaps after sending"),
        pytest.param(NotSentError("no connection"), False, id="never sent"),
        pytest.param(said(104), False, id="ClassIn's own answer"),
        pytest.param(said(None, http=429), False, id="turned away"),
    ],
)
def test_a_request_is_late_if_nobody_answered_it(
    stage: Stage, redis: Redis, act: Act, *, late: bool
) -> None:
    """The lane learns of it, whatever came of the record."""
    record = stage.submit_raw("edit_course", COURSE.to_dict(), lane="l")
    stage.perform(record, act)
    assert redis.exists(KEYS.quiet) == late


def test_a_lost_reply_is_told_at_once_though_another_attempt_follows(
    stage: Stage, redis: Redis
) -> None:
    """The repeat is answered, and the lane is to wait all the same."""
    stage.perform(stage.submit_raw("edit_course", COURSE.to_dict(), lane="l"), LOST, said(1))
    assert redis.zrange(KEYS.quiet, 0, -1) == ["l"]


@pytest.mark.parametrize("harmful", [False, True])
def test_a_lost_reply_matters_to_writes_only(
    stage: Stage, redis: Redis, ring_bell: type[Operation], *, harmful: bool
) -> None:
    """A read undoes nothing; what is uncertain may be done yet."""
    operation = ring_bell() if harmful else GetTopFolderId()
    stage.perform(stage.submit_raw(operation.spec.name, operation.to_dict(), lane="l"), LOST)
    assert redis.exists(KEYS.quiet) == harmful


def test_a_worker_s_lane_waits_before_it_goes_on_there(stage: Stage, redis: Redis) -> None:
    """Also where the next of it would go on in the same worker, without a message."""
    window = RetrySettings().late_window
    stage.ledger = RedisLedger(redis, stage.clock.millis, late_window=window)
    stage.in_a_row = 10
    first, second = (stage.submit_raw("edit_course", COURSE.to_dict(), lane="l") for _ in range(2))
    classin = stage.perform(first, LOST, said(1))
    assert len(classin.sent) == 2
    record = stage.ledger.find(second)
    assert (record.state, stage.ledger.find(first).state) == (State.DEFERRED, State.SUCCEEDED)
    assert 0 < stage.seconds_until_due(second) <= window
    stage.carry_on(second, said(1))
    assert stage.ledger.find(second).state is State.SUCCEEDED
