"""Where a record can stand, and how it gets from one state to the next."""

import pytest

from worker.classin.verdicts import Verdict
from worker.ledger.states import DECISIONS, EDGES, Reason, State, settlement

SETTLED = {State.SUCCEEDED, State.PARTIAL, State.FAILED, State.UNCERTAIN, State.CANCELLED}


@pytest.mark.parametrize("state", State)
def test_a_settled_state_leads_nowhere(state: State) -> None:
    """And every other leads on; of an uncertain one a person finds that it was done, or not."""
    assert state.settled == (state in SETTLED)
    assert state.settled == (EDGES[state] <= DECISIONS)
    assert EDGES[State.UNCERTAIN] == DECISIONS


def reached_from(*begin: State) -> set[State]:
    """Where a record can come to that stands here."""
    reached, todo = set[State](), [*begin]
    while todo:
        for following in EDGES[todo.pop()] - reached:
            reached.add(following)
            todo.append(following)
    return reached


@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED, State.BLOCKED}))
def test_every_state_can_be_reached(state: State) -> None:
    """From one of the two in which records begin."""
    assert state in reached_from(State.QUEUED, State.BLOCKED)


@pytest.mark.parametrize("state", sorted(set(State) - SETTLED))
def test_every_record_can_settle(state: State) -> None:
    """Nothing has to hang for ever, whether it goes well or not."""
    assert reached_from(state) >= SETTLED


@pytest.mark.parametrize("state", sorted(set(State) - SETTLED - {State.RUNNING}))
def test_what_waits_can_be_called_off_at_once(state: State) -> None:
    """What runs, when its attempt ends."""
    assert State.CANCELLED in EDGES[state]


@pytest.mark.parametrize("state", sorted(SETTLED - {State.FAILED, State.CANCELLED}))
def test_only_a_worker_brings_what_classin_said(state: State) -> None:
    """Success, part of it and doubt come from running alone, or a person ends the doubt."""
    before = {before for before, after in EDGES.items() if state in after}
    assert before - {State.UNCERTAIN} == {State.RUNNING}


@pytest.mark.parametrize(
    ("verdict", "settled"),
    [
        (Verdict.DONE, (State.SUCCEEDED, None)),
        (Verdict.ALREADY, (State.SUCCEEDED, None)),
        (Verdict.PARTIAL, (State.PARTIAL, None)),
        (Verdict.REFUSED, (State.FAILED, Reason.REFUSED)),
        (Verdict.AMBIGUOUS, (State.UNCERTAIN, None)),
        (Verdict.RETRY, None),
        (Verdict.THROTTLED, None),
        (Verdict.DEFER, None),
        (Verdict.LOCKED_OUT, None),
        (Verdict.CLOCK_SKEW, None),
    ],
)
def test_a_verdict_settles_or_the_work_goes_on(
    verdict: Verdict, settled: tuple[State, Reason | None] | None
) -> None:
    """What passes by itself settles nothing."""
    assert settlement(verdict) == settled
    assert settled is None or settled[0] in EDGES[State.RUNNING]
