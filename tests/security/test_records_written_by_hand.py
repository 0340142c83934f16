"""Records in Redis: who can write there names files, and workers read none of them."""

import hashlib
import json
import os
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pytest_socket import enable_socket
from redis import Redis

from ops.reports.failures_csv import write_failures
from producers.files.table import MOST_BYTES
from producers.intake.attachments import LARGEST_KEPT, FileOpener, file_at
from producers.intake.submitter import Submitter
from producers.retry.edits import Setting
from producers.retry.submissions import RetryBuilder, RetryOptions
from tests.unit import conftest as memory
from tests.unit.producers import conftest as door
from tests.unit.stage import RING, Stage, said
from worker.broker.foreign_task import ForeignTask
from worker.classin.operations.cloud import UploadFile
from worker.config.settings import Settings
from worker.execution.file_streams import PIECE, Files
from worker.ledger.batch import BatchInfo
from worker.ledger.keys import Keys
from worker.ledger.queries import LedgerQueries
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

KEYS = Keys()

#: A ledger and a broker in memory, and a door to them.
clock, redis, ledger = memory.clock, memory.redis, memory.ledger
settings, queues, stage, submitter = memory.settings, memory.queues, memory.stage, door.submitter

CANARY = b"canary-of-this-machine"


def described(at: str, content: bytes = CANARY) -> dict[str, object]:
    """A file as a record has it, by somebody who knows or guesses what it holds."""
    digest = hashlib.sha256(content).hexdigest()
    return {"name": "a.pdf", "size": len(content), "sha256": digest, "at": at}


def by_hand(stage: Stage, file: dict[str, object]) -> str:
    """Write a record that asks to send a file; gives its id."""
    return stage.submit_raw("upload_file", {"folderId": 747759, "Filedata": file})


def refusal(stage: Stage, record_id: str) -> str:
    """Let a worker meet a record, which sends nothing; gives what that says."""
    assert stage.perform(record_id, said(1)).sent == []
    record = stage.ledger.find(record_id)
    assert record.state is State.FAILED
    return record.message or ""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the worker's host."""
    path = tmp_path / "main.secret"
    path.write_bytes(CANARY)
    return path


@pytest.fixture
def inner() -> Iterator[tuple[str, list[str]]]:
    """A server inside, which should never be asked; its address, and what it was asked."""
    asked: list[str] = []

    class Inner(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CANARY)))
            self.end_headers()
            self.wfile.write(CANARY)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    enable_socket()
    with ThreadingHTTPServer(("127.0.0.1", 0), Inner) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_a_path_written_into_a_record_is_not_read(stage: Stage, secret: Path) -> None:
    """Whoever writes Redis would have a school's secret uploaded into a folder of theirs."""
    message = refusal(stage, by_hand(stage, described(secret.as_uri())))
    assert "none is taken here (CLASSIN_FILES_FROM and CLASSIN_FILE_HOSTS)" in message


@pytest.mark.parametrize("name", ["main.secret", "nowhere.secret"])
def test_a_record_written_by_hand_tells_neither_size_nor_presence(
    stage: Stage, secret: Path, name: str
) -> None:
    """Whoever writes Redis would learn from the message which files there are, and how large."""
    at = secret.with_name(name).as_uri()
    message = refusal(stage, by_hand(stage, described(at, b"guess")))
    assert str(len(CANARY)) not in message
    assert message.count("none is taken here") == 1


def test_the_environment_of_a_worker_is_not_read(stage: Stage) -> None:
    """Whoever writes Redis would be given CLASSIN_SECRET."""
    message = refusal(stage, by_hand(stage, described("file:///proc/self/environ")))
    assert "none is taken here" in message


def test_an_address_inside_written_into_a_record_is_not_asked(
    stage: Stage, inner: tuple[str, list[str]]
) -> None:
    """Whoever writes Redis would reach what only this host reaches, on any port of it."""
    address, asked = inner
    message = refusal(stage, by_hand(stage, described(f"{address}/latest/meta-data")))
    assert "none is taken here" in message
    assert asked == []


