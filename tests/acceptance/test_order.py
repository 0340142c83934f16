"""Order and dedup keys, from the command to ClassIn: lanes, `after`, results, priorities."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from ops.processes.redis_server import PrivateRedis
from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter, result_of
from tests.stage import Command, Environment, WorkerProcess, until
from worker.broker.queue import broker_url, build_queues
from worker.classin.operations.cloud import CreateFolder
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.record import Priority
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

TOP = 747759


def line(operation: str, folder: object, name: str, **more: object) -> dict[str, Any]:
    """A line about a folder."""
    fields = {"folderId": folder, "folderName": name}
    return {"operation": operation, "fields": fields} | more


def made_by(key: str) -> dict[str, str]:
    """The id of the folder that another line makes."""
    return {"$result": key, "path": "data"}


@pytest.fixture
def lines(tmp_path: Path) -> "Lines":
    """A file of lines."""
    return Lines(tmp_path / "folders.jsonl")


class Lines:
    """A file of lines, written anew for each story."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *lines: dict[str, Any]) -> str:
        """Write these; gives the path."""
        self.path.write_text("".join(json.dumps(each) + "\n" for each in lines))
        return str(self.path)


TERM = (
    line("create_folder", TOP, "term", dedup_key="term"),
    line("rename_folder", made_by("term"), "Term 1", dedup_key="term-1", lane="term"),
    line("rename_folder", made_by("term"), "Term 2", dedup_key="term-2", lane="term"),
    line("create_folder", made_by("term"), "week", dedup_key="week", after=["term-2"]),
    line("create_folder", made_by("week"), "Monday", dedup_key="monday", priority="high"),
)


