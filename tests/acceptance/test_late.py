"""A request that ClassIn carries out late, when nobody waits for it any more, and its lane."""

from ops.simulator import FaultRule, SimulatorClient
from producers import Submitter
from tests.stage import Command, Environment, WorkerProcess, until
from worker.classin.operations.courses import EditCourse
from worker.ledger.states import State

#: Seconds after which a reply is given up, the request is carried out, and a lane goes on.
GIVEN_UP, LATE, WINDOW = 0.5, 2.5, 6.0

LANES = 3


def courses(simulator: SimulatorClient) -> dict[int, str]:
    """The names of some courses by id, as ClassIn has them."""
    (school,) = simulator.state()["schools"].values()
    return {each["courseId"]: each["courseName"] for each in school["courses"][:LANES]}


def times_done(simulator: SimulatorClient, known: list[int]) -> list[int]:
    """How often each first name was given."""
    return [simulator.applied("edit_course", courseName=f"old {course}") for course in known]


def test_a_request_that_is_carried_out_late_does_not_undo_its_successor(  # fixtures of a story
    environment: Environment,
    simulator: SimulatorClient,
    submitter: Submitter,
    worker: WorkerProcess,
    classin: Command,
) -> None:
    """Three courses are renamed twice; the first request of each is given up, and done later."""
    environment.set(reply_timeout=f"{GIVEN_UP}s", late_window=f"{WINDOW}s")
    known = list(courses(simulator))
    for course in known:
        simulator.faults(
            FaultRule(
                operation="edit_course",
                match={"courseId": course, "courseName": f"old {course}"},
                nth=(1,),
                apply_after=LATE,
            )
        )
    receipts = submitter.submit_many(
        [
            EditCourse(course_id=course, course_name=f"{age} {course}")
            for age in ("old", "new")
            for course in known
        ]
    )
    worker.start()

    successors = receipts[LANES:]
    until(
        lambda: all(each.record().state is State.DEFERRED for each in successors),
        "the successors wait",
    )
    shown = classin("why", successors[0].id).stdout
    assert "an earlier request of its lane may still be carried out" in " ".join(shown.split())
    records = [each.wait(60) for each in receipts]
    assert [record.state for record in records] == [State.SUCCEEDED] * 2 * LANES
    until(lambda: times_done(simulator, known) == [2] * LANES, "the late ones are done as well")
    assert courses(simulator) == {course: f"new {course}" for course in known}
