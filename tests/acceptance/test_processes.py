"""Several worker processes under one command: they share the work, and none is missed for long."""

import os
import signal
from pathlib import Path

import pytest

from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.stage import PATIENCE, Environment, WorkerProcess, until
from worker.broker.queue import build_queues
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

NUMBER = 2


@pytest.fixture
def workers(worker: WorkerProcess, environment: Environment) -> WorkerProcess:
    """Two processes, of four threads each, both ready."""
    environment.set(worker_processes=str(NUMBER), threads="4", lease="2s", adrift_after="0.5s")
    worker.start()
    all_ready(worker, NUMBER)
    return worker


def all_ready(workers: WorkerProcess, times: int) -> None:
    """Wait until so many processes have ever said that they are ready."""
    until(lambda: workers.said().count(" ready.") >= times, f"all are ready:\n{workers.said()}")


def children(workers: WorkerProcess) -> list[int]:
    """Give the process ids of the workers below the supervisor."""
    assert workers.process is not None
    pid = workers.process.pid
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    """Say whether a process lives; one that nobody has waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def submit(submitter: Submitter, number: int) -> list[str]:
    """Ask for so many courses; gives the ids."""
    lines = [
        {"operation": "add_course", "fields": {"courseName": f"course {n}"}} for n in range(number)
    ]
    return [receipt.id for receipt in submitter.submit_many(lines)]


def all_applied_once(ledger: RedisLedger, simulator: SimulatorClient, ids: list[str]) -> None:
    """Wait until all have settled; each succeeded, and none was done twice."""
    until(lambda: all(r.state.settled for r in ledger.find_all(ids)), "all are settled")
    assert {record.state for record in ledger.find_all(ids)} == {State.SUCCEEDED}
    for n in range(len(ids)):
        assert simulator.applied("add_course", courseName=f"course {n}") == 1


def exit_code(workers: WorkerProcess) -> int:
    """Wait for the supervisor's end."""
    assert workers.process is not None
    return workers.process.wait(PATIENCE)


def test_they_are_known_apart(workers: WorkerProcess, environment: Environment) -> None:
    """By Celery's remote control, and in the log; they are announced once."""
    app = build_queues(environment.settings)

    answers = app.control.ping(timeout=PATIENCE, limit=NUMBER) or []

    names = sorted(name.partition("@")[0] for answer in answers for name in answer)
    assert names == ["celery", "celery2"]
    assert "INFO/worker 1]" in workers.said()
    assert "INFO/worker 2]" in workers.said()
    assert workers.said().count("2 processes of 4 threads, for main") == 1


def test_one_is_killed_and_comes_back(
    workers: WorkerProcess, submitter: Submitter, ledger: RedisLedger, simulator: SimulatorClient
) -> None:
    """The other goes on meanwhile; what the dead one had is done once."""
    simulator.faults(FaultRule(operation="add_course", delay=0.3))
    ids = submit(submitter, 60)
    until(lambda: len(simulator.journal("add_course")) > 8, "both are at work")
    before = children(workers)

    os.kill(before[0], signal.SIGKILL)

    all_applied_once(ledger, simulator, ids)
    all_ready(workers, NUMBER + 1)
    assert "worker 1 ended (SIGKILL); it is started again in 1 s" in workers.said()
    after = children(workers)
    assert len(after) == NUMBER
    assert set(after) & set(before) == {before[1]}


def test_all_finish_what_is_under_way(
    workers: WorkerProcess, submitter: Submitter, ledger: RedisLedger, simulator: SimulatorClient
) -> None:
    """SIGTERM reaches each of them; nobody is left behind, and nothing is done twice."""
    simulator.faults(FaultRule(operation="add_course", delay=2))
    ids = submit(submitter, 8)
    until(lambda: len(simulator.journal("add_course")) == 8, "ClassIn has all requests")
    pids = children(workers)

    workers.stop()

    assert exit_code(workers) == 0
    assert not any(map(runs, pids))
    assert workers.said().count("stopping: ") == 1
    all_applied_once(ledger, simulator, ids)
    assert all(len(record.attempts) == 1 for record in ledger.find_all(ids))


def test_ctrl_c_twice_waits_for_nothing(
    workers: WorkerProcess, submitter: Submitter, simulator: SimulatorClient
) -> None:
    """SIGTERM in between makes no difference."""
    simulator.faults(FaultRule(operation="add_course", delay=20))
    submit(submitter, 2)
    until(lambda: len(simulator.journal("add_course")) == 2, "ClassIn has the requests")
    pids = children(workers)
    assert workers.process is not None

    workers.process.send_signal(signal.SIGINT)
    until(lambda: "stopping: " in workers.said(), "it heard the first")
    workers.process.send_signal(signal.SIGTERM)
    workers.process.send_signal(signal.SIGINT)

    assert exit_code(workers) == 130
    assert not any(map(runs, pids))


def test_without_their_supervisor_they_end(
    workers: WorkerProcess, submitter: Submitter, ledger: RedisLedger, simulator: SimulatorClient
) -> None:
    """As after SIGTERM: what is under way is finished first."""
    simulator.faults(FaultRule(operation="add_course", delay=2))
    ids = submit(submitter, 4)
    until(lambda: len(simulator.journal("add_course")) == 4, "ClassIn has all requests")
    pids = children(workers)

    workers.kill()

    until(lambda: not any(map(runs, pids)), "all have ended")
    all_applied_once(ledger, simulator, ids)


def test_what_is_wrong_with_all_is_told_once(
    worker: WorkerProcess, environment: Environment
) -> None:
    """None is started again, nor a second one at all."""
    environment.set(worker_processes="2")
    connect(environment.settings.ledger_url).replicaof("127.0.0.1", "1")
    worker.start(ready=False)

    assert exit_code(worker) == 1
    assert worker.said().splitlines() == ["Redis is a replica, which takes no writes"]


def test_processes_keep_a_pace_together(
    worker: WorkerProcess,
    environment: Environment,
    submitter: Submitter,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """Each has its turn, whichever of them claims it; none goes before its moment."""
    interval, burst = 0.05, 1.0
    environment.set(worker_processes=str(NUMBER), threads="4", pace="add_course=20/s")
    worker.start()
    all_ready(worker, NUMBER)
    ids = submit(submitter, 80)
    all_applied_once(ledger, simulator, ids)
    began = min(record.started_at or 0 for record in ledger.find_all(ids)) / 1000
    for number, entry in enumerate(simulator.journal("add_course")):
        assert entry.at >= began + number * interval - burst - 0.002  # clocks count whole ms
