"""What is due, was left behind, or lost its message, comes back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from fakeredis import FakeServer
from redis import Redis

from tests.unit.stage import ClassIn, Stage, said
from worker.classin.operations.cloud import CreateFolder
from worker.classin.response import Reply
from worker.errors import Unavailable
from worker.ledger import keys
from worker.ledger.record import Priority
from worker.ledger.states import State
from worker.ledger.types import Due
from worker.runtime.dispatcher import Waiting
from worker.runtime.rescuer import MOST, MOST_OF_A_SCHOOL, TICK, Rescue

EVERY = 10.0
ADRIFT_AFTER = 60.0
LEASE = 30.0
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

    def empty(self) -> Collection[Priority]:
        """Return the priorities of which none is left."""
        return {*Priority} - {each.priority for each in self.messages}


@pytest.fixture
def outlet() -> Outlet:
    """An empty queue."""
    return Outlet()


def rescue_of(stage: Stage, outlet: Outlet, *, who: str = "worker", every: float = EVERY) -> Rescue:
    """A worker's own."""
    return Rescue(
        stage.ledger,
        outlet,
        who=who,
        every=every,
        adrift_after=ADRIFT_AFTER,
        lease=LEASE,
        clock=stage.clock,
    )


@pytest.fixture
def rescue(stage: Stage, outlet: Outlet) -> Rescue:
    """That of the only worker."""
    return rescue_of(stage, outlet)


def look_for(rescue: Rescue, stage: Stage, seconds: float) -> int:
    """Look with each tick for so long; gives how many messages were sent."""
    sent = rescue.look()
    for _ in range(round(seconds / TICK)):
        stage.clock.forward(TICK)
        sent += rescue.look()
    return sent


def test_a_deferred_record_comes_back_when_it_is_due(
    stage: Stage, outlet: Outlet, rescue: Rescue
) -> None:
    """Not before, and the second delivery does the work."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(253))
    stage.clock.forward(59)
    assert rescue.look() == 0
    stage.clock.forward(1)
    assert rescue.look() == 1
    assert outlet.messages == [Due(folder, "create_folder")]
    stage.perform(folder, said(1))
    assert stage.ledger.find(folder).state is State.SUCCEEDED


def test_a_silent_worker_s_record_comes_back(stage: Stage, outlet: Outlet, rescue: Rescue) -> None:
    """Once its lease has run out."""
    folder = stage.submit(FOLDER)
    stage.ledger.claim(folder, "killed", "w", LEASE)
    assert look_for(rescue, stage, LEASE - 1) == 0
    assert look_for(rescue, stage, 1) == 1
    assert outlet.messages == [Due(folder, "create_folder", suspect=True)]


def test_a_rescue_that_has_just_begun_waits_for_signs_of_life(stage: Stage, rescue: Rescue) -> None:
    """While nobody looked, workers may have been cut off from the ledger as well."""
    folder = stage.submit(FOLDER)
    stage.ledger.claim(folder, "killed", "w", LEASE)
    stage.clock.forward(LEASE)
    assert look_for(rescue, stage, LEASE / 2 - 1) == 0
    assert look_for(rescue, stage, 1) == 1


@pytest.mark.parametrize("told", [True, False])
def test_after_an_outage_those_who_live_come_first(
    stage: Stage, rescue: Rescue, server: FakeServer, *, told: bool
) -> None:
    """Their leases have run out as well; also where a patient client told nobody of it."""
    folder = stage.submit(FOLDER)
    look_for(rescue, stage, LEASE)
    claim = stage.ledger.claim(folder, "alive", "w", LEASE)
    assert claim is not None
    server.connected = False
    if told:
        with pytest.raises(Unavailable):
            rescue.look()
    stage.clock.forward(LEASE)
    server.connected = True
    assert look_for(rescue, stage, 5) == 0
    assert stage.ledger.beat("w", LEASE, [claim]) == []
    assert look_for(rescue, stage, LEASE - 1) == 0
    assert stage.ledger.find(folder).deaths == 0
    assert look_for(rescue, stage, 1) == 1


def test_what_lost_its_message_gets_another(stage: Stage, outlet: Outlet, rescue: Rescue) -> None:
    """With an empty queue, who is queued for long waits for nothing."""
    folder = stage.submit(FOLDER)
    assert rescue.look() == 0
    stage.clock.forward(ADRIFT_AFTER)
    assert rescue.look() == 1
    assert outlet.messages == [Due(folder, "create_folder")]


def test_lost_messages_are_looked_for_less_often(stage: Stage, rescue: Rescue) -> None:
    """Asking the broker with each tick would be too much."""
    stage.submit(FOLDER)
    stage.clock.forward(ADRIFT_AFTER - 1)
    rescue.look()
    assert look_for(rescue, stage, EVERY - 1) == 0
    assert look_for(rescue, stage, 1) == 1


def test_a_long_queue_is_no_loss(stage: Stage, outlet: Outlet, rescue: Rescue) -> None:
    """While messages wait, records that wait with them are left alone."""
    stage.submit(FOLDER)
    stage.clock.forward(10 * ADRIFT_AFTER)
    outlet.messages.append(Due("another", "create_folder"))
    assert rescue.look() == 0


def test_who_was_overtaken_gets_another_message(stage: Stage, outlet: Outlet) -> None:
    """Also while the queue is never empty."""
    lost = stage.submit(FOLDER)
    outlet.messages.append(Due("another", "create_folder"))
    stage.clock.forward(ADRIFT_AFTER + 1)
    stage.perform(stage.submit(FOLDER), said(1))
    assert rescue_of(stage, outlet).look() == 1
    assert outlet.messages[-1] == Due(lost, "create_folder")


def test_lanes_that_go_on_locally_cause_no_needless_message(stage: Stage, outlet: Outlet) -> None:
    """500 messages wait their turn while 30 lanes go on without any: none of those is lost."""
    stage.in_a_row = 10
    lanes = [
        [stage.submit_raw("create_folder", FOLDER.to_json(), lane=f"lane {n}") for _ in range(10)]
        for n in range(30)
    ]
    waiting = [stage.submit(FOLDER) for _ in range(500)]
    outlet.messages += [Due(each, "create_folder") for each in waiting]
    rescue = rescue_of(stage, outlet)

    def answer_slowly() -> Reply:
        stage.pass_time(1)
        return said(1)

    dispatch = stage.dispatch(ClassIn([answer_slowly]), threads=30)
    stage.deliver(dispatch, *(Waiting(first) for first, *_ in lanes))
    last = stage.ledger.find_all([each for lane in lanes for each in lane])
    assert {each.state for each in last} == {State.SUCCEEDED}
    assert max(each.finished_at or 0 for each in last) > last[0].enqueued_at + ADRIFT_AFTER * 1000
    assert rescue.look() == 0


def test_a_broker_that_is_away_loses_nothing(stage: Stage, outlet: Outlet, rescue: Rescue) -> None:
    """A later look finds the same: it is queued, and its message is lost."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(253))
    stage.clock.forward(60)
    outlet.away = True
    with pytest.raises(Unavailable):
        rescue.look()
    outlet.away = False
    assert rescue.look() == 0
    stage.clock.forward(ADRIFT_AFTER)
    assert rescue.look() == 1
    assert outlet.messages == [Due(folder, "create_folder")]


