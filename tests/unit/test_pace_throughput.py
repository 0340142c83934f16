"""Whatever the queue is like, what is sent is what the pace allows: no more, and little less."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, LATER
from tests.unit.paced_system import PacedSystem
from worker.ledger.types import Claim, Transition

CLASSROOM, FOLDER, COURSE = "create_classroom", "create_folder", "edit_course"

#: For so many ms a kind may go at once.
BURST = 1000

TOO_FAST = replace(LATER, due_in=5, counts=False, slow_down=5.0)

#: Seconds that messages take.
LATENCIES: dict[str, Callable[[Random], float]] = {
    "none": lambda _: 0,
    "a second": lambda _: 1,
    "six seconds": lambda _: 6,
    "half a minute": lambda _: 30,
    "two minutes": lambda _: 120,
    "anything": lambda random: random.expovariate(1 / 30),
    "now and then very much": lambda random: random.choice([0, 0, 0, 120]),
}


def most(moments: list[int], span: int) -> int:
    """The most that went out within any so many ms."""
    return max(sum(first <= at < first + span for at in moments) for first in moments)


def test_six_hundred_classrooms_behind_a_slow_queue(redis: Redis, clock: Clock) -> None:
    """At the usual pace, where each message takes six seconds: done in three quarters of a minute.

    It used to be 21 in an hour, with 60,000 claims.
    """
    system = PacedSystem(redis, clock, latency=lambda: 6.0)
    system.ledger.set_paces({f"main {CLASSROOM}": 60})
    began = clock.ms
    ids = system.submit(600, CLASSROOM)
    system.run(46)
    moments = system.sent_of(CLASSROOM)
    assert len(moments) == 600
    assert moments[-1] - began <= 45_000
    assert most(moments, 1000) <= 2 * BURST / 60 + 1
    assert system.ledger.asked <= 2 * 600
    assert [each for _, each in system.sent] == ids


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
def test_throughput_is_the_pace_whatever_the_latency(
    redis: Redis, clock: Clock, latency: Callable[[Random], float]
) -> None:
    """Within five percent, as soon as there are messages; and never more than the pace."""
    random = Random(3)  # noqa: S311  # the same each time
    system = PacedSystem(redis, clock, lambda: latency(random), workers=2, step=200)
    system.ledger.set_paces({f"main {FOLDER}": 5000})
    system.submit(150, FOLDER)
    system.run(180)  # until the last are there
    began, before = clock.ms, system.ledger.asked
    system.run(400)
    sent = len(system.sent_of(FOLDER, began))
    assert 80 * 0.95 <= sent <= 80 + 1
    assert system.ledger.asked - before <= 1.05 * sent
    assert most(system.sent_of(FOLDER), 5000) <= 2


def test_a_steady_stream_of_newcomers_keeps_nobody_waiting(redis: Redis, clock: Clock) -> None:
    """Who came first goes first, though more come all the time than may go."""
    system = PacedSystem(redis, clock)
    system.ledger.set_paces({f"main {FOLDER}": 500})
    ids = system.submit(40, FOLDER)
    for second in range(15):
        ids += system.submit(4, FOLDER, name=f"in second {second}, ")
        system.run(1)
    sent = [each for _, each in system.sent]
    assert sent == ids[: len(sent)]
    assert len(sent) >= 31


def test_a_kind_that_is_held_back_delays_no_other(redis: Redis, clock: Clock) -> None:
    """Neither of its school, nor of another."""
    system = PacedSystem(redis, clock)
    system.ledger.set_paces({f"main {FOLDER}": 60_000, f"other {FOLDER}": 1000})
    system.submit(200, FOLDER)
    system.submit(50, COURSE)
    system.submit(40, FOLDER, "other")
    system.run(20)
    assert len(system.sent_of(COURSE)) == 50
    others = [at for at, each in system.sent if each.startswith("other")]
    assert 20 <= len(others) <= 22


def test_a_pace_of_a_school_holds_for_its_kinds_together(redis: Redis, clock: Clock) -> None:
    """Each has its part of it; one that is slower of itself takes no more than its own."""
    system = PacedSystem(redis, clock, latency=lambda: 6.0, workers=2, step=100)
    system.ledger.set_paces({"main": 500, f"main {FOLDER}": 5000})
    system.submit(100, FOLDER)
    system.submit(200, COURSE)
    system.run(66)
    assert 120 * 0.95 <= len(system.sent) <= 120 + 3
    assert 11 <= len(system.sent_of(FOLDER)) <= 13


def test_a_kind_that_was_slowed_down_recovers(redis: Redis, clock: Clock) -> None:
    """Nobody waits for a moment that was far away when it was given."""
    told = iter([TOO_FAST] * 4)

    def answer(claim: Claim) -> Transition:
        slow = clock.ms >= slows_at and FOLDER in claim.record.id
        return next(told, DONE) if slow else DONE

    system = PacedSystem(redis, clock, latency=lambda: 6.0, answer=answer, step=100)
    system.ledger.set_paces({f"main {FOLDER}": 250})
    slows_at = clock.ms + 10_000
    system.submit(600, FOLDER)
    system.run(40)
    slowest = clock.ms
    system.run(20)
    assert len(system.sent_of(FOLDER, slowest)) <= 20 / 0.4 + 1
    system.run(70)
    recovered = clock.ms
    system.run(20)
    assert 80 * 0.95 <= len(system.sent_of(FOLDER, recovered)) <= 80 + 5


@pytest.mark.parametrize("interval", [3.3, 60.0, 1000.0])
def test_few_threads_wait_for_a_pace(redis: Redis, clock: Clock, interval: float) -> None:
    """However fast it is: most are free for others."""
    system = PacedSystem(redis, clock)
    system.ledger.set_paces({f"main {FOLDER}": interval})
    system.submit(600, FOLDER)
    early: list[int] = []
    for _ in range(20):
        before = len(system.sent)
        system.run(0.05)
        early.append(sum(at > clock.ms for at, _ in system.sent[before:]))
    assert max(early) <= 3
