"""Fixtures of the simulator's unit tests."""

import pytest

from ops.simulator.state.world import Institution, World


@pytest.fixture
def world() -> World:
    """Two schools with the default seed."""
    return World(["1", "2"])


@pytest.fixture
def held(world: World) -> Institution:
    """What the first school holds."""
    return world.institution("1")
