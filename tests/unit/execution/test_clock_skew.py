"""How far two clocks are apart, told from the Date of replies."""

import math
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.clock import Clock
from worker.execution.clock_skew import (
    CLOSE_ENOUGH,
    CORRECTABLE,
    SLOWEST,
    ClockSample,
    SigningClock,
    explains,
    may_mean_clock,
)


@dataclass
class Story:
    """A machine whose clock is so many seconds ahead of ClassIn's, and what it makes of that."""

    ahead: float
    ours: Clock = field(default_factory=Clock)
    signing: SigningClock = field(init=False)

    def __post_init__(self) -> None:
        """Begin without knowing anything."""
        self.signing = SigningClock(self.ours)

    def exchange(self, out: float = 0.1, back: float = 0.1, *, told: bool = False) -> None:
        """Ask ClassIn something, a second after the last time."""
        self.ours.forward(1)
        sent = self.ours()
        self.ours.forward(out)
        date = math.floor(self.ours() - self.ahead)
        self.ours.forward(back)
        self.signing.observe(sent, self.ours(), date, told=told)

    def read(self, date: int, *, told: bool = False) -> None:
        """Get a quick reply with this Date."""
        self.ours.forward(1)
        self.signing.observe(self.ours(), self.ours(), date, told=told)

    def off(self) -> float:
        """How far the time that is signed is from ClassIn's."""
        return abs(self.signing.now() - (self.ours() - self.ahead))


def test_before_any_reply_our_time_is_as_good_as_any() -> None:
    """Nothing is known, nothing is corrected."""
    story = Story(ahead=400)
    assert story.signing.now() == story.ours()
    assert (story.signing.skew(), story.signing.report()) == (0.0, None)


@pytest.mark.parametrize("ahead", [0, 3, -3, CLOSE_ENOUGH - 0.5])
def test_a_little_is_left_as_it_is(ahead: float) -> None:
    """Clocks differ; ClassIn's windows are minutes wide."""
    story = Story(ahead)
    for _ in range(3):
        story.exchange()
    assert story.signing.now() == story.ours()
    assert story.signing.skew() == 0.0


@pytest.mark.parametrize("ahead", [8, -8, 400, -400, CORRECTABLE - 1])
def test_more_is_made_up_for(ahead: float) -> None:
    """The time that is signed is ClassIn's, and nobody need hear of it."""
    story = Story(ahead)
    for _ in range(2):
        story.exchange()
    assert story.off() < 1
    assert story.signing.skew() == pytest.approx(ahead, abs=1)
    assert story.signing.report() is None


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (2 * 3600 + 3 * 60 + 10, "2 h 3 min ahead of"),
        (-2 * 3600 - 3 * 60 - 10, "2 h 3 min behind"),
        (CORRECTABLE + 2, "10 min 2 s ahead of"),
        (400 * 86400 + 0.1, "400 d ahead of"),
    ],
)
def test_too_much_is_reported_instead(ahead: float, said: str) -> None:
    """Somebody should set the clock; meanwhile it is taken as it is."""
    story = Story(ahead)
    for _ in range(2):
        story.exchange()
    assert story.signing.now() == story.ours()
    assert story.signing.report() == f"this machine's clock is {said} ClassIn's: set it by NTP"


def test_being_told_is_enough() -> None:
    """ClassIn refused our time: its Date says by how much, and the next signature is right."""
    story = Story(ahead=400)
    story.exchange(told=True)
    assert story.off() < 1


def test_being_told_without_a_date_teaches_nothing() -> None:
    """There is no time to go by."""
    story = Story(ahead=400)
    story.signing.observe(story.ours(), story.ours(), None, told=True)
    assert story.signing.skew() == 0.0


@pytest.mark.parametrize("odd", [0, 1_800_000_000 - 3 * 3600, 10**15])
def test_one_odd_date_changes_nothing(odd: int) -> None:
    """From a cache or a gateway: the next reply tells better."""
    story = Story(ahead=20)
    story.read(odd)
    assert story.signing.skew() == 0.0
    story.exchange()
    for _ in range(3):
        story.exchange()
        story.read(odd)
        assert story.off() < 1


def test_a_date_that_stands_still_is_no_clocks() -> None:
    """Whatever sends it, and however often."""
    story = Story(ahead=0)
    stale = math.floor(story.ours()) - 3600
    for _ in range(20):
        story.signing.observe(story.ours(), story.ours(), stale)
    assert story.signing.skew() == 0.0


