"""Who may push to the queue hands operations in; so a SIS does that has a Celery of its own.

It must not stop a worker, fill its memory, keep it busy, or write anywhere but onto the queue.
"""

import json
import sys
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kombu.message import Message
from redis import Redis

from tests.security.celery_messages import CANARY, encoded, envelope, message
from tests.stage import Environment, WorkerProcess, queued_messages, until
from worker.broker.foreign_task import ForeignTask
from worker.broker.message_check import MOST_BYTES, fault_of, fault_within, faults_of_times
from worker.broker.messages import MOST, SEVERAL
from worker.broker.redis_transport import MOST_KEPT_BYTES, refuse_compressed
from worker.classin.catalogue import read
from worker.config.settings import Settings
from worker.errors import InvalidOperationError
from worker.keyring import KeyRing
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.keys import Keys
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger

#: MB of memory that a worker may come to hold, whatever is pushed: more than before, and in all.
MOST_MORE, MOST_MEMORY = 200, 300

TASKS = {"classin.create_folder", SEVERAL}
NOW = 1_800_000_000.0


def several(ids: object) -> str:
    """A message of ours for several records."""
    headers = {"task": SEVERAL, "ids": ids, "recorded": True}
    return message(headers=headers, body=[[], {}, None])


def infinite(part: str) -> str:
    """A message with a number in its properties that no integer can be."""
    return message(properties={part: "@"}).replace('"@"', "Infinity")


#: What a transport or the consumer would have stumbled over, kept for ever, or unpacked.
HOSTILE: dict[str, str] = {
    "a body of no known encoding": message(properties={"body_encoding": "zlib"}),
    "a body encoding that is no text": message(properties={"body_encoding": 5}),
    "a content encoding that is no text": message(content_encoding=5),
    "a priority that is no number": message(properties={"priority": CANARY}),
    "a priority without end": infinite("priority"),
    "where it came from as a list": message(properties={"delivery_info": [CANARY]}),
    "a type that kombu does not know": message(headers={"x": {"__type__": "x", "__value__": 1}}),
    "a moment that is none": message(headers={"x": {"__type__": "datetime", "__value__": CANARY}}),
    "a number that fills memory": message({"n": {"__type__": "decimal", "__value__": "1e999999"}}),
    "data to be unpacked by its encoding": message(
        content_type="application/data", content_encoding="zlib"
    ),
    "a compressed body": message(headers={"compression": "application/x-gzip"}),
    "two megabytes": message({"folderName": "a" * 2 * MOST_BYTES}),
    "100,000 ids": several([f"id{n}" for n in range(100_000)]),
    "more ids than share a message": several([f"id{n}" for n in range(MOST + 1)]),
    "no ids": several([]),
    "ids that are numbers": several([1, 2]),
    "an id with control characters": several([f"\x1b[2J{CANARY}"]),
    "an id of a megabyte": several(["a" * 1_000_000]),
    "a task's id of a megabyte": message(headers={"id": "a" * 1_000_000}),
    "a task's id with control characters": message(headers={"id": f"a\r\n{CANARY}"}),
    "ids in ids": several([["a"]]),
}  # fmt: skip

