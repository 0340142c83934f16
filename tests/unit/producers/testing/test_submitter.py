"""What `producers.testing` gives to those who test programs that submit."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from producers import (
    AddCourse,
    AddCourseClassMultiple,
    CreateFolder,
    EditCourse,
    ModifyPasswordByTelephone,
    NewLesson,
    Receipt,
    Submitter,
    result_of,
    submit,
    submit_many,
)
from producers.retry.service import retry
from producers.testing import InMemorySubmitter, Outcome, failed, submitting_in_memory, succeeded
from producers.testing.pytest_plugin import submitted  # noqa: F401  # as those who test import it
from worker.broker.queue import Queues
from worker.config.settings import Settings
from worker.errors import (
    InvalidInputError,
    InvalidOperationError,
    NotFoundError,
    UnavailableError,
    ValidationError,
)
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

NOW = 1_800_000_000.0
COURSE = EditCourse(course_id=352861, course_name="Spring")
PASSWORD = ModifyPasswordByTelephone(uid=1000001, password="a-secret-1")
FOLDER = {"folderId": 1, "folderName": "Week 36"}

#: Of a record's JSON, what does not differ from one ledger to another.
_KEPT = (
    "operation", "school", "fields", "state", "reason", "failed_because", "message", "row",
    "lane", "lane_on_failure", "priority", "dedup_key", "source",
)  # fmt: skip

#: One call: a name, fields, and what is said besides.
Call = tuple[str, Mapping[str, Any], Mapping[str, Any]]


@pytest.fixture
def real(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """A Submitter as in production, with the same clock as the one in memory."""
    return Submitter(settings, ledger, queues, clock=lambda: NOW)


@pytest.fixture
def memory() -> InMemorySubmitter:
    """A Submitter in memory."""
    return InMemorySubmitter(clock=lambda: NOW)


def _submit_one(submitter: Submitter, call: Call) -> Sequence[Receipt]:
    name, fields, options = call
    return [submitter.submit(name, fields, **options)]


def told(act: Callable[[], Sequence[Receipt]], ids: list[str]) -> object:
    """Do something; gives what came of it, with numbers instead of ids."""
    try:
        receipts = act()
    except ValidationError as error:
        faults = [(_numbered(str(each), ids), each.kind) for each in error.faults]
        return type(error), error.subject, faults
    found = []
    for receipt in receipts:
        record = receipt.record()
        ids += [receipt.id] if receipt.id not in ids else []
        after = [ids.index(each) for each in record.after]
        fields = record.to_dict(reveal=True)
        kept = _numbered(str({name: fields[name] for name in _KEPT}), ids)
        found.append((ids.index(receipt.id), receipt.new, after, record.accepts_existing, kept))
    return found


def _numbered(text: str, ids: Sequence[str]) -> str:
    for number, each in enumerate(ids):
        text = text.replace(each, f"record {number}")
    return text


@pytest.mark.parametrize(
    "calls",
    [
        [("edit_course", {"courseId": 1, "courseName": "a"}, {})],
        [("edit_course", {"courseId": "x", "courseNam": "a"}, {"school": "north"})],
        [("edit_curse", {}, {}), ("create_folder", {}, {"priority": "urgent"})],
        [("edit_course", {"courseId": 1, "expiryTime": NOW - 1}, {})],
        [("edit_course", {"courseId": 1, "filedata": "@/nowhere.png"}, {})],
        [("create_folder", FOLDER, {"dedup_key": "a"})] * 2,
        [
            ("create_folder", FOLDER, {"dedup_key": "a"}),
            ("create_folder", {**FOLDER, "folderName": "b"}, {"dedup_key": "a"}),
        ],
        [
            ("create_folder", FOLDER, {"dedup_key": "a"}),
            ("create_folder", {**FOLDER, "folderId": 2}, {"after": ["a"], "priority": "low"}),
            ("create_folder", {**FOLDER, "folderId": 3}, {"after": ["b", "a"]}),
        ],
        [
            (
                "create_folder",
                FOLDER,
                {"lane": "x", "lane_on_failure": "stop", "if_exists": "accept"},
            )
        ],
    ],
)
def test_memory_answers_as_redis_does(
    real: Submitter, memory: InMemorySubmitter, calls: list[Call]
) -> None:
    """One call after the other, and all of them as a batch: the same records, the same faults."""
    lines = [{"operation": name, "fields": fields, **options} for name, fields, options in calls]
    said = []
    for submitter in (real, memory):
        alone = [partial(_submit_one, submitter, call) for call in calls]
        acts = [*alone, partial(submitter.submit_many, lines, source="python")]
        ids = list[str]()
        said.append([told(act, ids) for act in acts])
    assert said[0] == said[1]


@pytest.mark.parametrize("options", [{}, {"lane_on_failure": "stop"}])
def test_dependents_fail_in_memory_as_in_redis(
    real: Submitter, memory: InMemorySubmitter, options: dict[str, Any]
) -> None:
    """With the same reason, in the same words: before their dependency fails, and after that."""
    said = []
    for submitter in (real, memory):
        ids = [submitter.submit("create_folder", FOLDER, lane="a", **options).id]
        waiting = submitter.submit("create_folder", FOLDER, after=ids)
        behind = submitter.submit("create_folder", FOLDER, lane="a")
        submitter.cancel(ids[0])
        late = submitter.submit("create_folder", FOLDER, after=ids)
        ids += [waiting.id, behind.id, late.id]
        said.append([told(lambda each=each: [each], ids) for each in (waiting, behind, late)])  # type: ignore[misc]  # a receipt
    assert said[0] == said[1]


def test_the_functions_of_producers_submit_to_memory() -> None:
    """As long as the context lasts; an inner one has its own."""
    with submitting_in_memory() as outer:
        submit(COURSE)
        with submitting_in_memory(["north"]) as inner:
            submit("create_folder", FOLDER)
        receipts = submit_many([COURSE, COURSE])
    assert [record.operation for record in outer.records] == ["edit_course"] * 3
    assert [receipt.record().source for receipt in receipts] == ["python"] * 2
    assert [(each.operation, each.school) for each in inner.records] == [("create_folder", "north")]


def test_a_fixture_submits_to_memory(submitted: InMemorySubmitter) -> None:  # noqa: F811  # it is that
    """It lasts as long as the test."""
    submit(COURSE)
    assert submitted.operations == [COURSE]


def test_operations_stay_queued_until_a_test_settles_them(memory: InMemorySubmitter) -> None:
    """Whoever waits before hears so at once, for nobody would end them meanwhile."""
    receipt = memory.submit(COURSE)
    with pytest.raises(TimeoutError, match=f"{receipt.id} is queued still"):
        receipt.wait()
    memory.settle(receipt, failed(144, "no such course"))
    record = receipt.wait()
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert (record.code, record.message) == (144, "no such course")
    assert record.finished_at == NOW * 1000
    with pytest.raises(ValueError, match=f"{receipt.id} is failed: only a queued one"):
        memory.settle(receipt.id, succeeded())


def test_a_test_says_how_operations_end() -> None:
    """By their class or name, for all others, or by what decides for each record."""
    memory = InMemorySubmitter(outcome=succeeded())
    memory.set_outcome(AddCourse, lambda record: succeeded(record.sequence, more_data={"a": 1}))
    memory.set_outcome("create_folder", Outcome(state=State.UNCERTAIN, message="no reply"))
    memory.set_outcome(ModifyPasswordByTelephone, None)
    records = [
        memory.submit(operation).record()
        for operation in (
            AddCourse(course_name="a"),
            CreateFolder(folder_id=1, folder_name="a"),
            PASSWORD,
            COURSE,
        )
    ]
    assert [(record.state, record.result) for record in records] == [
        (State.SUCCEEDED, {"data": 1, "more_data": {"a": 1}}),
        (State.UNCERTAIN, None),
        (State.QUEUED, None),
        (State.SUCCEEDED, None),
    ]
    with pytest.raises(InvalidOperationError, match=r"did you mean add_course\?"):
        memory.set_outcome("add_curse", succeeded())


def test_whoever_waits_for_others_goes_on_when_they_end(memory: InMemorySubmitter) -> None:
    """Or fails with them, and so do those who wait for it."""
    memory.set_outcome(CreateFolder, succeeded(5))
    first, other = memory.submit(COURSE), memory.submit(COURSE)
    well = memory.submit("create_folder", FOLDER, after=[first])
    badly = memory.submit("create_folder", FOLDER, after=[first, other])
    after_badly = memory.submit("create_folder", FOLDER, after=[badly])
    waiting = [each.record().state for each in (well, badly, after_badly)]
    assert waiting == [State.BLOCKED] * 3
    memory.settle(first, Outcome(state=State.PARTIAL))
    assert (well.wait().state, badly.record().state) == (State.SUCCEEDED, State.BLOCKED)
    assert memory.cancel(other.id) is State.CANCELLED
    ends = [(each.wait().state, each.wait().reason) for each in (badly, after_badly)]
    assert ends == [(State.FAILED, Reason.DEPENDENCY)] * 2
    assert badly.wait().message == f"{other.id}, which it waited for, did not succeed"
    assert memory.cancel(first.id) is State.PARTIAL
    assert memory.submit("create_folder", FOLDER, after=[other]).wait().state is State.FAILED


def test_a_lane_keeps_its_order(memory: InMemorySubmitter) -> None:
    """What is second in it waits until the first has ended, however that ends."""
    first, second = memory.submit(COURSE), memory.submit(COURSE)
    with pytest.raises(ValueError, match=f"{second.id} is blocked: only a queued one"):
        memory.settle(second, succeeded())
    memory.settle(first, failed(144))
    assert second.record().state is State.QUEUED


def test_a_lane_stops_when_it_was_told_to(memory: InMemorySubmitter) -> None:
    """Who is behind in it then fails; who comes later does not."""
    first = memory.submit("create_folder", FOLDER, lane="a", lane_on_failure="stop")
    behind = [memory.submit("create_folder", FOLDER, lane="a") for _ in range(3)]
    memory.settle(first, failed(144))
    ends = {(each.wait().reason, each.wait().message) for each in behind}
    assert ends == {(Reason.DEPENDENCY, f"its lane was to stop when {first.id} did not succeed")}
    assert memory.submit("create_folder", FOLDER, lane="a").record().state is State.QUEUED


def test_a_long_chain_ends_with_its_first(memory: InMemorySubmitter) -> None:
    """However long it is."""
    memory.set_outcome(CreateFolder, succeeded())
    asked: list[Any] = [{"operation": "edit_course", "fields": COURSE.to_dict(), "dedup_key": "0"}]
    asked += [
        {"operation": "create_folder", "fields": FOLDER, "dedup_key": f"{n + 1}", "after": [f"{n}"]}
        for n in range(2000)
    ]
    receipts = memory.submit_many(asked)
    assert receipts[-1].record().state is State.BLOCKED
    memory.settle(receipts[0], succeeded())
    assert receipts[-1].wait().state is State.SUCCEEDED


def test_what_was_submitted_can_be_compared(memory: InMemorySubmitter) -> None:
    """With credentials, references, and identities as they were given."""
    course = memory.submit(AddCourse(course_name="a"))
    memory.submit(AddCourse(course_name="a", course_unique_identity="mine"))
    start = int(NOW) + 3600
    lesson = NewLesson(class_name="a", begin_time=start, end_time=start + 3600, teacher_uid=1)
    lessons = AddCourseClassMultiple(course_id=result_of(course), class_json=(lesson,))
    memory.submit(lessons)
    memory.submit(PASSWORD)
    assert memory.operations == [
        AddCourse(course_name="a"),
        AddCourse(course_name="a", course_unique_identity="mine"),
        lessons,
        PASSWORD,
    ]
    assert "a-secret" not in repr(memory.records)


def test_redis_may_be_away(memory: InMemorySubmitter) -> None:
    """A test says so: whatever needs it raises what Redis would."""
    receipt = memory.submit(COURSE)
    memory.unavailable = True
    acts: list[Callable[[], object]] = [
        lambda: memory.submit(COURSE),
        lambda: memory.submit_many([COURSE]),
        lambda: memory.cancel(receipt.id),
        receipt.record,
        receipt.wait,
    ]
    for act in acts:
        with pytest.raises(UnavailableError):
            act()
    memory.unavailable = False
    assert [record.id for record in memory.records] == [receipt.id]


def test_a_retry_is_linked_to_its_record(real: Submitter, memory: InMemorySubmitter) -> None:
    """A record is tried again once, as always."""
    receipt = memory.submit(COURSE)
    with pytest.raises(InvalidInputError, match="is queued: wait until it is settled"):
        retry(memory, receipt.id)
    memory.settle(receipt, failed(144))
    (first,), (second,) = retry(memory, receipt.id), retry(memory, receipt.id)
    assert (first.new, second.new, second.id) == (True, False, first.id)
    assert receipt.record().retried_by == first.id
    assert first.record().retry_of == receipt.id
    for submitter in (real, memory):
        with pytest.raises(NotFoundError, match="there is no record 'nobody'"):
            retry(submitter, "nobody")
