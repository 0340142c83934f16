"""Pruning: what settled long ago goes, with all that lists and counts it; what is needed stays."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.ledger_books import Books
from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, ENTRY, PARTLY, REFUSED, UNSURE, claimed, entry, settled
from tests.unit.stage import RING
from worker.errors import InvalidInputError, LeaseLostError, NotFoundError
from worker.ledger import pruner
from worker.ledger.audit import Audit
from worker.ledger.batch import BatchInfo
from worker.ledger.pruner import DAY, Pruned, Pruner, Retention
from worker.ledger.states import State
from worker.ledger.store import RedisLedger
from worker.ledger.types import Filter


def prune(redis: Redis, clock: Clock, ages: Retention = Retention()) -> Pruned:  # noqa: B008  # it cannot be changed
    """Take out what is old now; the books are right before and after."""
    Books.read(redis).check()
    pruned = Pruner(redis, RING, clock.millis).run(ages, clock.ms, who="ada")
    Books.read(redis).check()
    return pruned


def left(ledger: RedisLedger) -> str:
    """The ids that are kept, one letter each."""
    return "".join(sorted(record.id for record in ledger.page(Filter(), 100).records))


def test_what_succeeded_goes_before_the_rest(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """After a week, and after ninety days; what is not settled stays for ever."""
    for name, standing in zip("abcd", (DONE, PARTLY, REFUSED, UNSURE), strict=True):
        ledger.submit([entry(name)])
        settled(ledger, name, standing)
    ledger.submit([entry("e")])
    clock.forward(6.9 * DAY)
    assert prune(redis, clock).records == {}

    clock.forward(0.2 * DAY)
    assert prune(redis, clock).records == {State.SUCCEEDED: 1}
    assert left(ledger) == "bcde"
    clock.forward(83 * DAY)
    pruned = prune(redis, clock)

    assert left(ledger) == "e"
    assert pruned.to_dict()["pruned"] == {"partial": 1, "failed": 1, "uncertain": 1}
    assert ledger.batch_counts("b") == {State.QUEUED: 1}
    assert ledger.code_counts() == {}
    assert redis.exists("classin:op:a", "classin:ix:state:failed", "classin:ix:code:193") == 0


def test_what_is_said_of_a_batch_goes_with_its_last_record(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """And nothing lists by its reason what failed."""
    ledger.batches.open("b", BatchInfo(source="test"))
    ledger.submit([entry("a"), entry("c")])
    ledger.batches.close("b")
    settled(ledger, "a")
    settled(ledger, "c", REFUSED)
    clock.forward(8 * DAY)
    prune(redis, clock)
    assert ledger.batches.info("b") is not None

    clock.forward(83 * DAY)
    prune(redis, clock)

    assert ledger.batches.info("b") is None
    assert redis.exists("classin:ix:reason:refused") == 0


def test_what_settled_late_counts_from_then(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """Not from its submission."""
    ledger.submit([entry("a")])
    clock.forward(30 * DAY)
    settled(ledger, "a")

    assert prune(redis, clock).records == {}
    clock.forward(8 * DAY)
    assert prune(redis, clock).records == {State.SUCCEEDED: 1}


def test_whoever_is_not_settled_keeps_what_it_may_need(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """Whom it waited for, what it tries again, and what that tried."""
    ledger.submit([entry("a"), entry("b"), entry("x")])
    settled(ledger, "a", REFUSED)
    ledger.submit([replace(entry("c"), retry_of="a")])
    for name in "bcx":
        settled(ledger, name, REFUSED if name == "c" else DONE)
    ledger.submit([replace(entry("d", after="b"), retry_of="c")])
    clock.forward(100 * DAY)

    pruned = prune(redis, clock)

    assert left(ledger) == "abcd"
    assert (pruned.records, pruned.kept) == ({State.SUCCEEDED: 1}, 3)
    settled(ledger, "d")
    clock.forward(100 * DAY)
    prune(redis, clock)
    assert left(ledger) == ""


def test_who_comes_while_others_are_pruned_is_heeded(
    redis: Redis, ledger: RedisLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are: what they need is looked at again."""
    monkeypatch.setattr("worker.ledger.pruner.NEWER", 3)
    monkeypatch.setattr(pruner, "CHUNK", 1)
    ledger.submit([entry(name) for name in "abc"])
    for name in "abc":
        settled(ledger, name)
    clock.forward(8 * DAY)
    came: list[str] = []

    def come(_: int) -> None:
        """A burst of submissions between two steps; all of them wait for the last record."""
        if not came:
            came.extend("mnopq")
            ledger.submit([entry(name, after="c") for name in came])

    Pruner(redis, RING, clock.millis).run(Retention(), clock.ms, who="ada", on_step=come)

    assert left(ledger) == "cmnopq"
    Books.read(redis).check()


