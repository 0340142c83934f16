"""The whole way over HTTP: a real server, a worker, a Redis, and the simulator."""

import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.processes.supervisor import classin as command_line
from ops.simulator import SimulatorClient
from producers import Submitter
from tests.claiming import try_claim
from tests.stage import PATIENCE, Command, Environment, WorkerProcess, at_once, start, until
from worker.ledger.states import State
from worker.ledger.store import CHUNK, RedisLedger
from worker.ledger.types import Filter, Transition

FOLDER = {"operation": "create_folder", "fields": {"folderId": 747759, "folderName": "tools"}}

#: So many ask at the same moment.
CLIENTS = 12


@pytest.fixture
def address(environment: Environment, classin: Command, tmp_path: Path) -> Iterator[str]:
    """A gateway that runs; gives where."""
    del classin
    log = tmp_path / "gateway.log"
    with log.open("wb") as output:
        process = start(
            command_line("gateway", "--port", "0"), environment, stdout=output, stderr=output
        )

    def found() -> "re.Match[str] | None":
        return re.search(r"http://\S+:\d+", log.read_text(encoding="utf-8"))

    until(lambda: found() is not None, "the gateway listens")
    place = found()
    assert place is not None
    yield place[0]
    process.terminate()
    assert process.wait(30) == 0, log.read_text(encoding="utf-8")
    assert "Traceback" not in log.read_text(encoding="utf-8")


@pytest.fixture
def sis(address: str, classin: Command) -> Iterator[httpx.Client]:
    """A client with a key that opens all."""
    key = classin("keys", "add", "sis").stdout.strip()
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as client:
        yield client


def settlements(lines: Iterator[str], number: int) -> list[tuple[str, dict[str, Any]]]:
    """Read so many settlements from a stream, each with its id."""
    found: list[tuple[str, dict[str, Any]]] = []
    event: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line:
            event[name] = value
        else:
            if event.get("event") == "settlement":
                found.append((event["id"], json.loads(event["data"])))
            event = {}
        if len(found) == number:
            break
    return found


def test_what_settles_is_told_once_also_after_a_cut(
    sis: httpx.Client, worker: WorkerProcess, simulator: SimulatorClient
) -> None:
    """The stream is cut after the first; the second connection goes on with the next."""
    worker.start()
    with sis.stream("GET", "/v1/events") as events:
        lines = events.iter_lines()
        until(lambda: next(lines).startswith("id: "), "the stream has begun")
        asked = [
            {**FOLDER, "fields": {"folderId": 747759, "folderName": f"n{n}"}} for n in range(3)
        ]
        answer = sis.post("/v1/operations", json=asked, headers={"idempotency-key": "import 1"})
        assert answer.status_code == 202
        ((last, first),) = settlements(lines, 1)

    header = {"last-event-id": last}
    with sis.stream("GET", "/v1/events", headers=header) as events:
        others = [told for _, told in settlements(events.iter_lines(), 2)]

    ids = {each["id"] for each in answer.json()["operations"]}
    assert {each["id"] for each in (first, *others)} == ids
    assert [each["state"] for each in (first, *others)] == ["succeeded"] * 3
    assert first.keys() == {"id", "operation", "school", "state", "reason", "code", "batch"}
    assert sis.get(answer.headers["location"]).json()["done"] is True
    again = sis.post("/v1/operations", json=asked, headers={"idempotency-key": "import 1"})
    assert (again.status_code, again.json()) == (200, answer.json())
    assert simulator.applied("create_folder") == 3


def test_a_question_waits_for_the_end(sis: httpx.Client, worker: WorkerProcess) -> None:
    """Whoever asks hears of it as soon as it is settled."""
    worker.start()
    place = sis.post("/v1/operations", json=FOLDER).headers["location"]

    record = sis.get(place, params={"wait": 60}).json()

    assert (record["state"], record["code"]) == ("succeeded", 1)


