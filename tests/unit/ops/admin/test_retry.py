"""Retrying by hand: what it would do is told first; what is in vain, or harms, is left out."""

from collections import Counter
from dataclasses import replace

import pytest
from redis import Redis

from ops.admin.retry import RetryService, Wanted
from producers import Receipt, result_of
from producers.intake.submitter import Submitter
from producers.retry.assess import Outlook
from producers.retry.edits import Setting
from producers.retry.service import retry
from tests.unit.stage import Stage, said
from worker.broker.queue import Queues
from worker.classin.operation import Operation
from worker.config.settings import Settings
from worker.errors import InvalidInputError, NotFoundError, ReplyLostError
from worker.ledger.audit import Audit
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter

FOLDER = {"folderId": 747759, "folderName": "tools"}
FAILED = Filter(state="failed")


@pytest.fixture
def submitter(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """A door to the test's ledger and broker."""
    return Submitter(settings, ledger, queues)


@pytest.fixture
def audit(redis: Redis) -> Audit:
    """The audit trail."""
    return Audit(redis)


@pytest.fixture
def retrying(submitter: Submitter, ledger: RedisLedger, audit: Audit) -> RetryService:
    """Retries for Ada."""
    return RetryService(submitter, ledger, audit, "ada")


def refused(submitter: Submitter, stage: Stage, code: int = 193) -> Receipt:
    """A folder that ClassIn refuses."""
    receipt = submitter.submit("create_folder", FOLDER)
    stage.perform(receipt.id, said(code, "no such folder"))
    return receipt


def exhausted(submitter: Submitter, stage: Stage) -> Receipt:
    """A folder that ClassIn has no answer for, all day."""
    receipt = submitter.submit("create_folder", FOLDER)
    stage.carry_on(receipt.id, said(104, "unknown error"))
    return receipt


def test_what_a_filter_matches_is_retried_as_far_as_it_helps(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """What passed away by itself goes again; what was refused is left out, in ClassIn's words."""
    tired, sure = exhausted(submitter, stage), refused(submitter, stage)
    wanted = Wanted(chosen=FAILED)

    found = {each.id: each for each in retrying.preview(wanted)}

    assert found[tired.id].outlook is Outlook.HOPEFUL
    assert found[sure.id].outlook is Outlook.IN_VAIN
    assert found[sure.id].why == "no such folder (the folder does not exist)"
    assert not found[sure.id].submissions
    ((_, (new,), _),) = retrying.retry([*found.values()], wanted)
    assert (new.record().retry_of, tired.record().retried_by) == (tired.id, new.id)
    assert sure.record().retried_by is None


def test_by_reason_and_code(retrying: RetryService, submitter: Submitter, stage: Stage) -> None:
    """Filters combine; what is not settled is never among what they find."""
    tired, _ = exhausted(submitter, stage), refused(submitter, stage)
    submitter.submit("create_folder", FOLDER)

    spent = replace(FAILED, reason="exhausted")
    assert [each.id for each in retrying.preview(Wanted(chosen=spent))] == [tired.id]
    assert [each.id for each in retrying.preview(Wanted(chosen=Filter(code=104)))] == [tired.id]
    assert retrying.preview(Wanted(chosen=Filter(code=104, reason="refused"))) == []


def test_a_changed_field_makes_hope(
    retrying: RetryService, submitter: Submitter, stage: Stage, audit: Audit
) -> None:
    """What was refused goes again with it; both values stay with the new record."""
    sure = refused(submitter, stage)
    settings = Setting.read_all(["folderName=toys"])
    wanted = Wanted(chosen=FAILED, settings=settings)

    found = retrying.preview(wanted)
    ((_, (new,), _),) = retrying.retry(found, wanted, "the SIS had it wrong")

    record = new.record()
    assert record.fields == FOLDER | {"folderName": "toys"}
    assert record.to_dict()["edits"] == [
        {"field": "folderName", "before": "tools", "after": "toys"}
    ]
    assert sure.record().fields == FOLDER
    (deed,) = audit.deeds(5)
    assert (deed.who, deed.what, deed.ids) == ("ada", "retry", (sure.id,))
    assert deed.about == "state=failed set folderName"
    assert deed.why == "the SIS had it wrong"


def test_a_field_that_does_not_pass_stops_all(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """Each record whose fields would be wrong is named, and nothing is retried."""
    first, second = (refused(submitter, stage) for _ in range(2))
    settings = Setting.read_all(["folderNam=toys"])

    with pytest.raises(InvalidInputError) as error:
        retrying.preview(Wanted(chosen=FAILED, settings=settings))

    assert [fault.where for fault in error.value.faults] == [first.id, second.id]
    assert "did you mean folderName?" in str(error.value)


def test_what_could_be_done_twice_is_left_out(
    retrying: RetryService,
    submitter: Submitter,
    stage: Stage,
    ring_bell: type[Operation],
) -> None:
    """An uncertain one that a repeat would double, unless somebody insists."""
    bell = submitter.submit(ring_bell())
    stage.perform(bell.id, ReplyLostError("no reply in time"))
    assert bell.record().state is State.UNCERTAIN

    (prospect,) = retrying.preview(Wanted(chosen=Filter(state="uncertain")))
    (forced,) = retrying.preview(Wanted(chosen=Filter(state="uncertain"), force=True))

    assert (prospect.outlook, prospect.submissions) == (Outlook.DOUBLES, ())
    assert forced.submissions
    with pytest.raises(InvalidInputError, match="`classin settle` decides it"):
        retrying.preview(Wanted([bell.id]))


def test_what_was_retried_already_is_left_out(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """Whether that went well, is under way, or failed as well: then the last try is the one."""
    well, waiting, badly = (exhausted(submitter, stage) for _ in range(3))
    for receipt, code in ((well, 1), (badly, 193)):
        stage.perform(retry(submitter, receipt.id)[0].id, said(code))
    (last,) = retry(submitter, waiting.id)
    wanted = Wanted(chosen=Filter(state="failed", reason="exhausted"), force=True)

    found = {each.id: each for each in retrying.preview(wanted)}

    assert [found[each.id].outlook for each in (well, waiting, badly)] == [
        Outlook.DONE_SINCE,
        Outlook.UNDER_WAY,
        Outlook.LATER_TRY,
    ]
    assert f"is being tried again as {last.id}" in found[waiting.id].why
    assert not any(each.submissions for each in found.values())


def test_who_waited_is_retried_behind_whom_it_waited_for(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """A whole chain in one go, in its order; references lead to the new records."""
    first, second = submitter.submit_many(
        [
            {"operation": "create_folder", "fields": FOLDER, "dedup_key": "a"},
            {
                "operation": "rename_folder",
                "fields": {"folderId": result_of("a"), "folderName": "toys"},
            },
        ]
    )
    stage.carry_on(first.id, said(104))
    wanted = Wanted([second.id, first.id])

    tried = list(retrying.retry(retrying.preview(wanted), wanted))

    again, behind = (receipts[0] for _, receipts, _ in tried)
    assert [prospect.id for prospect, _, _ in tried] == [first.id, second.id]
    assert behind.record().after == (again.id,)
    assert behind.record().fields["folderId"]["$result"] == again.id
    assert again.record().batch == behind.record().batch is not None


def test_what_is_named_is_retried_all_or_none(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """To name what was refused is to say that it can help now; what is done is a fault."""
    sure, good = refused(submitter, stage), submitter.submit("create_folder", FOLDER)
    stage.perform(good.id, said(1))

    (prospect,) = retrying.preview(Wanted([sure.id, sure.id]))
    assert prospect.submissions
    with pytest.raises(InvalidInputError) as error:
        retrying.preview(Wanted([sure.id, good.id]))
    assert str(error.value.faults[0]).startswith(f"{good.id}: succeeded")
    with pytest.raises(NotFoundError):
        retrying.preview(Wanted(["nowhere"]))


def test_somebody_was_quicker(retrying: RetryService, submitter: Submitter, stage: Stage) -> None:
    """Between the look and the yes: it is not tried twice."""
    tired = exhausted(submitter, stage)
    wanted = Wanted([tired.id])
    found = retrying.preview(wanted)
    (quicker,) = retry(submitter, tired.id)

    ((_, receipts, instead),) = retrying.retry(found, wanted)

    assert receipts == []
    assert instead is not None
    assert instead.id == quicker.id


def test_who_waited_for_what_somebody_was_quicker_with_waits_for_that_retry(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """One that comes too late does not keep those from being retried that come with it."""
    first = submitter.submit("create_folder", FOLDER)
    second = submitter.submit("rename_folder", {"folderId": result_of(first), "folderName": "toys"})
    stage.carry_on(first.id, said(104))
    wanted = Wanted([first.id, second.id])
    found = retrying.preview(wanted)
    (quicker,) = retry(submitter, first.id)

    late, behind = retrying.retry(found, wanted)

    assert late.instead is not None
    assert late.instead.id == quicker.id
    (new,) = behind.receipts
    assert new.record().after == (quicker.id,)
    assert new.record().fields["folderId"]["$result"] == quicker.id


def test_what_was_found_to_have_succeeded_since_is_not_retried(
    retrying: RetryService,
    submitter: Submitter,
    stage: Stage,
    ledger: RedisLedger,
    ring_bell: type[Operation],
) -> None:
    """Between the look and the yes somebody settled it."""
    unsure = submitter.submit(ring_bell())
    stage.perform(unsure.id, ReplyLostError("no reply in time"))
    wanted = Wanted([unsure.id], force=True)
    found = retrying.preview(wanted)
    ledger.resolve(unsure.id, State.SUCCEEDED, "it is there", "ada")

    ((_, receipts, instead),) = retrying.retry(found, wanted)

    assert receipts == []
    assert instead is not None
    assert instead.id == unsure.id
    assert unsure.record().retried_by is None


def test_partial_ones_are_mended_by_filter(
    retrying: RetryService, submitter: Submitter, stage: Stage
) -> None:
    """Each by its own follow-up."""
    for n in range(3):
        fields = {"telephone": f"1380013800{n}", "password": "secret-word", "addToSchoolMember": 1}
        receipt = submitter.submit("register", fields)
        stage.perform(receipt.id, said(820, data=4711 + n))
    wanted = Wanted(chosen=Filter(state="partial"), mend=True)

    found = retrying.preview(wanted)
    tried = list(retrying.retry(found, wanted))

    records = [receipt.record() for _, receipts, _ in tried for receipt in receipts]
    assert Counter(record.operation for record in records) == {"add_school_student": 3}
    assert [record.retry_of for record in records] == [each.id for each in found]