def test_a_school_that_is_open_again_gets_its_records_back(
    stage: Stage, outlet: Outlet, rescue: Rescue
) -> None:
    """Some in each look, so that others are not kept waiting behind them."""
    folders = [stage.submit(FOLDER) for _ in range(MOST_OF_A_SCHOOL + 1)]
    stage.ledger.pause("main", "why")
    for folder in folders:
        stage.perform(folder, said(1))
    assert rescue.look() == 0
    stage.ledger.resume("main")
    assert [rescue.look(), rescue.look(), rescue.look()] == [MOST_OF_A_SCHOOL, 1, 0]
    assert [due.id for due in outlet.messages] == folders


def test_who_waited_for_many_is_told_by_and_by(stage: Stage, rescue: Rescue) -> None:
    """What a call of the ledger left undone is done with the next look."""
    first = stage.submit(FOLDER)
    for _ in range(120):
        stage.submit_raw("create_folder", FOLDER.to_json(), after=(first,))
    stage.perform(first, said(1))
    assert len(stage.published) == 100
    assert rescue.look() == 20


def test_who_waited_for_very_many_is_told_within_one_look(stage: Stage, rescue: Rescue) -> None:
    """A call at a time, so that Redis has time for others in between."""
    first = stage.submit(FOLDER)
    for _ in range(2 * MOST + 100):
        stage.submit_raw("create_folder", FOLDER.to_json(), after=(first,))
    stage.perform(first, said(1))
    assert rescue.look() == 2 * MOST
    assert rescue.look() == 0


def test_only_one_worker_looks(stage: Stage, outlet: Outlet, rescue: Rescue) -> None:
    """The others leave it to the one that looked first, for as long as it looks."""
    another = rescue_of(stage, outlet, who="another")
    folder = stage.submit(FOLDER)
    stage.clock.forward(ADRIFT_AFTER - TICK)
    assert rescue.look() == 0
    stage.clock.forward(TICK)
    assert another.look() == 0
    stage.clock.forward(5 * TICK)
    assert another.look() == 1
    assert rescue.look() == 0
    assert outlet.messages == [Due(folder, "create_folder")]


def test_who_takes_over_knows_how_long_the_ledger_answered(
    stage: Stage, outlet: Outlet, rescue: Rescue, redis: Redis
) -> None:
    """It looked on all the time, and brings back at once what the dead worker had."""
    another = rescue_of(stage, outlet, who="another")
    folder = stage.submit(FOLDER)
    stage.ledger.claim(folder, "killed", "w", LEASE)
    for _ in range(round(LEASE)):
        rescue.look()
        another.look()
        stage.clock.forward(1)
    redis.delete(keys.hold("rescue"))
    assert another.look() == 1


def test_what_is_settled_stays_where_it_is(stage: Stage, rescue: Rescue) -> None:
    """Nobody asks for it again, ever."""
    stage.perform(stage.submit(FOLDER), said(1))
    stage.clock.forward(10**6)
    assert rescue.look() == 0


def test_a_look_is_never_more_seldom_than_asked_for(stage: Stage, outlet: Outlet) -> None:
    """Where less patience was asked for, what is due is looked for as often."""
    assert rescue_of(stage, outlet).tick == TICK
    assert rescue_of(stage, outlet, every=0.2).tick == 0.2