@contextmanager
def clients_like(sis: httpx.Client, number: int) -> Iterator[list[httpx.Client]]:
    """So many clients with the same key, each with connections of its own."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                httpx.Client(base_url=sis.base_url, headers=sis.headers, timeout=PATIENCE)
            )
            for _ in range(number)
        ]


def test_clients_with_one_idempotency_key_at_once_get_one_batch(
    sis: httpx.Client, ledger: RedisLedger
) -> None:
    """A list of more than one chunk: all are told of the same batch, with the same operations."""
    asked: list[dict[str, Any]] = [
        {**FOLDER, "fields": {"folderId": 747759, "folderName": f"n{n}"}, "lane": str(n)}
        for n in range(CHUNK + 50)
    ]
    header = {"idempotency-key": "import 36"}

    with clients_like(sis, 2 * CLIENTS) as clients:
        answers = at_once(
            len(clients), lambda n: clients[n].post("/v1/batches", json=asked, headers=header)
        )

    assert {each.status_code for each in answers} <= {200, 202}
    told = [each.json() for each in answers]
    assert [each for each in told if each != told[0]] == []
    counted = sis.get(f"/v1/batches/{told[0]['batch']}").json()
    assert (counted["total"], ledger.counts().by_state().total()) == (len(asked), len(asked))
    names = [each.fields["folderName"] for each in ledger.find_all(ids_in(told[0]))]
    assert names == [each["fields"]["folderName"] for each in asked]


def ids_in(told: Mapping[str, Any]) -> list[str]:
    """The ids of a batch's operations, as an answer has them."""
    return [each["id"] for each in told["operations"]]


def test_clients_who_retry_at_once_make_one(
    sis: httpx.Client, submitter: Submitter, ledger: RedisLedger
) -> None:
    """What would be done twice is done once; the others learn of the record that does it."""
    fields = {"courseId": 1, "unitId": 2, "activityType": 2, "name": "Homework", "teacherUid": 3}
    draft = submitter.submit("create_activity_no_class", fields)
    claim = try_claim(ledger, draft.id, "lease", "w", 10)
    assert claim is not None
    ledger.advance(claim, Transition(state=State.UNCERTAIN), None)

    with clients_like(sis, CLIENTS) as clients:
        answers = at_once(CLIENTS, lambda n: clients[n].post(f"/v1/operations/{draft.id}/retry"))

    tries = [each for each in ledger.page(Filter(), 99).records if each.retry_of == draft.id]
    assert len(tries) == 1
    assert Counter(each.status_code for each in answers) == {201: 1, 409: CLIENTS - 1}
    assert all(tries[0].id in each.text for each in answers)


def test_a_stream_is_ended_with_the_gateway(
    address: str, classin: Command, sis: httpx.Client
) -> None:
    """Whoever listens does not keep it from ending; the fixture sees that it does."""
    del address, classin
    stream = sis.send(sis.build_request("GET", "/v1/events"), stream=True)
    assert stream.headers["content-type"].startswith("text/event-stream")


def test_slow_and_broken_requests_are_cut_off(address: str) -> None:
    """What is no HTTP gets a problem; a head that does not come ends the connection."""
    host, port = address.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), PATIENCE)) as broken:
        broken.sendall(b"NO HTTP\r\n\r\n")
        answer = b"".join(iter(lambda: broken.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer
    with closing(socket.create_connection((host, int(port)), PATIENCE)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        began = time.monotonic()
        assert slow.recv(4096) == b""
        assert time.monotonic() - began < PATIENCE


def test_up_runs_it_along_once_there_is_a_key(
    classin: Command, environment: Environment, tmp_path: Path
) -> None:
    """And ends it with all else."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    environment.set(gateway_port=str(port))
    key = classin("keys", "add", "sis").stdout.strip()
    environment.set(redis_url=environment.settings.ledger_url)
    up = WorkerProcess(environment, tmp_path / "up.log").start(command_line("up"))
    headers = {"authorization": f"Bearer {key}"}

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/v1/operations", headers=headers).is_success
        except httpx.TransportError:
            return False

    until(answers, f"the gateway answers:\n{up.said()}")
    up.stop()
    assert not answers()


def test_keys_are_shown_once_and_revoked(classin: Command, environment: Environment) -> None:
    """The list shows what a key is for, and not the key."""
    limits = ("--school", "main", "--kind", "edit_*", "--read")
    made = json.loads(classin("keys", "add", "sis", *limits, "--json").stdout)
    assert (made["schools"], made["kinds"], made["write"]) == (["main"], ["edit_*"], False)
    listed = classin("keys")
    assert made["prefix"] in listed.stdout
    assert made["key"] not in listed.stdout
    assert classin("keys", "add", "sis").returncode == 2
    assert classin("keys", "add", "other", "--kind", "fly_*").returncode == 2
    assert classin("keys", "add", "other", "--school", "south").returncode == 2
    assert classin("keys", "revoke", "sis").returncode == 0
    assert classin("keys", "revoke", "sis").returncode == 1
    del environment


def test_it_listens_to_this_machine_unless_it_is_safe(classin: Command) -> None:
    """Keys do not go over a network in plain text."""
    refused = classin("gateway", "--host", "192.0.2.1")
    assert refused.returncode == 2
    assert "--behind-proxy" in refused.stderr
