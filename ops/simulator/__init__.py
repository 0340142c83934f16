"""A simulated ClassIn: signatures, rules, state, and injected faults.

A request is parsed and authenticated (`http`), may meet a fault (`faults`), is carried out by its
operation's handler (`handlers`) on the state (`state`), and is recorded in the journal (`journal`).
"""

from ops.simulator.faults import FaultRule, When
from ops.simulator.http.client import SimulatorClient
from ops.simulator.http.server import announce, create_app, in_thread, run, serve
from ops.simulator.journal import Counts, Entry
from ops.simulator.simulator import DEFAULT_SCHOOL
from ops.simulator.state.world import DEFAULT_SEED, Seed

__all__ = [
    "DEFAULT_SCHOOL",
    "DEFAULT_SEED",
    "Counts",
    "Entry",
    "FaultRule",
    "Seed",
    "SimulatorClient",
    "When",
    "announce",
    "create_app",
    "in_thread",
    "run",
    "serve",
]
