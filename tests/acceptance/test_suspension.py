"""A worker that is stopped for longer than its leases last, while another one goes on."""

import signal
from collections import defaultdict
from pathlib import Path

from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.stage import Environment, WorkerProcess, until
from worker.ledger.states import State
from worker.ledger.store import RedisLedger

LANES = 24


def test_a_stopped_worker_that_goes_on_inverts_no_lane(
    environment: Environment,
    simulator: SimulatorClient,
    submitter: Submitter,
    ledger: RedisLedger,
    worker: WorkerProcess,
    tmp_path: Path,
) -> None:
    """It had the first of each lane, between two attempts; meanwhile another did them all."""
    environment.set(lease="2s", threads="32", first_wait="4s", longest_wait="5s")
    simulator.faults(FaultRule(operation="edit_course", code=104, first=LANES))
    receipts = submitter.submit_many(
        {
            "operation": "edit_course",
            "fields": {"courseId": 352861, "courseName": f"{age} {n}"},
            "lane": f"lane {n}",
        }
        for age in ("old", "new")
        for n in range(LANES)
    )
    ids = [receipt.id for receipt in receipts]
    worker.start()
    until(
        lambda: sum(len(each.attempts) for each in ledger.find_all(ids)) == LANES,
        "each lane's first has failed once",
    )

    assert worker.process is not None
    worker.process.send_signal(signal.SIGSTOP)
    other = WorkerProcess(environment, tmp_path / "other.log").start()
    try:
        until(
            lambda: all(each.state.settled for each in ledger.find_all(ids)),
            "the other has done it all",
        )
        done = len(simulator.journal("edit_course"))
        worker.process.send_signal(signal.SIGCONT)
        until(lambda: worker.said().count("another worker has ") == LANES, "it has learnt of it")
    finally:
        other.kill()

    assert {each.state for each in ledger.find_all(ids)} == {State.SUCCEEDED}
    assert len(simulator.journal("edit_course")) == done == 3 * LANES
    sent = defaultdict(list)
    for entry in simulator.journal("edit_course"):
        age, lane = entry.fields["courseName"].split()
        sent[lane].append(age)
    assert set(map(tuple, sent.values())) == {("old", "old", "new")}
