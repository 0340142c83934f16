"""Carrying out an operation with a file: it is sent as it was submitted, or not at all."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from tests.unit.stage import Stage, said
from worker.classin.field_types import File
from worker.classin.operations.cloud import UploadFile
from worker.classin.operations.courses import EditCourse
from worker.classin.operations.users import AddTeacher
from worker.classin.response import Reply
from worker.errors import ReplyLostError
from worker.execution.file_streams import PIECE, vouched_for
from worker.ledger.codec import PIECE as KEPT_PIECE
from worker.ledger.states import Reason, State

CONTENT = bytes(range(256)) * 4096 + b"the end"


@pytest.fixture
def slides(tmp_path: Path) -> Path:
    """A file that is read in several pieces."""
    path = tmp_path / "slides.pdf"
    path.write_bytes(CONTENT)
    assert len(CONTENT) > max(PIECE, KEPT_PIECE)
    return path


def at(address: str, content: bytes = CONTENT) -> File:
    """A file's description; its content lies there."""
    digest = hashlib.sha256(content).hexdigest()
    name = address.rpartition("/")[2]
    return File(name=name, size=len(content), sha256=digest, at=address)


def vouched_at(stage: Stage, address: str, content: bytes = CONTENT) -> File:
    """The same, as a producer of ours hands it in."""
    return vouched_for(at(address, content), stage.settings)


@pytest.fixture
def cover(tmp_path: Path) -> Path:
    """A small picture, for an operation that may be repeated."""
    path = tmp_path / "cover.png"
    path.write_bytes(b"png")
    return path


def upload(stage: Stage, path: Path) -> str:
    """Submit a file that stays where it is; gives the record's id."""
    return stage.submit(UploadFile(folder_id=1, filedata=vouched_at(stage, path.as_uri())))


def test_a_file_is_read_where_it_lies(stage: Stage, slides: Path) -> None:
    """Whole, and under its name."""
    record_id = upload(stage, slides)
    classin = stage.perform(record_id, said(1))
    assert classin.files == [{"Filedata": CONTENT}]
    assert classin.sent[0].files["Filedata"].name == "slides.pdf"
    assert stage.ledger.find(record_id).state is State.SUCCEEDED


def test_a_file_may_lie_wherever_fsspec_reaches(stage: Stage) -> None:
    """Here in memory."""
    with fsspec.open("memory://shelf/film.mp4", "wb") as file:
        file.write(CONTENT)
    record_id = stage.submit(
        UploadFile(folder_id=1, filedata=vouched_at(stage, "memory://shelf/film.mp4"))
    )
    assert stage.perform(record_id, said(1)).files == [{"Filedata": CONTENT}]


def test_a_file_that_is_kept_goes_out_from_redis(stage: Stage) -> None:
    """In as many pieces as it has."""
    fields = UploadFile(folder_id=1, filedata=at("redis")).to_dict()
    record_id = stage.submit_raw("upload_file", fields, contents={"Filedata": CONTENT})
    assert stage.perform(record_id, said(1)).files == [{"Filedata": CONTENT}]


def test_each_attempt_reads_the_file_from_its_beginning(stage: Stage, cover: Path) -> None:
    """A repeat sends it whole."""
    picture = EditCourse(course_id=1, filedata=vouched_at(stage, cover.as_uri(), b"png"))
    classin = stage.perform(stage.submit(picture), said(104), said(1))
    assert classin.files == 2 * [{"Filedata": b"png"}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Path.unlink, "cannot be read any more: No such file or directory"),
        (
            lambda path: (path.unlink(), path.mkdir()),
            "cannot be read any more: Is no regular file",
        ),
        (
            lambda path: path.write_bytes(CONTENT[:-1]),
            "has changed since it was submitted: it has 1,048,582 bytes, it had 1,048,583",
        ),
        (
            lambda path: path.write_bytes(b""),
            "has changed since it was submitted: it has 0 bytes, it had 1,048,583",
        ),
        (
            lambda path: path.write_bytes(CONTENT + b"!"),
            "has changed since it was submitted: it has more than the 1,048,583 bytes that it had",
        ),
        (
            lambda path: path.write_bytes(CONTENT.swapcase()),
            "has changed since it was submitted: it has 1,048,583 bytes, but not the same ones",
        ),
    ],
)
def test_a_file_that_is_no_longer_what_it_was_is_not_sent(
    stage: Stage, slides: Path, change: Callable[[Path], object], message: str
) -> None:
    """The record fails, and says which file it is and what differs."""
    record_id = upload(stage, slides)
    change(slides)

    assert stage.perform(record_id, said(1)).sent == []

    record = stage.ledger.find(record_id)
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert (record.message, record.attempts) == (f"Filedata (slides.pdf) {message}", ())


