"""Who ends is started again, unless that cannot help; who is asked to end does so in time."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ops.processes.supervisor import (
    FIRST_PAUSE,
    INTERVAL,
    LONGEST_PAUSE,
    RECOVERED_AFTER,
    Children,
    NotStartedError,
    Stop,
    end,
    supervise,
)
from tests.unit.clock import Clock


@dataclass
class Actor:
    """A child that does what the test says."""

    number: int
    code: int | None = None
    ready: bool = False
    #: What it does when it is asked to end: here, nothing.
    asked: int = 0
    obeys: bool = True

    def is_ready(self) -> bool:
        """Say so once the test does."""
        return self.ready

    def poll(self) -> int | None:
        """Give the code once it has one."""
        return self.code

    def terminate(self) -> None:
        """End, if it obeys."""
        self.asked += 1
        if self.obeys:
            self.code = 0

    def kill(self) -> None:
        """End in any case."""
        self.code = -signal.SIGKILL

    def wait(self) -> int:
        """Give the code; a test that would wait for good fails."""
        assert self.code is not None
        return self.code


@dataclass
class Troupe:
    """Actors as children, with all that ever played, in the order that they began."""

    size: int = 2
    clock: Clock = field(default_factory=Clock)
    actors: list[Actor] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = Children(self.size, self.start, self.said.append, self.clock)

    def start(self, number: int) -> Actor:
        """Let another one begin."""
        self.actors.append(Actor(number))
        return self.actors[-1]

    def tend(self, seconds: float = INTERVAL) -> None:
        """Let the time pass, and the children be tended."""
        self.clock.forward(seconds)
        self.kept.tend()

    def all_ready(self) -> None:
        """Let everybody begin, and say so."""
        for _ in range(2):
            self.tend()
            for actor in self.actors:
                actor.ready = True
        self.tend()

    @property
    def playing(self) -> list[int]:
        """The numbers of those that run."""
        return sorted(actor.number for actor in self.actors if actor.code is None)

    @property
    def last(self) -> Actor:
        """Who began last."""
        return self.actors[-1]


def test_the_first_goes_ahead() -> None:
    """The others begin as soon as it is ready, and wait for nobody else."""
    troupe = Troupe(3)
    troupe.tend()
    troupe.tend(600)
    assert troupe.playing == [1]

    troupe.last.ready = True
    troupe.tend()
    assert troupe.playing == [1, 2, 3]


@pytest.mark.parametrize(
    ("ended", "code", "said"),
    [(2, 2, "exit code 2"), (0, 1, "exit code 0"), (-9, 1, "SIGKILL"), (-40, 1, "signal 40")],
)
def test_what_is_wrong_with_all_happens_once(ended: int, code: int, said: str) -> None:
    """Who ends before any was ready is not started again, nor are the others at all."""
    troupe = Troupe(3)
    troupe.tend()
    troupe.last.code = ended

    with pytest.raises(NotStartedError, match=f"the worker did not start: {said}") as failure:
        troupe.tend()

    assert failure.value.code == code
    assert (len(troupe.actors), troupe.said) == (1, [])


def test_who_was_ready_before_it_ended_has_started() -> None:
    """Even if both happen between two looks."""
    troupe = Troupe(1)
    troupe.tend()
    troupe.last.ready, troupe.last.code = True, 75

    troupe.tend()

    assert troupe.said == ["the worker ended (exit code 75); it is started again in 1 s"]


def test_who_ends_is_started_again() -> None:
    """After a pause, under the same number; the others do not notice."""
    troupe = Troupe(2)
    troupe.all_ready()
    first, second = troupe.actors
    second.code = -signal.SIGKILL

    troupe.tend()
    assert troupe.said == ["worker 2 ended (SIGKILL); it is started again in 1 s"]
    troupe.tend(FIRST_PAUSE - 0.1)
    assert troupe.playing == [1]
    troupe.tend(0.2)

    assert troupe.playing == [1, 2]
    assert first.asked == 0


def test_who_ends_again_and_again_pauses_longer_and_longer() -> None:
    """Up to a limit, and never for good: what it lacks may come back."""
    troupe = Troupe(2)
    troupe.all_ready()
    pauses = []
    for _ in range(8):
        troupe.last.code = 1  # not ready: that counts only until one was
        troupe.tend()
        before = troupe.clock()
        while len(troupe.playing) < 2:
            troupe.tend()
        pauses.append(round(troupe.clock() - before))

    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_who_lived_for_long_has_recovered() -> None:
    """Its next pause is short again."""
    troupe = Troupe(1)
    troupe.all_ready()
    for _ in range(4):
        troupe.last.code = 75
        troupe.tend()
        troupe.tend(LONGEST_PAUSE)
    troupe.tend(RECOVERED_AFTER)
    troupe.last.code = 75
    troupe.tend()

    assert troupe.said[-2:] == [
        "the worker ended (exit code 75); it is started again in 8 s",
        "the worker ended (exit code 75); it is started again in 1 s",
    ]


def until(troupe: Troupe, *stops: float) -> Callable[[float], None]:
    """Let time pass instead of sleeping, and Stop be raised at these times."""
    left = list(stops)

    def sleep(seconds: float) -> None:
        for actor in troupe.actors:
            actor.ready = True
        troupe.clock.forward(seconds)
        if left and troupe.clock() >= left[0]:
            left.pop(0)
            raise Stop(signal.SIGINT)

    return sleep


def test_children_are_kept_until_stop() -> None:
    """What it needs is looked after meanwhile; then all are asked to end at once."""
    troupe = Troupe(3, Clock(0))
    tended = []

    supervise(
        troupe.kept,
        tend=lambda: tended.append(troupe.clock()),
        clock=troupe.clock,
        sleep=until(troupe, 5),
    )

    assert len(tended) > 5
    assert [(actor.asked, actor.code) for actor in troupe.actors] == [(1, 0)] * 3
    assert troupe.clock() < 6
    assert troupe.said == ["stopping: what is under way is finished first (Ctrl-C again: at once)"]


def test_children_that_do_not_start_leave_nobody_behind() -> None:
    """And says why."""
    troupe = Troupe(2, Clock(0))

    def sleep(seconds: float) -> None:
        troupe.clock.forward(seconds)
        troupe.actors[0].code = 2

    with pytest.raises(NotStartedError):
        supervise(troupe.kept, clock=troupe.clock, sleep=sleep)
    assert troupe.playing == []


def test_who_does_not_end_in_time_is_killed() -> None:
    """All have the same time, not one after the other."""
    clock = Clock(0)
    hung = [Actor(number, obeys=False) for number in (1, 2)]
    good, gone = Actor(3), Actor(4, code=75)

    end(*hung, good, gone, grace=20, clock=clock, sleep=clock.forward)

    assert [actor.code for actor in (*hung, good, gone)] == [-9, -9, 0, 75]
    assert gone.asked == 0
    assert 20 <= clock() < 21


def test_who_asks_twice_waits_no_longer() -> None:
    """All are killed, and the impatience is passed on."""
    troupe = Troupe(2, Clock(0))

    def start(number: int) -> Actor:
        troupe.actors.append(Actor(number, obeys=False))
        return troupe.actors[-1]

    kept = Children(2, start, troupe.said.append, troupe.clock)
    with pytest.raises(Stop) as stop:
        supervise(kept, grace=1000, clock=troupe.clock, sleep=until(troupe, 5, 7))

    assert stop.value.code == 130
    assert [actor.code for actor in troupe.actors] == [-9, -9]
    assert troupe.clock() < 8


def test_who_was_asked_by_sigterm_has_done_well() -> None:
    """Ctrl-C has an exit code of its own."""
    assert (Stop(signal.SIGTERM).code, Stop(signal.SIGINT).code) == (0, 130)
