"""A worker killed -9 after each step, for each kind of repeat: what ClassIn then has done."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ops.simulator import SimulatorClient
from ops.simulator.faults import FaultRule, When
from producers import Receipt, Submitter
from tests.acceptance.mortal_worker import Step
from tests.stage import Environment, WorkerProcess
from worker.classin.operation import Idempotency, Operation
from worker.classin.operations.activities import ActivityType, CreateActivityNoClass
from worker.classin.operations.cloud import CreateFolder, GetTopFolderId
from worker.classin.operations.courses import AddCourse, EditCourse
from worker.ledger.states import State

#: One operation of each kind, and the fields by which the journal knows it.
OPERATIONS: dict[Idempotency, Operation] = {
    Idempotency.IDEMPOTENT: EditCourse(course_id=352861, course_name="renamed"),
    Idempotency.KEYED: AddCourse(course_name="made once"),
    Idempotency.CONFLICT_DETECTED: CreateFolder(folder_id=747759, folder_name="made once"),
    Idempotency.READ_ONLY: GetTopFolderId(),
    Idempotency.UNSAFE: CreateActivityNoClass(
        course_id=414193,
        unit_id=400001,
        activity_type=ActivityType.HOMEWORK,
        name="once or not",
        teacher_uid=1001001,
    ),
}


@dataclass
class Point:
    """Where the worker dies, and what befalls the request there."""

    step: Step
    faults: tuple[FaultRule, ...] = ()
    #: Whether ClassIn had done it by then.
    done: bool = False
    #: Whether the ledger knew by then that a request might be out.
    announced: bool = field(default=True)


LOST_BEFORE = FaultRule(drop=True, nth=(1,))
LOST_AFTER = FaultRule(drop=True, nth=(1,), when=When.AFTER)

POINTS = {
    "claimed": Point(Step.CLAIMED, announced=False),
    "announced": Point(Step.ANNOUNCED),
    "sent": Point(Step.SENT, (LOST_BEFORE,)),
    "applied but unread": Point(Step.SENT, (LOST_AFTER,), done=True),
    "read but unnoted": Point(Step.READ, done=True),
    "noted but unreleased": Point(Step.NOTED, done=True),
}


@pytest.fixture
def mortal(environment: Environment, tmp_path: Path) -> Callable[[Step], None]:
    """Runs a worker until it is dead."""

    def run(step: Step) -> None:
        process = WorkerProcess(environment, tmp_path / "mortal.log")
        command = (sys.executable, "-m", "tests.acceptance.mortal_worker", step.value)
        process.start((*command, "--concurrency", "1"), ready=False)
        assert process.process is not None
        process.process.wait(120)
        assert process.process.returncode == -9, process.said()

    return run


#: What `make test` tries; `make test-long` tries the others.
SHORT = {"announced", "applied but unread"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SHORT else pytest.mark.long) for name in POINTS]
)
def test_a_killed_worker_does_nothing_twice(  # fixtures of a story
    name: str,
    environment: Environment,
    simulator: SimulatorClient,
    submitter: Submitter,
    mortal: Callable[[Step], None],
    worker: WorkerProcess,
) -> None:
    """Each of five operations kills a worker; another one brings all five to their ends.

    What may be repeated has been done once then. What may not is done once or not at all, and is
    uncertain unless the ledger knows that no request was out.
    """
    point = POINTS[name]
    environment.set(lease="20s", threads="1", adrift_after="5s")
    receipts: dict[Idempotency, Receipt] = {}
    for repeat, operation in OPERATIONS.items():
        simulator.clear_faults()
        simulator.faults(*point.faults)
        receipts[repeat] = submitter.submit(operation)
        if point.step is Step.ANNOUNCED and repeat in {
            Idempotency.IDEMPOTENT,
            Idempotency.READ_ONLY,
        }:
            continue  # of these nothing needs to be written down
        mortal(point.step)
    simulator.clear_faults()

    worker.start()
    records = {repeat: receipt.wait(120) for repeat, receipt in receipts.items()}

    applied = {
        repeat: simulator.applied(operation.spec.name, **_unique(operation))
        for repeat, operation in OPERATIONS.items()
    }
    harmful = records.pop(Idempotency.UNSAFE)
    assert {record.state for record in records.values()} == {State.SUCCEEDED}
    assert applied[Idempotency.KEYED] == 1
    assert applied[Idempotency.CONFLICT_DETECTED] == 1
    assert applied[Idempotency.IDEMPOTENT] in {1, 2}  # the second leads to the same place
    if point.step is Step.NOTED or not point.announced:
        assert (harmful.state, applied[Idempotency.UNSAFE]) == (State.SUCCEEDED, 1)
    else:
        assert (harmful.state, applied[Idempotency.UNSAFE]) == (State.UNCERTAIN, int(point.done))


def _unique(operation: Operation) -> dict[str, object]:
    fields = operation.to_dict()
    return {name: fields[name] for name in ("courseName", "folderName", "name") if name in fields}
