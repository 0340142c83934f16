"""The simulator without its HTTP server: schools, state, journal and faults."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from ops.simulator.faults import Faults
from ops.simulator.handlers import Answer, answer
from ops.simulator.http.auth import Received, admit
from ops.simulator.journal import Entry, Journal
from ops.simulator.limits import Limits
from ops.simulator.state.world import DEFAULT_SEED, Seed, World
from worker.classin.field_types import File
from worker.classin.operation import Operation
from worker.classin.school import School
from worker.classin.signing import Counting

#: What a form carries about its sender; never journalled, however it is spelt.
PROOF = frozenset({"sid", "safekey", "timestamp"})

#: The school that is known unless others are named.
DEFAULT_SCHOOL = School("simulated", "1000082", "Mb7SR6H")


@dataclass(slots=True)
class SimulatorState:
    """What one reset begins and the next one ends: a request stays on the stage that it met."""

    world: World
    limits: Limits
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    #: Whether ClassIn is under maintenance: then it answers nothing else.
    maintenance: bool = False

    def refusal(self, entry: Entry, operation: Operation, now: float) -> Answer | None:
        """Refuse an admitted operation for what other requests do, or did of late."""
        code = self.limits.refusal(str(entry.school), operation, now)
        return None if code is None else Answer(code)

    def at_work(self, entry: Entry, operation: Operation) -> AbstractContextManager[None]:
        """Keep other requests from what this operation works on."""
        return self.limits.at_work(str(entry.school), operation)

    def carry_out(self, entry: Entry, operation: Operation, now: float) -> Answer:
        """Carry an admitted operation out for the school of its entry."""
        institution = self.world.institution(str(entry.school))
        said = answer(institution, operation, now)
        if said.code in operation.spec.done:
            self.journal.note_applied(entry)
        return said


class Simulator:
    """A pretend ClassIn.

    `schools` are secrets by SID. `clock` gives seconds since 1970; `skew` seconds are added to it
    wherever ClassIn's own time matters. `rates`: whether what comes too fast, or twice too soon,
    is refused. `counting`: how long texts are counted when a signature is checked.
    """

    def __init__(  # noqa: PLR0913  # all that may be otherwise, by keyword
        self,
        schools: Mapping[str, str] | None = None,
        seed: Seed | None = None,
        *,
        clock: Callable[[], float] = time.time,
        skew: float = 0.0,
        errno_as_text: bool = False,
        rates: bool = True,
        counting: Counting = Counting.BYTES,
    ) -> None:
        self._secrets = dict(schools or {DEFAULT_SCHOOL.sid: DEFAULT_SCHOOL.secret})
        self._seed = seed or DEFAULT_SEED
        self._clock = clock
        self.skew = skew
        self.errno_as_text = errno_as_text
        self._rates = rates
        self._counting = counting
        self.reset()

    def reset(self) -> None:
        """Begin anew: the seed, an empty journal, no faults, no maintenance."""
        self.stage = SimulatorState(World(self._secrets, self._seed), Limits(rates=self._rates))

    def now(self) -> float:
        """Tell ClassIn's time, in seconds since 1970."""
        return self._clock() + self.skew

    def enter(self, received: Received) -> Entry:
        """Enter a request into the journal, without what proves its sender."""
        fields = {
            name: value.summary() if isinstance(value, File) else value
            for name, value in received.fields.items()
            if name.lower() not in PROOF
        }
        operation = received.kind.spec.name if received.kind else None
        return self.stage.journal.open(
            self._clock(), operation, received.sid, fields, received.seconds
        )

    def admit(self, received: Received) -> Operation | Answer:
        """Check a request against the schools and the catalogue, as of now."""
        return admit(received, self._secrets, self.now(), self._counting)
