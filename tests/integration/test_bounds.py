"""What one call of the ledger does has an end, however much waits: told by what Redis counts."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from redis import Redis

from ops.processes.redis_server import PrivateRedis
from tests.ledger_books import Books
from tests.submitting import submit_all
from worker.errors import ScriptError
from worker.ledger.keys import Keys
from worker.ledger.record import Submission
from worker.ledger.redis_client import connect
from worker.ledger.states import Reason, State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Capacity, Claim, ClaimRequest, ClaimUpdate, ReadyRecord, Transition

KEYS = Keys()

ENTRY = Submission(id="", operation="edit_course", school="main", fields={"courseId": 1})
REFUSED = Transition(state=State.FAILED, reason=Reason.REFUSED, code=193)
DONE = Transition(state=State.SUCCEEDED, code=1)

#: Records that one exchange is told of.
NOTES = 110

#: Lua unpacks no more than 8000: more lanes than that are freed together.
FOLLOWERS = 10_000


@pytest.fixture
def client(redis: PrivateRedis) -> Redis:
    """A client of a Redis of the test's own."""
    return connect(redis.url)


@pytest.fixture
def ledger(client: Redis) -> RedisLedger:
    """Its ledger."""
    return RedisLedger(client)


def entries(
    start: str, number: int, lane: str | None = None, after: tuple[str, ...] = ()
) -> Iterator[Submission]:
    """So many submissions; each has a lane of its own that starts so, if any."""
    for n in range(number):
        yield replace(ENTRY, id=f"{start}{n}", lane=lane and f"{lane}{n}", after=after)


def loaded(client: Redis, do: Callable[[], object]) -> int:
    """Count the records that are read while something is done."""
    client.config_resetstat()
    do()
    return int(client.info("commandstats")["cmdstat_hgetall"]["calls"])


def all_claimed(ledger: RedisLedger, ids: list[str]) -> list[Claim]:
    """Take the leases on these."""
    leases = {each: f"lease {each}" for each in ids}
    return list(ledger.report_and_claim(ClaimRequest([], leases, "w", 60, Capacity())).claims)


def released(ledger: RedisLedger, most: int = 500) -> list[ReadyRecord]:
    """Tell all that are left, by and by."""
    found: list[ReadyRecord] = []
    more = True
    while more:
        due, more = ledger.release(most)
        found += due
    return found


def test_more_followers_than_lua_unpacks_are_not_blocked_for_good(
    client: Redis, ledger: RedisLedger
) -> None:
    """All that wait for one fail with it, and let those behind them in their lanes go."""
    submit_all(ledger, [*entries("root", NOTES)])
    submit_all(ledger, [*entries("follower", FOLLOWERS, "lane", ("root0",))])
    submit_all(ledger, [*entries("behind", FOLLOWERS, "lane")])
    claims = all_claimed(ledger, [f"root{n}" for n in range(NOTES)])

    read = loaded(
        client,
        lambda: ledger.report_and_claim(
            ClaimRequest([ClaimUpdate(each, REFUSED) for each in claims], {}, "w", 60, Capacity())
        ),
    )
    found = released(ledger)

    assert read <= NOTES + 500
    assert ledger.counts().by_state() == {State.FAILED: NOTES + FOLLOWERS, State.QUEUED: FOLLOWERS}
    assert len(found) >= FOLLOWERS - 500
    Books.read(client).check()


def test_a_call_that_fails_changes_nothing(client: Redis, ledger: RedisLedger) -> None:
    """One of those that wait cannot be told: who was told before it stays untold as well."""
    submit_all(ledger, [replace(ENTRY, id="root"), *entries("follower", 20, "lane", ("root",))])
    (claim,) = all_claimed(ledger, ["root"])
    client.hdel("classin:op:follower7", "operation")
    before = dumped(client)

    with pytest.raises(ScriptError):
        ledger.advance(claim, REFUSED, None)

    assert dumped(client) == before


def dumped(client: Redis) -> dict[str, bytes | None]:
    """Return all that Redis has, but for the time: whoever asks notes that."""
    return {key: client.dump(key) for key in client.scan_iter() if key != KEYS.clock}


def test_what_was_to_be_told_of_and_never_settled_is_told_when_it_does(
    client: Redis, ledger: RedisLedger
) -> None:
    """Its place in the list was written, and nothing else: a script writes that first."""
    submit_all(ledger, [replace(ENTRY, id="root"), *entries("follower", 1, None, ("root",))])
    client.rpush("classin:releasing", "+root")
    assert ledger.release(5) == ([], False)
    assert ledger.find("follower0").state is State.BLOCKED
    (claim,) = all_claimed(ledger, ["root"])
    assert len(ledger.advance(claim, DONE, None).released) == 1


def test_each_of_many_lanes_goes_on_at_once(ledger: RedisLedger) -> None:
    """Though another that was noted with them has more followers than a call looks at."""
    submit_all(ledger, [*entries("first", NOTES, "lane"), *entries("second", NOTES, "lane")])
    submit_all(ledger, [*entries("follower", 1000, None, ("first0",))])
    claims = all_claimed(ledger, [f"first{n}" for n in range(NOTES)])
    notes = [ClaimUpdate(each, DONE) for each in claims]

    noted = ledger.report_and_claim(ClaimRequest(notes, {}, "w", 60, Capacity())).results

    told = {due.id for each in noted if each for due in each.released}
    assert {f"second{n}" for n in range(NOTES)} <= told
    assert len(told) == 500


def test_of_many_schools_each_gets_its_part_of_a_call(client: Redis, ledger: RedisLedger) -> None:
    """They take turns; a call looks at some of them, and gives back so many in all."""
    schools = [f"school{n}" for n in range(300)]
    for school in schools:
        some = [replace(each, school=school) for each in entries(f"{school}-", 6)]
        submit_all(ledger, some)
        leases = {each.id: each.id for each in some}
        ledger.report_and_claim(ClaimRequest([], leases, "w", 60, Capacity(of={school: 0})))

    found: list[ReadyRecord] = []
    calls, cursor = 0, "0"
    while calls == 0 or cursor != "0":
        due, cursor = ledger.unpark_some(500, 256, cursor)
        assert len(due) <= 500
        found += due
        calls += 1

    assert {each.id.partition("-")[0] for each in found} == set(schools)
    assert calls > 1
    while found:
        found = list(ledger.unpark_some(500, 256)[0])
    assert client.exists("classin:parking") == 0
    Books.read(client).check()
