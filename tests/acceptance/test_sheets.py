"""Sheets from the first row to the last: handed in, followed, mended, and their end told of."""

import csv
import json
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from ops.simulator import SimulatorClient
from tests.stage import Command, Environment, WorkerProcess, until
from worker.ledger.batch import BatchInfo
from worker.ledger.states import WebhookState
from worker.ledger.store import RedisLedger

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(ThreadingHTTPServer):
    """Takes calls over HTTP; answers these first, then 204."""

    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers = list(answers)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.before_answering: Callable[[], object] = lambda: None
        self.url = f"http://127.0.0.1:{self.server_port}/hook?key=hidden"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_close(self) -> None:
        """End."""
        self.shutdown()
        super().server_close()


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:  # as the library has it
        """Take one call."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.server.before_answering()
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *said: object) -> None:
        """Keep quiet."""


@pytest.fixture
def receiver(environment: Environment) -> Iterator[Receiver]:
    """Somebody who is told, and whom the first two calls find in trouble."""
    environment.set(webhook_secret=SECRET, attempts="1", deferrals="0.1s")
    with Receiver(503, 404) as server:
        yield server


def write(path: Path, *rows: list[str]) -> Path:
    """Write a sheet."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    """Read a sheet."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def batch_of(said: str) -> str:
    """The batch that `enqueue` names."""
    return said.split("as batch ")[1].split(".", maxsplit=1)[0].split(",", maxsplit=1)[0]


def hand_in(classin: Command, path: Path, *words: str) -> Any:  # noqa: ANN401  # a finished process
    """Hand folders in, as a school names its columns."""
    return classin(
        "enqueue", "--file", str(path), "--operation", "create_folder",
        "--map", 'folderId=Under,folderName="Name of it"', *words,
    )  # fmt: skip


def test_a_sheet_is_mended_and_handed_in_again(
    classin: Command, worker: WorkerProcess, simulator: SimulatorClient, tmp_path: Path
) -> None:
    """A row that cannot be, then one that ClassIn refuses; in the end all of it is there."""
    rows = [["Under", "Name of it", "Remark"], ["747759", "Maths", "a"], ["5", "Music", "b"]]
    sheet = write(tmp_path / "folders.csv", *rows, ["none", "Art", "c"])
    refused = hand_in(classin, sheet)
    assert refused.returncode == 2
    assert "folders.csv row 4: folderId (Under): should be a whole number" in refused.stderr
    assert simulator.applied("create_folder") == 0

    write(sheet, *rows, [], ["747759", "Art", "c"])
    worker.start()
    batch = batch_of(hand_in(classin, sheet, "--dedup", "Name of it").stdout)
    out = tmp_path / "failures.csv"
    watched = classin("watch", batch, "--failures", str(out))

    assert watched.returncode == 1
    assert watched.stdout.splitlines()[-1] == "2 succeeded, 1 failed"
    assert "failed/refused row 3 create_folder" in watched.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (failure,) = read(out)
    assert [*failure] == [
        "row", "Under", "Name of it", "Remark",
        "id", "state", "reason", "code", "message", "what to do",
    ]  # fmt: skip
    assert (failure["row"], failure["Remark"], failure["code"]) == ("3", "b", "193")

    write(out, [*failure], [*{**failure, "Under": "747759"}.values()])
    again = hand_in(classin, out, "--dedup", "id", "--wait")
    assert again.returncode == 0, again.stderr
    assert "1 succeeded" in again.stdout
    assert "0 operations submitted" in hand_in(classin, out, "--dedup", "id").stdout
    assert "0 operations submitted" in hand_in(classin, sheet, "--dedup", "Name of it").stdout