def test_content_that_is_not_kept_is_missed(stage: Stage) -> None:
    """As when another Celery speaks of what it did not bring."""
    record_id = stage.submit(UploadFile(folder_id=1, filedata=at("redis")))
    assert stage.perform(record_id, said(1)).sent == []
    message = stage.ledger.find(record_id).message
    assert message == "Filedata (redis) cannot be read any more: there is no such file"


@pytest.mark.parametrize("address", ["nothing://a/b.pdf", "memory://nowhere/b.pdf"])
def test_an_address_that_leads_nowhere_fails_the_record(stage: Stage, address: str) -> None:
    """It may never have led anywhere."""
    record_id = stage.submit(UploadFile(folder_id=1, filedata=vouched_at(stage, address)))
    assert stage.perform(record_id, said(1)).sent == []
    assert stage.ledger.find(record_id).reason is Reason.REFUSED


def test_a_person_s_picture_is_not_named(stage: Stage, tmp_path: Path) -> None:
    """Its name may be the person's."""
    picture = vouched_at(stage, (tmp_path / "Ada.png").as_uri(), b"png")
    teacher = AddTeacher(teacher_account="13812345678", teacher_name="Ada", filedata=picture)
    record_id = stage.submit(teacher)
    stage.perform(record_id, said(1))
    message = stage.ledger.find(record_id).message
    assert message == "Filedata cannot be read any more: No such file or directory"


def test_a_file_that_cannot_be_read_now_is_tried_again_later(stage: Stage) -> None:
    """A package that this worker lacks may be on another one, a network come back."""
    record_id = stage.submit(
        UploadFile(folder_id=1, filedata=vouched_at(stage, "gdrive://a/b.pdf"))
    )

    assert stage.perform(record_id, said(1)).sent == []

    record = stage.ledger.find(record_id)
    assert (record.state, record.unread, len(record.attempts)) == (State.DEFERRED, False, 4)
    assert (record.message or "").startswith("Filedata (b.pdf) cannot be read now: ")


def test_a_file_that_vanished_after_a_reply_got_lost_leaves_doubt(
    stage: Stage, cover: Path
) -> None:
    """The first attempt may have been carried out: a person must look."""
    picture = EditCourse(course_id=1, filedata=vouched_at(stage, cover.as_uri(), b"png"))
    record_id = stage.submit(picture)

    def lose_both() -> Reply:
        cover.unlink()
        raise ReplyLostError("no reply in time")

    assert len(stage.perform(record_id, lose_both).sent) == 1

    record = stage.ledger.find(record_id)
    assert (record.state, record.reason) == (State.UNCERTAIN, None)
    assert (record.message or "").endswith("; an earlier attempt may have been carried out")


def test_a_file_that_vanished_after_a_worker_died_leaves_doubt(stage: Stage, cover: Path) -> None:
    """Its last request may have been carried out as well."""
    record_id = stage.submit(
        EditCourse(course_id=1, filedata=vouched_at(stage, cover.as_uri(), b"png"))
    )

    def killed() -> Reply:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.perform(record_id, killed)
    stage.take_back(record_id)
    cover.unlink()
    stage.perform(record_id, said(1))
    assert stage.ledger.find(record_id).state is State.UNCERTAIN


def test_a_file_that_changes_while_it_is_sent_never_arrives_whole(
    stage: Stage, slides: Path
) -> None:
    """Its last piece is held back, so that ClassIn gets half a request at most."""
    record_id = upload(stage, slides)
    content = bytearray(CONTENT)

    def meanwhile() -> None:
        content[-1:] = b"!"
        slides.write_bytes(content)

    classin = stage.perform(record_id, said(1), between=meanwhile)

    assert len(classin.files[0]["Filedata"]) < len(CONTENT)
    record = stage.ledger.find(record_id)
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)


def test_a_slow_upload_keeps_its_lease(stage: Stage, slides: Path) -> None:
    """However long it takes: as long as it goes on, nobody else begins."""
    record_id = upload(stage, slides)
    pauses = 0

    def pause() -> None:
        nonlocal pauses
        pauses += 1
        stage.pass_time(stage.patience.lease / 2)
        assert stage.ledger.requeue_due(5, orphans=True) == []
        assert stage.perform(record_id, said(1)).sent == []

    stage.perform(record_id, said(1), between=pause)

    assert pauses > 2
    assert stage.ledger.find(record_id).state is State.SUCCEEDED


def test_an_upload_that_lost_its_lease_stops(stage: Stage, slides: Path) -> None:
    """It finds out before the last piece is out."""
    record_id = upload(stage, slides)

    def sleep() -> None:
        if stage.ledger.find(record_id).state is State.RUNNING:
            stage.take_back(record_id)

    classin = stage.perform(record_id, said(1), between=sleep)

    assert len(classin.files[0]["Filedata"]) < len(CONTENT)
    assert stage.ledger.find(record_id).attempts == ()
