"""Why an operation is where it is, in plain words."""

from dataclasses import replace

import pytest
from redis import Redis

from ops.insight.explain import Explanation, inquire, pace_in_words, points
from ops.insight.lanes_and_schools import look_at_lanes, look_at_schools
from ops.insight.wait_text import in_words
from tests.claiming import try_claim
from tests.unit.clock import Clock
from tests.unit.ledger.hands import LATER, LOCKED, REFUSED, attempt, claimed, entry, settled
from worker.errors import NotFoundError
from worker.ledger.queries import LedgerQueries
from worker.ledger.store import RedisLedger

DAY = 86400.0


@pytest.fixture
def queries(redis: Redis) -> LedgerQueries:
    """Who reads for people."""
    return LedgerQueries(redis)


def told(inquiry: Explanation) -> dict[str, str]:
    """What is said, by its heading."""
    return dict(points(inquiry, lambda ms: f"<{ms}>"))


def test_who_waits_is_followed_to_whom_it_hangs_on(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """D waits for c, which is behind b in a lane; b was put off."""
    ledger.submit([entry("b", lane="l"), entry("c", lane="l"), entry("d", after="c")])
    ledger.advance(claimed(ledger, "b"), LATER, attempt(1, 253))

    inquiry = inquire(queries, "d", DAY)
    words = told(inquiry)

    assert [each.id for each, _ in inquiry.chain] == ["c", "b"]
    due = f"<{clock.ms + 60_000}>"
    assert words["Waits for"].startswith("c, create_folder, blocked: waiting behind b, deferred")
    assert words["which"] == f"b, create_folder, deferred, due {due}: not now"
    assert "`classin why b` tells why" in words["To do"]
    assert "No worker runs" in words["To do"]
    assert told(inquire(queries, "b", DAY))["Lane"] == (
        "l: it is the first of 2; the others wait for it"
    )
    assert told(inquire(queries, "c", DAY))["Lane"] == "l: 1 of the 2 there are before it"


def test_retries_are_followed_in_both_directions(
    ledger: RedisLedger, queries: LedgerQueries
) -> None:
    """From the first to the last."""
    ledger.submit([entry("a")])
    settled(ledger, "a", REFUSED)
    for earlier, later in ("ab", "bc"):
        ledger.submit([replace(entry(later), retry_of=earlier)])
        settled(ledger, later, REFUSED)

    inquiry = inquire(queries, "b", DAY)

    assert [each.id for each in inquiry.before] == ["a"]
    assert [each.id for each in inquiry.after] == ["c"]
    assert told(inquire(queries, "c", DAY))["Tries again"].count("failed/refused") == 2
    assert told(inquiry)["Next"] == "Nothing: it is settled."
    assert "Batch" in told(inquiry)


def test_a_closed_school_says_how_it_opens(ledger: RedisLedger, queries: LedgerQueries) -> None:
    """By a look, or by a person."""
    ledger.submit([entry("a"), entry("b")])
    ledger.advance(claimed(ledger, "a"), LOCKED, attempt(1, 102))
    words = told(inquire(queries, "a", DAY))
    assert words["School"].startswith("school main is paused since")
    assert "looks whether it is open" in words["Next"]
    assert "`classin resume main`" in words["To do"]
    assert words["Queue"] == "put aside for its school, with 0 before it"
    ledger.pause("main", "holidays")
    assert "until somebody opens the school" in told(inquire(queries, "b", DAY))["Next"]


def test_who_has_it_in_hand(ledger: RedisLedger, queries: LedgerQueries, clock: Clock) -> None:
    """With the end of its lease, and when it is given up."""
    ledger.submit([entry("a"), entry("b")])
    ledger.set_paces({"main create_folder": 60})
    claim = claimed(ledger, "a", worker="host:1")
    ledger.renew_leases("host:1", 30, [claim])
    words = told(inquire(queries, "a", DAY))
    assert words["Worker"] == f"host:1 has it, by a lease until <{clock.ms + 30_000}>"
    assert words["Pace"] == "main create_folder: at most 1,000 a minute"
    assert f"If it is not done by <{clock.ms + 86_400_000}>" in words["Next"]
    assert told(inquire(queries, "b", DAY))["Queue"].endswith("0 of its priority are before it")


def test_who_waits_for_its_turn(ledger: RedisLedger, queries: LedgerQueries, clock: Clock) -> None:
    """How many are before it, and when it fails unsent."""
    ledger.submit([entry(each) for each in "abc"])
    ledger.set_paces({"main create_folder": 5000})
    for each in "abc":
        try_claim(ledger, each, each, "w", 10)
    (record,) = ledger.find_all("c")
    obstacle = ledger.wait_reasons([record])["c"]
    assert in_words(obstacle, str) == "waiting for its turn, by its pace: 1 are before it"
    words = told(inquire(queries, "c", DAY))
    assert words["Means"] == "It waits for its turn."
    assert words["Next"] == (
        f"It goes to a worker when its turn comes. If it is not done by <{clock.ms + 86_400_000}>,"
        " it fails."
    )
    clock.forward(DAY)
    ledger.requeue_due(9, orphans=False)
    words = told(inquire(queries, "c", DAY))
    assert words["Means"].startswith("It was never sent")
    assert "CLASSIN_GIVE_UP_AFTER" in words["To do"]


def test_what_is_told_is_told_to_programs(ledger: RedisLedger, queries: LedgerQueries) -> None:
    """The facts by name, and the words."""
    ledger.submit([entry("a", lane="l"), entry("b", lane="l")])
    said = inquire(queries, "b", DAY).to_dict()
    assert said["lane"] == {"name": "l", "place": 1, "length": 2}
    assert said["chain"] == ["a"]
    assert said["batch"]["states"] == {"queued": 1, "blocked": 1}
    assert any(line.startswith("To do: ") for line in said["words"])


def test_an_unknown_id(queries: LedgerQueries) -> None:
    """Is no record."""
    with pytest.raises(NotFoundError):
        inquire(queries, "nobody", DAY)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (100, "10 a second"), (60, "1,000 a minute"), (6000, "10 a minute"),
        (1000 / 300, "300 a second"), (90_000, "one in 1 min 30 s"),
    ],
)  # fmt: skip
def test_paces_in_words(interval: float, words: str) -> None:
    """By that unit of which it is a whole number."""
    assert pace_in_words(interval) == words


def test_lanes_and_schools_as_people_are_told(
    ledger: RedisLedger, queries: LedgerQueries, clock: Clock
) -> None:
    """What the first of a lane waits for; what a school did today, and what holds it up."""
    clock.ms = queries.now() - 700_000
    ledger.submit([entry("a", lane="l"), entry("b", lane="l"), entry("c")])
    ledger.advance(claimed(ledger, "a"), LATER, attempt(1, 253))
    settled(ledger, "c", REFUSED)
    ledger.set_paces({"main": 100})
    ledger.pause("north", "holidays")

    (lane,), number = look_at_lanes(queries, 5, stuck=True)
    main, north = look_at_schools(queries, ["main"], clock.ms - 3_600_000)

    assert number == 1
    assert lane.still >= 700_000
    assert lane.why(str).endswith(": not now")
    assert lane.to_dict()["first"]["id"] == "a"
    assert (main.stands, main.settled, main.failures) == ("open", 1, 1)
    assert list(main.remarks(str)) == ["at most all 10 a second"]
    assert north.stands == "paused"
    assert "not in the settings of this machine" in north.remarks(str)
    assert north.to_dict()["closed"]["why"] == "holidays"
