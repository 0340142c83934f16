"""Whatever an attack makes of a worker, one that consumes nothing ends, and is not healthy.

Its supervisor starts it again. What hangs for good, and still counts as alive, is what an attacker
wants.
"""

import sys

import pytest

from tests.stage import PATIENCE, Environment, WorkerProcess, until
from worker.ledger.store import RedisLedger
from worker.runtime.watchdog import STALLED


def started(worker: WorkerProcess, environment: Environment, trouble: str) -> WorkerProcess:
    """Start a worker in times as short as they may be, and let it come to grief."""
    environment.set(
        connect_timeout="0.5s", reply_timeout="2s", grace="3s", stalled_after="3s", lease="2s"
    )
    return worker.start([sys.executable, "-m", "tests.security.deaf_worker", trouble])


def exit_code(worker: WorkerProcess) -> int:
    """Wait for the worker's end."""
    assert worker.process is not None
    return worker.process.wait(PATIENCE)


def test_a_worker_whose_loop_breaks_ends(worker: WorkerProcess, environment: Environment) -> None:
    """It waited for ever for threads that nobody had asked to end."""
    started(worker, environment, "breaks")

    assert exit_code(worker) != 0


@pytest.mark.parametrize("trouble", ["stands", "cancelled"])
def test_a_worker_that_consumes_nothing_ends_though_nothing_waits(
    worker: WorkerProcess, environment: Environment, ledger: RedisLedger, trouble: str
) -> None:
    """The watchdog judged by what waits on the queue, and saw a worker that has nothing to do."""
    started(worker, environment, trouble)
    until(lambda: ledger.health().workers == 0, "it does not count as a worker any more")
    assert worker.alive

    assert exit_code(worker) == STALLED

    assert "the worker has consumed nothing for 15 s: it ends" in worker.said()
