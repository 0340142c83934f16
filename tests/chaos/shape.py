"""How large a trial is, and how long each part of it lasts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of a trial. All times in seconds."""

    #: Those in lanes and beside them.
    operations: int
    lanes: int
    #: Schools in all, and the first of them, which have the lanes.
    schools: int
    busy_schools: int
    #: Operations that ClassIn refuses at first, each retried by several at the same moment.
    retried: int
    #: Operations that wait for one that succeeds, and for one that ClassIn refuses.
    followers: int
    doomed: int
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

    @property
    def submitted(self) -> int:
        """All that is handed in: what others wait for, too, but no retry."""
        leaders = 2
        return self.operations + self.retried + self.followers + self.doomed + leaders


FULL = Shape(
    operations=2000,
    lanes=40,
    schools=300,
    busy_schools=3,
    retried=20,
    followers=1000,
    doomed=19_000,
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
    schools=12,
    busy_schools=2,
    retried=3,
    followers=20,
    doomed=300,
    workers=2,
    submitting=20,
    trouble=28,
    between_deaths=(4, 6),
    redis_deaths=1,
    weather=4,
    patience=250,
)
