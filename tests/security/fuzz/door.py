"""Door: a place where something comes in from outside, and what may come in there."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy

from tests.security.fuzz.oracle import Take


@dataclass(frozen=True, slots=True)
class Door:
    """One door."""

    name: str
    inputs: SearchStrategy[Any]
    #: Makes it ready; gives what takes one input.
    opened: Callable[[], AbstractContextManager[Take]]
    #: Seconds after which one input counts as hanging: far more than any should take.
    limit: float = 60.0
    #: Inputs that are tried where a property is tried with a hundred examples.
    examples: int = 60
