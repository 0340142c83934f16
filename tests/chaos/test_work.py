"""The operations of a trial are good ones: without any trouble ClassIn carries all of them out."""

from collections import Counter
from random import Random

import pytest

from ops.simulator.handlers import answer
from ops.simulator.state.world import World
from tests.chaos.producer import Producer, handfuls
from tests.chaos.shape import FULL, SHORT, Shape
from tests.chaos.verdict import things
from tests.chaos.work import (
    FIRST,
    SCHOOLS,
    Step,
    crowd,
    lanes_of,
    numbers_in,
    retried_steps,
    steps_of,
    world_of,
)
from worker.classin.catalogue import read
from worker.errors import UnavailableError

NOW = 1_800_000_000
SHAPES = pytest.mark.parametrize("shape", [FULL, SHORT], ids=["full", "short"])


def steps(shape: Shape, seed: int = 1) -> list[Step]:
    """Choose the operations of a trial."""
    return steps_of(shape, Random(seed), NOW + 86400)  # noqa: S311  # a pattern to repeat


@SHAPES
def test_classin_carries_all_of_it_out(shape: Shape) -> None:
    """In order, each leaves one thing behind, or none; what is to be refused is refused."""
    chosen = steps(shape)
    world = World([school.sid for school in SCHOOLS.values()], world_of(shape, chosen))
    for step in chosen:
        operation = read(step.operation, step.fields).identified(step.key)
        said = answer(world.institution(SCHOOLS[step.school].sid), operation, NOW)
        assert (said.code in operation.spec.done) is not step.refused, (step, said)

    there = things(world.snapshot())
    assert {there[step.number] for step in chosen if step.makes} == {1}


@SHAPES
def test_each_has_its_number_and_its_lane(shape: Shape) -> None:
    """The number is in its fields, and its own lane is the one whose order is watched."""
    for step in steps(shape):
        assert numbers_in(step.fields) == {step.number}
        if step.lane is not None and step.named is None:
            assert step.lane == f"{step.school}:{read(step.operation, step.fields).lane(str)}"


@SHAPES
def test_all_lanes_schools_and_kinds_are_there(shape: Shape) -> None:
    """As many as the shape says, and all repeats that the catalogue knows."""
    chosen = steps(shape)
    assert len({step.number for step in chosen}) == len(chosen) == shape.operations
    assert {step.lane for step in chosen if step.lane} == {
        f"{lane.school}:{lane.name}" for lane in lanes_of(shape)
    }
    assert len({step.school for step in chosen}) == shape.schools
    assert {step.spec.idempotency for step in chosen} == {
        "idempotent", "keyed", "conflict_detected", "unsafe", "read_only",
    }  # fmt: skip
    assert any(step.refused for step in chosen)


@SHAPES
def test_what_is_retried_can_be_mended(shape: Shape) -> None:
    """ClassIn refuses it as it is handed in, and takes it with what the retry sets."""
    chosen = retried_steps(shape, FIRST)
    world = World([school.sid for school in SCHOOLS.values()], world_of(shape, steps(shape)))
    assert len(chosen) == shape.retried
    for step in chosen:
        institution = world.institution(SCHOOLS[step.school].sid)
        first = answer(institution, read(step.operation, step.fields), NOW)
        again = answer(
            institution, read(step.operation, {**step.fields, **(step.mended or {})}), NOW
        )
        assert (first.code != 1, again.code) == (True, 1)


def test_a_crowd_waits_for_its_first() -> None:
    """ClassIn takes the first, or refuses it."""
    world = World(["1"], world_of(SHORT, steps(SHORT)))
    for doomed in (False, True):
        leader, *followers = crowd(FIRST, 5, doomed=doomed)
        said = answer(world.institution("1"), read(leader.operation, leader.fields), NOW)
        assert (said.code == 1) is not doomed
        assert {(each.after, each.doomed) for each in followers} == {(leader.key, doomed)}
        assert len({each.number for each in followers}) == 5


def test_the_same_seed_chooses_the_same() -> None:
    """Another seed chooses others."""
    assert steps(SHORT) == steps(SHORT)
    assert steps(SHORT) != steps(SHORT, seed=2)


def test_handfuls_keep_the_order() -> None:
    """Some come alone and some in batches, about as many either way."""
    chosen = steps(FULL)
    divided = list(handfuls(chosen, Random(1)))  # noqa: S311  # a pattern to repeat
    assert [step for handful in divided for step in handful] == chosen
    alone = sum(len(handful) == 1 for handful in divided)
    assert 0.3 < alone / len(chosen) < 0.7


def test_what_was_cut_short_is_said_again() -> None:
    """The same handful, before the next one, until it is taken in; then what came just before."""
    said: Counter[int] = Counter()

    def door(handful: list[Step]) -> list[str]:
        (step,) = handful
        said[step.number] += 1
        if len(said) == 2 and said[step.number] == 1:
            raise UnavailableError("Redis does not answer")
        return [f"r{step.number}"]

    chosen = steps(SHORT)[:3]
    producer = Producer(door, [[step] for step in chosen], seconds=0)  # type: ignore[arg-type]
    producer.run()

    assert list(said.values()) == [2, 2, 1]
    assert producer.said_again == 1
    assert {number: due.id for number, due in producer.receipts.items()} == {
        step.number: f"r{step.number}" for step in chosen
    }


def test_who_is_told_to_stop_hands_in_no_more() -> None:
    """Also where Redis never comes back."""

    def door(_: object) -> list[str]:
        producer.stop()
        raise UnavailableError("Redis does not answer")

    producer = Producer(door, [[step] for step in steps(SHORT)], seconds=0)
    producer.run()
    assert (producer.receipts, producer.said_again) == ({}, 1)
