"""The one door: checked, recorded, then published."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from producers.intake.attachments import LARGEST_KEPT, file_at
from producers.intake.request import SubmitRequest
from producers.intake.submitter import Submitter
from producers.retry.service import retry
from tests.redis_server import SharedRedis
from tests.unit.published import ids_in, taken_from
from tests.unit.stage import Stage, said
from worker.broker.queue import Queues
from worker.classin.catalogue import read
from worker.classin.field_types import File
from worker.classin.operation import Operation
from worker.classin.operations.activities import CreateUnit, Publication
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId, UploadFile
from worker.classin.operations.courses import EditCourse
from worker.config.settings import Settings
from worker.errors import (
    InvalidInputError,
    InvalidOperationError,
    UnavailableError,
    ValidationError,
)
from worker.ledger.keys import Keys
from worker.ledger.states import State
from worker.ledger.store import CHUNK, RedisLedger
from worker.ledger.types import Filter

KEYS = Keys()

COURSE = EditCourse(course_id=352861, course_name="Today is a good day")
FOLDER = {"folderId": 747759, "folderName": "tools"}


def ids(queues: Queues) -> list[str]:
    """The records that messages on the queue name."""
    return [each for message in taken_from(queues) for each in ids_in(message)]


def test_an_operation_is_recorded_and_a_message_sent(submitter: Submitter, queues: Queues) -> None:
    """The receipt leads to the record."""
    receipt = submitter.submit(COURSE, source="python")
    record = receipt.record()
    assert (record.id, record.state, record.school) == (receipt.id, State.QUEUED, "main")
    assert (record.operation, record.source) == ("edit_course", "python")
    assert record.fields == {"courseId": 352861, "courseName": "Today is a good day"}
    assert (record.lane, record.batch) == ("main:course_id:352861", None)
    assert record.accepts_existing is False
    assert ids(queues) == [receipt.id]


@pytest.mark.parametrize(
    ("name", "fields", "operation"),
    [
        ("edit_course", {"course_id": "352861", "courseName": "Today is a good day"}, COURSE),
        ("get_top_folder_id", None, GetTopFolderId()),
        (
            "create_unit",
            {"courseId": 414193, "name": "Create Unit", "publishFlag": "2"},
            CreateUnit(course_id=414193, name="Create Unit", publish_flag=Publication.PUBLISHED),
        ),
    ],
)
def test_a_name_and_fields_are_as_good_as_an_object(
    submitter: Submitter, name: str, fields: dict[str, Any] | None, operation: Operation
) -> None:
    """Both leave the same record."""
    named, given = submitter.submit(name, fields).record(), submitter.submit(operation).record()
    assert named.fields == given.fields == operation.to_dict()
    assert (named.operation, named.lane) == (given.operation, given.lane)


def test_the_lane_is_school_and_entity(submitter: Submitter) -> None:
    """What names no entity has none."""
    lanes = [submitter.check(operation)[0].lane for operation in (COURSE, GetTopFolderId())]
    assert lanes == ["main:course_id:352861", None]


@pytest.mark.parametrize(("if_exists", "accepts"), [("accept", True), ("refuse", False)])
def test_the_submitter_says_what_is_so_already(
    submitter: Submitter, if_exists: str, *, accepts: bool
) -> None:
    """Whether it is welcome or a refusal."""
    receipt = submitter.submit("create_folder", FOLDER, if_exists=if_exists)
    assert receipt.record().accepts_existing is accepts


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ({"operation": "create_foldr"}, ["did you mean create_folder?"]),
        ({"fields": {"folderId": "x"}}, ["folderId: should", "folderName: is required"]),
        ({"school": "north"}, ["school: there is no 'north'"]),
        ({"fields": {}, "school": "north"}, ["folderId", "folderName", "school"]),
        ({"if_exists": "yes"}, ["if_exists: should be one of"]),
        (
            {"operation": "edit_course", "fields": {"Filedata": "@/nowhere.png"}},
            ["courseId: is required", "Filedata: /nowhere.png cannot be read"],
        ),
    ],
)
def test_bad_input_is_refused_with_every_fault(
    submitter: Submitter,
    ledger: RedisLedger,
    queues: Queues,
    asked: dict[str, Any],
    faults: list[str],
) -> None:
    """Nothing is recorded, and no message sent."""
    with pytest.raises(ValidationError) as refused:
        submitter.submit(**{"operation": "create_folder", "fields": FOLDER} | asked)
    found = [str(fault) for fault in refused.value.faults]
    assert len(found) == len(faults)
    assert all(found[i].count(faults[i]) for i in range(len(faults)))
    assert ledger.counts().by_state() == {}
    assert ids(queues) == []


def test_without_a_school_nothing_is_taken(
    settings: Settings, ledger: RedisLedger, queues: Queues
) -> None:
    """A missing secret is told before anything is recorded."""
    submitter = Submitter(replace(settings, schools={}), ledger, queues)
    with pytest.raises(InvalidInputError, match="school: none is configured"):
        submitter.submit(COURSE)
    assert ledger.counts().by_state() == {}


@pytest.mark.parametrize(("days", "taken"), [(0, False), (1, True), (366, True), (367, False)])
def test_an_expiry_in_the_past_or_beyond_a_year_is_refused(  # as it is
    settings: Settings,
    ledger: RedisLedger,
    queues: Queues,
    days: int,
    taken: bool,  # noqa: FBT001
) -> None:
    """When it is handed in, by fields or as an object, and nothing is recorded."""
    submitter = Submitter(settings, ledger, queues, clock=lambda: 1_800_000_000.0)
    fields = {"courseId": 352861, "expiryTime": 1_800_000_000 + days * 86400}
    asked: tuple[tuple[Any, ...], ...] = (("edit_course", fields), (read("edit_course", fields),))
    for each in asked:
        if taken:
            assert submitter.submit(*each).new
            continue
        with pytest.raises(InvalidInputError) as refused:
            submitter.submit(*each)
        assert [fault.where for fault in refused.value.faults] == ["expiryTime"]


def test_a_batch_belongs_together(
    submitter: Submitter, ledger: RedisLedger, queues: Queues
) -> None:
    """Objects and lines, in their order."""
    receipts = submitter.submit_many(
        [COURSE, {"operation": "create_folder", "fields": FOLDER, "if_exists": "accept"}]
    )
    records = [receipt.record() for receipt in receipts]
    assert [record.operation for record in records] == ["edit_course", "create_folder"]
    assert [record.accepts_existing for record in records] == [False, True]
    (batch,) = {record.batch for record in records}
    assert batch is not None
    assert ledger.batch_counts(batch) == {State.QUEUED: 2}
    assert ids(queues) == [receipt.id for receipt in receipts]


def test_a_batch_is_taken_whole_or_not_at_all(
    submitter: Submitter, ledger: RedisLedger, queues: Queues
) -> None:
    """Every fault is named by the position of its operation."""
    asked: list[Any] = [
        COURSE, {"operation": "create_folder", "fields": {}}, 3, {"operation": "fly", "fields": {}},
    ]  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"^nothing was submitted") as refused:
        submitter.submit_many(asked)
    assert [str(fault) for fault in refused.value.faults] == [
        "2: folderId: is required",
        "2: folderName: is required",
        "3: should be an object with operation and fields",
        "4: operation: ClassIn knows no 'fly'",
    ]
    assert ledger.counts().by_state() == {}
    assert ids(queues) == []


def test_a_large_batch_goes_in_by_chunks(
    submitter: Submitter, ledger: RedisLedger, queues: Queues
) -> None:
    """Whoever asked is told of each, for a progress bar."""
    entered: list[int] = []
    receipts = submitter.submit_many(
        (CreateFolder(folder_id=1 + n, folder_name="a") for n in range(CHUNK + 10)),
        on_entered=entered.append,
    )
    assert entered == [CHUNK, 10]
    assert len({receipt.id for receipt in receipts}) == CHUNK + 10
    assert ids(queues) == [receipt.id for receipt in receipts]
    newest = ledger.page(Filter(), 1).records[0]
    assert newest.fields["folderId"] == CHUNK + 10


def test_redis_away_sends_no_message(
    submitter: Submitter, server: SharedRedis, queues: Queues
) -> None:
    """The ledger comes first: a message without a record could not be mended."""
    server.connected = False
    with pytest.raises(UnavailableError):
        submitter.submit(COURSE)
    assert ids(queues) == []


def test_a_receipt_waits_until_the_record_is_settled(submitter: Submitter, stage: Stage) -> None:
    """Or until the time is over."""
    receipt = submitter.submit(COURSE)
    with pytest.raises(TimeoutError, match=f"{receipt.id} is queued still"):
        receipt.wait(0)
    stage.perform(receipt.id, said(144, "no course"))
    assert receipt.wait(0).state is State.FAILED
    assert receipt.wait().code == 144


def test_a_picture_is_read_when_it_is_submitted(
    submitter: Submitter, stage: Stage, redis: Redis, tmp_path: Path
) -> None:
    """It may be gone by the time of sending; once that is done, it is kept no longer."""
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"png")
    receipt = submitter.submit("edit_course", {"courseId": 1, "filedata": f"@{picture}"})
    picture.unlink()
    digest = "8f8cbb7dcf46e0bc7d53265749a6c17d116093a6ba95e442764060c76fd4a86c"
    file = {"name": "cover.png", "size": 3, "sha256": digest, "at": "redis"}
    assert receipt.record().fields["Filedata"] == file
    assert redis.hgetall(KEYS.file(receipt.id)) == {"Filedata:0": "cG5n"}

    assert stage.perform(receipt.id, said(1)).files == [{"Filedata": b"png"}]

    assert receipt.record().state is State.SUCCEEDED
    assert not redis.exists(KEYS.file(receipt.id))


def test_a_file_described_in_advance_goes_along_as_well(
    submitter: Submitter, stage: Stage, tmp_path: Path
) -> None:
    """Alone or in a batch."""
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"png")
    operation = EditCourse(course_id=1, filedata=file_at(picture))
    receipts = [submitter.submit(operation), *submitter.submit_many([operation])]
    picture.unlink()
    for receipt in receipts:
        assert stage.perform(receipt.id, said(1)).files == [{"Filedata": b"png"}]


def test_content_that_nobody_brought_is_asked_for(submitter: Submitter) -> None:
    """Only a submission puts files into Redis."""
    picture = File(name="cover.png", size=3, sha256="0" * 64, at="redis")
    operation = EditCourse(course_id=1, filedata=picture)
    for submit in (submitter.submit, submitter.check):
        with pytest.raises(
            InvalidInputError, match="Filedata: its content is not kept: name the file"
        ):
            submit(operation)


def test_heavy_files_go_in_by_smaller_chunks(
    submitter: Submitter, stage: Stage, tmp_path: Path
) -> None:
    """So that no call to Redis grows too long; each file arrives whole."""
    content = bytes(range(256)) * (12 * 1024)
    picture = tmp_path / "film.mp4"
    picture.write_bytes(content)
    entered: list[int] = []
    film = file_at(picture)
    receipts = submitter.submit_many(
        [UploadFile(folder_id=n, filedata=film) for n in range(1, 5)], on_entered=entered.append
    )
    assert entered == [3, 1]
    assert stage.perform(receipts[3].id, said(1)).files == [{"Filedata": content}]


def test_a_file_that_was_kept_is_needed_again_for_a_retry(
    submitter: Submitter, stage: Stage, tmp_path: Path
) -> None:
    """Small ones are kept until the record is settled; what stayed where it was can be retried."""
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"png")
    kept = submitter.submit("edit_course", {"courseId": 1, "filedata": f"@{picture}"})
    stage.perform(kept.id, said(144))
    with pytest.raises(
        InvalidInputError, match="its file is no longer kept: submit it anew with the"
    ):
        retry(submitter, kept.id)

    large = tmp_path / "film.mp4"
    large.write_bytes(bytes(LARGEST_KEPT + 1))
    left = submitter.submit("upload_file", {"folderId": 1, "filedata": f"@{large}"})
    stage.perform(left.id, said(193))
    (again,) = retry(submitter, left.id)
    assert len(stage.perform(again.id, said(1)).files[0]["Filedata"]) == LARGEST_KEPT + 1


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        (3, ["should be an object with operation and fields"]),
        ([], ["should be an object with operation and fields"]),
        ({}, ["operation: is required", "fields: is required"]),
        (
            {"operation": 1, "fields": [], "if_exist": "accept"},
            [
                "operation: should be text; got 1",
                "fields: should be an object",
                "if_exist: unknown field; did you mean if_exists?",
            ],
        ),
        (
            {
                "operation": "a", "fields": {}, "dedup_key": "", "lane": "a\nb",
                "after": ["a" * 201, 3], "priority": "urgent", "lane_on_failure": "end",
            },
            [
                "dedup_key: should not be empty",
                "lane: is not of the right form; got 'a\\nb'",
                "after.0: should have at most 200 characters; has 201",
                "after.1: should be text; got 3",
                "priority: should be one of 'high', 'normal' or 'low'; got 'urgent'",
                "lane_on_failure: should be one of 'stop' or 'go on'; got 'end'",
            ],
        ),
        (
            {"operation": "a", "fields": {}, "after": "b"},
            ["after: should be a list; got 'b'"],
        ),
        (
            {"operation": "a", "fields": {}, "after": ["b"] * 1001},
            ["after: should have at most 1000 items"],
        ),
    ],
)  # fmt: skip
def test_a_line_of_another_shape_is_explained(line: object, faults: list[str]) -> None:
    """With every fault at once."""
    with pytest.raises(InvalidInputError) as refused:
        SubmitRequest.read(line)
    assert [str(fault) for fault in refused.value.faults] == faults


def test_what_is_not_said_may_be_null() -> None:
    """Programs write every key."""
    said = {"operation": "a", "fields": {}}
    names = ("school", "if_exists", "dedup_key", "lane", "after", "priority", "lane_on_failure")
    assert SubmitRequest.read({**said, **dict.fromkeys(names)}) == SubmitRequest.read(said)


@pytest.mark.parametrize("name", ["a", "课程 1: Montag", "a" * 200, "!"])
def test_a_name_may_hold_whatever_can_be_seen(name: str) -> None:
    """In all languages."""
    line = SubmitRequest.read({"operation": "a", "fields": {}, "dedup_key": name, "lane": name})
    assert (line.dedup_key, line.lane) == (name, name)


@pytest.mark.parametrize("name", ["\n", "a\u200b", "\u2028", "\x7f", "\ud800"])
def test_what_cannot_be_seen_is_no_name(name: str) -> None:
    """Nobody could tell two such names apart."""
    with pytest.raises(InvalidInputError):
        SubmitRequest.read({"operation": "a", "fields": {}, "dedup_key": name})


def test_a_line_shows_no_fields_in_a_repr() -> None:
    """They may name people."""
    line = SubmitRequest.read({"operation": "create_folder", "fields": {"folderName": "Ada"}})
    assert "Ada" not in repr(line)
    assert json.loads(line.model_dump_json())["fields"] == {"folderName": "Ada"}


def test_faults_of_the_operation_come_as_such(submitter: Submitter) -> None:
    """A program can tell them from other input that is wrong."""
    with pytest.raises(InvalidOperationError):
        submitter.submit("create_folder", {})
