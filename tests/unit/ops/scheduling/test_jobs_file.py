"""Jobs as people write them: every fault is named, every difference is shown."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ops.scheduling.jobs_file import (
    Difference,
    Kind,
    differences,
    job_of,
    read_timetable,
    written,
)
from worker.config.env import seconds_text
from worker.errors import FieldError, InvalidInputError
from worker.ledger.schedule_models import IfRunning, Job, Planned

GOOD = {"run": "sync oneroster '/srv/sis/export 1.zip'", "cron": "30  2 * * *"}

JOB = Job(
    name="nightly",
    cron="30 2 * * *",
    tz="UTC",
    words=("sync", "oneroster", "/srv/sis/export 1.zip"),
)


def anything(words: Sequence[str]) -> list[FieldError]:
    """Let any words be a job, but for these."""
    return [FieldError("run", "is forbidden")] if "forbidden" in words else []


def faults(asked: dict[str, object], name: str = "nightly") -> list[str]:
    """Everything that is wrong with a job."""
    with pytest.raises(InvalidInputError) as refused:
        job_of(name, {**GOOD, **asked}, anything)
    return [str(fault) for fault in refused.value.faults]


def test_a_job_with_no_more_than_it_needs() -> None:
    """The rest is as usual."""
    assert job_of("nightly", GOOD, anything) == JOB


def test_a_job_with_all_that_can_be_said() -> None:
    """Words may come one by one."""
    asked = {
        "run": ["enqueue", "--file", "/x"],
        "cron": "@daily",
        "tz": "Asia/Shanghai",
        "if_running": "join",
        "catch_up": "90m",
        "time_limit": "2h",
    }
    job = job_of("n", asked, anything, "schedule.toml")
    assert (job.words, job.tz, job.catch_up) == (("enqueue", "--file", "/x"), "Asia/Shanghai", 5400)
    assert (job.if_running, job.time_limit) == (IfRunning.JOIN, 7200)
    assert job.file == "schedule.toml"


@pytest.mark.parametrize(
    ("run", "hours"),
    [("sync oneroster /x", 12), ("enqueue --file /x", 12), ("retry --nightly", 1), ("report", 1)],
)
def test_a_time_limit_is_long_enough_for_what_the_job_does(run: str, hours: int) -> None:
    """What waits for ClassIn may take half a day."""
    assert job_of("n", {**GOOD, "run": run}, anything).time_limit == hours * 3600


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"cron": None}, "cron: should be five fields"),
        ({"run": "sync 'oneroster"}, "run: cannot be read as a line of a shell"),
        ({"run": 7}, "run: should be the words of a command"),
        ({"run": ["sync", 7]}, "run: should be the words of a command"),
        ({"run": "forbidden"}, "run: is forbidden"),
        ({"if_running": "never"}, "if_running: should be wait, skip or join; got 'never'"),
        ({"catch_up": "5s"}, "catch_up: should be a time from 1m to 30d; got '5s'"),
        ({"catch_up": "soon"}, "catch_up: should be a time from 1m to 30d; got 'soon'"),
        ({"time_limit": "0s"}, "time_limit: should be a time from 1s to 30d; got '0s'"),
        ({"time_limit": "31d"}, "time_limit: should be a time from 1s to 30d; got '31d'"),
        ({"corn": "* * * * *"}, "corn: unknown key; did you mean cron?; known are run, cron"),
    ],
)
def test_what_is_wrong_is_said(asked: dict[str, object], what: str) -> None:
    """With what would be right."""
    (fault,) = faults(asked)
    assert fault.startswith(what)


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b", "x" * 65, "naïve"])
def test_a_name_is_plain(name: str) -> None:
    """It stands in keys, on command lines and in dedup keys."""
    assert "letters, digits" in faults({}, name)[0]


def test_all_faults_are_named_at_once() -> None:
    """Whoever mends a file wants to do so once."""
    wrong = {"cron": "x", "tz": "Mars", "if_running": "?", "catch_up": "?", "run": "forbidden"}
    wrong["time_limit"] = "?"
    told = faults({**wrong}, "a b")
    assert [fault.partition(":")[0] for fault in told] == [
        *("name", "cron", "tz", "run", "if_running", "catch_up", "time_limit"),
    ]


def test_a_file_of_jobs(tmp_path: Path) -> None:
    """A table for each; they know from which file they are."""
    file = tmp_path / "schedule.toml"
    file.write_text(
        '[nightly]\nrun = "sync oneroster \'/srv/sis/export 1.zip\'"\ncron = "30 2 * * *"'
    )
    assert read_timetable(file, anything) == [replace(JOB, file="schedule.toml")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "cannot be read: No such file"),
        ("[x", "cannot be read: it is not TOML"),
        ("\udcff", "cannot be read: it is not UTF-8"),
        ("x = 1", "x: should be the table of a job"),
        ('[a]\nrun="forbidden"\ncron="x"\n[b]\n', "[a] cron: should be five fields"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str | None, what: str) -> None:
    """All of it or nothing."""
    file = tmp_path / "schedule.toml"
    if text is not None:
        file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InvalidInputError) as refused:
        read_timetable(file, anything)
    assert what in str(refused.value)


def test_what_a_file_changes() -> None:
    """What is new, what differs, and what came from this file and stands in it no more."""
    mine = replace(JOB, file="schedule.toml")
    there = [
        Planned(mine, 0),
        Planned(replace(mine, name="gone"), 0),
        Planned(replace(JOB, name="by-hand"), 0),
        Planned(replace(JOB, name="elsewhere", file="other.toml"), 0),
        Planned(replace(mine, name="same"), 0, paused=True),
    ]
    later = replace(mine, cron="0 3 * * *", catch_up=60)
    new = replace(mine, name="new")

    found = differences([later, new, replace(mine, name="same")], there, "schedule.toml")

    assert found == [
        Difference(Kind.CHANGE, later, mine),
        Difference(Kind.ADD, new),
        Difference(Kind.REMOVE, replace(mine, name="gone")),
    ]
    assert found[0].changes == [("cron", "30 2 * * *", "0 3 * * *"), ("catch_up", "6h", "1m")]
    assert found[1].changes == []


def test_a_job_that_was_added_by_hand_is_taken_over() -> None:
    """From then on it goes with its file."""
    mine = replace(JOB, file="schedule.toml")
    (found,) = differences([mine], [Planned(JOB, 0)], "schedule.toml")
    assert found.changes == [("file", "by hand", "schedule.toml")]


def test_a_job_is_written_as_it_is_read() -> None:
    """Words as a shell takes them, times in the largest unit that fits."""
    assert written(JOB)["run"] == "sync oneroster '/srv/sis/export 1.zip'"
    assert [seconds_text(s) for s in (21600, 5400, 90, 86400, 90.5)] == [
        "6h",
        "90m",
        "90s",
        "1d",
        "90.5s",
    ]
