"""A pretend ClassIn: signatures, rules, state, and misbehaviour on demand.

A request goes through reception (taken apart), admission (who asks, when, what), faults (what goes
wrong), the answers (one function per operation, upon the world) and the journal (what came of it).
"""

from ops.simulator.faults import FaultRule, When
from ops.simulator.http.client import SimulatorClient
from ops.simulator.http.server import create_app, in_thread, run, serve
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
    "create_app",
    "in_thread",
    "run",
    "serve",
]