def test_a_file_builds_on_its_own_results(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient, lines: Lines
) -> None:
    """A folder is made, renamed twice in order, and filled, though nobody knew its id before."""
    worker.start()

    done = classin("enqueue", "--file", lines(*TERM), "--wait", "--json")

    records = [json.loads(text) for text in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert {record["state"] for record in records} == {"succeeded"}
    term, *_, week, monday = records
    sent = [(entry.operation, entry.fields["folderName"]) for entry in simulator.journal()]
    assert sent == [(each["operation"], each["fields"]["folderName"]) for each in TERM]
    assert week["fields"]["folderId"] == int(term["result"]["data"])
    assert monday["fields"]["folderId"] == int(week["result"]["data"])
    assert monday["after"] == [week["id"]]


def test_the_same_file_again_does_nothing_new(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient, lines: Lines
) -> None:
    """The output says so; a line that is new is done, with the others' results."""
    worker.start()
    first = classin("enqueue", "--file", lines(*TERM), "--wait", "--json")
    before = len(simulator.journal())

    again = classin("enqueue", "--file", lines(*TERM))

    assert (first.returncode, again.returncode) == (0, 0)
    assert again.stdout == "0 operations submitted, 5 known from before.\n"
    tuesday = line("create_folder", made_by("week"), "Tuesday", dedup_key="tuesday")
    more = classin("enqueue", "--file", lines(*TERM, tuesday))
    assert "1 operations submitted as batch" in more.stdout
    assert ", 5 known from before." in more.stdout
    until(lambda: simulator.applied("create_folder", folderName="Tuesday") == 1, "Tuesday is made")
    assert len(simulator.journal()) == before + 1


def test_what_depends_on_a_failure_fails_with_its_name(
    classin: Command,
    worker: WorkerProcess,
    simulator: SimulatorClient,
    ledger: RedisLedger,
    lines: Lines,
) -> None:
    """And is not sent; after a retry of the first, the others can be retried, too."""
    simulator.faults(FaultRule(operation="create_folder", code=193, first=1))
    worker.start()
    story = [
        line("create_folder", TOP, "term", dedup_key="term"),
        line("rename_folder", made_by("term"), "Term 1", dedup_key="term-1"),
        line("create_folder", TOP, "other", after=["term-1"]),
    ]

    done = classin("enqueue", "--file", lines(*story), "--wait", "--json")

    assert done.returncode == 1
    term, renamed, other = (json.loads(text) for text in done.stdout.splitlines())
    assert (term["state"], term["code"]) == ("failed", 193)
    for record, culprit in ((renamed, term), (other, renamed)):
        assert (record["state"], record["reason"]) == ("failed", "dependency")
        assert culprit["id"] in record["message"]
        assert record["attempts"] == []
    assert len(simulator.journal()) == 1
    refused = classin("retry", renamed["id"])
    assert refused.returncode == 2
    assert f"waits for {term['id']}, which is failed: retry that one first" in refused.stderr
    retried = classin("retry", term["id"], renamed["id"], "--json").stdout.splitlines()
    ids = [json.loads(text)["id"] for text in retried]
    until(lambda: all(each.state.settled for each in ledger.find_all(ids)), "both are settled")
    assert [each.state for each in ledger.find_all(ids)] == [State.SUCCEEDED, State.SUCCEEDED]


@pytest.mark.parametrize(
    ("story", "said"),
    [
        (
            [
                line("create_folder", TOP, "a", dedup_key="a", after=["b"]),
                line("create_folder", made_by("a"), "b", dedup_key="b"),
            ],
            "line 1: after: 'b' makes a cycle: line 1 -> line 2 -> line 1",
        ),
        (
            [
                line("create_folder", TOP, "a", dedup_key="lesson"),
                line("create_folder", made_by("leson"), "b"),
            ],
            "line 2: $result: there is no record 'leson'; did you mean lesson?",
        ),
        (
            [
                line("create_folder", TOP, "a", after=["b"]),
                line("create_folder", TOP, "b", dedup_key="b"),
            ],
            "line 1: after: 'b' (line 2) comes later: put it before this one",
        ),
        (
            [
                line("create_folder", TOP, "a", dedup_key="a"),
                line("create_folder", TOP, "b", dedup_key="a"),
            ],
            "line 2: dedup_key: 'a' is that of line 1, too, which asks for something else",
        ),
    ],
    ids=["cycle", "unknown", "later", "conflict"],
)
def test_an_order_that_cannot_be_is_refused(
    classin: Command, ledger: RedisLedger, lines: Lines, story: list[dict[str, Any]], said: str
) -> None:
    """By line, with exit code 2, and nothing of the file is submitted."""
    done = classin("enqueue", "--file", lines(*story))

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not ledger.counts().by_operation


def test_one_operation_with_all_options(classin: Command, ledger: RedisLedger) -> None:
    """What lines can say, the command line can say."""
    first, second = (
        json.loads(classin("enqueue", *words, "--json").stdout)
        for words in (
            ["create_folder", f"folderId={TOP}", "folderName=a", "--dedup-key", "a"],
            ["get_top_folder_id"],
        )
    )
    reference = json.dumps({"$result": "a"})
    words = ["rename_folder", f"folderId={reference}", "folderName=b"]
    options = ["--after", second["id"], "--after", "a", "--lane", "import", "--stop-lane"]

    done = classin("enqueue", *words, *options, "--priority", "low", "--json")

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["state"], told["new"], told["batch"]) == ("blocked", True, None)
    record = ledger.find(told["id"])
    assert record.fields["folderId"] == made_by(first["id"])
    assert set(record.after) == {first["id"], second["id"]}
    assert (record.lane, record.stops_lane, record.priority) == ("main:lane:import", True, "low")


def test_a_key_that_was_used_is_told(classin: Command) -> None:
    """With the record that has it; for something else it is refused."""
    words = ["enqueue", "create_folder", f"folderId={TOP}", "--dedup-key", "a"]
    first = json.loads(classin(*words, "folderName=a", "--json").stdout)

    again = classin(*words, "folderName=a")
    other = classin(*words, "folderName=b")

    assert again.returncode == 0
    assert f"this was submitted before, as {first['id']};" in again.stdout
    assert (other.returncode, other.stdout) == (2, "")
    assert f"dedup_key: is that of {first['id']}, which asks for something else" in other.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["name=a", "--priority", "urgent"], "priority: should be one of"),
        (["name=a", "--dedup-key", ""], "dedup_key: should not be empty"),
        (["name=a", "--after", "nobody"], "after: there is no record 'nobody'"),
        (['name={"$result": '], "name: looks like a reference, but is not JSON"),
        (['name={"$result": "a", "pth": "b"}'], "a reference has $result and path"),
    ],
)
def test_wrong_options_are_refused(
    classin: Command, ledger: RedisLedger, words: list[str], said: str
) -> None:
    """With what would be right."""
    done = classin("enqueue", "create_unit", "courseId=1", "publishFlag=0", *words)

    assert done.returncode == 2
    assert said in done.stderr
    assert not ledger.counts().by_operation


