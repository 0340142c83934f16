"""How large a trial is, and how long each part of it lasts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of a trial. All times in seconds."""

    operations: int
    lanes: int
    schools: int
    workers: int
    #: Operations are handed in over the first time, and all goes wrong over the second.
    submitting: float
    trouble: float
    #: Between two deaths of a worker, at least and at most: it takes some seconds to come back.
    between_deaths: tuple[float, float]
    redis_deaths: int
    #: So long ClassIn misbehaves in one way.
    weather: float
    #: What everything gets to settle when the trouble is over: a limit, not a measure.
    patience: float


FULL = Shape(
    operations=2000,
    lanes=40,
    schools=3,
    workers=3,
    submitting=120,
    trouble=200,
    between_deaths=(4, 9),
    redis_deaths=2,
    weather=8,
    patience=900,
)

SHORT = Shape(
    operations=200,
    lanes=10,
    schools=2,
    workers=2,
    submitting=15,
    trouble=20,
    between_deaths=(4, 6),
    redis_deaths=1,
    weather=4,
    patience=250,
)
