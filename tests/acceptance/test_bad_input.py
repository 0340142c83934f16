"""What bad input gets: every fault named, exit 2, nothing submitted; never a traceback."""

import json
from pathlib import Path

import pytest

from tests.stage import Command, Environment
from worker.ledger.store import RedisLedger

GOOD = '{"operation": "create_folder", "fields": {"folderId": 747759, "folderName": "a"}}\n'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["creat_folder"], ["did you mean create_folder?"]),
        (["create_folder", "folderId=x", "foldrName=a"], ["folderId", "foldrName", "folderName?"]),
        (["create_folder", "folderId=1", "folderName=" + "a" * 129], ["at most 128", "has 129"]),
        (["create_folder"], ["folderId: is required", "folderName: is required"]),
        (["create_folder", "folderId"], ["name=value"]),
        (["create_folder", "folderId=1", "folderId=2", "folderName=a"], ["given twice"]),
        (["create_folder", "folderId=1", "folder_id=2", "folderName=a"], ["given twice"]),
        (["create_unit", "courseId=1", "name=a", "publishFlag=1"], ["0 or 2"]),
        (["edit_course", "courseId=1", "catId=2"], ["catId needs courseName"]),
        (["edit_course", "courseId=1", "Filedata=@nosuch.jpg"], ["nosuch.jpg", "No such file"]),
        (["create_folder", "folderId=1", "folderName=a", "--school", "mian"], ["'mian'", "main?"]),
        (["create_folder", "folderId=1", "folderName=a", "--if-exists", "no"], ["if_exists"]),
        (["create_folder", "folderId=1", "folderName=a", "--timeout", "soon"], ["30s"]),
        ([], ["--file"]),
        (["create_folder", "--file", "x"], ["--file"]),
        (["--file", "no/such/file.jsonl"], ["no/such/file.jsonl", "No such file"]),
    ],
)
def test_one_operation(
    classin: Command, ledger: RedisLedger, words: list[str], said: list[str]
) -> None:
    """Each fault is told with what would be right."""
    done = classin("enqueue", *words)

    assert (done.returncode, done.stdout) == (2, "")
    for part in said:
        assert part in done.stderr
    assert not ledger.counts().by_operation


def test_all_faults_at_once(classin: Command) -> None:
    """Fields, file and school in one answer."""
    done = classin("enqueue", "edit_course", "courseId=0", "stamp=9", "x=1", "--school", "north")

    for part in ("courseId", "stamp", "x: unknown", "'north'"):
        assert part in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{not json}", "is not JSON"),
        ("[]", "should be an object"),
        ("null", "should be an object"),
        ('{"operation": "create_folder"}', "fields: is required"),
        ('{"operation": 5, "fields": []}', "operation: should be text"),
        ('{"operation": "create_folder", "fields": {"folderId": 1}}', "folderName: is required"),
        ('{"operation": "create_folder", "fields": {}, "shcool": "x"}', "did you mean school?"),
        ("[" * 100_000, "line 2"),
        ("\xff\xfe", "line 2"),
        (
            '{"operation": "create_folder", "fields": {"folderId": 1, "folderName": "\\ud800"}}',
            "surrogate",
        ),
    ],
)
def test_a_bad_line_stops_the_file(
    classin: Command, ledger: RedisLedger, line: str, said: str
) -> None:
    """The line's number is told, and no line of the file is submitted."""
    done = classin("enqueue", "--file", "-", given=(GOOD + line + "\n" + GOOD).encode("latin-1"))

    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert said in done.stderr
    assert not ledger.counts().by_operation


def test_bad_lines_can_be_skipped(classin: Command, ledger: RedisLedger) -> None:
    """What was skipped is reported, the rest is submitted."""
    done = classin("enqueue", "--file", "-", "--skip-bad", "--json", given=GOOD + "{\n" + GOOD)

    assert done.returncode == 0
    assert "line 2: is not JSON" in done.stderr
    assert len(done.stdout.splitlines()) == ledger.counts().by_state().total() == 2


