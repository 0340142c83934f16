"""Data files (JSON lines, sheets, rosters): who writes one names no file of whoever hands it in."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis

from ops.cli.enqueue_arguments import FileArguments
from ops.cli.enqueue_file import check_file
from ops.cli.job_check import faults_of
from ops.processes.redis_server import PrivateRedis
from producers.intake.submitter import Submitter
from producers.oneroster.applying.operations import Step
from producers.oneroster.applying.passwords import AT_RANDOM, Passwords, Rule
from producers.oneroster.applying.sync import Place, Sync, Watching
from tests.stage import Command, Environment
from tests.unit import conftest as memory
from tests.unit.producers import conftest as door
from tests.unit.stage import SCHOOL
from worker.errors import InvalidInputError
from worker.ledger.record import Submission
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import Source

#: A ledger and a broker in memory, and a door to them.
clock, redis, ledger = memory.clock, memory.redis, memory.ledger
settings, queues, submitter = memory.settings, memory.queues, door.submitter

CANARY = "canary-of-whoever-hands-it-in"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a secret, and a folder into which somebody's data file comes."""
    (tmp_path / "inbox" / "photos").mkdir(parents=True)
    (tmp_path / "inbox" / "photos" / "cover.png").write_bytes(b"a picture")
    (tmp_path / "id_rsa").write_text(CANARY, encoding="ascii")
    return tmp_path


def lines(*named: str) -> bytes:
    """A data file with an upload for each of these."""
    return b"".join(
        json.dumps(
            {"operation": "upload_file", "fields": {"folderId": 1, "Filedata": each}}
        ).encode()
        + b"\n"
        for each in named
    )


def handed_in(
    submitter: Submitter, path: Path | None, content: bytes, *files_from: Path, sheet: bool = False
) -> tuple[list[str], list[Submission]]:
    """Hand a data file in as the command does; gives its faults, and what would be submitted."""
    if path is not None:
        path.write_bytes(content)
    said = FileArguments(
        "-" if path is None else str(path),
        operation="upload_file" if sheet else None,
        files_from=[*map(str, files_from)],
    )
    checked, _ = check_file(said, {}, content, submitter)
    return [*map(str, checked.faults)], list(checked.submissions)


def names(submissions: Iterable[Submission]) -> list[str]:
    """The files that would go along."""
    return [each.fields["Filedata"]["name"] for each in submissions]


@pytest.mark.parametrize(
    "named", ["@{home}/id_rsa", "@../id_rsa", "@file://{home}/id_rsa", "@photos/../../id_rsa"]
)
def test_a_line_of_json_reads_no_file_elsewhere(
    submitter: Submitter, home: Path, named: str
) -> None:
    """Whoever writes the data file would have a private key uploaded into a folder of theirs."""
    content = lines(named.format(home=home))
    faults, submissions = handed_in(submitter, home / "inbox" / "a.jsonl", content)
    (fault,) = faults
    assert "cannot be read: files are taken from" in fault
    assert "(--files-from" in fault
    assert submissions == []


def test_a_cell_of_a_sheet_reads_no_file_elsewhere(submitter: Submitter, home: Path) -> None:
    """Whoever fills in a row would have a private key uploaded."""
    content = f"folderId,Filedata\n1,@{home}/id_rsa\n1,@photos/cover.png\n".encode()
    faults, submissions = handed_in(submitter, home / "inbox" / "a.csv", content, sheet=True)
    (fault,) = faults
    assert "cannot be read: files are taken from" in fault
    assert names(submissions) == ["cover.png"]


def test_a_description_in_a_line_reads_no_file_elsewhere(submitter: Submitter, home: Path) -> None:
    """Whoever writes the data file would name a file without the `@`."""
    described = {"name": "a", "size": 1, "sha256": "0" * 64, "at": f"file://{home}/id_rsa"}
    line = {"operation": "upload_file", "fields": {"folderId": 1, "Filedata": described}}
    faults, _ = handed_in(submitter, home / "inbox" / "a.jsonl", json.dumps(line).encode())
    (fault,) = faults
    assert "cannot be read: files are taken from" in fault


def test_a_link_beside_the_data_file_leads_nowhere_else(submitter: Submitter, home: Path) -> None:
    """Whoever packs the data would put a link beside it, to a file or to a folder."""
    (home / "inbox" / "cover.png").symlink_to(home / "id_rsa")
    (home / "inbox" / "out").symlink_to(home)
    (home / "inbox" / "in.png").symlink_to(home / "inbox" / "photos" / "cover.png")
    content = lines("@cover.png", "@out/id_rsa", "@in.png")
    faults, submissions = handed_in(submitter, home / "inbox" / "a.jsonl", content)
    assert [fault.partition(":")[0] for fault in faults] == ["line 1", "line 2"]
    assert names(submissions) == ["in.png"]


def test_hidden_files_beside_the_data_file_are_not_read(submitter: Submitter, home: Path) -> None:
    """Whoever sends a data file that is saved into a home would get its keys and settings."""
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_rsa").write_text(CANARY, encoding="ascii")
    (home / ".netrc").write_text(CANARY, encoding="ascii")
    faults, _ = handed_in(submitter, home / "a.jsonl", lines("@.ssh/id_rsa", "@.netrc"))
    assert len(faults) == 2
    assert all("it is hidden, or lies in a hidden folder" in fault for fault in faults)


