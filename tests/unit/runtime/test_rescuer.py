"""What is due, was left behind, or lost its message, comes back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from redis import Redis

from tests.claiming import try_claim
from tests.redis_server import SharedRedis
from tests.unit.stage import ClassIn, Stage, said
from worker.classin.operations.cloud import CreateFolder
from worker.classin.response import Reply
from worker.errors import UnavailableError
from worker.ledger.keys import Keys
from worker.ledger.record import Priority
from worker.ledger.states import State
from worker.ledger.types import ReadyRecord
from worker.runtime.dispatcher import QueuedRecord
from worker.runtime.rescuer import MOST, MOST_OF_A_SCHOOL, TICK, Rescuer

KEYS = Keys()

EVERY = 10.0
ADRIFT_AFTER = 60.0
LEASE = 30.0
FOLDER = CreateFolder(folder_id=747759, folder_name="tools")


@dataclass
class RememberedQueue:
    """A queue that remembers what was put on it."""

    messages: list[ReadyRecord] = field(default_factory=list)
    away: bool = False

    def publish(self, due: Sequence[ReadyRecord]) -> None:
        """Take messages, unless the broker is away."""
        if self.away:
            raise UnavailableError("the broker does not answer")
        self.messages += due

    def put_back(self, ids: Sequence[str], priority: Priority) -> None:
        """Take a message for several."""
        self.publish([ReadyRecord(each, "", priority) for each in ids])

    def empty(self) -> Collection[Priority]:
        """Return the priorities of which none is left."""
        return {*Priority} - {each.priority for each in self.messages}


@pytest.fixture
def queue() -> RememberedQueue:
    """An empty queue."""
    return RememberedQueue()


def rescue_of(
    stage: Stage, queue: RememberedQueue, *, who: str = "worker", every: float = EVERY
) -> Rescuer:
    """A worker's own."""
    return Rescuer(
        stage.ledger,
        queue,
        who=who,
        every=every,
        adrift_after=ADRIFT_AFTER,
        lease=LEASE,
        clock=stage.clock,
    )


@pytest.fixture
def rescue(stage: Stage, queue: RememberedQueue) -> Rescuer:
    """That of the only worker."""
    return rescue_of(stage, queue)


def look_for(rescue: Rescuer, stage: Stage, seconds: float) -> int:
    """Look with each tick for so long; gives how many messages were sent."""
    sent = rescue.run_once()
    for _ in range(round(seconds / TICK)):
        stage.clock.forward(TICK)
        sent += rescue.run_once()
    return sent


