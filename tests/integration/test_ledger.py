"""The ledger on a real Redis: the same as on the one in memory, and what only a real one tells."""

import pytest
from redis import Redis

from ops.embedded import PrivateRedis
from tests.ledger_machine import whatever_happens
from worker.ledger.in_redis import RedisLedger, connect
from worker.ledger.ledger import Standing
from worker.ledger.lifecycle import State
from worker.ledger.record import Submission


@pytest.fixture
def client(redis: PrivateRedis) -> Redis:
    """A client of a Redis of the test's own."""
    return connect(redis.url)


def test_whatever_happens_all_comes_to_an_end(client: Redis) -> None:
    """Producers, workers that die, crashes, persons."""
    whatever_happens(client, examples=30, steps=50)


def test_times_are_those_of_redis(client: Redis) -> None:
    """One clock for all hosts, in whole milliseconds."""
    ledger = RedisLedger(client)
    seconds, _ = client.time()
    ledger.submit([Submission(id="a", operation="edit_course", school="main", fields={})])
    claim = ledger.claim("a", "one", "w", 10)
    assert claim is not None
    ledger.advance(claim, Standing(state=State.DEFERRED, due_in=60), None)
    record = ledger.find("a")
    assert seconds * 1000 <= record.enqueued_at <= claim.at <= (seconds + 300) * 1000
    assert record.due_at is not None
    assert 60_000 <= record.due_at - claim.at < 300_000
    assert ledger.due(5, orphans=True) == []
