"""Submitting with a mailbox: what is ready gets its message in the same step."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from tests.submitting import submit_all
from tests.unit.ledger.hands import ENTRY, entry, settled
from worker.broker.messages import MOST, SEVERAL, mailbox
from worker.errors import InvalidInputError
from worker.ledger.keys import PREFIX as QUEUE
from worker.ledger.keys import Keys
from worker.ledger.record import Priority
from worker.ledger.store import CHUNK, RedisLedger
from worker.ledger.types import InlineQueue

KEYS = Keys()

BOX = mailbox(QUEUE)


def taken(redis: Redis, priority: Priority = Priority.NORMAL) -> Iterator[dict[str, Any]]:
    """Take the messages of a priority, in the order in which a worker does."""
    name, _ = BOX.lists[priority]
    while text := redis.rpop(name):
        yield json.loads(str(text))


def test_one_record_gets_a_message_of_its_own(ledger: RedisLedger, redis: Redis) -> None:
    """Under its task and its id; the caller has none to send."""
    (entered,) = ledger.submit([ENTRY], BOX)
    assert (entered.id, entered.new, entered.ready) == ("a", True, False)
    (message,) = taken(redis)
    headers, properties = message["headers"], message["properties"]
    assert (headers["task"], headers["id"], headers["root_id"]) == (
        "classin.create_folder", "a", "a",
    )  # fmt: skip
    assert headers["recorded"] is True
    assert "ids" not in headers
    assert (properties["correlation_id"], properties["priority"]) == ("a", 3)
    assert properties["delivery_tag"].isdecimal()


def test_many_share_messages_in_their_order(ledger: RedisLedger, redis: Redis) -> None:
    """So many each; a single one that is left over has its own kind."""
    names = [f"{n:03}" for n in range(2 * MOST + 1)]
    entered = ledger.submit([entry(each) for each in names], BOX)
    assert all(each.new and not each.ready for each in entered)
    first, second, last = taken(redis)
    assert first["headers"]["ids"] == names[:MOST]
    assert second["headers"]["ids"] == names[MOST : 2 * MOST]
    assert [each["headers"]["task"] for each in (first, second)] == [SEVERAL] * 2
    assert (first["headers"]["id"], last["headers"]["id"]) == (names[0], names[-1])
    assert last["headers"]["task"] == "classin.create_folder"
    tags = {each["properties"]["delivery_tag"] for each in (first, second, last)}
    assert len(tags) == 3


def test_a_chunk_s_messages_lie_behind_those_of_the_chunk_before(
    ledger: RedisLedger, redis: Redis
) -> None:
    """First in, first out."""
    names = [f"{n:03}" for n in range(CHUNK + 2)]
    submit_all(ledger, [entry(each) for each in names], BOX)
    messages = list(taken(redis))
    assert [each for message in messages for each in message["headers"]["ids"]] == names
    assert len(messages) == -(-CHUNK // MOST) + 1


def test_each_priority_has_its_list(ledger: RedisLedger, redis: Redis) -> None:
    """With its number in the message."""
    ledger.submit([replace(entry(each.value), priority=each) for each in Priority], BOX)
    for priority in Priority:
        (message,) = taken(redis, priority)
        assert message["headers"]["id"] == priority.value
        assert message["properties"]["priority"] == BOX.lists[priority][1]


def test_who_is_blocked_or_settled_gets_no_message(ledger: RedisLedger, redis: Redis) -> None:
    """Those who go on later are told of by whoever lets them go on."""
    ledger.submit([entry("done")])
    settled(ledger, "done")
    ledger.submit([entry("done"), entry("a", lane="l"), entry("b", lane="l")], BOX)
    (message,) = taken(redis)
    assert message["headers"]["id"] == "a"


def test_a_chunk_that_is_repeated_gets_its_messages_again(
    ledger: RedisLedger, redis: Redis
) -> None:
    """One too many does no harm; each has a tag of its own."""
    both = [entry("a"), entry("b")]
    ledger.submit(both, BOX)
    again = ledger.submit(both, BOX)
    assert [(each.new, each.ready) for each in again] == [(False, False)] * 2
    first, second = taken(redis)
    assert first["headers"]["ids"] == second["headers"]["ids"] == ["a", "b"]
    assert first["properties"]["delivery_tag"] != second["properties"]["delivery_tag"]


def test_what_is_refused_sends_nothing(ledger: RedisLedger, redis: Redis) -> None:
    """All or none."""
    with pytest.raises(InvalidInputError):
        ledger.submit([entry("a"), entry("b", after="x")], BOX)
    assert list(redis.scan_iter()) == [KEYS.clock]


def test_what_has_the_key_of_another_gets_no_message(ledger: RedisLedger, redis: Redis) -> None:
    """That one has its own."""
    keyed = replace(ENTRY, dedup_key="k")
    ledger.submit([keyed, replace(keyed, id="b")], BOX)
    (message,) = taken(redis)
    assert message["headers"]["id"] == "a"


@pytest.mark.parametrize("record_id", ["%1%%", "@TAG@", "é"])
def test_an_id_stands_in_its_message_as_it_is(
    ledger: RedisLedger, redis: Redis, record_id: str
) -> None:
    """Whatever Lua or the text of messages would make of it."""
    ledger.submit([entry(record_id), entry("b")], BOX)
    (message,) = taken(redis)
    assert message["headers"]["id"] == record_id
    assert message["headers"]["ids"] == [record_id, "b"]


@pytest.mark.parametrize("record_id", ['a"b', "a\\b", "a\nb"])
def test_an_id_that_fits_no_message_is_left_to_the_caller(
    ledger: RedisLedger, redis: Redis, record_id: str
) -> None:
    """It must be escaped twice, which a caller does."""
    entered = ledger.submit([entry(record_id), entry("b")], BOX)
    assert [each.ready for each in entered] == [True, False]
    (message,) = taken(redis)
    assert message["headers"]["id"] == "b"


def test_the_lists_are_those_of_the_mailbox(ledger: RedisLedger, redis: Redis) -> None:
    """Whatever their names."""
    box = InlineQueue(dict.fromkeys(Priority, ("elsewhere", 0)), "@ID@ @PRIORITY@", "@IDS@", 2)
    ledger.submit([entry(each) for each in "abc"], box)
    assert redis.lrange("elsewhere", 0, -1) == ["c 0", '"a", "b"']
