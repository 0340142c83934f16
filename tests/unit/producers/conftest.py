"""What takes operations in, without any server."""

import pytest

from producers import Submitter
from worker.ledger.in_redis import RedisLedger
from worker.queues import Queues
from worker.settings import Settings


@pytest.fixture
def submitter(settings: Settings, ledger: RedisLedger, queues: Queues) -> Submitter:
    """A door to the test's ledger and broker."""
    return Submitter(settings, ledger, queues)
