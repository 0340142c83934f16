"""Changing a running system by hand: what a decision leaves to be retried, and who did what."""

import pytest
from redis import Redis

from ops.admin.actor import actor
from ops.admin.service import AdminService
from producers import Receipt
from producers.intake.submitter import Submitter
from producers.retry.service import retry
from tests.unit.stage import Stage
from worker.broker.queue import Queues
from worker.classin.operation import Operation
from worker.config.settings import Settings
from worker.errors import InvalidInputError, NotFoundError, ReplyLostError
from worker.ledger.audit import Audit
from worker.ledger.keys import Keys
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

KEYS = Keys()


@pytest.fixture
def submitter(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """A door to the test's ledger and broker."""
    return Submitter(settings, ledger, queues)


@pytest.fixture
def audit(redis: Redis) -> Audit:
    """The audit trail."""
    return Audit(redis)


@pytest.fixture
def mending(settings: Settings, ledger: RedisLedger, queues: Queues, audit: Audit) -> AdminService:
    """What Ada may change."""
    return AdminService(settings, ledger, queues, audit, "ada")


@pytest.fixture
def doubtful(submitter: Submitter, stage: Stage, ring_bell: type[Operation]) -> list[Receipt]:
    """A bell of which nobody knows whether it rang, and all that failed because of it."""
    bell = submitter.submit(ring_bell(), lane="bells", lane_on_failure="stop")
    follower = submitter.submit("get_top_folder_id", after=[bell])
    second = submitter.submit("get_top_folder_id", after=[follower])
    behind = submitter.submit("get_top_folder_id", lane="bells")
    submitter.submit("get_top_folder_id")
    stage.perform(bell.id, ReplyLostError("no reply in time"))
    assert bell.record().state is State.UNCERTAIN
    return [bell, follower, second, behind]


def test_all_that_was_let_down_is_named(mending: AdminService, doubtful: list[Receipt]) -> None:
    """Who waited for it, who waited for those, and who was stopped in its lane; nobody else."""
    bell, *others = doubtful

    let_down = mending.settle(bell.id, State.SUCCEEDED, "it rang", {"data": 5})

    assert let_down == [each.id for each in others]
    assert bell.record().result == {"data": 5}


def test_no_message_decides_who_was_let_down(
    mending: AdminService, redis: Redis, doubtful: list[Receipt]
) -> None:
    """Messages are for people: their words may change, the list stays."""
    bell, *others = doubtful
    for each in others:
        redis.hset(KEYS.record(each.id), "message", "said in other words")

    assert mending.settle(bell.id, State.SUCCEEDED, "it rang") == [each.id for each in others]


def test_what_was_tried_again_since_is_not_named(
    mending: AdminService, submitter: Submitter, doubtful: list[Receipt]
) -> None:
    """Somebody has seen to it."""
    bell, follower, second, behind = doubtful
    retry(submitter, behind.id)

    assert mending.settle(bell.id, State.FAILED, "silence") == [follower.id, second.id]
    assert bell.record().reason is Reason.DECIDED
    (again,) = retry(submitter, bell.id)
    (after_it,) = retry(submitter, follower.id)
    assert after_it.record().after == (again.id,)


def test_a_decision_is_made_once(mending: AdminService, doubtful: list[Receipt]) -> None:
    """And of what is uncertain only."""
    bell, follower, *_ = doubtful
    mending.settle(bell.id, State.SUCCEEDED, "it rang")

    for receipt in (bell, follower):
        with pytest.raises(InvalidInputError, match="only what is uncertain can be decided"):
            mending.settle(receipt.id, State.FAILED, "no")
    with pytest.raises(NotFoundError):
        mending.settle("nowhere", State.FAILED, "no")


def test_several_are_called_off_with_one_entry(
    mending: AdminService, submitter: Submitter, audit: Audit
) -> None:
    """Whether they are there or not."""
    receipt = submitter.submit("get_top_folder_id")

    found = dict(mending.cancel([receipt.id, "nowhere"], "batch=b", "wrong file"))

    assert found == {receipt.id: State.CANCELLED, "nowhere": None}
    (deed,) = audit.deeds(9)
    assert deed[1:] == ("ada", "cancel", "batch=b", (receipt.id, "nowhere"), "wrong file")


def test_pausing_and_opening_are_noted_even_where_nothing_changes(
    mending: AdminService, audit: Audit
) -> None:
    """Somebody wanted it; for a school that nobody knows nothing is noted."""
    assert mending.pause("main", "holidays")
    assert not mending.pause("main", "holidays")
    assert mending.resume("main", "over")
    with pytest.raises(InvalidInputError):
        mending.pause("nowhere", "")

    assert [deed.what for deed in audit.deeds(9)] == ["resume", "pause", "pause"]


def test_a_person_has_a_name() -> None:
    """That of the machine's user."""
    assert actor()
