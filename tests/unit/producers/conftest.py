"""What takes operations in, without any server."""

from dataclasses import replace

import pytest

from producers import Submitter
from tests.unit.stage import SCHOOL
from worker.broker.queue import Queues
from worker.config.settings import Settings
from worker.ledger.store import RedisLedger


@pytest.fixture
def submitter(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """A door to the test's ledger and broker."""
    return Submitter(settings, ledger, queues)


@pytest.fixture
def two_schools(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """Another door to them, for two schools: main and north."""
    schools = {"main": SCHOOL, "north": replace(SCHOOL, name="north")}
    return Submitter(replace(settings, schools=schools), ledger, queues)