def test_a_deferred_record_comes_back_when_it_is_due(
    stage: Stage, queue: RememberedQueue, rescue: Rescuer
) -> None:
    """Not before, and the second delivery does the work."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(253))
    stage.clock.forward(59)
    assert rescue.run_once() == 0
    stage.clock.forward(1)
    assert rescue.run_once() == 1
    assert queue.messages == [ReadyRecord(folder, "create_folder")]
    stage.perform(folder, said(1))
    assert stage.ledger.find(folder).state is State.SUCCEEDED


def test_a_silent_worker_s_record_comes_back(
    stage: Stage, queue: RememberedQueue, rescue: Rescuer
) -> None:
    """Once its lease has run out."""
    folder = stage.submit(FOLDER)
    try_claim(stage.ledger, folder, "killed", "w", LEASE)
    assert look_for(rescue, stage, LEASE - 1) == 0
    assert look_for(rescue, stage, 1) == 1
    assert queue.messages == [ReadyRecord(folder, "create_folder", suspect=True)]


def test_a_rescue_that_has_just_begun_waits_for_signs_of_life(
    stage: Stage, rescue: Rescuer
) -> None:
    """While nobody looked, workers may have been cut off from the ledger as well."""
    folder = stage.submit(FOLDER)
    try_claim(stage.ledger, folder, "killed", "w", LEASE)
    stage.clock.forward(LEASE)
    assert look_for(rescue, stage, LEASE / 2 - 1) == 0
    assert look_for(rescue, stage, 1) == 1


@pytest.mark.parametrize("told", [True, False])
def test_after_an_outage_those_who_live_come_first(
    stage: Stage, rescue: Rescuer, server: SharedRedis, *, told: bool
) -> None:
    """Their leases have run out as well; also where a patient client told nobody of it."""
    folder = stage.submit(FOLDER)
    look_for(rescue, stage, LEASE)
    claim = try_claim(stage.ledger, folder, "alive", "w", LEASE)
    assert claim is not None
    server.connected = False
    if told:
        with pytest.raises(UnavailableError):
            rescue.run_once()
    stage.clock.forward(LEASE)
    server.connected = True
    assert look_for(rescue, stage, 5) == 0
    assert stage.ledger.renew_leases("w", LEASE, [claim]) == []
    assert look_for(rescue, stage, LEASE - 1) == 0
    assert stage.ledger.find(folder).lost_workers == 0
    assert look_for(rescue, stage, 1) == 1


def test_what_lost_its_message_gets_another(
    stage: Stage, queue: RememberedQueue, rescue: Rescuer
) -> None:
    """With an empty queue, who is queued for long waits for nothing."""
    folder = stage.submit(FOLDER)
    assert rescue.run_once() == 0
    stage.clock.forward(ADRIFT_AFTER)
    assert rescue.run_once() == 1
    assert queue.messages == [ReadyRecord(folder, "create_folder")]


def test_lost_messages_are_looked_for_less_often(stage: Stage, rescue: Rescuer) -> None:
    """Asking the broker with each tick would be too much."""
    stage.submit(FOLDER)
    stage.clock.forward(ADRIFT_AFTER - 1)
    rescue.run_once()
    assert look_for(rescue, stage, EVERY - 1) == 0
    assert look_for(rescue, stage, 1) == 1


def test_a_long_queue_is_no_loss(stage: Stage, queue: RememberedQueue, rescue: Rescuer) -> None:
    """While messages wait, records that wait with them are left alone."""
    stage.submit(FOLDER)
    stage.clock.forward(10 * ADRIFT_AFTER)
    queue.messages.append(ReadyRecord("another", "create_folder"))
    assert rescue.run_once() == 0


def test_who_was_overtaken_gets_another_message(stage: Stage, queue: RememberedQueue) -> None:
    """Also while the queue is never empty."""
    lost = stage.submit(FOLDER)
    queue.messages.append(ReadyRecord("another", "create_folder"))
    stage.clock.forward(ADRIFT_AFTER + 1)
    stage.perform(stage.submit(FOLDER), said(1))
    assert rescue_of(stage, queue).run_once() == 1
    assert queue.messages[-1] == ReadyRecord(lost, "create_folder")


def test_lanes_that_go_on_locally_cause_no_needless_message(
    stage: Stage, queue: RememberedQueue
) -> None:
    """500 messages wait their turn while 30 lanes go on without any: none of those is lost."""
    stage.in_a_row = 10
    lanes = [
        [stage.submit_raw("create_folder", FOLDER.to_dict(), lane=f"lane {n}") for _ in range(10)]
        for n in range(30)
    ]
    waiting = [stage.submit(FOLDER) for _ in range(500)]
    queue.messages += [ReadyRecord(each, "create_folder") for each in waiting]
    rescue = rescue_of(stage, queue)

    def answer_slowly() -> Reply:
        stage.pass_time(1)
        return said(1)

    dispatch = stage.dispatch(ClassIn([answer_slowly]), threads=30)
    stage.deliver(dispatch, *(QueuedRecord(first) for first, *_ in lanes))
    last = stage.ledger.find_all([each for lane in lanes for each in lane])
    assert {each.state for each in last} == {State.SUCCEEDED}
    assert max(each.finished_at or 0 for each in last) > last[0].enqueued_at + ADRIFT_AFTER * 1000
    assert rescue.run_once() == 0


def test_a_broker_that_is_away_loses_nothing(
    stage: Stage, queue: RememberedQueue, rescue: Rescuer
) -> None:
    """A later look finds the same: it is queued, and its message is lost."""
    folder = stage.submit(FOLDER)
    stage.perform(folder, said(253))
    stage.clock.forward(60)
    queue.away = True
    with pytest.raises(UnavailableError):
        rescue.run_once()
    queue.away = False
    assert rescue.run_once() == 0
    stage.clock.forward(ADRIFT_AFTER)
    assert rescue.run_once() == 1
    assert queue.messages == [ReadyRecord(folder, "create_folder")]


def test_a_school_that_is_open_again_gets_its_records_back(
    stage: Stage, queue: RememberedQueue, rescue: Rescuer
) -> None:
    """Some in each look, so that others are not kept waiting behind them."""
    folders = [stage.submit(FOLDER) for _ in range(MOST_OF_A_SCHOOL + 1)]
    stage.ledger.pause("main", "why")
    for folder in folders:
        stage.perform(folder, said(1))
    assert rescue.run_once() == 0
    stage.ledger.resume("main")
    assert [rescue.run_once(), rescue.run_once(), rescue.run_once()] == [MOST_OF_A_SCHOOL, 1, 0]
    assert [due.id for due in queue.messages] == folders


def test_who_waited_for_many_is_told_by_and_by(stage: Stage, rescue: Rescuer) -> None:
    """What a call of the ledger left undone is done with the next look."""
    first = stage.submit(FOLDER)
    for _ in range(120):
        stage.submit_raw("create_folder", FOLDER.to_dict(), after=(first,))
    stage.perform(first, said(1))
    assert len(stage.published) == 100
    assert rescue.run_once() == 20


def test_who_waited_for_very_many_is_told_within_one_look(stage: Stage, rescue: Rescuer) -> None:
    """A call at a time, so that Redis has time for others in between."""
    first = stage.submit(FOLDER)
    for _ in range(2 * MOST + 100):
        stage.submit_raw("create_folder", FOLDER.to_dict(), after=(first,))
    stage.perform(first, said(1))
    assert rescue.run_once() == 2 * MOST
    assert rescue.run_once() == 0


def test_only_one_worker_looks(stage: Stage, queue: RememberedQueue, rescue: Rescuer) -> None:
    """The others leave it to the one that looked first, for as long as it looks."""
    another = rescue_of(stage, queue, who="another")
    folder = stage.submit(FOLDER)
    stage.clock.forward(ADRIFT_AFTER - TICK)
    assert rescue.run_once() == 0
    stage.clock.forward(TICK)
    assert another.run_once() == 0
    stage.clock.forward(5 * TICK)
    assert another.run_once() == 1
    assert rescue.run_once() == 0
    assert queue.messages == [ReadyRecord(folder, "create_folder")]


def test_who_takes_over_knows_how_long_the_ledger_answered(
    stage: Stage, queue: RememberedQueue, rescue: Rescuer, redis: Redis
) -> None:
    """It looked on all the time, and brings back at once what the dead worker had."""
    another = rescue_of(stage, queue, who="another")
    folder = stage.submit(FOLDER)
    try_claim(stage.ledger, folder, "killed", "w", LEASE)
    for _ in range(round(LEASE)):
        rescue.run_once()
        another.run_once()
        stage.clock.forward(1)
    redis.delete(KEYS.lock("rescue"))
    assert another.run_once() == 1


def test_what_is_settled_stays_where_it_is(stage: Stage, rescue: Rescuer) -> None:
    """Nobody asks for it again, ever."""
    stage.perform(stage.submit(FOLDER), said(1))
    stage.clock.forward(10**6)
    assert rescue.run_once() == 0


def test_a_look_is_never_more_seldom_than_asked_for(stage: Stage, queue: RememberedQueue) -> None:
    """Where less patience was asked for, what is due is looked for as often."""
    assert rescue_of(stage, queue).tick == TICK
    assert rescue_of(stage, queue, every=0.2).tick == 0.2