def test_workers_take_what_is_urgent_first(
    worker: WorkerProcess,
    environment: Environment,
    simulator: SimulatorClient,
    submitter: Submitter,
) -> None:
    """High, normal, low, whatever came first; what another Celery sends counts as high."""
    environment.set(threads="1")
    for number, priority in enumerate(("low", "normal", "high")):
        submitter.submit(
            CreateFolder(folder_id=TOP, folder_name=priority),
            priority=priority,
            lane=f"lane {number}",
        )
    sis = Celery("sis", broker=broker_url(environment.settings), set_as_current=False)
    foreign: dict[str, int | None] = {"foreign": None, "foreign low": 9}
    for name, step in foreign.items():
        fields = {"folderId": TOP, "folderName": name}
        sis.send_task("classin.create_folder", kwargs=fields, queue=QUEUE, priority=step)

    worker.start()

    until(lambda: len(simulator.journal()) == 5, "all are sent")
    names = [entry.fields["folderName"] for entry in simulator.journal()]
    assert names == ["high", "foreign", "normal", "low", "foreign low"]


@pytest.mark.parametrize("priority", ["high", "normal", "low"])
def test_the_queue_is_not_empty_while_a_message_of_any_priority_waits(
    environment: Environment, submitter: Submitter, priority: str
) -> None:
    """Rescue asks that before it takes messages for lost."""
    queues = build_queues(environment.settings)
    assert queues.is_empty()
    assert [*queues.empty()] == [*Priority]

    submitter.submit("get_top_folder_id", priority=priority)

    assert not queues.is_empty()
    assert {*queues.empty()} == {*Priority} - {Priority(priority)}


def test_redis_that_starts_again_meanwhile_loses_no_submission(
    redis: PrivateRedis, submitter: Submitter, ledger: RedisLedger
) -> None:
    """Whoever submits waits a few seconds for it, and submits once."""
    submitter.submit("get_top_folder_id", dedup_key="a")
    redis.stop()
    back = threading.Timer(0.3, redis.start)
    back.start()

    receipts = submitter.submit_many(
        [CreateFolder(folder_id=TOP, folder_name=str(n)) for n in range(10)]
    )

    back.join()
    assert len({receipt.id for receipt in receipts}) == 10
    assert ledger.counts().by_state().total() == 11


def test_many_submit_the_same_at_once(environment: Environment, ledger: RedisLedger) -> None:
    """Each line is recorded once, and whoever was second has the receipts of the first."""
    chain = [
        line("create_folder", TOP, str(n), dedup_key=str(n), after=[str(n - 1)] if n else [])
        for n in range(700)
    ]

    def submit(_: int) -> list[str]:
        submitter = Submitter.from_settings(environment.settings)
        return [receipt.id for receipt in submitter.submit_many(chain)]

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(submit, range(4))

    assert ledger.counts().by_state().total() == len(set(first)) == 700
    assert others == [first] * 3
    assert [each.after for each in ledger.find_all(first)] == [
        (),
        *((each,) for each in first[:-1]),
    ]


def test_a_full_redis_says_so_at_once(
    classin: Command, environment: Environment, ledger: RedisLedger
) -> None:
    """In one line, and nothing is recorded."""
    connect(environment.settings.ledger_url).config_set("maxmemory", "1")

    done = classin("enqueue", "get_top_folder_id")

    assert done.returncode == 1
    assert "Redis is full (maxmemory)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not ledger.counts().by_operation


def test_python_builds_on_results_too(
    worker: WorkerProcess, submitter: Submitter, simulator: SimulatorClient
) -> None:
    """With a receipt in the place of what it will bring."""
    worker.start()
    top = submitter.submit("get_top_folder_id")
    bad = submitter.submit(CreateFolder(folder_id=5, folder_name="a"))

    good = submitter.submit(CreateFolder(folder_id=result_of(top), folder_name="b"))
    lost = submitter.submit(CreateFolder(folder_id=result_of(bad), folder_name="c"), after=[good])

    assert good.wait(60).state is State.SUCCEEDED
    assert lost.wait(60).reason is Reason.DEPENDENCY
    assert simulator.applied("create_folder") == 1
