"""The tour: who is visited in each round, in which order, and what is measured there.

Rounds are interleaved, so that whatever slows the machine for a while slows all of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench import visits
from tests.bench.candidates import Candidate
from tests.bench.commands import commands
from tests.bench.keeping import keeping
from tests.bench.place import place
from tests.bench.requesting import requesting
from tests.bench.samples import Samples, UnmeasurableError
from tests.bench.sizes import Sizes
from tests.bench.target import Target
from tests.bench.visits import Found, Step
from worker.errors import ClassinError


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    target: Target
    candidates: Mapping[str, Candidate]
    sizes: Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One visit: each step with the rows that it is for."""

    whom: str
    steps: Sequence[tuple[Step, str]]
    #: Whether workers are there.
    staffed: bool = True
    #: Whether the first round is enough.
    once: bool = False

    def wanted(self, rows: Collection[str]) -> list[Step]:
        """Give the steps that these rows need."""
        return [step for step, needed in self.steps if set(needed.split()) & set(rows)]


TOUR = (
    Stop(
        whom="ours",
        steps=[
            (visits.together, "1 3 10"),
            (visits.at_once, "2"),
            (visits.singly, "4"),
            (visits.idle, "4"),
        ],
    ),
    Stop(whom="celery", steps=[(visits.together, "1 3 4 10"), (visits.idle, "4")]),
    Stop(whom="dramatiq", steps=[(visits.together, "1 10")]),
    Stop(whom="taskiq", steps=[(visits.together, "1 10")]),
    Stop(whom="no_queue", steps=[(visits.at_once, "2")], staffed=False),
    Stop(
        whom="ours",
        steps=[
            (visits.entered, "5"),
            (visits.entered_singly, "5"),
            (commands, "9"),
            (requesting, "12"),
        ],
        staffed=False,
    ),
    Stop(whom="celery", steps=[(visits.entered_singly, "5")], staffed=False),
    Stop(whom="no_queue", steps=[(visits.together, "10")], staffed=False, once=True),
    Stop(whom="huey", steps=[(visits.together, "10")], once=True),
    Stop(whom="arq", steps=[(visits.together, "10")], once=True),
    Stop(whom="rq", steps=[(visits.together, "10")], once=True),
    Stop(whom="ours", steps=[(visits.memory, "8")], once=True),
)


def tour(bench: Bench, rows: Collection[str], said: Callable[[str], None]) -> Samples:
    """Measure what these rows need; what cannot be measured is told, and left out."""
    samples = Samples()
    for turn in range(1, bench.sizes.rounds + 1):
        for stop in TOUR:
            steps = stop.wanted(rows)
            if steps and (turn == 1 or not stop.once):
                said(f"round {turn} of {bench.sizes.rounds}: {stop.whom}")
                _take(samples, _visit(bench, stop, steps), turn, said)
    if {"6", "7", "11"} & set(rows):
        said(f"{bench.sizes.many:,} records")
        _take(samples, _keeping(bench), 1, said)
    return samples


def _take(samples: Samples, found: Found, turn: int, said: Callable[[str], None]) -> None:
    """Measure; what goes wrong here spoils no other measurement."""
    try:
        samples.take(found, turn)
    except (UnmeasurableError, ClassinError, OSError) as error:
        said(f"not measured: {error}")


def _visit(bench: Bench, stop: Stop, steps: Sequence[Step]) -> Found:
    sizes = bench.sizes
    with ExitStack() as stack:
        here = stack.enter_context(place(bench.candidates[stop.whom], bench.target))
        if stop.staffed:
            stack.enter_context(here.staffed())
            here.carry_out("together", sizes.warm, 0.0)
        for step in steps:
            yield from step(here, sizes)


def _keeping(bench: Bench) -> Found:
    ours = bench.candidates["ours"]
    with place(ours, bench.target) as small, place(ours, bench.target) as large:
        yield from keeping(small, large, bench.sizes)
