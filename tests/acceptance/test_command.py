"""The command, as an administrator types it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.pages import ROOT, blocks
from tests.stage import Command, Environment, WorkerProcess
from worker.classin.operations.cloud import CreateFolder, RenameFolder


def test_show_reads_like_an_answer(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient, submitter: Submitter
) -> None:
    """What was asked, what happened at each attempt, what it means, what to do."""
    simulator.faults(FaultRule(code=104, first=1))
    worker.start()
    receipt = submitter.submit(RenameFolder(folder_id=5, folder_name="hello"), source="the SIS")
    receipt.wait(60)

    said = classin("show", receipt.id).stdout

    for part in (
        "rename_folder",
        "failed/refused",
        "from the SIS",
        "folderName  hello",
        "104",
        "unknown error",
        "193, the folder does not exist",
        "Check the id",
    ):
        assert part in said


def test_show_of_an_unknown_id(classin: Command) -> None:
    """One line, exit 1."""
    done = classin("show", "nosuchid")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "there is no record 'nosuchid'\n"


def test_ls_filters_combine(classin: Command, worker: WorkerProcess, submitter: Submitter) -> None:
    """By state, operation, school, code and time, alone and together."""
    worker.start()
    good = submitter.submit(CreateFolder(folder_id=747759, folder_name="a"))
    bad = submitter.submit(CreateFolder(folder_id=5, folder_name="b"))
    other = submitter.submit(RenameFolder(folder_id=5, folder_name="c"))
    for receipt in (good, bad, other):
        receipt.wait(60)

    def listed(*filters: str) -> list[str]:
        lines = classin("ls", "--json", *filters).stdout.splitlines()
        return [json.loads(line)["id"] for line in lines]

    assert listed() == [other.id, bad.id, good.id]
    assert listed("--state", "failed") == [other.id, bad.id]
    assert listed("--state", "failed", "--operation", "create_folder") == [bad.id]
    assert listed("--code", "193", "--school", "main") == [other.id, bad.id]
    assert listed("--since", "1h", "--state", "succeeded") == [good.id]
    assert listed("--since", "2999-01-01") == []
    assert good.id in classin("ls").stdout


def test_ls_refuses_what_cannot_be(classin: Command) -> None:
    """Every wrong filter is named at once, with what would be right."""
    done = classin("ls", "--state", "fialed", "--operation", "creat_unit", "--since", "soon")

    assert done.returncode == 2
    assert "did you mean failed?" in done.stderr
    assert "did you mean create_unit?" in done.stderr
    assert "2d, 90m" in done.stderr
    assert classin("ls", "--cursor", "here").returncode == 2


def test_stats_counts_states_and_codes(
    classin: Command, worker: WorkerProcess, submitter: Submitter
) -> None:
    """One table for states by operation, one for codes."""
    worker.start()
    submitter.submit(CreateFolder(folder_id=747759, folder_name="a")).wait(60)
    submitter.submit(CreateFolder(folder_id=5, folder_name="b")).wait(60)

    counts = json.loads(classin("stats", "--json").stdout)
    window = counts.pop("window")

    assert counts == {
        "states": {"succeeded": 1, "failed": 1},
        "operations": {"create_folder": {"succeeded": 1, "failed": 1}},
        "codes": {"1": 1, "193": 1},
        "closed": [],
    }
    assert window["settled"] == 2
    assert "the folder does not exist" in classin("stats").stdout


def test_watch_follows_a_batch_to_its_end(
    classin: Command, worker: WorkerProcess, submitter: Submitter
) -> None:
    """Exit 1, because one of them was refused."""
    receipts = submitter.submit_many(
        [CreateFolder(folder_id=parent, folder_name="a") for parent in (747759, 5)]
    )
    batch = receipts[0].record().batch
    worker.start()

    done = classin("watch", str(batch))

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "1 succeeded, 1 failed"
    assert classin("watch", "nosuchbatch").returncode == 1


def test_enqueue_without_waiting_gives_the_id(classin: Command) -> None:
    """No worker is needed to submit."""
    done = classin("enqueue", "create_folder", "folder_id=747759", "folder_name=a", "--json")

    receipt = json.loads(done.stdout)
    assert (done.returncode, receipt["state"]) == (0, "queued")
    assert json.loads(classin("show", receipt["id"], "--json").stdout)["fields"] == {
        "folderId": 747759,
        "folderName": "a",
    }


def test_enqueue_gives_up_waiting(classin: Command) -> None:
    """With a timeout and no worker: exit 1, and the record as it is."""
    done = classin(
        "enqueue", "get_top_folder_id", "--wait", "--timeout", "0.2s", "--json", given=""
    )

    assert done.returncode == 1
    assert json.loads(done.stdout)["state"] == "queued"
    assert "queued still" in done.stderr


def test_lines_from_standard_input(classin: Command, worker: WorkerProcess) -> None:
    """A SIS pipes them in: Chinese names, a byte order mark, blank lines."""
    worker.start()
    lines = (
        '\ufeff{"operation": "create_folder",'
        ' "fields": {"folderId": 123456, "folderName": "课程1"}}\n'
        "\n"
        '{"operation": "create_folder", "fields": {"folderId": 123456, "folderName": "课程2"}}\n'
    )

    done = classin("enqueue", "--file", "-", "--wait", "--json", given=lines)

    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [record["fields"]["folderName"] for record in records] == ["课程1", "课程2"]
    assert len({record["batch"] for record in records}) == 1


def test_ops_explains_every_operation(classin: Command) -> None:
    """In words, and as JSON with name, group, fields and codes."""
    explained = [json.loads(line) for line in classin("ops", "--json").stdout.splitlines()]

    assert {"edit_course", "create_unit", "create_folder", "rename_folder"} <= {
        each["name"] for each in explained
    }
    assert all(each.keys() >= {"name", "group", "fields", "codes"} for each in explained)
    said = classin("ops", "create_unit").stdout
    assert "text, 1 to 50 characters" in said
    assert "29208" in said
    assert classin("ops", "creat_unit").returncode == 2


def test_the_doctor_finds_all_well(
    classin: Command, worker: WorkerProcess, environment: Environment
) -> None:
    """Redis reachable, persistent, not evicting; clocks; credentials; a worker."""
    worker.start()

    done = classin("doctor", "--json")

    findings = {each["subject"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0
    assert {finding["health"] for finding in findings.values()} == {"well"}
    assert {"Redis", "persistence", "eviction", "workers", "school main"} <= findings.keys()
    environment.set(secret="wrong")
    done = classin("doctor")
    assert done.returncode == 1
    assert "Check SID and secret" in done.stdout


def test_the_doctor_changes_nothing(classin: Command, simulator: SimulatorClient) -> None:
    """Only reading reaches ClassIn."""
    before = simulator.state()

    classin("doctor")

    assert simulator.state() == before
    assert {entry.operation for entry in simulator.journal()} == {"get_top_folder_id"}


def test_the_demonstration_ends_as_its_file_says(classin: Command) -> None:
    """`make demo`, told as JSON."""
    done = classin("demo", "--json")

    endings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(endings) >= 10
    assert all(ending["as_expected"] for ending in endings)
    shown = rows_of_the_readme()
    told = {row_of(ending) for ending in endings if "state" in ending}  # else it is a sync
    assert shown
    assert [row for row in shown if row not in told] == []


def row_of(ending: Mapping[str, Any]) -> str:
    """Write an ending as the demonstration's table does, with single blanks."""
    state = "/".join(filter(None, (ending["state"], ending["reason"])))
    words = (ending["operation"], state + " (already)" * ending["already"], ending["code"])
    return " ".join(map(str, (ending["story"], *words, len(ending["attempts"]), ending["message"])))


def rows_of_the_readme() -> list[str]:
    """Return the rows that README.md shows of it; one is broken in two."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (output,) = (b.text for b in blocks(text, "text") if b.text.startswith("   story"))
    rows = re.sub(r":(  .*)\n   (\S.*)", r": \2\1", output).splitlines()
    return [" ".join(row.split()[1:]) for row in rows if row.startswith("✓") and "sync" not in row]