def test_a_dry_run_only_counts(redis: Redis, ledger: RedisLedger, clock: Clock) -> None:
    """The same numbers, nothing gone, nothing in the trail."""
    ledger.submit([entry("a"), entry("b")])
    settled(ledger, "a")
    clock.forward(8 * DAY)
    before = {key: redis.dump(key) for key in redis.scan_iter()}

    pruned = Pruner(redis, RING, clock.millis).run(Retention(), clock.ms, who="ada", dry_run=True)

    assert pruned.records == {State.SUCCEEDED: 1}
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before


def test_a_dedup_key_outlives_its_record(redis: Redis, ledger: RedisLedger, clock: Clock) -> None:
    """Who has it is known, and how that ended; the same again is no new record."""
    asked = replace(ENTRY, dedup_key="import-36")
    ledger.submit([asked])
    settled(ledger, "a")
    clock.forward(8 * DAY)
    prune(redis, clock)

    (entered,) = ledger.submit([replace(asked, id="z")])

    assert entered == ("a", False, False)
    assert ledger.find_ids("main", ["import-36"]) == {"import-36": "a"}
    with pytest.raises(NotFoundError, match="a ended as succeeded; its record was pruned"):
        ledger.find("a")
    with pytest.raises(InvalidInputError, match="asks for something else"):
        ledger.submit([replace(asked, id="z", fields={})])
    assert left(ledger) == ""


@pytest.mark.parametrize(("standing", "state"), [(DONE, "queued"), (REFUSED, "failed")])
def test_who_waits_for_a_pruned_one_knows_how_it_ended(
    redis: Redis,
    ledger: RedisLedger,
    clock: Clock,
    standing: object,
    state: str,
) -> None:
    """If it had a dedup key, by which it can be named still."""
    ledger.submit([replace(ENTRY, dedup_key="import-36")])
    settled(ledger, "a", standing)  # type: ignore[arg-type]  # one of those above
    clock.forward(100 * DAY)
    prune(redis, clock)

    ledger.submit([entry("f", after="a")])

    assert ledger.find("f").state.value == state


def test_a_record_knows_how_its_retry_ended(
    redis: Redis, ledger: RedisLedger, clock: Clock
) -> None:
    """Though that one is kept no longer; until it is tried again once more."""
    ledger.submit([entry("a")])
    settled(ledger, "a", REFUSED)
    ledger.submit([replace(entry("b"), retry_of="a")])
    settled(ledger, "b")
    clock.forward(8 * DAY)
    prune(redis, clock)

    record = ledger.find("a")
    assert (record.retried_by, record.retry_ended) == ("b", State.SUCCEEDED)
    ledger.submit([replace(entry("c"), retry_of="a", last_retry="b")])
    record = ledger.find("a")
    assert (record.retried_by, record.retry_ended) == ("c", None)


def test_a_late_writer_changes_nothing(redis: Redis, ledger: RedisLedger, clock: Clock) -> None:
    """Neither its note nor its announcement brings a record back."""
    ledger.submit([entry("a")])
    claim = claimed(ledger, "a")
    ledger.advance(claim, DONE, None)
    clock.forward(8 * DAY)
    prune(redis, clock)

    with pytest.raises(LeaseLostError):
        ledger.advance(claim, DONE, None)
    with pytest.raises(LeaseLostError):
        ledger.mark_sending(claim)
    assert ledger.renew_leases("w", 10, [claim]) == [claim.lease]
    ledger.submit([replace(entry("z"), retry_of="a")])
    assert left(ledger) == ""
    Books.read(redis).check()


def test_the_trail_has_it_and_is_pruned_itself(redis: Redis, clock: Clock) -> None:
    """Before anything goes; entries older than two years go as well."""
    audit = Audit(redis)
    old = {"who": "bob", "what": "pause", "about": "main", "ids": "[]", "why": ""}
    redis.xadd("classin:audit", old, id="1000-0")  # type: ignore[arg-type]  # all text
    two_years = round(730 * DAY * 1000)

    Pruner(redis, RING, clock.millis).run(Retention(), two_years + 1000, who="ada")
    assert [deed.who for deed in audit.deeds(5)] == ["ada", "bob"]
    redis.delete("classin:audit")
    redis.xadd("classin:audit", old, id="1000-0")  # type: ignore[arg-type]  # all text
    Pruner(redis, RING, clock.millis).run(Retention(), two_years + 1001, who="ada", why="full")

    (deed,) = audit.deeds(5)
    assert (deed.who, deed.what, deed.why) == ("ada", "prune", "full")
    assert deed.about == "succeeded after 7 d, others after 90 d"
