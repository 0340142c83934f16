"""Files, from where they lie to ClassIn."""

import hashlib
import json
import os
import re
from pathlib import Path

from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.stage import PATIENCE, Command, Environment, WorkerProcess, until
from worker.ledger.keys import Keys
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State

KEYS = Keys()

MEGABYTE = 1024 * 1024


def peak(worker: WorkerProcess) -> int:
    """The most memory that a worker ever had, in bytes."""
    assert worker.process is not None
    status = Path(f"/proc/{worker.process.pid}/status").read_text(encoding="utf-8")
    (kilobytes,) = re.findall(r"^VmHWM:\s+([0-9]+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024


def test_a_small_file_travels_with_its_operation(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient, tmp_path: Path
) -> None:
    """It may be gone when the worker begins; afterwards Redis no longer has it."""
    content = b"slides" * 1000
    slides = tmp_path / "slides.pdf"
    slides.write_bytes(content)
    done = classin("enqueue", "upload_file", "folderId=747759", f"Filedata=@{slides}", "--json")
    record_id = json.loads(done.stdout)["id"]
    slides.unlink()
    shown = json.loads(classin("show", record_id, "--json").stdout)
    digest = hashlib.sha256(content).hexdigest()
    assert shown["fields"]["Filedata"] == {
        "name": "slides.pdf",
        "size": 6000,
        "sha256": digest,
        "at": "redis",
    }
    redis = connect(worker.environment.settings.ledger_url)
    assert redis.exists(KEYS.file(record_id))

    worker.start()

    until(lambda: simulator.applied("upload_file") == 1, "the file is uploaded")
    told = {"name": "slides.pdf", "bytes": 6000, "sha256": digest}
    assert simulator.journal("upload_file")[0].fields["Filedata"] == told
    until(lambda: not redis.exists(KEYS.file(record_id)), "the content is kept no longer")
    assert "6,000 bytes" in classin("show", record_id).stdout


def test_a_file_of_the_home_may_be_named_with_a_tilde(
    classin: Command, environment: Environment, worker: WorkerProcess, tmp_path: Path
) -> None:
    """On the command line, in lines of JSON and in a retry's settings."""
    environment.variables["HOME"] = str(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"a photo")
    line = {"operation": "upload_file", "fields": {"folderId": 747759, "Filedata": "@~/photo.jpg"}}
    typed = classin("enqueue", "upload_file", "folderId=1", "Filedata=@~/photo.jpg", "--json")
    near = ("--files-from", str(tmp_path))
    handed = classin("enqueue", "--file", "-", *near, "--json", given=json.dumps(line))
    worker.start()
    record_id = json.loads(typed.stdout)["id"]
    until(lambda: '"failed"' in classin("show", record_id, "--json").stdout, "no such folder")

    setting = ("--set", "Filedata=@~/photo.jpg", "--set", "folderId=747759")
    again = classin("retry", record_id, *setting, "--json")

    assert [done.returncode for done in (typed, handed, again)] == [0, 0, 0]


def test_200_megabytes_cost_the_worker_no_memory(
    worker: WorkerProcess, simulator: SimulatorClient, submitter: Submitter, tmp_path: Path
) -> None:
    """They are read, checked and sent in pieces: less than 50 MB more at any moment."""
    film = tmp_path / "film.mp4"
    film.touch()
    os.truncate(film, 200 * MEGABYTE)
    worker.start()
    before = peak(worker)

    receipt = submitter.submit("upload_file", {"folderId": 747759, "filedata": f"@{film}"})

    assert receipt.record().fields["Filedata"]["at"] == film.as_uri()
    assert receipt.wait(PATIENCE).state is State.SUCCEEDED
    (entry,) = simulator.journal("upload_file", applied=True)
    assert entry.fields["Filedata"]["bytes"] == 200 * MEGABYTE
    assert peak(worker) - before < 50 * MEGABYTE


def test_a_file_that_changed_since_is_not_sent(
    worker: WorkerProcess, simulator: SimulatorClient, submitter: Submitter, tmp_path: Path
) -> None:
    """The record says which file it is, and what differs."""
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(9 * MEGABYTE))
    changed = submitter.submit("upload_file", {"folderId": 747759, "filedata": f"@{film}"})
    film.write_bytes(bytes(9 * MEGABYTE - 1))

    worker.start()

    record = changed.wait(PATIENCE)
    assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
    assert record.message == (
        "Filedata (film.mp4) has changed since it was submitted:"
        " it has 9,437,183 bytes, it had 9,437,184"
    )
    assert simulator.journal() == []


def test_a_picture_is_sent_whole_again_after_104(
    worker: WorkerProcess, simulator: SimulatorClient, submitter: Submitter, tmp_path: Path
) -> None:
    """Each attempt reads it from its beginning."""
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"a picture")
    simulator.faults(FaultRule(operation="edit_course", code=104, first=2))
    worker.start()

    given = {"courseId": 352861, "filedata": f"@{picture}"}
    record = submitter.submit("edit_course", given).wait(PATIENCE)

    assert (record.state, len(record.attempts)) == (State.SUCCEEDED, 3)
    sent = [entry.fields["Filedata"] for entry in simulator.journal("edit_course")]
    assert [told["sha256"] for told in sent] == 3 * [hashlib.sha256(b"a picture").hexdigest()]


def test_every_fault_of_a_file_is_named_at_once(classin: Command, tmp_path: Path) -> None:
    """With all others; nothing is submitted."""
    done = classin("enqueue", "upload_file", "folderId=x", f"Filedata=@{tmp_path}/nowhere.pdf")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "upload_file",
        "  folderId: should be a whole number; got 'x'",
        f"  Filedata: {tmp_path}/nowhere.pdf cannot be read: No such file or directory",
    ]
