"""A worker lives or dies visibly: asked to end, cut off, stuck, killed; nothing is lost by it."""

import os
import signal
from collections.abc import Sequence

import pytest
from celery import Celery

from ops.processes.redis_server import PrivateRedis
from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.stage import PATIENCE, Environment, WorkerProcess, queued_ids, until
from worker.broker.queue import broker_url
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.runtime.watchdog import STALLED


def names(number: int) -> list[str]:
    """So many courses."""
    return [f"course {n}" for n in range(number)]


def submit(submitter: Submitter, courses: Sequence[str]) -> list[str]:
    """Ask for courses; gives the ids."""
    lines = [{"operation": "add_course", "fields": {"courseName": name}} for name in courses]
    return [receipt.id for receipt in submitter.submit_many(lines)]


def send(
    environment: Environment, courses: Sequence[str], countdown: float | None = None
) -> list[str]:
    """Ask for courses from another Celery; gives the ids."""
    sis = Celery("sis", broker=broker_url(environment.settings), set_as_current=False)
    return [
        str(
            sis.send_task(
                "classin.add_course",
                kwargs={"courseName": name},
                queue=QUEUE,
                countdown=countdown,
            ).id
        )
        for name in courses
    ]


def waiting(environment: Environment) -> int:
    """Count what messages on the queue are for."""
    return len(queued_ids(connect(environment.settings.ledger_url)))


def in_state(ledger: RedisLedger, ids: Sequence[str], state: State) -> int:
    """Count the records that stand there."""
    return sum(record.state is state for record in ledger.find_all(ids))


def all_settle(ledger: RedisLedger, ids: Sequence[str]) -> None:
    """Wait until the last of them has."""
    until(
        lambda: (
            len(found := ledger.find_all(ids)) == len(ids)
            and all(record.state.settled for record in found)
        ),
        "all are settled",
    )


def under_way(simulator: SimulatorClient, number: int) -> bool:
    """Say whether so many requests, or more, have come to ClassIn."""
    return len(simulator.journal("add_course")) >= number


def applied_once(simulator: SimulatorClient, courses: Sequence[str]) -> bool:
    """Say whether ClassIn has made each course, and none twice."""
    return all(simulator.applied("add_course", courseName=name) == 1 for name in courses)


def exit_code(worker: WorkerProcess) -> int:
    """Wait for a worker's end."""
    assert worker.process is not None
    return worker.process.wait(PATIENCE)


