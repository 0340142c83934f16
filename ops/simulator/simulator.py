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

#: Form fields that authenticate the sender; never in the journal, in any spelling.
PROOF = frozenset({"sid", "safekey", "timestamp"})

#: The default school.
DEFAULT_SCHOOL = School("simulated", "1000082", "Mb7SR6H")


@dataclass(slots=True)
class SimulatorState:
    """Everything between two resets; a request keeps the state that it started with."""

    world: World
    limits: Limits
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    #: Whether ClassIn is in maintenance: then it replies nothing else.
    maintenance: bool = False

    def refusal(self, entry: Entry, operation: Operation, now: float) -> Answer | None:
        """Return the refusal of an operation because of other requests."""
        code = self.limits.refusal(str(entry.school), operation, now)
        return None if code is None else Answer(code)

    def at_work(self, entry: Entry, operation: Operation) -> AbstractContextManager[None]:
        """Lock what an operation works on against other requests."""
        return self.limits.at_work(str(entry.school), operation)

    def carry_out(self, entry: Entry, operation: Operation, now: float) -> Answer:
        """Carry out an admitted operation for its entry's school."""
        institution = self.world.institution(str(entry.school))
        said = answer(institution, operation, now)
        if said.code in operation.spec.done:
            self.journal.note_applied(entry)
        return said


class Simulator:
    """A simulated ClassIn.

    `schools` are secrets by SID. `clock` returns seconds since 1970; `skew` seconds are added to it
    for ClassIn's own time. `rates`: whether rate limits apply. `counting`: how text lengths are
    counted when a signature is checked.
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
        """Reset to the seed, with an empty journal, no faults and no maintenance."""
        self.stage = SimulatorState(World(self._secrets, self._seed), Limits(rates=self._rates))

    def now(self) -> float:
        """Return ClassIn's time, in seconds since 1970."""
        return self._clock() + self.skew

    def enter(self, received: Received) -> Entry:
        """Add a request to the journal, without its signature."""
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
        """Check a request against schools and catalogue, as of now."""
        return admit(received, self._secrets, self.now(), self._counting)