#: Those of them that kombu's own transports fall over as they open the envelope.
KOMBU_S = {
    "a body of no known encoding",
    "a body encoding that is no text",
    "a type that kombu does not know",
    "a moment that is none",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_found_out_as_it_leaves_redis(name: str) -> None:
    """Kombu and Celery never see it."""
    fault = fault_of(HOSTILE[name].encode(), TASKS)
    assert fault is not None
    assert CANARY not in fault


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-7"])
def test_a_message_that_two_parsers_read_in_two_ways_is_found_out(encoding: str) -> None:
    """Python guesses UTF-16, kombu does not: what the check took kombu fell over."""
    assert fault_of(message().encode(encoding), TASKS) is not None or encoding == "utf-7"
    assert fault_of(message().encode(), TASKS) is None


def test_no_message_is_unpacked_from_any_broker() -> None:
    """100 kB would become 100 MB before any check of ours."""
    refuse_compressed()
    bomb: Any = zlib.compress(b"0" * 100_000_000)

    received = Message(bomb, headers={"compression": "gzip"}, content_type="application/json")

    assert received.errors
    assert received.body == bomb


CHANGES: dict[str, dict[str, Any]] = {
    "data": {"content_type": "application/data"},
    "pickle": {"content_type": "application/x-python-serialize"},
    "compressed": {"headers": {"compression": "bzip2", "task": "classin.create_folder", "id": "a"}},
    "headers of another kind": {"headers": [CANARY]},
    "no headers": {"headers": {}},
    "deeply nested": {"body": b"[" * 100_000},
    "too large": {"body": b"[[], {}, {}]" + b" " * MOST_BYTES},
    "100,000 ids": {"headers": {"task": SEVERAL, "id": "a", "ids": ["a"] * 100_000}},
}


@pytest.mark.parametrize("name", CHANGES)
def test_messages_of_other_brokers_are_checked_as_well(name: str) -> None:
    """RabbitMQ's, or a folder's, come past no transport of ours."""
    parts: dict[str, Any] = {
        "headers": {"task": "classin.create_folder", "id": "a"},
        "content_type": "application/json",
        "body": b"[[], {}, {}]",
        "tasks": TASKS,
    }
    assert fault_within(**parts) is None
    assert fault_within(**{**parts, **CHANGES[name]}) is not None


def hence(**time: float) -> str:
    """A moment so far from now, as Celery writes it."""
    return (datetime.fromtimestamp(NOW, UTC) + timedelta(**time)).isoformat()


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"eta": "2099-01-01T00:00:00+00:00"}, ["eta"]),
        ({"eta": hence(hours=25)}, ["eta"]),
        ({"eta": hence(hours=23)}, []),
        ({"eta": hence(days=-400)}, []),
        ({"eta": "0001-01-01T00:00:00+14:00"}, ["eta"]),
        ({"eta": "9999-12-31T23:59:59-14:00"}, ["eta"]),
        ({"eta": CANARY}, ["eta"]),
        ({"eta": 5}, ["eta"]),
        ({"eta": ["2027"]}, ["eta"]),
        ({"eta": "1" * 300}, ["eta"]),
        ({"expires": CANARY}, ["expires"]),
        ({"expires": hence(seconds=-1)}, ["expires"]),
        ({"expires": hence(hours=1)}, []),
        ({"expires": hence(hours=1), "eta": hence(hours=2)}, ["expires"]),
        ({"eta": 0, "expires": 0}, ["eta", "expires"]),
        ({"eta": None, "expires": None, "retries": 10**9, "timelimit": "x"}, []),
    ],
)
def test_times_are_within_bounds(headers: Mapping[str, Any], said: list[str]) -> None:
    """A worker kept what named 2099 for as long, and took one more message for it each time."""
    faults = faults_of_times(headers, NOW)
    assert [fault.partition(":")[0] for fault in faults] == said
    assert CANARY not in str(faults)


def test_a_record_of_a_refused_message_is_small() -> None:
    """Its faults and its school came into the record in full, and into the ledger's indexes."""
    name = "a" * 100_000
    arrival = ForeignTask(
        id="a",
        operation="create_folder",
        fields={f"{name}{n}": 1 for n in range(5)},
        headers={"school": name, "classin_faults": ["eta: " + name]},
        positional=True,
        linked=True,
    )

    submission = arrival.submission(Settings(home=Path("/srv/classin"), ring=KeyRing.in_memory()))

    assert submission.school == ""
    assert "school: should be one of those" in submission.refused
    assert len(submission.refused) <= 2000


def test_thousands_of_unknown_fields_keep_nobody_busy() -> None:
    """Which name was meant is looked for a few times only: else a megabyte took a minute."""
    with pytest.raises(InvalidOperationError) as refused:
        read("create_folder", {f"folderNam{n}": 1 for n in range(10_000)})

    helped = [str(each) for each in refused.value.faults if "did you mean" in str(each)]
    assert 0 < len(helped) <= 20


def most_memory(worker: WorkerProcess) -> int:
    """MB that the worker held at its fullest."""
    assert worker.process is not None
    status = Path(f"/proc/{worker.process.pid}/status")
    if not status.exists():
        pytest.skip("there is no /proc here")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def settled(ledger: RedisLedger, record_id: str) -> bool:
    """Whether a record is there, and has settled."""
    return any(record.state.settled for record in ledger.find_all([record_id]))


def test_hostile_messages_are_set_aside_in_bounded_room(
    worker: WorkerProcess, redis_client: Redis, works: Callable[[], None]
) -> None:
    """One of 50 MB among them; each of several more ended the worker's loop."""
    worker.start()
    before = most_memory(worker)

    for item in (*HOSTILE.values(), message({"folderName": CANARY + "a" * 50_000_000})):
        redis_client.lpush(QUEUE, item)
    works()

    assert worker.alive
    kept = redis_client.lrange(Keys().ill_formed, 0, -1)
    assert len(kept) == len(HOSTILE) + 1
    assert max(map(len, kept)) <= MOST_KEPT_BYTES
    assert most_memory(worker) - before < MOST_MORE
    said = worker.said()
    assert CANARY not in said
    assert "Traceback" not in said