def ask_to_end(worker: WorkerProcess, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask, and do not wait."""
    assert worker.process is not None
    worker.process.send_signal(number)


@pytest.fixture
def in_a_hurry(environment: Environment) -> Environment:
    """Times as short as they may be."""
    environment.set(
        connect_timeout="0.5s",
        reply_timeout="2s",
        grace="3s",
        stalled_after="3s",
        lease="2s",
        deferrals="0.5s",
        adrift_after="0.5s",
    )
    return environment


def test_what_is_under_way_may_end(
    worker: WorkerProcess,
    submitter: Submitter,
    environment: Environment,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """A worker that is asked to end keeps its lease meanwhile, for longer than one lasts."""
    environment.set(lease="4s")
    simulator.faults(FaultRule(operation="add_course", delay=7))
    worker.start()
    (course,) = submit(submitter, ["Physics"])
    until(lambda: under_way(simulator, 1), "ClassIn has the request")

    ask_to_end(worker)

    assert exit_code(worker) == 0
    record = ledger.find(course)
    assert (record.state, len(record.attempts)) == (State.SUCCEEDED, 1)
    assert applied_once(simulator, ["Physics"])


@pytest.mark.parametrize("foreign", [False, True], ids=["ours", "another Celery's"])
def test_what_was_fetched_and_not_begun_goes_back(
    worker: WorkerProcess,
    submitter: Submitter,
    environment: Environment,
    ledger: RedisLedger,
    simulator: SimulatorClient,
    *,
    foreign: bool,
) -> None:
    """At once, and without counting as an attempt: a second worker finds it in the queue."""
    environment.set(threads="2")
    simulator.faults(FaultRule(operation="add_course", delay=2))
    worker.start()
    courses = names(12)
    ids = send(environment, courses) if foreign else submit(submitter, courses)
    until(lambda: under_way(simulator, 2), "both threads are busy")

    ask_to_end(worker)

    assert exit_code(worker) == 0
    done = in_state(ledger, ids, State.SUCCEEDED)
    assert done >= 2
    assert waiting(environment) >= len(courses) - done
    left = [record for record in ledger.find_all(ids) if record.state is not State.SUCCEEDED]
    assert all(record.state is State.QUEUED and not record.attempts for record in left)
    simulator.clear_faults()
    worker.start()
    all_settle(ledger, ids)
    assert applied_once(simulator, courses)


def test_what_waits_for_its_time_goes_back(
    worker: WorkerProcess,
    environment: Environment,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """A message that another Celery sent with a countdown."""
    worker.start()
    courses = names(3)
    ids = send(environment, courses, countdown=5)
    until(lambda: waiting(environment) == 0, "the worker keeps them")

    ask_to_end(worker, signal.SIGINT)

    exit_code(worker)
    assert waiting(environment) == len(courses)
    worker.start()
    all_settle(ledger, ids)
    assert applied_once(simulator, courses)


def test_a_thread_that_hangs_does_not_hold_up_the_end(
    worker: WorkerProcess,
    submitter: Submitter,
    in_a_hurry: Environment,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """Redis takes nothing more in, so that no thread can note what it has done."""
    redis = connect(in_a_hurry.settings.ledger_url)
    simulator.faults(FaultRule(operation="add_course", delay=1))
    worker.start()
    (course,) = submit(submitter, ["Physics"])
    until(lambda: under_way(simulator, 1), "ClassIn has the request")
    redis.client_pause(600_000, all=False)

    ask_to_end(worker)

    assert exit_code(worker) == 0
    assert "something is not done after 3 s" in worker.said()
    redis.client_unpause()
    worker.start()
    all_settle(ledger, [course])
    assert ledger.find(course).state is State.SUCCEEDED
    assert applied_once(simulator, ["Physics"])


def test_a_worker_that_fetches_nothing_reconnects_and_then_ends(
    worker: WorkerProcess,
    submitter: Submitter,
    in_a_hurry: Environment,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """Redis says how much waits, but gives nothing away."""
    in_a_hurry.set(threads="1")
    redis = connect(in_a_hurry.settings.ledger_url)
    simulator.faults(FaultRule(operation="add_course", delay=0.5))
    worker.start()
    courses = names(8)
    ids = [record_id for name in courses for record_id in submit(submitter, [name])]
    until(lambda: in_state(ledger, ids, State.RUNNING) == 1, "the worker works")
    redis.client_pause(600_000, all=False)

    assert exit_code(worker) == STALLED

    said = worker.said()
    assert 0 < said.index("it reconnects") < said.index("it ends, to be started again")
    redis.client_unpause()
    worker.start()
    all_settle(ledger, ids)
    assert applied_once(simulator, courses)


def test_messages_of_another_celery_outlive_the_worker_that_fetched_them(
    worker: WorkerProcess,
    environment: Environment,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """They are recorded before they wait for a thread."""
    environment.set(threads="1", lease="2s", adrift_after="0.5s")
    simulator.faults(FaultRule(operation="add_course", delay=10))
    worker.start()
    courses = names(5)
    ids = send(environment, courses)
    until(lambda: len(ledger.find_all(ids)) == 2, "one is under way, one waits for the thread")

    worker.kill()

    assert waiting(environment) == len(courses) - 2
    simulator.clear_faults()
    worker.start()
    all_settle(ledger, ids)
    record = ledger.find(ids[1])
    assert (record.state, record.source) == (State.SUCCEEDED, "celery")
    assert applied_once(simulator, courses)


def test_redis_is_killed_under_a_busy_worker(
    worker: WorkerProcess,
    submitter: Submitter,
    environment: Environment,
    redis: PrivateRedis,
    ledger: RedisLedger,
    simulator: SimulatorClient,
) -> None:
    """The same worker goes on when it is back, and does nothing twice."""
    environment.set(threads="2", lease="2s", adrift_after="0.5s")
    simulator.faults(FaultRule(operation="add_course", delay=0.3))
    worker.start()
    courses = names(20)
    ids = submit(submitter, courses[:10]) + send(environment, courses[10:])
    until(lambda: in_state(ledger, ids, State.SUCCEEDED) >= 3, "the worker works")
    assert redis.pid is not None

    os.kill(redis.pid, signal.SIGKILL)
    until(lambda: not redis.running(), "Redis is gone")
    redis.start()

    all_settle(ledger, ids)
    assert worker.alive
    assert in_state(ledger, ids, State.SUCCEEDED) == len(courses)
    assert applied_once(simulator, courses)
