"""What is due, was left behind, or lost its message, comes back."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tests.unit.stage import Stage, said
from worker.classin.errors import Unavailable
from worker.classin.operations.cloud import CreateFolder
from worker.ledger.ledger import Due
from worker.ledger.lifecycle import State
from worker.rescue import AGAIN_AFTER, RescueThread, rescue

ADRIFT_AFTER = 60.0
LEASE = 120.0
FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


@dataclass
class Outlet:
    """A queue that remembers what was put on it."""

    messages: list[Due] = field(default_factory=list)
    away: bool = False

    def publish(self, due: Sequence[Due]) -> None:
        """Take messages, unless the broker is away."""
        if self.away:
            raise Unavailable("the broker does not answer")
        self.messages += due

    def is_empty(self) -> bool:
        """Say whether none is left."""
        return not self.messages


@pytest.fixture
def outlet() -> Outlet:
    """An empty queue."""
    return Outlet()


def look(stage: Stage, outlet: Outlet, who: str = "one") -> int:
    """One look."""
    return rescue(stage.ledger, outlet, who, every=10, adrift_after=ADRIFT_AFTER)


def test_a_deferred_record_comes_back_when_it_is_due(stage: Stage, outlet: Outlet) -> None:
    """Not before, and the second delivery does the work."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(901))
    stage.clock.forward(59)
    assert look(stage, outlet) == 0
    stage.clock.forward(1)
    assert look(stage, outlet) == 1
    assert outlet.messages == [Due(folder, "create_folder")]
    stage.perform(folder, said(1))
    assert stage.ledger.find(folder).state is State.SUCCEEDED


def test_a_silent_worker_s_record_comes_back(stage: Stage, outlet: Outlet) -> None:
    """Once its lease has run out."""
    folder = stage.submit(FOLDER)
    stage.ledger.claim(folder, "killed", LEASE)
    assert look(stage, outlet) == 0
    stage.clock.forward(LEASE)
    assert look(stage, outlet) == 1
    assert outlet.messages == [Due(folder, "create_folder")]


def test_what_lost_its_message_gets_another(stage: Stage, outlet: Outlet) -> None:
    """With an empty queue, who is queued for long waits for nothing."""
    folder = stage.submit(FOLDER)
    assert look(stage, outlet) == 0
    stage.clock.forward(ADRIFT_AFTER + 1)
    assert look(stage, outlet) == 1
    assert outlet.messages == [Due(folder, "create_folder")]


def test_a_long_queue_is_no_loss(stage: Stage, outlet: Outlet) -> None:
    """While messages wait, records that wait with them are left alone."""
    stage.submit(FOLDER)
    stage.clock.forward(10 * ADRIFT_AFTER)
    outlet.messages.append(Due("another", "create_folder"))
    assert look(stage, outlet) == 0


def test_a_broker_that_is_away_loses_nothing(stage: Stage, outlet: Outlet) -> None:
    """A later look finds the same."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(901))
    stage.clock.forward(60)
    outlet.away = True
    with pytest.raises(Unavailable):
        look(stage, outlet)
    outlet.away = False
    assert look(stage, outlet) == 0
    stage.clock.forward(AGAIN_AFTER)
    assert look(stage, outlet) == 1
    assert outlet.messages == [Due(folder, "create_folder")]


def test_only_one_worker_looks(stage: Stage, outlet: Outlet) -> None:
    """The others leave it to the one that looked first."""
    folder = stage.submit(FOLDER)
    assert look(stage, outlet, "one") == 0
    stage.clock.forward(ADRIFT_AFTER + 1)
    assert look(stage, outlet, "two") == 0
    assert look(stage, outlet, "one") == 1
    assert outlet.messages == [Due(folder, "create_folder")]


def test_what_is_settled_stays_where_it_is(stage: Stage, outlet: Outlet) -> None:
    """Nobody asks for it again, ever."""
    stage.perform(stage.submit(FOLDER), said(1))
    stage.clock.forward(10**6)
    assert look(stage, outlet) == 0


def test_a_thread_that_was_stopped_ends(stage: Stage, outlet: Outlet) -> None:
    """It does not keep a worker from leaving."""
    thread = RescueThread(stage.ledger, outlet, every=3600, adrift_after=ADRIFT_AFTER)
    thread.start()
    thread.stop()
    thread.join(5)
    assert not thread.is_alive()
