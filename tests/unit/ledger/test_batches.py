"""Batches as wholes: what is said of them, and whose end somebody is told of."""

from dataclasses import replace

import pytest
from redis import Redis

from tests.unit.clock import Clock
from tests.unit.ledger.hands import DONE, ENTRY, REFUSED, settled
from worker.ledger.batch import (
    EMPTY_LASTS,
    OPEN_LASTS,
    BatchInfo,
    DeliveryResult,
    Webhook,
    WebhookCall,
)
from worker.ledger.keys import Keys
from worker.ledger.states import WebhookState
from worker.ledger.store import RedisLedger

KEYS = Keys()

LASTS = 60.0
ABOUT = BatchInfo(
    source="command line",
    file="rows.csv",
    path="/tmp/rows.csv",  # noqa: S108  # nobody opens it
    digest="0123",
    columns={"studentAccount": "Phone"},
    sheet="People",
)
TOLD = replace(ABOUT, webhook=Webhook(url="https://sis.example/hook?key=secret"))
DELIVERED = DeliveryResult(WebhookState.DELIVERED, 1, "HTTP 200")


def hand_in(ledger: RedisLedger, ids: str, about: BatchInfo = TOLD) -> None:
    """Hand a batch in, `b`, with these ids."""
    ledger.batches.open("b", about)
    told = about.webhook is not None
    ledger.submit([replace(ENTRY, id=each, row=n, tells=told) for n, each in enumerate(ids, 2)])


def told(ledger: RedisLedger) -> WebhookState:
    """Where its webhook stands."""
    about = ledger.batches.info("b")
    assert about is not None
    assert about.webhook is not None
    return about.webhook.told


def taken(ledger: RedisLedger) -> WebhookCall:
    """A webhook that is there to be called."""
    call = ledger.batches.take_webhook(LASTS)
    assert call is not None
    return call


def test_what_is_said_of_a_batch_is_kept(ledger: RedisLedger, clock: Clock) -> None:
    """With when it was; what is said later changes nothing."""
    assert ledger.batches.info("b") is None

    assert ledger.batches.open("b", ABOUT)
    assert not ledger.batches.open("b", replace(ABOUT, file="other.csv"))

    assert ledger.batches.info("b") == replace(ABOUT, at=clock.millis())


def test_a_record_remembers_its_row(ledger: RedisLedger) -> None:
    """As its file counts."""
    hand_in(ledger, "ac", ABOUT)
    assert [ledger.find(each).row for each in "ac"] == [2, 3]
    assert ledger.find("a").to_dict()["row"] == 2


def test_a_batch_without_operations_is_forgotten(ledger: RedisLedger) -> None:
    """All of it was known from before."""
    ledger.batches.open("b", TOLD)
    ledger.batches.close("b")
    assert ledger.batches.info("b") is None
    assert ledger.batches.take_webhook(LASTS) is None


def test_a_webhook_is_due_when_the_last_has_settled(ledger: RedisLedger) -> None:
    """Whether it went well or not."""
    hand_in(ledger, "ac")
    ledger.batches.close("b")
    settled(ledger, "a", DONE)
    assert (told(ledger), ledger.batches.take_webhook(LASTS)) == (
        WebhookState.WAITING,
        None,
    )

    settled(ledger, "c", REFUSED)

    call = taken(ledger)
    assert (call.batch, call.webhook.url) == ("b", "https://sis.example/hook?key=secret")
    assert call.counts == {"succeeded": 1, "failed": 1}
    assert call.about.file == "rows.csv"


def test_a_webhook_waits_until_all_is_handed_in(ledger: RedisLedger) -> None:
    """What came first may have settled by then."""
    hand_in(ledger, "a")
    settled(ledger)
    assert ledger.batches.take_webhook(LASTS) is None

    ledger.batches.close("b")
    ledger.batches.close("b")  # the first answer was lost

    assert taken(ledger).batch == "b"


def test_a_batch_that_broke_off_is_told_of_as_a_part(ledger: RedisLedger, clock: Clock) -> None:
    """An hour after its last operations came."""
    hand_in(ledger, "a", replace(TOLD, expected=3))
    clock.forward(OPEN_LASTS - 1)
    ledger.submit([replace(ENTRY, id="c", tells=True)])
    clock.forward(OPEN_LASTS - 1)
    assert ledger.batches.take_webhook(LASTS) is None
    assert told(ledger) is WebhookState.OPEN
    clock.forward(2)
    assert ledger.batches.take_webhook(LASTS) is None
    assert told(ledger) is WebhookState.WAITING

    settled(ledger, "a")
    settled(ledger, "c")

    call = taken(ledger)
    assert (call.webhook.complete, call.about.expected, sum(call.counts.values())) == (False, 3, 2)