def test_messages_with_impossible_times_are_recorded_as_failed(
    worker: WorkerProcess, redis_client: Redis, ledger: RedisLedger, works: Callable[[], None]
) -> None:
    """What expired was dropped without a word; a chord with a wrong eta ended the loop."""
    worker.start()
    chord = {"callbacks": None, "errbacks": None, "chain": None, "chord": {"task": CANARY}}
    fields = {"folderId": 1, "folderName": "a"}
    sent = {
        "eta:": message(headers={"id": "2099", "eta": "2099-01-01T00:00:00+00:00"}),
        "eta: should": message(headers={"id": "odd", "eta": "0001-01-01T00:00:00+14:00"}),
        "chords": message(
            headers={"id": "chord", "eta": "0001-01-01T00:00:00+14:00"}, body=[[], fields, chord]
        ),
        "expires:": message(headers={"id": "late", "expires": "2020-01-01T00:00:00+00:00"}),
    }

    for item in sent.values():
        redis_client.lpush(QUEUE, item)

    for said, item in sent.items():
        record_id = json.loads(item)["headers"]["id"]
        until(lambda record_id=record_id: settled(ledger, record_id), f"{record_id} is settled")  # type: ignore[misc]  # mypy infers no lambda with a default
        record = ledger.find(record_id)
        assert (record.state, record.reason) == (State.FAILED, Reason.REFUSED)
        assert said in (record.message or "")
    works()
    assert CANARY not in worker.said()


def test_only_so_many_messages_wait_in_a_worker_for_their_time(
    worker: WorkerProcess, redis_client: Redis, ledger: RedisLedger, works: Callable[[], None]
) -> None:
    """Each of them let Celery fetch one more, without end. What is too much is refused at once."""
    worker.start()
    before = most_memory(worker)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    ids = [f"waits{n}" for n in range(1003)]

    redis_client.lpush(QUEUE, *(message(headers={"id": each, "eta": later}) for each in ids))
    works()

    until(lambda: len(ledger.find_all(ids)) == 3, "three are refused")
    assert {record.reason for record in ledger.find_all(ids)} == {Reason.REFUSED}
    assert most_memory(worker) - before < MOST_MORE


def test_a_message_is_put_back_onto_the_queue_and_nowhere_else(
    worker: WorkerProcess, redis_client: Redis
) -> None:
    """It says of itself where it came from: a worker that ended wrote it into any list of ours."""
    worker.start()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    elsewhere = {"delivery_info": {"exchange": "", "routing_key": "classin:stolen"}}
    redis_client.lpush(QUEUE, message(headers={"eta": later}, properties=elsewhere))
    until(lambda: not queued_messages(redis_client), "the worker keeps it")

    worker.stop()

    assert not redis_client.exists("classin:stolen")
    assert len(queued_messages(redis_client)) == 1


def test_a_worker_on_another_broker_goes_on_after_hostile_messages(
    worker: WorkerProcess, environment: Environment, ledger: RedisLedger, tmp_path: Path
) -> None:
    """No transport of ours checks what lies in a folder: the consumer does."""
    folder = tmp_path / "queue"
    folder.mkdir()
    environment.set(broker_url="filesystem://")
    items = {
        f"{n:03}": item for n, (name, item) in enumerate(HOSTILE.items()) if name not in KOMBU_S
    }
    fields = {"folderId": 747759, "folderName": "a"}
    last = envelope([[], fields, None], {"task": "classin.create_folder", "id": "good"})
    hostile = envelope(None, {"task": "classin.create_folder", "id": CANARY})
    hostile["body"] = encoded([[], {}, None])[:-4]
    for name, item in {**items, "998": json.dumps(hostile), "999": json.dumps(last)}.items():
        (folder / f"{name}_x.{QUEUE}.msg").write_text(item)

    worker.start([sys.executable, "-m", "tests.security.folder_worker", str(folder)])

    until(lambda: settled(ledger, "good"), "what comes last is carried out")
    assert ledger.find("good").state is State.SUCCEEDED
    assert worker.alive
    assert CANARY not in worker.said()
    assert most_memory(worker) < MOST_MEMORY
