"""What may be a job: commands of a few kinds, checked as they would be, and nothing secret."""

from pathlib import Path

import pytest

from ops.cli.job_check import faults_of, remark_on


@pytest.fixture(autouse=True)
def school(monkeypatch: pytest.MonkeyPatch) -> None:
    """One school, in the environment that the command reads; its Redis is never asked."""
    for name, text in (("SID", "1"), ("SECRET", "s"), ("REDIS_URL", "unix:///nowhere/at/all")):
        monkeypatch.setenv(f"CLASSIN_{name}", text)


def told(line: str) -> list[str]:
    """Everything that keeps a line from being a job."""
    return [str(fault) for fault in faults_of(line.split())]


@pytest.mark.parametrize(
    "line",
    [
        "enqueue edit_course courseId=352861 courseName=Physics",
        "enqueue create_folder folderId=1 folderName=x --priority low --wait --school main",
        "enqueue --file /srv/not/there.jsonl --skip-bad",
        "report --since 12h",
        "retry ui73whtmqvabw6f7 --yes",
        "retry --state failed --code 104 --yes",
        "retry --nightly --codes 144,193 --most 5",
        "prune --succeeded-after 7d --yes",
        "sync oneroster /srv/sis/export.zip --most-removed people=5%",
    ],
)
def test_what_may_be_a_job(line: str) -> None:
    """Nothing speaks against it."""
    assert told(line) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "run: needs a command: enqueue, sync"),
        ("demo", "run: 'demo' cannot be a job; these can: enqueue, sync"),
        ("schedule rm x", "run: 'schedule' cannot be a job"),
        ("enqueue", "run: give either an operation"),
        ("enqueue --frobnicate", "run: enqueue: No such option: --frobnicate"),
        ("enqueue --help", "run: asks for help only"),
        ("enqueue edit_curse courseId=1", "run: operation: ClassIn knows no 'edit_curse'"),
        ("enqueue edit_course courseId=x courseName=y", "run: courseId: should be a whole number"),
        ("enqueue edit_course courseId=1 --school north", "run: school: there is no 'north'"),
        ("enqueue edit_course courseId=1 --dedup-key k", "run: --dedup-key: would let it be done"),
        ("enqueue edit_course courseId=1 --once k", "run: --once: is the schedule's own"),
        ("enqueue --file -", "run: --file: nobody is there to type"),
        ("enqueue --file some.jsonl", "run: --file: should be an absolute path"),
        ("report --to mailto://user:word@host", "run: holds an address with a login"),
        ("report --to slack://a/b/c", "run: --to: addresses hold secrets"),
        ("retry --state failed", "run: --yes: is needed: nobody is there to be asked"),
        ("retry --state failed --yes --set courseId=1", "run: --set: fields are changed by hand"),
        ("prune", "run: --yes: is needed"),
        ("sync undo x --yes", "run: of sync, these can be jobs: sync oneroster"),
        ("sync oneroster export.zip", "run: export.zip: should be an absolute path"),
        ("sync oneroster /x.zip --errors /faults.csv", "run: --errors: makes a new file"),
        ("sync oneroster /x.zip --allow-removals people", "run: --allow-removals: somebody"),
        ("report --api-token=abc", "run: --api-token: no secret stands in a schedule"),
    ],
)
def test_what_may_not(line: str, what: str) -> None:
    """And why."""
    assert any(fault.startswith(what) for fault in told(line)), told(line)


def test_nobody_stands_in_a_schedule() -> None:
    """Neither a person nor a password, nor in the objects of a list; no fault repeats them."""
    found = told("enqueue register telephone=13800138000 password=a-word nickname=Mei")
    fields = {"run: telephone", "run: password", "run: nickname"}
    assert {fault.partition(": is")[0] for fault in found} == fields
    assert "13800138000" not in "".join(found)
    assert "a-word" not in "".join(found)


def test_the_lines_of_a_file_are_checked_if_it_is_there(tmp_path: Path) -> None:
    """And if it is not, that is said."""
    file = tmp_path / "operations.jsonl"
    words = ["enqueue", "--file", str(file)]
    assert faults_of(words) == []
    assert remark_on(words) == f"{file} is not there yet: it is checked when the job runs"

    file.write_text('{"operation": "edit_course", "fields": {}}\nnonsense\n' * 30)
    found = [str(fault) for fault in faults_of(words)]

    assert remark_on(words) is None
    assert found[0].startswith("run: line 1: ")
    assert any(fault.startswith("run: line 2: is not JSON") for fault in found)
    assert found[-1].startswith("run: ... and ")


def test_the_rows_of_a_sheet_are_checked_too(tmp_path: Path) -> None:
    """What each row asks for is said beside it, as for `classin enqueue`."""
    file = tmp_path / "courses.csv"
    file.write_text("courseId,courseName\n352861,Physics\nx,Chemistry\n")
    assert told(f"enqueue --file {file}") == [
        "run: --operation: is needed for a sheet: what each of its rows asks for"
    ]
    (fault,) = told(f"enqueue --file {file} --operation edit_course")
    assert fault.startswith("run: courses.csv row 3: ")


def test_a_file_is_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A beat may have been started anywhere."""
    (tmp_path / "x.zip").touch()
    monkeypatch.chdir(tmp_path)
    assert told("retry x.zip")[-1] == "run: x.zip: should be an absolute path"
