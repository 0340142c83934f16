"""What was pruned: its dedup key is known, its result is not."""

import pytest
from redis import Redis

from producers import Receipt, result_of
from producers.intake.submitter import Submitter
from producers.retry.service import retry
from tests.unit.clock import Clock
from tests.unit.stage import RING, Stage, said
from worker.errors import InvalidInputError, NotFoundError
from worker.ledger.pruner import DAY, Pruner, Retention
from worker.ledger.states import State

FOLDER = {"folderId": 747759, "folderName": "tools"}


@pytest.fixture
def pruned(submitter: Submitter, stage: Stage, redis: Redis, clock: Clock) -> Receipt:
    """A folder that was made over a week ago, and is named a."""
    receipt = submitter.submit("create_folder", FOLDER, dedup_key="a")
    stage.perform(receipt.id, said(1, data="800001"))
    clock.forward(8 * DAY)
    Pruner(redis, RING, clock.millis).run(Retention(), clock.ms, who="ada")
    return receipt


def test_the_same_again_is_known(submitter: Submitter, pruned: Receipt) -> None:
    """One by one and in a batch; something else under that key is refused."""
    again = submitter.submit("create_folder", FOLDER, dedup_key="a")
    line = {"operation": "create_folder", "fields": FOLDER, "dedup_key": "a"}
    (in_batch,) = submitter.submit_many([line])

    assert [(each.id, each.new) for each in (again, in_batch)] == [(pruned.id, False)] * 2
    with pytest.raises(NotFoundError, match="ended as succeeded"):
        again.record()
    with pytest.raises(InvalidInputError, match="asks for something else"):
        submitter.submit("create_folder", FOLDER | {"folderId": 5}, dedup_key="a")


def test_who_waits_for_it_goes_on(submitter: Submitter, pruned: Receipt) -> None:
    """By its key: its id names no record any more."""
    assert submitter.submit("get_top_folder_id", after=["a"]).record().after == (pruned.id,)
    with pytest.raises(InvalidInputError, match="there is no record"):
        submitter.submit("get_top_folder_id", after=[pruned.id])


def test_who_needs_its_result_is_told(submitter: Submitter, pruned: Receipt) -> None:
    """Before anything is submitted."""
    with pytest.raises(InvalidInputError, match="the result of 'a' is kept no longer"):
        submitter.submit("rename_folder", {"folderId": result_of("a"), "folderName": "toys"})
    del pruned


def test_what_waited_for_it_can_be_retried_without_its_result(
    submitter: Submitter, stage: Stage, redis: Redis, clock: Clock
) -> None:
    """What succeeded and is gone needs no waiting for; what it brought would have to be set."""
    first = submitter.submit("create_folder", FOLDER)
    waits = submitter.submit("get_top_folder_id", after=[first])
    refers = submitter.submit("rename_folder", {"folderId": result_of(first), "folderName": "x"})
    stage.perform(first.id, said(1, data="800001"))
    for receipt in (waits, refers):
        submitter.cancel(receipt.id)
    clock.forward(8 * DAY)
    Pruner(redis, RING, clock.millis).run(Retention(), clock.ms, who="ada")

    (again,) = retry(submitter, waits.id)

    assert (again.record().state, again.record().after) == (State.QUEUED, ())
    with pytest.raises(InvalidInputError, match="which is kept no longer: set that field"):
        retry(submitter, refers.id)
