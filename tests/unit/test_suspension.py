"""A machine that is suspended, or a process that is stopped: others took over meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.stage import ClassIn, Stage, said
from worker.classin.operations.courses import EditCourse
from worker.classin.response import Reply
from worker.ledger.states import State
from worker.runtime.dispatcher import Dispatcher, QueuedRecord

LANES = 24


@dataclass
class Laptop:
    """A worker whose machine sleeps now and then, and another that goes on without it."""

    stage: Stage
    #: What came of each request to ClassIn, with who sent it.
    sent: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        #: Stands still while the machine sleeps.
        self.clock = Clock(self.stage.clock.ms)

    def worker(self, name: str, *codes: int) -> Dispatcher:
        """Equip a worker; the requests that it sends are told apart by its name."""

        def answering(code: int) -> Callable[[], Reply]:
            def answer() -> Reply:
                form = classin.sent[-1].form or {}
                self.sent.append((name, form["courseName"]))
                return said(code)

            return answer

        classin = ClassIn([answering(code) for code in codes])
        own = self.clock if name == "laptop" else self.stage.clock
        return self.stage.dispatch(classin, own_clock=own)

    def sleep(self) -> None:
        """Be suspended for a minute, in which another worker does all that is left behind."""
        self.stage.asleep = lambda: None
        self.stage.hands.clear()  # it wakes, and does not beat at once
        self.stage.clock.forward(60)
        other = self.worker("other", 1)
        while found := self.stage.ledger.requeue_due(100, orphans=True):
            self.stage.deliver(other, *(QueuedRecord(each.id) for each in found))


@pytest.fixture
def laptop(stage: Stage) -> Laptop:
    """That machine."""
    stage.in_a_row = 10
    return Laptop(stage)


def two_of_a_lane(stage: Stage) -> list[str]:
    """Submit two operations on one course; gives their ids."""
    edits = [EditCourse(course_id=7, course_name=name).to_dict() for name in ("old", "new")]
    return [stage.submit_raw("edit_course", each, lane="7") for each in edits]


def test_a_suspended_machine_inverts_no_lane(stage: Stage, laptop: Laptop) -> None:
    """It slept between two attempts, and its clock stood still: the ledger knows better."""
    for _ in range(LANES):
        first, second = two_of_a_lane(stage)
        stage.asleep = laptop.sleep
        stage.deliver(laptop.worker("laptop", 104, 1), QueuedRecord(first))
        assert [each.state for each in stage.ledger.find_all([first, second])] == [
            State.SUCCEEDED,
            State.SUCCEEDED,
        ]
    assert laptop.sent == [("laptop", "old"), ("other", "old"), ("other", "new")] * LANES


def test_while_the_ledger_cannot_be_asked_nothing_is_sent(
    stage: Stage, laptop: Laptop, server: SharedRedis
) -> None:
    """The record is given back, nobody has died of it, and it is tried again."""
    first, _ = two_of_a_lane(stage)
    sent_while_away: list[int] = []

    def lose_the_ledger() -> None:
        sent_while_away.append(len(laptop.sent))
        server.connected = not server.connected

    stage.asleep = lose_the_ledger
    stage.deliver(laptop.worker("laptop", 104, 1), QueuedRecord(first))
    record = stage.ledger.find(first)
    assert (record.state, record.lost_workers, len(record.attempts)) == (State.SUCCEEDED, 0, 2)
    assert sent_while_away == [1, 1]
