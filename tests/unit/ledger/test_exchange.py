"""An exchange: notes of what is done and claims of what comes next, in one round trip."""

import json
from dataclasses import replace

import pytest
from redis import Redis

from tests.redis_server import SharedRedis
from tests.unit.clock import Clock
from tests.unit.ledger.hands import (
    AGAIN,
    DONE,
    GIVEN_BACK,
    LATER,
    REFUSED,
    attempt,
    claimed,
    entry,
    states,
)
from worker.errors import UnavailableError
from worker.ledger.codec import update_of
from worker.ledger.limits import LONGEST_SPAN
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import (
    Capacity,
    ClaimRequest,
    ClaimResult,
    ClaimUpdate,
    ReadyRecord,
    UpdateResult,
)

ANY = Capacity()


def exchange(
    ledger: RedisLedger,
    notes: list[ClaimUpdate],
    asked: str,
    room: Capacity = ANY,
    lease: str = "two",
) -> ClaimResult:
    """Ask for a record by each letter, under a lease of its own."""
    return ledger.report_and_claim(
        ClaimRequest(notes, {each: f"{lease} {each}" for each in asked}, "w", 10, room)
    )


def ids(exchanged: ClaimResult) -> str:
    """What was claimed."""
    return "".join(claim.record.id for claim in exchanged.claims)


def test_notes_and_claims_go_together(ledger: RedisLedger, clock: Clock) -> None:
    """Each has the answer that it would have by itself, in order."""
    ledger.submit([entry(each) for each in "abcxy"])
    a, b, c = (claimed(ledger, each, lease=each) for each in "abc")

    exchanged = exchange(
        ledger,
        [
            ClaimUpdate(a, DONE, attempt(1)),
            ClaimUpdate(b, LATER, attempt(1)),
            ClaimUpdate(c, GIVEN_BACK),
        ],
        "xy",
    )

    assert exchanged.results == [
        UpdateResult(State.SUCCEEDED, 0, []),
        UpdateResult(State.DEFERRED, 0, []),
        UpdateResult(State.QUEUED, 0, [ReadyRecord("c", "create_folder")]),
    ]
    assert ids(exchanged) == "xy"
    assert [claim.record for claim in exchanged.claims] == ledger.find_all("xy")
    assert [(claim.lease, claim.token, claim.at) for claim in exchanged.claims] == [
        ("two x", 1, clock.ms), ("two y", 1, clock.ms),
    ]  # fmt: skip
    assert states(ledger, "abcxy") == [
        State.SUCCEEDED, State.DEFERRED, State.QUEUED, State.RUNNING, State.RUNNING,
    ]  # fmt: skip
    assert ledger.find("a").attempts == (attempt(1),)


def test_nothing_to_say_and_nothing_to_ask_is_nothing(ledger: RedisLedger) -> None:
    """An answer there is all the same."""
    assert exchange(ledger, [], "") == ClaimResult([], [], [], [])