@pytest.mark.parametrize(
    "at",
    ["memory://shelf/a", "local:///etc/hostname", "filecache::file:///etc/hostname", "data:,a"],
)
def test_a_way_of_fsspec_s_written_into_a_record_is_not_taken(stage: Stage, at: str) -> None:
    """Whoever writes Redis would choose among all protocols, some of which read this machine."""
    assert "none is taken here" in refusal(stage, by_hand(stage, described(at)))


def test_a_folder_that_the_settings_list_is_all_that_a_record_may_name(
    stage: Stage, secret: Path, tmp_path: Path
) -> None:
    """Whoever writes Redis gets what an operator lets jobs and other Celeries have anyhow."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.pdf").write_bytes(CANARY)
    (shared / "way-out").symlink_to(tmp_path)
    stage.settings = replace(stage.settings, files_from=(shared,))
    record_id = by_hand(stage, described((shared / "a.pdf").as_uri()))
    assert stage.perform(record_id, said(1)).files == [{"Filedata": CANARY}]
    for at in (shared / "way-out" / secret.name, shared / ".." / secret.name):
        assert f"only ({shared}" not in refusal(stage, by_hand(stage, described(f"file://{at}")))


@pytest.mark.parametrize("change", ["at", "size", "sha256", "name", "mac"])
def test_a_record_of_ours_is_not_turned_to_another_file(
    stage: Stage, submitter: Submitter, redis: Redis, secret: Path, change: str
) -> None:
    """Whoever writes Redis would change where a large file lies that somebody submitted."""
    film = secret.with_name("film.mp4")
    film.write_bytes(bytes(LARGEST_KEPT + 1))
    receipt = submitter.submit("upload_file", {"folderId": 747759, "filedata": f"@{film}"})
    fields = json.loads(redis.hget(KEYS.record(receipt.id), "fields") or "")
    told = described(secret.as_uri()) | {"mac": "0" * 64}
    fields["Filedata"] |= {change: told[change]}
    redis.hset(KEYS.record(receipt.id), "fields", json.dumps(fields))

    assert "none is taken here" in refusal(stage, receipt.id)


def test_a_retry_that_sets_another_field_vouches_for_no_file_of_a_record(
    stage: Stage, submitter: Submitter, secret: Path
) -> None:
    """Whoever writes Redis would wait until somebody mends their record by hand."""
    record_id = by_hand(stage, described(secret.as_uri()))
    refusal(stage, record_id)
    options = RetryOptions(settings=Setting.read_all(["folderId=1"]), door=submitter.door)
    retries = RetryBuilder(stage.ledger, submitter.builder, options)
    again = retries.of(stage.ledger.find(record_id))
    (receipt,) = submitter.enter(again)
    assert "none is taken here" in refusal(stage, receipt.id)


def test_a_large_file_that_somebody_typed_is_sent_all_the_same(
    stage: Stage, submitter: Submitter, tmp_path: Path
) -> None:
    """The key ring vouches for it, so no folder needs to be listed."""
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(LARGEST_KEPT + 1))
    receipt = submitter.submit("upload_file", {"folderId": 747759, "filedata": f"@{film}"})
    assert stage.perform(receipt.id, said(1)).files == [{"Filedata": bytes(LARGEST_KEPT + 1)}]


def test_a_record_of_another_installation_s_key_ring_is_not_believed(
    stage: Stage, submitter: Submitter, settings: Settings, tmp_path: Path
) -> None:
    """Whoever has a key ring of their own could vouch for anything."""
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(LARGEST_KEPT + 1))
    receipt = submitter.submit("upload_file", {"folderId": 747759, "filedata": f"@{film}"})
    stage.settings = replace(settings, ring=type(settings.keyring).in_memory())
    assert "none is taken here" in refusal(stage, receipt.id)


def test_a_path_swapped_for_a_link_between_check_and_sending_sends_the_checked_file(
    stage: Stage, secret: Path
) -> None:
    """Whoever can write beside a file would have another one read out the second time."""
    film = secret.with_name("film.mp4")
    film.write_bytes(b"film" * PIECE)
    secret.write_bytes(CANARY * PIECE)
    upload = FileOpener(stage.settings, stage.settings.typed_files).vouched(
        UploadFile(folder_id=747759, filedata=file_at(film))
    )

    def swap() -> None:
        film.unlink(missing_ok=True)
        film.symlink_to(secret)

    with Files(stage.ledger, stage.settings).opened("a", upload, swap) as streams:
        assert streams["Filedata"].read() == (b"film" * PIECE)[:PIECE]


@pytest.mark.parametrize("at", ["file:///etc/hostname", "http://127.0.0.1:6379/", "s3://a/b"])
def test_a_message_of_another_celery_names_no_file_of_this_host(
    stage: Stage, ledger: RedisLedger, settings: Settings, at: str
) -> None:
    """Whoever may push onto the queue would have a worker read files and reach hosts."""
    fields = {"folderId": 747759, "Filedata": described(at)}
    arrival = ForeignTask(
        id="a" * 16,
        operation="upload_file",
        fields=fields,
        headers={},
        positional=False,
        linked=False,
    )
    ledger.submit([arrival.submission(settings)])
    assert "none is taken here" in refusal(stage, "a" * 16)


def test_where_a_sheet_lay_written_by_hand_holds_up_nobody(
    ledger: RedisLedger, tmp_path: Path
) -> None:
    """Whoever writes Redis would have `classin watch --failures` wait for a pipe for ever."""
    os.mkfifo(pipe := tmp_path / "people.csv")
    ledger.batches.open(
        "b", BatchInfo(path=str(pipe), digest="0" * 64, columns={"folderName": "Name"})
    )
    assert write_failures(ledger, "b", tmp_path / "out.csv", None, RING) == (0, False)


def test_where_a_sheet_lay_written_by_hand_is_read_no_further_than_a_sheet_goes(
    ledger: RedisLedger, tmp_path: Path
) -> None:
    """Whoever writes Redis would have `classin watch --failures` fill the memory of its host."""
    with (huge := tmp_path / "people.csv").open("wb") as file:
        file.truncate(300 * MOST_BYTES)
    ledger.batches.open(
        "b", BatchInfo(path=str(huge), digest="0" * 64, columns={"folderName": "Name"})
    )
    tracemalloc.start()
    written = write_failures(ledger, "b", tmp_path / "out.csv", None, RING)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written == (0, False)
    assert peak < 3 * MOST_BYTES


def test_where_a_sheet_lay_written_by_hand_may_be_no_path_at_all(
    ledger: RedisLedger, tmp_path: Path
) -> None:
    """Whoever writes Redis would break `classin watch --failures` by a name that is none."""
    ledger.batches.open(
        "b", BatchInfo(path="/people\0.csv", digest="0", columns={"folderName": "Name"})
    )
    assert write_failures(ledger, "b", tmp_path / "out.csv", None, RING) == (0, False)


def test_counts_written_by_hand_end_no_statistics(ledger: RedisLedger, redis: Redis) -> None:
    """Whoever writes Redis would end `stats`, `watch` and reports with a traceback."""
    for name in ("x", "5", "null", '{"a": 1}', '["create_folder", "none"]', '["create_folder"]'):
        redis.hset(KEYS.counts, name, 1)
        redis.hset(KEYS.hour("0"), name, 1)
    for state in ("none", "failed"):
        redis.hset(KEYS.hour("0"), f'["settled", "main", "create_folder", "{state}", "x", ""]', 1)
    redis.hset(KEYS.counts, '["create_folder","failed"]', 2)
    redis.hset(KEYS.batch("b"), mapping={"no state": 1, "failed": 2})
    assert ledger.counts().by_state()[State.FAILED] == 2
    assert ledger.batch_counts("b") == {State.FAILED: 2}
    assert LedgerQueries(redis).hours(0, 0)[0].settled == {}