def test_a_clock_that_is_set_is_noticed() -> None:
    """By NTP, or by somebody who was wrong: two replies later the new skew is known."""
    story = Story(ahead=300)
    for _ in range(5):
        story.exchange()
    for moved in (-300, 200, -5000):
        story.ahead += moved
        story.ours.forward(moved)
        story.exchange()
        story.exchange()
        assert story.signing.skew() == pytest.approx(story.ahead, abs=1)


def test_a_quick_round_trip_tells_more_than_slow_ones() -> None:
    """Among those of the last minutes; even if what is slow is slow in one direction only."""
    story = Story(ahead=60)
    story.exchange(told=True)
    for _ in range(5):
        story.exchange(out=0, back=30)
        assert story.off() < 1
    for _ in range(10):
        story.exchange(out=30, back=0)
    assert story.signing.skew() == pytest.approx(45, abs=1)


def test_what_a_slow_round_trip_leaves_open_counts_as_none() -> None:
    """Where the reply may have waited for as long as the clocks seem to differ."""
    story = Story(ahead=0)
    for _ in range(3):
        story.exchange(out=0, back=40)
    assert story.signing.skew() == 0.0


def test_what_took_too_long_tells_nothing() -> None:
    """As sending a large file does; neither does a clock that ran backwards meanwhile."""
    story = Story(ahead=400)
    story.exchange(back=SLOWEST + 1, told=True)
    story.exchange(back=-2, told=True)
    assert story.signing.skew() == 0.0


@given(
    ahead=st.floats(-500, 500).filter(lambda ahead: abs(ahead) > 7),
    trips=st.lists(
        st.tuples(st.floats(0, 5), st.floats(-1.9, 1.9)).map(
            lambda trip: (trip[0], min(5.0, max(0.0, trip[0] + trip[1])))
        ),
        min_size=3,
        max_size=6,
    ),
)
def test_after_a_few_replies_the_signed_time_is_classins(
    ahead: float, trips: list[tuple[float, float]]
) -> None:
    """Within two seconds and half a round trip, if there and back take about as long."""
    story = Story(ahead)
    for out, back in trips:
        story.exchange(out, back)
    assert story.off() <= 2 + max(out + back for out, back in trips) / 2


@given(
    ahead=st.floats(-500, 500),
    trips=st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), min_size=3, max_size=6),
)
def test_however_slow_and_lopsided_the_signed_time_is_well_inside_the_windows(
    ahead: float, trips: list[tuple[float, float]]
) -> None:
    """No more than the longest round trip and a few seconds are ever missing."""
    story = Story(ahead)
    for out, back in trips:
        story.exchange(out, back)
    assert story.off() <= max(out + back for out, back in trips) + CLOSE_ENOUGH + 1


def test_many_threads_may_use_it() -> None:
    """Each sees it whole at any time."""
    story = Story(ahead=100)
    story.exchange(told=True)
    seen: list[float] = []

    def work() -> None:
        for n in range(200):
            at = story.ours() + n
            story.signing.observe(at, at + n % 7, math.floor(at + n % 7 / 2 - 100))
            seen.append(story.signing.skew())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 800
    assert all(abs(skew - 100) <= 1 for skew in seen)


@pytest.mark.parametrize(
    ("code", "skew", "so"),
    [
        (102, 2 * 3600, True),
        (102, -2 * 3600, True),
        (102, 600, False),
        (102, 0, False),
        (104, 2 * 3600, False),
        (None, 2 * 3600, False),
    ],
)
def test_a_skew_explains_what_v1_answers(code: int | None, skew: float, so: bool) -> None:  # noqa: FBT001  # a row's last column
    """102 means a wrong secret as well, and inside the window it means nothing else."""
    assert explains(code, skew) is so


def test_two_codes_may_mean_the_clock() -> None:
    """One of each dialect."""
    assert [code for code in (None, 1, 102, 104, 101002005, 101002006) if may_mean_clock(code)] == [
        102,
        101002006,
    ]


def test_a_sighting_says_how_rough_it_is() -> None:
    """Half the round trip, and half the second that the header leaves open."""
    seen = ClockSample(sent=1000.0, received=1004.0, date=991)
    assert (seen.ahead, seen.rough, seen.skew) == (10.5, 2.5, 10.5)
    assert ClockSample(sent=1000.0, received=1040.0, date=1003).skew == 0.0
