"""What goes wrong in a trial: all kinds of it, the same for the same seed."""

from itertools import pairwise
from random import Random

import pytest

from tests.chaos.shape import FULL, SHORT, Shape
from tests.chaos.trouble import WEATHERS, Kind, Trouble, schedule

SIDS = ["1", "2"]
CASES = pytest.mark.parametrize(
    ("shape", "seed"), [(shape, seed) for shape in (FULL, SHORT) for seed in range(20)]
)


def troubles(shape: Shape, seed: int) -> list[Trouble]:
    """Draw up what goes wrong."""
    return schedule(shape, SIDS, Random(seed))  # noqa: S311  # a pattern to repeat


def times(found: list[Trouble], kind: Kind) -> list[float]:
    """Tell when something happens."""
    return [trouble.at for trouble in found if trouble.kind is kind]


def test_the_same_seed_makes_the_same_trouble() -> None:
    """Another seed makes another."""
    assert troubles(FULL, 1) == troubles(FULL, 1)
    assert troubles(FULL, 1) != troubles(FULL, 2)


@CASES
def test_everything_happens_in_its_time(shape: Shape, seed: int) -> None:
    """In order, while there is to be trouble; workers get time to come back."""
    found = troubles(shape, seed)
    assert {trouble.kind for trouble in found} == set(Kind)
    assert [trouble.at for trouble in found] == sorted(trouble.at for trouble in found)
    assert 0 <= found[0].at <= found[-1].at <= shape.trouble
    deaths = sorted(times(found, Kind.WORKER_DIES) + times(found, Kind.RESCUER_DIES))
    assert all(after - before >= shape.between_deaths[0] for before, after in pairwise(deaths))


@CASES
def test_redis_comes_back(shape: Shape, seed: int) -> None:
    """After each death, before the next; and messages are not lost while it is away."""
    found = troubles(shape, seed)
    dies, comes_back = times(found, Kind.REDIS_DIES), times(found, Kind.REDIS_COMES_BACK)
    assert len(dies) == len(comes_back) == shape.redis_deaths
    assert all(back < dead for back, dead in zip(comes_back, dies[1:], strict=False))
    (lost,), (dark,) = times(found, Kind.MESSAGES_ARE_LOST), times(found, Kind.ALL_WORKERS_DIE)
    assert dark < lost < shape.submitting
    assert not any(dead <= lost <= back for dead, back in zip(dies, comes_back, strict=True))


@CASES
def test_every_weather_comes(shape: Shape, seed: int) -> None:
    """Maintenance strikes one school alone, and everybody."""
    weathers = [trouble for trouble in troubles(shape, seed) if trouble.kind is Kind.WEATHER]
    assert len(weathers) >= len(WEATHERS)
    first = weathers[: len(WEATHERS)]
    kinds = {repr([rule.model_dump(exclude={"seed"}) for rule in one.rules]) for one in first}
    assert len(kinds) == len(WEATHERS)
    struck = {rule.school for one in first for rule in one.rules if rule.code == 901}
    assert len(struck) == 2
    assert None in struck
    assert struck <= {None, *SIDS}
