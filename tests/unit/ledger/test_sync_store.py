"""Sources: what is remembered of each, and who may write it."""

from collections import UserDict
from collections.abc import Callable, ItemsView

import pytest
from redis import Redis

from tests.redis_server import SharedRedis
from worker.errors import InvalidInputError, NotFoundError, UnavailableError
from worker.ledger.keys import Keys
from worker.ledger.store import RedisLedger
from worker.ledger.sync_store import Ending, Source, SyncStore

KEYS = Keys()

ENDING = Ending(
    about={"id": "one", "state": "done"},
    snapshot={"people": [["é"]]},
    directory={"person a": "[1]"},
    changes=[["person", None, ["a"]]],
    useless=["a"],
)


@pytest.fixture
def source(redis: Redis, ledger: RedisLedger) -> Source:
    """A source that `me` holds and has claimed."""
    source = Source(redis, "main", "sis")
    ledger.acquire_lock(source.hold, "me", 60)
    source.claim("me")
    return source


def begun(source: Source) -> Source:
    """The same, with a sync under way."""
    source.begin("one", 5, {"id": "one", "state": "under way"}, "me")
    return source


def test_it_is_empty_at_first(source: Source) -> None:
    """Nothing was applied, and nobody is known."""
    assert source.snapshot() is None
    assert source.open_sync() is None
    assert (source.directory(), source.passwords()) == ({}, {})
    assert source.syncs.latest(5) == []
    assert source.name == "main:sis"


def test_a_sync_is_open_from_its_beginning_to_its_end(source: Source) -> None:
    """And what it leaves behind is there in one piece."""
    begun(source).keep_passwords({"a": "sealed", "b": "sealed"})
    source.keep_steps("one", [["s:1"]], "me")
    assert source.open_sync() == "one"
    source.settle("one", ENDING, "me")
    assert source.open_sync() is None
    assert source.snapshot() == {"people": [["é"]]}
    assert source.directory() == {"person a": "[1]"}
    assert source.passwords() == {"b": "sealed"}
    assert [*source.steps("one")] == []
    assert source.syncs.about("one") == {"id": "one", "state": "done"}
    assert source.syncs.changes("one") == [["person", None, ["a"]]]


def test_a_round_is_not_the_end(source: Source) -> None:
    """What follows is the same sync's."""
    ending = Ending(about={}, snapshot={}, directory={}, changes=[], goes_on=True)
    begun(source).settle("one", ending, "me")
    assert source.open_sync() == "one"


def test_steps_and_their_records_are_kept_in_parts(source: Source) -> None:
    """Until they are dropped."""
    begun(source)
    source.keep_steps("one", [["s:1"], ["s:2"]], "me")
    source.keep_steps("one", [["s:3"]], "me")
    source.keep_records("one", ["r1", ""], "me")
    assert [*source.steps("one")] == [[["s:1"], ["s:2"]], [["s:3"]]]
    assert source.records("one") == [["r1", ""]]
    source.drop_steps("one", "me")
    assert ([*source.steps("one")], source.records("one")) == ([], [])


def test_what_is_known_of_a_sync_can_be_noted(source: Source) -> None:
    """While it is under way."""
    begun(source).note("one", {"planned": True}, "me")
    assert source.syncs.about("one") == {"planned": True}


def test_passwords_can_be_asked_for_and_forgotten(source: Source) -> None:
    """Some of them, or all."""
    source.keep_passwords(dict.fromkeys("abc", "sealed"))
    source.keep_passwords({})
    assert source.passwords(["a", "x"]) == {"a": "sealed"}
    assert source.passwords([]) == {}
    source.drop_passwords(["a", "b"])
    assert source.passwords() == {"c": "sealed"}


def test_the_latest_syncs_come_first(source: Source, redis: Redis) -> None:
    """Those of all sources."""
    for number, name in enumerate(("one", "two", "three")):
        source.begin(name, number, {"id": name}, "me")
    assert [about["id"] for about in SyncStore(redis).latest(2)] == ["three", "two"]


def test_what_there_is_not_is_not_found(source: Source) -> None:
    """It is said which."""
    with pytest.raises(NotFoundError, match="there is no sync 'nine'"):
        source.syncs.about("nine")
    assert source.syncs.changes("nine") == []


def writes(source: Source) -> None:
    """Whatever one may write must be refused."""
    tries: tuple[Callable[[], object], ...] = (
        lambda: source.begin("two", 9, {}, "me"),
        lambda: source.note("one", {}, "me"),
        lambda: source.keep_steps("one", [[]], "me"),
        lambda: source.keep_records("one", ["r"], "me"),
        lambda: source.drop_steps("one", "me"),
        lambda: source.settle("one", ENDING, "me"),
    )
    for write in tries:
        with pytest.raises(InvalidInputError, match="another sync has taken it over"):
            write()


def test_nobody_writes_without_holding_it(source: Source, redis: Redis) -> None:
    """Not even with nobody else there."""
    begun(source)
    redis.delete(KEYS.lock(source.hold))
    before = sorted(redis.scan_iter())
    writes(source)
    with pytest.raises(InvalidInputError):
        source.claim("me")
    assert sorted(redis.scan_iter()) == before
    assert source.snapshot() is None


def test_nobody_writes_what_another_has_claimed_since(
    source: Source, redis: Redis, ledger: RedisLedger
) -> None:
    """Though the other is gone again, and one holds it anew."""
    begun(source)
    redis.delete(KEYS.lock(source.hold))
    ledger.acquire_lock(source.hold, "other", 60)
    source.claim("other")
    source.settle("one", ENDING, "other")
    redis.delete(KEYS.lock(source.hold))
    assert ledger.acquire_lock(source.hold, "me", 60)
    writes(source)
    assert source.syncs.about("one") == {"id": "one", "state": "done"}


def test_a_hold_that_ends_in_this_very_moment_counts(source: Source, redis: Redis) -> None:
    """Nothing is written then."""

    class Late(UserDict[str, str]):
        """Somebody else takes the source between the look at it and the writing."""

        def items(self) -> ItemsView[str, str]:
            redis.set(KEYS.lock(source.hold), "other")
            return super().items()

    begun(source)
    late = Ending(about={}, snapshot={}, directory=Late(a="1"), changes=[])
    with pytest.raises(InvalidInputError, match="taken it over"):
        source.settle("one", late, "me")
    assert source.snapshot() is None
    assert source.directory() == {}


def test_redis_may_be_away(source: Source, server: SharedRedis) -> None:
    """It is said in the one way."""
    server.connected = False
    for ask in (source.snapshot, source.directory, source.passwords, source.open_sync):
        with pytest.raises(UnavailableError):
            ask()
    with pytest.raises(UnavailableError):
        source.claim("me")