@pytest.mark.parametrize("named", ["@pipe", "@.", "@photos", "@/dev/zero", "@/proc/self/environ"])
def test_pipes_and_devices_neither_hang_nor_feed(
    submitter: Submitter, home: Path, named: str
) -> None:
    """Whoever writes the data file would hold the command for ever, or fill its memory."""
    os.mkfifo(home / "inbox" / "pipe")
    faults, submissions = handed_in(submitter, home / "inbox" / "a.jsonl", lines(named))
    assert (len(faults), submissions) == (1, [])


def test_standard_input_names_no_file_unless_a_folder_is_named(
    submitter: Submitter, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever feeds a pipe is not at this machine; relative paths count from where it runs."""
    monkeypatch.chdir(home / "inbox")
    content = lines("@photos/cover.png")
    faults, _ = handed_in(submitter, None, content)
    assert "cannot be read: none is taken here (--files-from" in faults[0]
    faults, submissions = handed_in(submitter, None, content, home / "inbox" / "photos")
    assert (faults, names(submissions)) == ([], ["cover.png"])


def test_a_folder_that_the_command_line_names_is_read(submitter: Submitter, home: Path) -> None:
    """It opens that folder and no other."""
    other = home / "elsewhere"
    other.mkdir()
    (other / "cover.png").write_bytes(b"a picture")
    content = lines(f"@{other}/cover.png", "@../elsewhere/cover.png", "@../id_rsa")
    faults, submissions = handed_in(submitter, home / "inbox" / "a.jsonl", content, other)
    assert [fault.partition(":")[0] for fault in faults] == ["line 3"]
    assert names(submissions) == ["cover.png", "cover.png"]


def test_a_folder_that_is_none_is_told(submitter: Submitter, home: Path) -> None:
    """A mistyped one would leave every file unread without a word why."""
    with pytest.raises(InvalidInputError, match="nowhere is no folder"):
        handed_in(submitter, home / "inbox" / "a.jsonl", b"", home / "nowhere")


def test_a_path_swapped_for_a_link_while_it_is_opened_is_not_followed(
    submitter: Submitter, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write beside the data file would exchange a folder between check and opening."""
    photos, truly = home / "inbox" / "photos", os.path.realpath

    def swapped(path: str | os.PathLike[str]) -> str:
        found = truly(path)
        if Path(path).name == "cover.png" and not photos.is_symlink():
            photos.rename(home / "inbox" / "old")
            (home / "cover.png").write_text(CANARY, encoding="ascii")
            photos.symlink_to(home)
        return found

    monkeypatch.setattr(os.path, "realpath", swapped)
    faults, submissions = handed_in(
        submitter, home / "inbox" / "a.jsonl", lines("@photos/cover.png")
    )
    assert (len(faults), submissions) == (1, [])


def test_a_step_of_a_sync_that_was_changed_in_redis_names_no_file(
    submitter: Submitter, ledger: RedisLedger, redis: Redis, home: Path
) -> None:
    """Whoever writes Redis while a sync pauses would have it read files when it goes on."""
    source = Source(redis, "main", "sis")
    place = Place(ledger, source, "main")
    watching = Watching(lambda _: None, lambda _, __: None)
    passwords = Passwords(source, submitter.cipher, Rule(AT_RANDOM))
    sync = Sync(place, submitter, passwords, watching, lambda: 0.0)
    fields = {"folderId": 1, "Filedata": f"@{home}/id_rsa"}
    step = Step("key", "upload_file", fields, effects=())
    with pytest.raises(InvalidInputError, match="none is taken here"):
        sync._submit_part("batch", [step], tells=False)  # noqa: SLF001  # where it goes on


@pytest.mark.parametrize("words", [["Filedata=@{home}/id_rsa"], ["filedata=@~/id_rsa"]])
def test_a_job_names_no_file_outside_of_what_the_settings_list(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """Whoever writes a job into Redis would have the beat's host read out."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLASSIN_HOME", str(home))
    monkeypatch.setenv("CLASSIN_SID", SCHOOL.sid)
    monkeypatch.setenv("CLASSIN_SECRET", SCHOOL.secret)
    given = [word.format(home=home) for word in words]
    (fault,) = faults_of(["enqueue", "upload_file", "folderId=1", *given])
    assert "none is taken here (CLASSIN_FILES_FROM and CLASSIN_FILE_HOSTS)" in str(fault)


def test_the_command_submits_nothing_of_such_a_file(home: Path) -> None:
    """Whoever writes the data file meets the command as it is installed."""
    environment = Environment({})
    environment.set(home=str(home), sid=SCHOOL.sid, secret=SCHOOL.secret)
    data = home / "inbox" / "a.jsonl"
    data.write_bytes(lines("@../id_rsa"))
    with (
        TemporaryDirectory(prefix="cq-") as short,
        PrivateRedis(Path(short), Path(short) / "redis.sock") as server,
    ):
        environment.set(redis_url=server.url)
        done = Command(environment)("enqueue", "--file", str(data))
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 1: Filedata: ../id_rsa cannot be read: files are taken from" in done.stderr