def test_who_goes_on_before_anybody_is_told_is_told_of_all(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Once, under the one id."""
    hand_in(ledger, "a", replace(TOLD, expected=2))
    clock.forward(OPEN_LASTS + 1)
    assert ledger.batches.take_webhook(LASTS) is None

    ledger.submit([replace(ENTRY, id="c", tells=True)])
    settled(ledger, "a")
    assert told(ledger) is WebhookState.OPEN
    ledger.batches.close("b")
    settled(ledger, "c")

    call = taken(ledger)
    assert (call.webhook.complete, call.webhook.tellings, call.counts) == (
        True, 0, {"succeeded": 2},
    )  # fmt: skip


@pytest.mark.parametrize("delivered", [True, False])
def test_who_goes_on_after_a_part_was_told_is_told_anew(
    ledger: RedisLedger, clock: Clock, *, delivered: bool
) -> None:
    """Also while somebody is being told of the part: that says nothing of the whole."""
    hand_in(ledger, "a", replace(TOLD, expected=2))
    settled(ledger, "a")
    clock.forward(OPEN_LASTS + 1)
    part = taken(ledger)
    if delivered:
        assert ledger.batches.record_delivery(part, DELIVERED)

    ledger.submit([replace(ENTRY, id="c", tells=True)])
    ledger.batches.close("b")
    assert delivered or not ledger.batches.record_delivery(part, DELIVERED)
    settled(ledger, "c")

    call = taken(ledger)
    assert (call.webhook.complete, call.webhook.tellings, call.webhook.tries) == (True, 1, 0)


def test_who_finds_all_of_it_there_says_that_this_is_the_whole(
    ledger: RedisLedger, clock: Clock
) -> None:
    """The first had died just before it could."""
    hand_in(ledger, "a")
    settled(ledger, "a")
    clock.forward(OPEN_LASTS + 1)
    assert ledger.batches.record_delivery(taken(ledger), DELIVERED)

    ledger.batches.close("b")
    ledger.batches.close("b")

    call = taken(ledger)
    assert (call.webhook.complete, call.webhook.tellings) == (True, 1)
    assert ledger.batches.record_delivery(call, DELIVERED)
    ledger.batches.close("b")
    assert ledger.batches.take_webhook(LASTS) is None


def test_as_many_as_were_to_come_are_the_whole(ledger: RedisLedger) -> None:
    """Though nobody could say so any more."""
    hand_in(ledger, "ac", replace(TOLD, expected=2))
    settled(ledger, "a")
    assert ledger.batches.take_webhook(LASTS) is None
    settled(ledger, "c")
    assert taken(ledger).webhook.complete


def test_who_is_called_already_holds_up_no_other(ledger: RedisLedger, clock: Clock) -> None:
    """One receiver has many calls due, another a later one."""
    for name, url in (("b1", "https://slow.example/a"), ("b2", "https://slow.example/b?c"),
                      ("b3", "https://fast.example:8443/")):  # fmt: skip
        ledger.batches.open(name, BatchInfo(expected=1, webhook=Webhook(url=url)))
        ledger.submit([replace(ENTRY, id=name, batch=name, tells=True)])
        settled(ledger, name)
        clock.forward(1)
    first = taken(ledger)
    assert (first.batch, first.receiver) == ("b1", "https://slow.example")

    other = ledger.batches.take_webhook(LASTS, [first.receiver])

    assert other is not None
    assert (other.batch, other.receiver) == ("b3", "https://fast.example:8443")
    assert ledger.batches.take_webhook(LASTS, [first.receiver, other.receiver]) is None
    assert taken(ledger).batch == "b2"


def test_what_breaks_off_at_once_is_forgotten(ledger: RedisLedger, redis: Redis) -> None:
    """Unless another goes on with it, or something of it was recorded."""
    ledger.batches.open("b", TOLD)
    ledger.batches.drop("b")
    assert ledger.batches.info("b") is None

    ledger.batches.open("b", TOLD)
    assert 0 < int(redis.ttl(KEYS.batch_about("b"))) <= EMPTY_LASTS
    ledger.batches.open("b", TOLD)
    ledger.batches.drop("b")
    hand_in(ledger, "a")
    ledger.batches.drop("b")
    assert ledger.batches.info("b") is not None
    assert redis.ttl(KEYS.batch_about("b")) == -1


def test_one_takes_it_until_that_one_is_silent_for_too_long(
    ledger: RedisLedger, clock: Clock
) -> None:
    """Then another does, and the first has no more say."""
    hand_in(ledger, "a")
    ledger.batches.close("b")
    settled(ledger)
    first = taken(ledger)
    assert ledger.batches.take_webhook(LASTS) is None

    clock.forward(LASTS + 1)
    second = taken(ledger)

    assert not ledger.batches.record_delivery(first, DELIVERED)
    assert ledger.batches.record_delivery(second, DELIVERED)
    assert told(ledger) is WebhookState.DELIVERED
    clock.forward(LASTS + 1)
    assert ledger.batches.take_webhook(LASTS) is None


def test_one_that_is_put_off_is_due_later(ledger: RedisLedger, clock: Clock) -> None:
    """And remembers what came of it."""
    hand_in(ledger, "a")
    ledger.batches.close("b")
    settled(ledger)

    ledger.batches.record_delivery(
        taken(ledger), DeliveryResult(WebhookState.DUE, 4, "HTTP 500", 300, counts=True)
    )

    assert ledger.batches.take_webhook(LASTS) is None
    clock.forward(301)
    call = taken(ledger)
    assert (call.webhook.tries, call.webhook.deferrals, call.webhook.said) == (4, 1, "HTTP 500")


def test_a_called_off_batch_is_told_of_as_well(ledger: RedisLedger) -> None:
    """Its last operation is cancelled."""
    hand_in(ledger, "a")
    ledger.batches.close("b")
    ledger.cancel("a")
    assert taken(ledger).counts == {"cancelled": 1}


@pytest.mark.parametrize("about", [ABOUT, TOLD])
def test_what_is_shown_of_it_has_no_secret(ledger: RedisLedger, about: BatchInfo) -> None:
    """No query of the address."""
    ledger.batches.open("b", about)
    found = ledger.batches.info("b")
    assert found is not None
    assert "secret" not in str(found.to_dict())
    assert "secret" not in repr(found)
