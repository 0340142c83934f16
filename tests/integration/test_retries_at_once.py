"""Many retry the same at the same moment, each over a connection of its own: one new record."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Barrier

from ops.admin.retry import RetryService, Wanted
from producers import Submitter
from producers.intake.receipt import Receipt
from producers.retry.nightly import NightlyRetry, RetryJob
from producers.retry.service import retry
from tests.claiming import try_claim
from tests.stage import PATIENCE, Environment, at_once
from worker.ledger.audit import Audit
from worker.ledger.record import Record
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter, Transition

#: Of the harmful kind: to do it twice makes two.
DRAFT = {
    "courseId": 1, "unitId": 2, "activityType": 2, "name": "Homework", "teacherUid": 3,
}  # fmt: skip
FOLDER = {"folderId": 747759, "folderName": "tools"}
REFUSED = Transition(state=State.FAILED, reason=Reason.REFUSED, code=193)
EXHAUSTED = Transition(state=State.FAILED, reason=Reason.EXHAUSTED, code=104)
PARTIAL = Transition(state=State.PARTIAL, code=1)
UNCERTAIN = Transition(state=State.UNCERTAIN)
MANY = 40


def ended(ledger: RedisLedger, receipt: Receipt, standing: Transition) -> Record:
    """Let a record end so."""
    claim = try_claim(ledger, receipt.id, "lease", "w", 10)
    assert claim is not None
    ledger.advance(claim, standing, None)
    return ledger.find(receipt.id)


def tries_of(ledger: RedisLedger, record: Record) -> Sequence[Record]:
    """Find all that try a record again."""
    page = ledger.page(Filter(), 1000)
    return [each for each in page.records if each.retry_of == record.id]


def test_python_retries_at_once_make_one(
    environment: Environment, submitter: Submitter, ledger: RedisLedger
) -> None:
    """Whoever comes second is told of the first's, and that it is not new."""
    draft = submitter.submit("create_activity_no_class", DRAFT)
    record = ended(ledger, draft, UNCERTAIN)
    doors = [Submitter.from_settings(environment.settings) for _ in range(MANY)]

    answers = at_once(MANY, lambda n: retry(doors[n], record.id))

    (only,) = tries_of(ledger, record)
    assert [receipt.id for (receipt,) in answers] == [only.id] * MANY
    assert sum(receipt.new for (receipt,) in answers) == 1
    assert ledger.find(record.id).retried_by == only.id


def test_persons_who_retry_at_once_make_one(
    environment: Environment, submitter: Submitter, ledger: RedisLedger
) -> None:
    """All have looked before any of them says yes; the others learn who was quicker."""
    draft = submitter.submit("create_activity_no_class", DRAFT)
    record = ended(ledger, draft, UNCERTAIN)
    wanted = Wanted([record.id], force=True)
    looked = Barrier(MANY, timeout=PATIENCE)

    def one(number: int) -> tuple[Sequence[Receipt], Receipt | None]:
        redis = connect(environment.settings.ledger_url)
        door = Submitter.from_settings(environment.settings)
        retrying = RetryService(door, RedisLedger(redis), Audit(redis), f"person {number}")
        found = retrying.preview(wanted)
        looked.wait()
        (tried,) = retrying.retry(found, wanted)
        return tried.receipts, tried.instead

    answers = at_once(MANY, one)

    (only,) = tries_of(ledger, record)
    assert [receipt.id for receipts, _ in answers for receipt in receipts] == [only.id]
    assert [instead.id for _, instead in answers if instead] == [only.id] * (MANY - 1)


def test_nights_at_once_try_nothing_twice(
    environment: Environment, submitter: Submitter, ledger: RedisLedger
) -> None:
    """Two ticks that differ, and so have other dedup keys, are two retriers like any."""
    folders = submitter.submit_many(
        {"operation": "create_folder", "fields": FOLDER, "lane": str(n)} for n in range(20)
    )
    records = [ended(ledger, each, EXHAUSTED) for each in folders]

    def one(number: int) -> int:
        redis = connect(environment.settings.ledger_url)
        door = Submitter.from_settings(environment.settings)
        night = NightlyRetry(door, RedisLedger(redis), Audit(redis))
        return night.run(RetryJob(), f"tick-{number}").number

    numbers = at_once(8, one)

    assert [len(tries_of(ledger, record)) for record in records] == [1] * 20
    assert sum(numbers) == 20


def test_mends_at_once_are_of_one_retrier(
    environment: Environment, submitter: Submitter, ledger: RedisLedger
) -> None:
    """All follow-ups of a record come from one of those who ask, each once."""
    people = [{"telephone": f"1380013800{n}", "password": "secret-word"} for n in range(3)]
    receipt = submitter.submit(
        "register_multiple", {"userJson": [{**each, "addToSchoolMember": 1} for each in people]}
    )
    items = [{"errno": 820, "data": 4711 + n} for n in range(3)]
    record = ended(ledger, receipt, replace(PARTIAL, result={"data": items}))
    doors = [Submitter.from_settings(environment.settings) for _ in range(MANY)]

    answers = at_once(MANY, lambda n: retry(doors[n], record.id, mend=True))

    tries = tries_of(ledger, record)
    assert [each.operation for each in tries] == ["add_school_student"] * 3
    made = [[each.id for each in some] for some in answers if any(each.new for each in some)]
    assert [sorted(some) for some in made] == [sorted(each.id for each in tries)]
