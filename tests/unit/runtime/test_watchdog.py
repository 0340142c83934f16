"""A worker that does not get on though work is due reconnects, and then ends."""

import threading
from dataclasses import dataclass, field

import pytest

from tests.unit.clock import Clock
from worker.errors import UnavailableError
from worker.runtime.watchdog import STALLED, Action, LoopHealth, Watchdog, decide

STALLED_AFTER = 120.0


@dataclass
class Kennel:
    """A watchdog, the worker that it watches, and the queue that both look at."""

    clock: Clock = field(default_factory=Clock)
    waiting: int = 1
    trouble: Exception | None = None
    descriptors: bool = True
    deaf: bool = False
    reconnected: int = 0
    ended: list[int] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.pulse = LoopHealth(self.clock)
        self.dog = Watchdog(
            self.pulse,
            self.is_empty,
            reconnect=self.reconnect,
            end=lambda code, _: self.ended.append(code),
            stalled_after=STALLED_AFTER,
            stopping=self.stopping,
            has_descriptors=lambda: self.descriptors,
        )

    def is_empty(self) -> bool:
        """Say whether no message waits, unless something is the matter."""
        if self.trouble is not None:
            raise self.trouble
        return self.waiting == 0

    def reconnect(self) -> None:
        """Count."""
        self.reconnected += 1

    def after(self, seconds: float) -> None:
        """Let the time pass, and the watchdog look."""
        self.clock.forward(seconds)
        if not self.deaf:
            self.pulse.turned()
        self.dog.check()


@pytest.fixture
def kennel() -> Kennel:
    """A worker that has just started, with one message on the queue."""
    return Kennel()


@pytest.mark.parametrize(
    ("fetched", "worked", "reconnected", "action"),
    [
        (100, 100, None, Action.WAIT),
        (0, 0, None, Action.RECONNECT),
        (0, 1, None, Action.WAIT),
        (1, 0, None, Action.WAIT),
        (0, 0, 1, Action.WAIT),
        (-200, -200, 0, Action.END),
        (119, -200, 0, Action.END),
        (-200, 1, 0, Action.WAIT),
        (-200, -100, -110, Action.RECONNECT),
    ],
)
def test_what_is_done_follows_from_the_last_pulse(
    fetched: float, worked: float, reconnected: float | None, action: Action
) -> None:
    """At 120 seconds past; after a reconnection only work counts."""
    clock = Clock(0)
    pulse = LoopHealth(clock)
    pulse.fetch, pulse.work = fetched, worked
    at = float("-inf") if reconnected is None else reconnected
    assert decide(120, pulse, at, STALLED_AFTER) is action


def test_a_worker_that_fetches_is_left_alone(kennel: Kennel) -> None:
    """However much waits."""
    for _ in range(10):
        kennel.pulse.fetched()
        kennel.after(STALLED_AFTER - 1)
    assert (kennel.reconnected, kennel.ended) == (0, [])


def test_a_worker_whose_threads_are_all_busy_is_left_alone(kennel: Kennel) -> None:
    """It cannot fetch, but gets on."""
    for _ in range(10):
        kennel.pulse.worked()
        kennel.after(STALLED_AFTER - 1)
    assert (kennel.reconnected, kennel.ended) == (0, [])


def test_a_worker_with_nothing_to_do_is_left_alone(kennel: Kennel) -> None:
    """Not every broker answers when it has nothing; the first message begins the count."""
    kennel.waiting = 0
    for _ in range(10):
        kennel.after(STALLED_AFTER)
    kennel.waiting = 1
    kennel.after(STALLED_AFTER - 1)
    assert (kennel.reconnected, kennel.ended) == (0, [])


@pytest.mark.parametrize("trouble", [UnavailableError("it does not answer"), RuntimeError("what?")])
def test_a_broker_that_is_away_is_no_stall(kennel: Kennel, trouble: Exception) -> None:
    """Ending would not bring it back."""
    kennel.trouble = trouble
    for _ in range(10):
        kennel.after(STALLED_AFTER)
    assert (kennel.reconnected, kennel.ended) == (0, [])


def test_a_stalled_worker_reconnects_and_then_ends(kennel: Kennel) -> None:
    """With a code that says so."""
    kennel.after(STALLED_AFTER)
    assert (kennel.reconnected, kennel.ended) == (1, [])
    kennel.after(STALLED_AFTER - 1)
    assert (kennel.reconnected, kennel.ended) == (1, [])
    kennel.after(1)
    assert (kennel.reconnected, kennel.ended) == (1, [STALLED])


def test_a_worker_that_was_healed_is_watched_as_before(kennel: Kennel) -> None:
    """The next stall is a new one."""
    kennel.after(STALLED_AFTER)
    kennel.after(5)
    kennel.pulse.worked()
    kennel.after(STALLED_AFTER)
    assert (kennel.reconnected, kennel.ended) == (2, [])


def test_a_worker_whose_threads_all_hang_ends(kennel: Kennel) -> None:
    """It fetches again after the reconnection, and begins nothing of that."""
    kennel.after(STALLED_AFTER)
    kennel.clock.forward(STALLED_AFTER - 1)
    kennel.pulse.fetched()
    kennel.after(1)
    assert kennel.ended == [STALLED]


def test_a_worker_that_is_to_stop_is_not_watched(kennel: Kennel) -> None:
    """Its time is counted otherwise."""
    kennel.clock.forward(STALLED_AFTER)
    kennel.stopping.set()
    kennel.dog.run()
    assert kennel.reconnected == 0


def test_worker_that_can_open_nothing_for_long_ends(kennel: Kennel) -> None:
    """Then it cannot even look at the queue, which is not the broker's fault."""
    kennel.trouble = UnavailableError("the broker does not answer")
    kennel.descriptors = False
    kennel.after(STALLED_AFTER / 2)
    assert kennel.ended == []
    kennel.after(STALLED_AFTER / 2)
    assert kennel.ended == [STALLED]


def test_worker_that_runs_out_of_descriptors_for_a_moment_goes_on(kennel: Kennel) -> None:
    """One that is to be had in between makes good."""
    kennel.waiting = 0
    for _ in range(6):
        kennel.descriptors = not kennel.descriptors
        kennel.after(STALLED_AFTER / 2)
    assert (kennel.reconnected, kennel.ended) == (0, [])


def test_worker_that_consumes_nothing_ends(kennel: Kennel) -> None:
    """Whether messages wait or not; a moment's grace, since its whole process may have stood."""
    kennel.waiting, kennel.deaf = 0, True
    kennel.after(STALLED_AFTER)
    assert kennel.ended == []
    kennel.after(STALLED_AFTER / 10)
    assert kennel.ended == [STALLED]


def test_worker_that_stood_for_long_and_goes_on_is_left_alone(kennel: Kennel) -> None:
    """It turns again before the next look."""
    kennel.waiting, kennel.deaf = 0, True
    kennel.after(STALLED_AFTER * 5)
    kennel.deaf = False
    kennel.after(1)
    kennel.after(1)
    assert (kennel.reconnected, kennel.ended) == (0, [])


def test_worker_without_a_broker_is_not_deaf(kennel: Kennel) -> None:
    """It consumes nothing, as there is nobody to give it anything."""
    kennel.trouble, kennel.deaf = UnavailableError("it does not answer"), True
    for _ in range(50):
        kennel.after(STALLED_AFTER / 10)
    assert kennel.ended == []