def test_a_worker_takes_no_more_suspects_than_it_has_room_for(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Who died before goes out with one other suspect less; the rest of the queue goes on."""
    ledger.submit([entry(each) for each in "abcx"])
    for each in "abc":
        claimed(ledger, each, lease=each)
    clock.forward(10)
    ledger.requeue_due(5, orphans=True)

    first = exchange(ledger, [], "abxc", Capacity(suspects=1))
    assert (ids(first), first.refused_suspects) == ("ax", ["b", "c"])
    assert exchange(ledger, [], "abxc", Capacity(suspects=1)) == first  # its answer was lost
    assert exchange(ledger, [], "bc", Capacity(suspects=0), "three").refused_suspects == ["b", "c"]
    assert states(ledger, "bc") == [State.QUEUED] * 2

    noted = exchange(
        ledger, [ClaimUpdate(first.claims[0], DONE, attempt(1))], "b", Capacity(suspects=1)
    )
    assert ids(noted) == "b"


def test_what_is_wrong_with_one_does_not_disturb_the_others(ledger: RedisLedger) -> None:
    """A lease that is lost, a record that is not there, one that is somebody else's."""
    ledger.submit([entry(each) for each in "abcx"])
    a, b = claimed(ledger, "a"), claimed(ledger, "b")
    ledger.advance(a, GIVEN_BACK, None)
    claimed(ledger, "c", lease="somebody else's")
    gone = replace(b, record=replace(b.record, id="gone"))

    exchanged = exchange(
        ledger, [ClaimUpdate(a, DONE), ClaimUpdate(gone, DONE), ClaimUpdate(b, DONE)], "zcxa"
    )

    assert exchanged.results == [None, None, UpdateResult(State.SUCCEEDED, 0, [])]
    assert (ids(exchanged), exchanged.missing) == ("xa", ["z"])
    assert states(ledger, "abcx") == [
        State.RUNNING, State.SUCCEEDED, State.RUNNING, State.RUNNING,
    ]  # fmt: skip


def test_an_exchange_may_be_repeated(ledger: RedisLedger, redis: Redis) -> None:
    """Its answer was lost: nothing is noted twice, and the claims are the same."""
    ledger.submit([*(entry(each) for each in "abxy"), entry("f", after="a")])
    notes = [
        ClaimUpdate(claimed(ledger, "a"), DONE, attempt(1)),
        ClaimUpdate(claimed(ledger, "b"), LATER, attempt(1)),
    ]
    room = Capacity(1)
    first = exchange(ledger, notes, "xyz", room)
    before = {key: redis.dump(key) for key in redis.scan_iter()}

    again = exchange(ledger, notes, "xyz", room)

    assert {key: redis.dump(key) for key in redis.scan_iter()} == before
    assert (again.claims, again.missing) == (first.claims, ["z"])
    assert [each and each.state for each in again.results] == [State.SUCCEEDED, State.DEFERRED]
    assert (ids(first), ledger.find("b").deferrals) == ("x", 1)


@pytest.mark.parametrize(
    ("room", "taken"),
    [
        (Capacity(), "abcd"),
        (Capacity(1), "ac"),
        (Capacity(2, {"main": 1}), "acd"),
        (Capacity(None, {"main": 1}), "acd"),
        (Capacity(0, {"other": 1}), "c"),
    ],
)
def test_room_runs_out_within_a_call(
    ledger: RedisLedger, redis: Redis, room: Capacity, taken: str
) -> None:
    """For each school by itself; what there is no room for is put aside."""
    ledger.submit(
        [entry("a"), entry("b"), *(replace(entry(each), school="other") for each in "cd")]
    )
    assert ids(exchange(ledger, [], "abcd", room)) == taken
    aside = [redis.zrange(f"classin:parked:{school}", 0, -1) for school in ("main", "other")]
    assert "".join(str(each) for ids in aside for each in ids) == "".join(
        sorted({*"abcd"} - {*taken})
    )
    assert redis.keys("classin:queued*") == []


def test_what_is_not_taken_uses_up_no_room(ledger: RedisLedger) -> None:
    """It is somebody else's."""
    ledger.submit([entry("a"), entry("b")])
    claimed(ledger, "a")
    assert ids(exchange(ledger, [], "ab", Capacity(1))) == "b"


def test_who_was_released_can_be_claimed_at_once(ledger: RedisLedger) -> None:
    """A note lets it go on, and its message had been here before."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l"), entry("f", after="a")])
    exchanged = exchange(ledger, [ClaimUpdate(claimed(ledger, "a"), DONE)], "bf")
    noted = exchanged.results[0]
    assert noted is not None
    assert sorted(due.id for due in noted.released) == ["b", "f"]
    assert ids(exchanged) == "bf"


def test_what_is_given_back_can_be_claimed_anew(ledger: RedisLedger, redis: Redis) -> None:
    """By the same call: the note comes first."""
    ledger.submit([entry("a")])
    exchanged = exchange(ledger, [ClaimUpdate(claimed(ledger, "a"), GIVEN_BACK, attempt(1))], "a")
    (claim,) = exchanged.claims
    assert (claim.token, claim.record.attempts) == (2, (attempt(1),))
    assert redis.keys("classin:queued*") == []


def test_one_lane_may_settle_several_times_in_a_call(ledger: RedisLedger) -> None:
    """A failure that stops it reaches all who are behind, whoever else is noted."""
    ledger.submit([entry("a", lane="l", stops=True), *(entry(x, lane="l") for x in "bc")])
    ledger.submit([entry("x"), entry("y", after="x")])
    notes = [ClaimUpdate(claimed(ledger, "a"), REFUSED), ClaimUpdate(claimed(ledger, "x"), DONE)]
    exchanged = exchange(ledger, notes, "")
    assert [[due.id for due in each.released] for each in exchanged.results if each] == [[], ["y"]]
    assert states(ledger, "abc") == [State.FAILED] * 3


def test_requests_of_one_call_keep_their_distance(ledger: RedisLedger, clock: Clock) -> None:
    """What finds no token is put off until its turn, and it is said how many those are."""
    ledger.set_paces({"main": 1000})
    ledger.submit([entry(each) for each in "abcd"])
    exchanged = exchange(ledger, [], "abcd")
    assert [claim.wait for claim in exchanged.claims] == [0, 0]
    assert (exchanged.paced, states(ledger, "cd")) == (2, [State.DEFERRED] * 2)
    clock.forward(1)
    assert [due.id for due in ledger.turns(9).ready] == ["c"]


def test_counts_of_many_are_right_at_the_end(ledger: RedisLedger) -> None:
    """What one adds and another takes away is nothing."""
    ledger.submit([entry(each) for each in "abxy"])
    notes = [ClaimUpdate(claimed(ledger, each), DONE) for each in "ab"]
    exchange(ledger, notes, "xy")
    assert ledger.counts().by_state() == {State.SUCCEEDED: 2, State.RUNNING: 2}
    assert ledger.batch_counts("b") == {State.SUCCEEDED: 2, State.RUNNING: 2}
    assert ledger.code_counts() == {1: 2}


def test_an_exchange_without_redis_says_so(ledger: RedisLedger, server: SharedRedis) -> None:
    """In one line, like all others."""
    ledger.submit([entry("a")])
    server.connected = False
    with pytest.raises(UnavailableError, match=r"^Redis does not answer as it should: [^\n]+$"):
        exchange(ledger, [], "a")


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e20, -1e20])
def test_one_absurd_time_harms_no_other_of_its_exchange(
    ledger: RedisLedger, clock: Clock, seconds: float
) -> None:
    """Each is noted; what was put off comes back, and can be shown to people."""
    ledger.submit([replace(entry("a"), operation="edit_course"), entry("b"), entry("c")])
    absurd, done, also = (claimed(ledger, each, lease=each) for each in "abc")
    later = replace(LATER, due_in=seconds, slow_down=seconds, counts=False)

    exchanged = exchange(
        ledger,
        [
            ClaimUpdate(also, later),
            ClaimUpdate(done, DONE, attempt(1)),
            ClaimUpdate(absurd, AGAIN, None, seconds),
        ],
        "",
    )

    assert [each and each.state for each in exchanged.results] == [
        State.DEFERRED, State.SUCCEEDED, State.RUNNING,
    ]  # fmt: skip
    assert ledger.find("c").to_dict()["due_at"] is not None
    clock.forward(LONGEST_SPAN / 1000)
    assert [due.id for due in ledger.requeue_due(9, orphans=False)] == ["c"]


@pytest.mark.parametrize(
    ("place", "value"),
    [(2, "token"), (8, "number"), (10, {"due_in": "x"}), (10, {"slow_down": 1e300}), (9, "held")],
)
def test_a_note_that_cannot_be_worked_with_harms_no_other(
    ledger: RedisLedger, redis: Redis, place: int, value: object
) -> None:
    """It changes nothing, and is named."""
    ledger.submit([entry(each) for each in "ab"])
    broken, sound = (
        update_of(ClaimUpdate(claimed(ledger, each, lease=each), LATER)) for each in "ab"
    )
    broken[place] = value
    request = {"notes": [broken, sound], "asked": [], "patience": 0, "gives_up": 0, "of": {}}
    before = redis.hgetall("classin:op:a")
    answer = json.loads(ledger._scripts.run("report_and_claim", json.dumps(request)))  # noqa: SLF001  # as none writes it
    assert answer["noted"][0] == "unsound"
    assert answer["noted"][1][0] == "deferred"
    assert redis.hgetall("classin:op:a") == before
