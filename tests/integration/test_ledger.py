"""The ledger on a Redis of its own: whatever happens, and what the server is told to do."""

import pytest
from hypothesis import settings as hypothesis_settings
from redis import Redis

from ops.processes.redis_server import PrivateRedis
from tests.claiming import try_claim
from tests.ledger_books import Books
from tests.ledger_machine import whatever_happens
from worker.broker.messages import mailbox
from worker.errors import UnavailableError
from worker.keyring import NO_KEYS
from worker.ledger.audit import Audit
from worker.ledger.keys import PREFIX
from worker.ledger.pruner import Pruner, Retention
from worker.ledger.record import Submission
from worker.ledger.redis_client import connect
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, ClaimRequest, ClaimUpdate, Filter, InlineQueue, Transition


@pytest.fixture
def client(redis: PrivateRedis) -> Redis:
    """A client of a Redis of the test's own."""
    return connect(redis.url)


@pytest.mark.hypothesis
@pytest.mark.parametrize(("prefix", "share"), [(PREFIX, 2), ("north", 8)])
def test_whatever_happens_all_comes_to_an_end(redis: PrivateRedis, prefix: str, share: int) -> None:
    """Producers, workers that die, crashes, persons; no key lies outside of the prefix."""
    examples = hypothesis_settings().max_examples // share
    whatever_happens(connect(redis.url, prefix), examples=examples, steps=50)


def test_a_full_redis_can_be_pruned(client: Redis) -> None:
    """That makes room; a person can decide, and the trail has both."""
    ledger = RedisLedger(client)
    ledger.submit(
        [Submission(id=each, operation="edit_course", school="main", fields={}) for each in "abc"]
    )
    for each, state in (("a", State.SUCCEEDED), ("b", State.UNCERTAIN)):
        claim = try_claim(ledger, each, each, "w", 10)
        assert claim is not None
        ledger.advance(claim, Transition(state=state), None)
    seconds, _ = client.time()
    client.config_set("maxmemory", "1")

    assert ledger.resolve("b", State.FAILED, "not there", "ada") is State.UNCERTAIN
    pruned = Pruner(client, NO_KEYS).run(Retention(-60, -60), seconds * 1000, who="ada")

    assert pruned.records == {State.SUCCEEDED: 1, State.FAILED: 1}
    assert [record.id for record in ledger.page(Filter(), 9).records] == ["c"]
    assert [deed.what for deed in Audit(client).deeds(9)] == ["prune", "settle"]
    Books.read(client).check()


def test_times_are_those_of_redis(client: Redis) -> None:
    """One clock for all hosts, in whole milliseconds."""
    ledger = RedisLedger(client)
    seconds, _ = client.time()
    ledger.submit([Submission(id="a", operation="edit_course", school="main", fields={})])
    claim = try_claim(ledger, "a", "one", "w", 10)
    assert claim is not None
    ledger.advance(claim, Transition(state=State.DEFERRED, due_in=60), None)
    record = ledger.find("a")
    assert seconds * 1000 <= record.enqueued_at <= claim.at <= (seconds + 300) * 1000
    assert record.due_at is not None
    assert 60_000 <= record.due_at - claim.at < 300_000
    assert ledger.requeue_due(5, orphans=True) == []


@pytest.mark.parametrize("box", [None, mailbox(PREFIX)])
def test_a_full_redis_takes_in_nothing_and_notes_what_is_under_way(
    client: Redis, box: InlineQueue | None
) -> None:
    """What was submitted, claimed and not noted stays as it is; a note never needs room."""
    ledger = RedisLedger(client)
    a, b, c, d = (
        Submission(id=each, operation="edit_course", school="main", fields={}) for each in "abcd"
    )
    ledger.submit([a, b, c])
    claims = [try_claim(ledger, each, each, "w", 10) for each in "ab"]
    client.config_set("maxmemory", "1")

    before = {key: client.dump(key) for key in client.scan_iter()}
    with pytest.raises(UnavailableError, match="is full"):
        ledger.submit([d], box)
    with pytest.raises(UnavailableError, match="is full"):
        try_claim(ledger, "c", "c", "w", 10)
    assert {key: client.dump(key) for key in client.scan_iter()} == before

    done = Transition(state=State.SUCCEEDED, code=1)
    notes = [ClaimUpdate(claim, done) for claim in claims if claim]
    ledger.report_and_claim(ClaimRequest(notes[:1], {}, "w", 10, Capacity()))
    exchanged = ledger.report_and_claim(ClaimRequest(notes, {"c": "c"}, "w", 10, Capacity()))
    assert all(exchanged.results)
    assert (exchanged.claims, exchanged.full) == ([], True)
    states = [ledger.find(each).state for each in "abc"]
    assert states == [State.SUCCEEDED, State.SUCCEEDED, State.QUEUED]

    client.config_set("maxmemory", "0")
    exchanged = ledger.report_and_claim(ClaimRequest(notes, {"c": "c"}, "w", 10, Capacity()))
    assert all(exchanged.results)
    assert [claim.record.id for claim in exchanged.claims] == ["c"]
