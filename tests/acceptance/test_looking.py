"""What an operator sees: lists, numbers, lanes, schools and reasons."""

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ops.processes.supervisor import classin as command_line
from producers import Submitter
from tests.stage import Command, Environment, WorkerProcess
from worker.classin.operations.cloud import CreateFolder, RenameFolder
from worker.config.settings import environment_with


@contextmanager
def following(environment: Environment, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """`classin ls --follow`, as long as one looks on."""
    command = command_line("ls", "--follow", *words)
    variables = environment_with(environment.variables)
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ls_sorts_picks_columns_and_writes_csv(
    classin: Command, worker: WorkerProcess, submitter: Submitter
) -> None:
    """The same records in each order; as a table, as JSON and for a spreadsheet."""
    worker.start()
    good = submitter.submit(CreateFolder(folder_id=747759, folder_name="a"))
    good.wait(60)
    bad = submitter.submit(RenameFolder(folder_id=5, folder_name="b"))
    bad.wait(60)

    def listed(*words: str) -> list[str]:
        lines = classin("ls", "--json", "--columns", "id", *words).stdout.splitlines()
        return [json.loads(line)["id"] for line in lines]

    assert listed() == listed("--sort", "finished") == [bad.id, good.id]
    assert listed("--sort", "oldest") == [good.id, bad.id]
    assert listed("--reason", "refused") == [bad.id]
    assert listed("--until", "1h") == []
    assert listed("--sort", "due") == []
    first = json.loads(classin("ls", "--sort", "finished", "--limit", "1", "--json").stdout)
    assert listed("--sort", "finished", "--cursor", first["cursor"]) == [good.id]

    written = classin("ls", "--csv", "--columns", "id,state,reason,took").stdout
    head, *rows = csv.reader(io.StringIO(written))
    assert head == ["id", "state", "reason", "took"]
    assert [row[:3] for row in rows] == [
        [bad.id, "failed", "refused"],
        [good.id, "succeeded", ""],
    ]
    assert all(int(row[3]) >= 0 for row in rows)


def test_ls_names_what_it_cannot_do(classin: Command) -> None:
    """Exit 2, with what would be right, on standard error."""
    for words, said in (
        (("--sort", "duration"), "no index has that order"),
        (("--columns", "tok"), "did you mean took?"),
        (("--csv", "--json"), "not together with --json"),
        (("--follow", "--until", "1h"), "not together with --follow"),
        (("--follow", "--state", "queued"), "only what settles can be followed"),
        (("--reason", "refusd"), "did you mean refused?"),
    ):
        done = classin("ls", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr


def test_what_settles_is_followed(
    environment: Environment, worker: WorkerProcess, submitter: Submitter
) -> None:
    """Only what fits, in the order that it settled; with --limit it ends by itself."""
    worker.start()
    receipts = []
    for parent, name in ((747759, "a"), (5, "b"), (5, "c")):
        receipts.append(submitter.submit(CreateFolder(folder_id=parent, folder_name=name)))
        receipts[-1].wait(60)
    words = ("--since", "1h", "--limit", "2", "--state", "failed", "--json")
    with following(environment, *words) as process:
        assert process.stdout is not None
        followed = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert process.wait(60) == 0
    assert [each["id"] for each in followed] == [each.id for each in receipts[1:]]
    with following(environment, "--since", "1h", "--columns", "id,state", "--csv") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '"id","state"\n'
        assert process.stdout.readline().endswith(',"succeeded"\n')


def test_stats_tells_a_window(
    classin: Command, worker: WorkerProcess, submitter: Submitter
) -> None:
    """By the hour, and exactly; the same is counted."""
    worker.start()
    submitter.submit(CreateFolder(folder_id=747759, folder_name="a")).wait(60)
    submitter.submit(CreateFolder(folder_id=5, folder_name="b")).wait(60)

    for since, by_hour in (("24h", True), ("50m", False)):
        window = json.loads(classin("stats", "--since", since, "--json").stdout)["window"]
        assert window["by_hour"] is by_hour
        assert (window["submitted"], window["settled"]) == (2, 2)
        assert window["operations"]["create_folder"]["took_ms"]["p99"] > 0
        (failure,) = window["failures"]
        assert (failure["number"], failure["code"], failure["reason"]) == (1, 193, "refused")
        assert failure["todo"].startswith("Check the id")
        said = classin("stats", "--since", since).stdout
        assert "What did not succeed, by cause" in said
        assert "the folder does not exist" in said
    assert classin("stats", "--since", "soon").returncode == 2


def test_lanes_schools_and_why(classin: Command, submitter: Submitter) -> None:
    """With no worker, everything stands; each says so in its way."""
    first, second = (
        submitter.submit(RenameFolder(folder_id=747759, folder_name=name)) for name in "ab"
    )
    classin("pause", "main", "--why", "holidays")

    (lane,) = map(json.loads, classin("lanes", "--json").stdout.splitlines())
    assert (lane["length"], lane["first"]["id"]) == (2, first.id)
    assert first.id in classin("lanes").stdout
    assert classin("lanes", "--stuck").stdout == "no lane is stuck\n"

    (school,) = map(json.loads, classin("schools", "--json").stdout.splitlines())
    assert (school["school"], school["stands"], school["configured"]) == ("main", "paused", True)
    assert (school["waiting"], school["running"]) == (2, 0)
    assert "holidays" in classin("schools").stdout

    said = classin("why", second.id).stdout
    assert f"Waits for  {first.id}, rename_folder, queued" in said
    assert "No worker runs" in said
    assert "classin resume main" in said
    told = json.loads(classin("why", second.id, "--json").stdout)
    assert told["chain"] == [first.id]
    missing = classin("why", "nosuchid")
    assert (missing.returncode, missing.stderr) == (1, "there is no record 'nosuchid'\n")