def test_a_thousand_bad_lines_are_told_briefly(classin: Command) -> None:
    """The first are shown, the others counted."""
    done = classin("enqueue", "--file", "-", given="{\n" * 1000)

    assert done.returncode == 2
    assert "and 950 more faults" in done.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"secret": ""}, ["CLASSIN_SECRET", "is missing"]),
        ({"sid": "abc"}, ["CLASSIN_SID", "in digits"]),
        ({"base_url": "http://classin.example"}, ["CLASSIN_BASE_URL", "https://"]),
        ({"redis_url": "localhost"}, ["CLASSIN_REDIS_URL", "redis://"]),
        ({"attempts": "0", "first_wait": "soon"}, ["CLASSIN_ATTEMPTS", "CLASSIN_FIRST_WAIT"]),
        ({"worker_processes": "0"}, ["CLASSIN_WORKER_PROCESSES", "from 1 to 64"]),
        ({"sid": "", "secret": ""}, ["set CLASSIN_SID and CLASSIN_SECRET"]),
    ],
)
@pytest.mark.parametrize("command", ["enqueue", "worker"])
def test_settings(
    classin: Command,
    environment: Environment,
    command: str,
    variables: dict[str, str],
    said: list[str],
) -> None:
    """A wrong variable is named before anything begins."""
    environment.set(**variables)
    words = {"enqueue": ["enqueue", "get_top_folder_id"], "worker": ["worker"]}[command]

    done = classin(*words)

    assert done.returncode == 2
    for part in said:
        assert part in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--processes", "0"], ["--processes", "greater than or equal to 1"]),
        (["--processes", "1000"], ["--processes", "less than or equal to 64"]),
        (["--processes", "two"], ["--processes", "integer"]),
        (["--threads", "0"], ["--threads", "greater than or equal to 1"]),
        (["--threads", "5000"], ["--threads", "less than or equal to 1000"]),
        (["--log-level", "loud"], ["--log-level", "warning"]),
    ],
)
@pytest.mark.parametrize("command", ["worker", "up"])
def test_how_many(classin: Command, command: str, words: list[str], said: list[str]) -> None:
    """What cannot be is refused with what can."""
    done = classin(command, *words)

    assert (done.returncode, done.stdout) == (2, "")
    plain = " ".join(done.stderr.replace("│", " ").split())
    for part in said:
        assert part in plain


@pytest.mark.parametrize(
    "words",
    [
        ["enqueue", "get_top_folder_id"],
        ["ls"],
        ["stats"],
        ["show", "x"],
        ["watch"],
        ["worker"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("url", ["", "redis://:hunter2@127.0.0.1:1/0"], ids=["private", "own"])
def test_redis_is_away(
    classin: Command, environment: Environment, tmp_path: Path, words: list[str], url: str
) -> None:
    """One line that says what to do, exit 1, no password."""
    environment.set(home=str(tmp_path.parent / "h"), redis_url=url)

    done = classin(*words)

    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "hunter2" not in done.stderr
    assert ("classin up" in done.stderr) is (url == "")


def test_the_secret_is_nowhere(classin: Command, environment: Environment, tmp_path: Path) -> None:
    """Not even in the complaint about a schools file that is no TOML."""
    schools = tmp_path / "schools.toml"
    schools.touch(0o600)
    schools.write_text('[north]\nsid = "1"\nsecret = "hunter2\n')
    environment.set(sid="", secret="", schools=str(schools))

    done = classin("enqueue", "get_top_folder_id")

    assert done.returncode == 2
    assert "not TOML" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_two_schools(classin: Command, environment: Environment, tmp_path: Path) -> None:
    """With several and none called main, each operation names its own."""
    schools = tmp_path / "schools.toml"
    schools.touch(0o600)
    (tmp_path / "south.secret").touch(0o600)
    (tmp_path / "south.secret").write_text("s\n")
    schools.write_text(
        '[north]\nsid = "1"\nsecret = "n"\n[south]\nsid = 2\nsecret_file = "south.secret"\n'
    )
    environment.set(sid="", secret="", schools=str(schools))

    done = classin("enqueue", "get_top_folder_id")
    assert done.returncode == 2
    assert "north, south" in done.stderr
    done = classin("enqueue", "get_top_folder_id", "--school", "south", "--json")
    assert json.loads(done.stdout)["state"] == "queued"
