"""The retry job of the night: what ran out of time goes again, so often and no more."""

from pathlib import Path

import pytest
from redis import Redis

from producers import Receipt
from producers.intake.submitter import Submitter
from producers.retry.assess import Outlook
from producers.retry.nightly import NightlyRetry, RetryJob
from producers.retry.service import retry
from tests.unit.stage import Stage, said
from worker.ledger.audit import Audit
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

FOLDER = {"folderId": 747759, "folderName": "tools"}


@pytest.fixture
def audit(redis: Redis) -> Audit:
    """The audit trail."""
    return Audit(redis)


@pytest.fixture
def night(submitter: Submitter, ledger: RedisLedger, audit: Audit) -> NightlyRetry:
    """What the schedule calls."""
    return NightlyRetry(submitter, ledger, audit)


def failing(submitter: Submitter, stage: Stage, code: int, source: str | None = None) -> Receipt:
    """One that ends with this code, though it be tried all day."""
    receipt = submitter.submit("create_folder", FOLDER, source=source)
    stage.carry_on(receipt.id, said(code, "no"))
    return receipt


def last_try(stage: Stage, receipt: Receipt) -> str:
    """The id of the last that tried it again."""
    record = receipt.record()
    while record.retried_by is not None:
        record = stage.ledger.find(record.retried_by)
    return record.id


def test_what_is_exhausted_goes_again_and_what_is_refused_does_not(
    night: NightlyRetry, submitter: Submitter, stage: Stage, audit: Audit
) -> None:
    """The summary counts them by cause; the trail has it."""
    tired, sure = failing(submitter, stage, 104), failing(submitter, stage, 193)

    retried = night.run(RetryJob(), "monday", who="schedule nightly")

    assert retried.to_dict() == {
        "tick": "monday",
        "batch": retried.batch,
        "retried": 1,
        "causes": [{"operation": "create_folder", "cause": "104", "retried": 1}],
        "spent": [],
        "left_out": {},
    }
    new = stage.ledger.find(last_try(stage, tired))
    assert (new.batch, new.source) == (retried.batch, "retry")
    assert sure.record().retried_by is None
    (deed,) = audit.deeds(5)
    assert (deed.who, deed.what, deed.ids) == ("schedule nightly", "retry", (tired.id,))


def test_what_was_never_sent_goes_again(
    night: NightlyRetry, submitter: Submitter, stage: Stage
) -> None:
    """Its turn, by its pace, did not come in time."""
    stage.ledger.set_paces({"main create_folder": 10**8})
    first, second = (
        submitter.submit("create_folder", {**FOLDER, "folderId": number}) for number in (1, 2)
    )
    for each in (first, second):
        stage.perform(each.id, said(1))
    stage.clock.forward(86400)
    stage.ledger.requeue_due(9, orphans=False)
    assert second.record().reason is Reason.EXPIRED

    retried = night.run(RetryJob(), "monday")

    assert retried.by_cause == {("create_folder", "expired"): 1}
    assert stage.ledger.find(last_try(stage, second)).state is State.QUEUED


def test_what_a_sync_could_not_do_is_left_to_the_next(
    night: NightlyRetry, submitter: Submitter, stage: Stage
) -> None:
    """By then the school may want something else."""
    tired = failing(submitter, stage, 104, source="sync")
    assert night.run(RetryJob(), "monday").number == 0
    assert tired.record().retried_by is None


def test_codes_that_the_school_names_go_again(
    night: NightlyRetry, submitter: Submitter, stage: Stage
) -> None:
    """What ClassIn refuses today may pass tomorrow: the school knows."""
    sure, other = failing(submitter, stage, 193), failing(submitter, stage, 206)

    assert night.run(RetryJob(codes=frozenset({193})), "monday").number == 1
    assert sure.record().retried_by is not None
    assert other.record().retried_by is None


def test_two_runs_of_one_tick_do_nothing_twice(
    night: NightlyRetry, submitter: Submitter, stage: Stage
) -> None:
    """Not while the first one's records wait, and not when they have failed again by then."""
    tired = failing(submitter, stage, 104)
    assert night.run(RetryJob(), "monday").number == 1

    assert night.run(RetryJob(), "monday").number == 0
    stage.carry_on(last_try(stage, tired), said(104))
    assert night.run(RetryJob(), "monday").number == 0
    assert night.run(RetryJob(), "tuesday").number == 1


def test_so_often_and_no_more(night: NightlyRetry, submitter: Submitter, stage: Stage) -> None:
    """Retries by hand count, too; then a person should look."""
    tired = failing(submitter, stage, 104)
    (by_hand,) = retry(submitter, tired.id)
    stage.carry_on(by_hand.id, said(104))
    job = RetryJob(most=2)

    assert night.run(job, "monday").number == 1
    stage.carry_on(last_try(stage, tired), said(104))
    spent = night.run(job, "tuesday")

    assert (spent.number, spent.spent) == (0, [last_try(stage, tired)])


def test_what_failed_because_of_it_goes_again_behind_it(
    night: NightlyRetry, submitter: Submitter, stage: Stage
) -> None:
    """Whoever waited for it, and whoever was stopped in its lane; but nobody else's followers."""
    lane = {"lane": "import", "lane_on_failure": "stop"}
    tired = submitter.submit("create_folder", FOLDER, **lane)
    behind = submitter.submit("create_folder", FOLDER, lane="import")
    follower = submitter.submit("create_folder", FOLDER, after=[tired])
    sure = submitter.submit("create_folder", FOLDER | {"folderId": 5})
    stranger = submitter.submit("create_folder", FOLDER, after=[sure])
    stage.perform(sure.id, said(193))
    stage.carry_on(tired.id, said(104))

    retried = night.run(RetryJob(), "monday")

    assert retried.to_dict()["causes"] == [
        {"operation": "create_folder", "cause": "104", "retried": 1},
        {"operation": "create_folder", "cause": "dependency", "retried": 2},
    ]
    assert stranger.record().retried_by is None
    first = last_try(stage, tired)
    stage.perform(first, said(1))
    for receipt in (behind, follower):
        stage.perform(last_try(stage, receipt), said(1))
        assert stage.ledger.find(last_try(stage, receipt)).state is State.SUCCEEDED
    assert stage.ledger.find(last_try(stage, follower)).after == (first,)


def test_what_cannot_be_built_is_counted(
    night: NightlyRetry, submitter: Submitter, stage: Stage, tmp_path: Path
) -> None:
    """Its file was kept until it was settled, and no longer."""
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"png")
    receipt = submitter.submit("edit_course", {"courseId": 1, "filedata": f"@{picture}"})
    stage.carry_on(receipt.id, said(104))

    assert night.run(RetryJob(), "monday").left_out == {Outlook.IMPOSSIBLE: 1}


def test_a_dry_run_only_counts(
    night: NightlyRetry, submitter: Submitter, stage: Stage, audit: Audit
) -> None:
    """What would be tried again is told; nothing is, and nobody did anything."""
    tired = failing(submitter, stage, 104)

    retried = night.run(RetryJob(), "monday", dry_run=True)

    assert (retried.number, dict(retried.by_cause)) == (1, {("create_folder", "104"): 1})
    assert tired.record().retried_by is None
    assert audit.deeds(9) == []