def test_failures_are_made_from_the_records_where_the_file_has_changed(
    classin: Command, worker: WorkerProcess, tmp_path: Path
) -> None:
    """Under the columns of the map; the file as it was can be named."""
    sheet = write(tmp_path / "f.csv", ["Under", "Name of it", "Remark"], ["5", "Music", "b"])
    batch = batch_of(hand_in(classin, sheet).stdout)
    moved = sheet.rename(tmp_path / "moved.csv")
    write(sheet, ["Under"], ["6"])
    worker.start()
    out = tmp_path / "failures.csv"

    classin("watch", batch, "--failures", str(out))
    (failure,) = read(out)
    assert [*failure][:4] == ["row", "Under", "Name of it", "id"]
    assert (failure["Under"], failure["Name of it"]) == ("5", "Music")

    classin("watch", batch, "--failures", str(out), "--file", str(moved))
    (failure,) = read(out)
    assert failure["Remark"] == "b"
    wrong = classin("watch", batch, "--failures", str(out), "--file", str(sheet))
    assert (wrong.returncode, "is not the file of this batch" in wrong.stderr) == (2, True)


def test_the_end_of_a_batch_is_told(
    classin: Command,
    worker: WorkerProcess,
    receiver: Receiver,
    ledger: RedisLedger,
    tmp_path: Path,
) -> None:
    """The receiver fails twice, then takes it: signed anew each time, under the same id."""
    sheet = write(tmp_path / "f.csv", ["Under", "Name of it"], ["747759", "Maths"], ["5", "Music"])
    worker.start()
    batch = batch_of(hand_in(classin, sheet, "--webhook", receiver.url).stdout)

    def told() -> WebhookState:
        about = ledger.batches.info(batch)
        assert about is not None
        assert about.webhook is not None
        return about.webhook.told

    until(lambda: told() is WebhookState.DELIVERED, "the webhook is delivered")

    assert len(receiver.got) == 3
    said = [Verifier(SECRET).verify(body, headers) for headers, body in receiver.got]
    assert said[0] == said[1] == said[2]
    assert said[0]["data"] == {
        "batch": batch,
        "source": "command line",
        "file": "f.csv",
        "complete": True,
        "expected": 2,
        "total": 2,
        "counts": {"succeeded": 1, "failed": 1},
    }
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {f"batch-{batch}"}
    assert b"Music" not in receiver.got[0][1]
    assert "webhook delivered (HTTP 204)" in classin("watch", batch).stderr
    assert "hidden" not in worker.said()


def test_a_worker_that_dies_before_it_notes_leaves_the_call_to_the_next(
    environment: Environment,
    classin: Command,
    worker: WorkerProcess,
    receiver: Receiver,
    ledger: RedisLedger,
    tmp_path: Path,
) -> None:
    """The receiver took it, and gets it again under the same id."""
    environment.set(connect_timeout="0.5s", reply_timeout="1s", longest_wait="0.1s")
    receiver.answers = []
    receiver.before_answering = worker.kill
    sheet = write(tmp_path / "f.csv", ["Under", "Name of it"], ["747759", "Maths"])
    batch = batch_of(hand_in(classin, sheet, "--webhook", receiver.url).stdout)
    worker.start()
    until(lambda: not worker.alive, "the worker is dead")
    receiver.before_answering = lambda: None

    worker.start()
    until(lambda: len(receiver.got) == 2, "it is called again")

    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    until(
        lambda: "delivered" in json.dumps((ledger.batches.info(batch) or BatchInfo()).to_dict()),
        "it is noted",
    )


def test_a_webhook_without_a_secret_is_refused(classin: Command, tmp_path: Path) -> None:
    """Nothing is submitted."""
    sheet = write(tmp_path / "f.csv", ["Under", "Name of it"], ["747759", "Maths"])

    done = hand_in(classin, sheet, "--webhook", "https://sis.example/hook")

    assert done.returncode == 2
    assert "--webhook: needs CLASSIN_WEBHOOK_SECRET" in done.stderr


def test_watch_tells_as_json(classin: Command, worker: WorkerProcess, tmp_path: Path) -> None:
    """Progress and failures, a line each, without fields."""
    sheet = write(tmp_path / "f.csv", ["Under", "Name of it"], ["747759", "Maths"], ["5", "Music"])
    batch = batch_of(hand_in(classin, sheet).stdout)
    worker.start()

    lines = [json.loads(each) for each in classin("watch", batch, "--json").stdout.splitlines()]

    (failure,) = (each for each in lines if each["type"] == "failure")
    assert (failure["row"], failure["state"], failure["code"]) == (3, "failed", 193)
    assert lines[-1]["states"] == {"succeeded": 1, "failed": 1}
    assert "Music" not in json.dumps(lines)
