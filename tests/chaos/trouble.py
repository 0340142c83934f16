"""What goes wrong in a trial, and when: drawn up beforehand from chance alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from ops.simulator import FaultRule, When
from tests.chaos.shape import Shape


class Kind(StrEnum):
    """What happens."""

    WORKER_DIES = "a worker is killed"
    RESCUER_DIES = "the worker that looks after what is due is killed"
    ALL_WORKERS_DIE = "all workers are killed"
    REDIS_DIES = "Redis is killed"
    REDIS_COMES_BACK = "Redis is started again"
    MESSAGES_ARE_LOST = "the queue is emptied"
    MESSAGES_COME_TWICE = "messages are sent once more"
    WEATHER = "ClassIn misbehaves in another way"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong, so many seconds after the beginning."""

    at: float
    kind: Kind
    #: How ClassIn misbehaves from now on.
    rules: Sequence[FaultRule] = ()


#: Seconds after which ClassIn does what it has not answered.
LATE = 0.8

#: Stands for a school that is chosen by chance.
_ONE = "one"

#: Ways in which ClassIn misbehaves: what befalls a request, and with which chance.
WEATHERS: Sequence[Sequence[Mapping[str, Any]]] = (
    # it is done, and nobody hears of it; or it is not, and nobody hears of that
    ({"drop": True, "when": When.AFTER, "chance": 0.25}, {"drop": True, "chance": 0.05}),
    ({"code": 104, "when": When.AFTER, "chance": 0.15}, {"code": 104, "chance": 0.15}),
    (
        {"status": 502, "when": When.AFTER, "chance": 0.12},
        {"status": 500, "when": When.AFTER, "chance": 0.05},
        {"status": 503, "chance": 0.12},
    ),
    (
        {"code": 460, "chance": 0.1},
        {"code": 464, "chance": 0.1},
        {"code": 101003002, "chance": 0.1},
    ),
    # nobody hears of it, and it is done later, when others of its lane might have had their turn
    (
        {"drop": True, "apply_after": LATE, "chance": 0.12},
        {"status": 504, "apply_after": LATE, "chance": 0.08},
    ),
    ({"code": 901, "school": _ONE},),
    ({"code": 901},),  # for everybody
)

#: In every weather, so that workers die in the midst of something.
_SLOWNESS: Sequence[Mapping[str, Any]] = (
    {"delay": 0.8, "when": When.AFTER, "chance": 0.25},
    {"delay": 0.3, "chance": 0.2},
)

#: Seconds between two times that messages are sent once more, at least and at most.
_BETWEEN_REPEATS = (1.0, 3.0)

#: Seconds that Redis stays away, at least and at most.
_AWAY = (0.5, 2.0)

#: Seconds from the death of all workers until messages are lost: time for some to gather, and none
#: for a worker to come back.
_TO_GATHER = 1.5


def schedule(shape: Shape, sids: Sequence[str], random: Random) -> list[Trouble]:
    """Draw up all that goes wrong, in the order in which it does."""
    troubles = [
        *_weathers(shape, sids, random),
        *_deaths(shape, random),
        *_redis(shape, random),
        *_messages(shape, random),
    ]
    return sorted(troubles, key=lambda trouble: trouble.at)


def _weathers(shape: Shape, sids: Sequence[str], random: Random) -> Iterator[Trouble]:
    """Let each weather come before any comes again."""
    ahead: list[int] = []
    for turn in range(round(shape.trouble / shape.weather)):
        ahead = ahead or random.sample(range(len(WEATHERS)), len(WEATHERS))
        sid = random.choice(sids)
        chosen = [_of_school(each, sid) for each in WEATHERS[ahead.pop()]]
        rules = [_rule(each, random) for each in chosen]
        rules += [_rule(each, random) for each in _SLOWNESS]
        yield Trouble(turn * shape.weather, Kind.WEATHER, rules)


def _of_school(settings: Mapping[str, Any], sid: str) -> Mapping[str, Any]:
    """Name the school of a weather that is one school's alone."""
    return {**settings, "school": sid} if settings.get("school") == _ONE else settings


def _rule(settings: Mapping[str, Any], random: Random) -> FaultRule:
    chance = {"seed": random.getrandbits(32)} if "chance" in settings else {}
    return FaultRule.model_validate({**settings, **chance})


def _deaths(shape: Shape, random: Random) -> Iterator[Trouble]:
    """Let a worker die every few seconds, now and then the one that looks after what is due."""
    at, number = random.uniform(*shape.between_deaths), 0
    while at < shape.trouble:
        number += 1
        yield Trouble(at, Kind.RESCUER_DIES if number % 3 == 0 else Kind.WORKER_DIES)
        at += random.uniform(*shape.between_deaths)


def _redis(shape: Shape, random: Random) -> Iterator[Trouble]:
    """Let Redis die in the midst of each of as many parts of the time."""
    part = shape.trouble / shape.redis_deaths
    for number in range(shape.redis_deaths):
        dies = (number + random.uniform(0.2, 0.4)) * part
        yield Trouble(dies, Kind.REDIS_DIES)
        yield Trouble(dies + random.uniform(*_AWAY), Kind.REDIS_COMES_BACK)


def _messages(shape: Shape, random: Random) -> Iterator[Trouble]:
    """Let messages come twice all the time, and be lost once, while there is nobody to take them.

    That is when operations are still handed in, and Redis is there.
    """
    part = shape.trouble / shape.redis_deaths
    dark = part * 0.5 + _AWAY[1]
    yield Trouble(dark, Kind.ALL_WORKERS_DIE)
    yield Trouble(dark + _TO_GATHER, Kind.MESSAGES_ARE_LOST)
    at = random.uniform(*_BETWEEN_REPEATS)
    while at < shape.trouble:
        yield Trouble(at, Kind.MESSAGES_COME_TWICE)
        at += random.uniform(*_BETWEEN_REPEATS)
