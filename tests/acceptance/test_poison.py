"""An operation that kills its workers takes none of its neighbours along."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ops.simulator import SimulatorClient
from producers import Receipt, Submitter
from tests.acceptance.allergic_worker import WORD
from tests.stage import Environment, WorkerProcess, queued_messages, until
from worker.broker.messages import MOST
from worker.classin.operations.courses import AddCourse
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State

#: The poison stands in the middle of its message.
PLACE = MOST // 2


@pytest.fixture
def allergic(environment: Environment, tmp_path: Path) -> Callable[[str], WorkerProcess]:
    """Builds a worker that dies of a word in place of one of its calls; `start` starts it."""

    def build(call: str) -> WorkerProcess:
        words = (sys.executable, "-m", "tests.acceptance.allergic_worker", call)
        command = (*words, "--concurrency", str(MOST))
        return WorkerProcess(environment, tmp_path / "allergic.log", command=command)

    return build


def deaths_until_settled(worker: WorkerProcess, receipts: Sequence[Receipt]) -> int:
    """Start the worker again each time that it dies, as its supervisor would, until all is done."""
    deaths = 0
    while True:
        worker.start(ready=False)
        until(
            lambda: not worker.alive or all(each.record().state.settled for each in receipts),
            "the worker has died, or all is settled",
        )
        if worker.alive:
            worker.kill()
            return deaths
        deaths += 1


@pytest.mark.parametrize(
    ("call", "ending"),
    [
        pytest.param("mark_sending", (State.FAILED, Reason.POISON), id="before anything was sent"),
        pytest.param("send", (State.UNCERTAIN, Reason.POISON), id="when it may have been sent"),
    ],
)
def test_one_poison_operation_condemns_nobody_else(  # fixtures of a story
    call: str,
    ending: tuple[State, Reason],
    environment: Environment,
    simulator: SimulatorClient,
    submitter: Submitter,
    allergic: Callable[[str], WorkerProcess],
) -> None:
    """Its 31 neighbours, of the same message and on 31 threads beside it, are each done once."""
    environment.set(lease="2s", threads=str(MOST), adrift_after="2s")
    names = [f"course {n}" for n in range(MOST)]
    names[PLACE] = WORD
    receipts = submitter.submit_many([AddCourse(course_name=name) for name in names])
    assert len(queued_messages(connect(environment.settings.ledger_url))) == 1

    deaths = deaths_until_settled(allergic(call), receipts)

    poison, *neighbours = [receipts[PLACE], *receipts[:PLACE], *receipts[PLACE + 1 :]]
    assert Counter(each.record().state for each in neighbours) == {State.SUCCEEDED: MOST - 1}
    record = poison.record()
    assert (record.state, record.reason) == ending
    assert deaths == 3
    names.remove(WORD)
    assert [simulator.applied("add_course", courseName=each) for each in names] == [1] * (MOST - 1)
    assert simulator.applied("add_course", courseName=WORD) == 0
