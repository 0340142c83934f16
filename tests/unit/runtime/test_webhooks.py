"""Whoever asked is told that a batch has settled."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from tests.unit.clock import Clock
from tests.unit.ledger.hands import ENTRY, settled
from worker.classin.verdicts import Verdict
from worker.config.settings import RetrySettings, Timeouts
from worker.errors import ReplyLostError
from worker.ledger.batch import OPEN_LASTS, BatchInfo, Webhook
from worker.ledger.states import WebhookState
from worker.ledger.store import RedisLedger
from worker.runtime.webhooks import Webhooks, verdict_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://sis.example/hook?key=hidden"
PATIENCE = RetrySettings(attempts=2, first_wait=2, defer_delays=(60, 300), give_up_after=600)


@dataclass
class Receiver:
    """Somebody who is called, and answers these one after the other; then 200."""

    answers: list[int | None] = field(default_factory=list)
    got: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def __call__(
        self, url: str, body: bytes, headers: Mapping[str, str], deadlines: Timeouts
    ) -> int:
        """Take a call."""
        del deadlines
        self.got.append((url, headers, body))
        answer = self.answers.pop(0) if self.answers else 200
        if answer is None:
            raise ReplyLostError("no reply in time")
        return answer


@pytest.fixture
def receiver() -> Receiver:
    """A receiver."""
    return Receiver()


@pytest.fixture
def webhooks(ledger: RedisLedger, receiver: Receiver, clock: Clock) -> Webhooks:
    """A worker's."""
    return Webhooks(
        ledger.batches,
        receiver,
        secret=SECRET,
        patience=PATIENCE,
        deadlines=Timeouts(),
        stopping=threading.Event(),
        start=lambda do: do(),
        clock=lambda: clock.millis() / 1000,
        sleep=clock.sleep,
    )


@pytest.fixture(autouse=True)
def batch(ledger: RedisLedger) -> None:
    """A batch that has settled, and of which somebody is to be told."""
    ledger.batches.open("b", BatchInfo(source="http", file="rows.csv", webhook=Webhook(url=URL)))
    ledger.submit([replace(ENTRY, tells=True)])
    ledger.batches.close("b")
    settled(ledger)


def webhook(ledger: RedisLedger) -> Webhook:
    """How it stands."""
    about = ledger.batches.info("b")
    assert about is not None
    assert about.webhook is not None
    return about.webhook


def test_it_is_told_once(webhooks: Webhooks, receiver: Receiver, ledger: RedisLedger) -> None:
    """By counts, without any field."""
    assert (webhooks.run_once(), webhooks.run_once()) == (1, 0)

    ((url, headers, body),) = receiver.got
    said: dict[str, Any] = json.loads(body)
    assert url == URL
    assert said["type"] == "batch.settled"
    assert said["data"] == {
        "batch": "b", "source": "http", "file": "rows.csv", "complete": True, "expected": 1,
        "total": 1, "counts": {"succeeded": 1},
    }  # fmt: skip
    assert headers["webhook-id"] == "batch-b"
    assert webhook(ledger).told is WebhookState.DELIVERED


def test_each_call_is_signed_for_its_moment(webhooks: Webhooks, receiver: Receiver) -> None:
    """The id and the body stay, so that a receiver can tell a repetition."""
    receiver.answers = [500, None, 200]

    webhooks.run_once()

    first, second = receiver.got
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[2] == second[2]
    assert first[1]["webhook-timestamp"] < second[1]["webhook-timestamp"]
    assert first[1]["webhook-signature"] != second[1]["webhook-signature"]


def test_the_signature_is_as_the_standard_has_it(ledger: RedisLedger, receiver: Receiver) -> None:
    """Its own library accepts it; that goes by the real time."""
    Webhooks(
        ledger.batches, receiver, secret=SECRET, patience=PATIENCE, deadlines=Timeouts(),
        stopping=threading.Event(), start=lambda do: do(),
    ).run_once()  # fmt: skip

    _, headers, body = receiver.got[0]
    assert Verifier(SECRET).verify(body, dict(headers))["type"] == "batch.settled"


def test_what_does_not_pass_is_put_off_for_longer_and_longer(
    webhooks: Webhooks, receiver: Receiver, ledger: RedisLedger, clock: Clock
) -> None:
    """As operations are; then it is taken."""
    receiver.answers = [500, None, 404]
    webhooks.run_once()
    assert (webhook(ledger).told, webhook(ledger).said) == (WebhookState.DUE, "no reply in time")
    clock.forward(59)
    assert webhooks.run_once() == 0
    clock.forward(2)
    webhooks.run_once()  # a moment does not mend a 404: one request
    assert (webhook(ledger).tries, webhook(ledger).deferrals) == (3, 2)
    clock.forward(301)

    webhooks.run_once()

    assert (webhook(ledger).told, len(receiver.got)) == (WebhookState.DELIVERED, 4)


def test_it_is_given_up_in_the_end(
    webhooks: Webhooks,
    receiver: Receiver,
    ledger: RedisLedger,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Which the batch and the log say, without what may be a secret."""
    receiver.answers = [500] * 100
    for _ in range(10):
        webhooks.run_once()
        clock.forward(301)

    assert webhook(ledger).told is WebhookState.GIVEN_UP
    assert "webhook of batch b to https://sis.example/hook: given up (HTTP 500)" in caplog.text
    assert "hidden" not in caplog.text
    assert webhooks.run_once() == 0


def test_who_is_gone_is_called_no_more(
    webhooks: Webhooks, receiver: Receiver, ledger: RedisLedger
) -> None:
    """A receiver says so with 410."""
    receiver.answers = [410]
    webhooks.run_once()
    assert (webhook(ledger).told, webhook(ledger).tries) == (WebhookState.GIVEN_UP, 1)


@pytest.mark.parametrize(
    ("http", "verdict"),
    [
        (200, Verdict.DONE), (204, Verdict.DONE), (301, Verdict.DEFER), (400, Verdict.DEFER),
        (408, Verdict.RETRY), (410, Verdict.REFUSED), (429, Verdict.DEFER), (503, Verdict.RETRY),
        (None, Verdict.RETRY),
    ],
)  # fmt: skip
def test_answers_are_judged(http: int | None, verdict: Verdict) -> None:
    """No redirect is followed."""
    assert verdict_of(http) is verdict


def test_a_part_is_told_as_a_part_and_the_whole_under_another_id(
    webhooks: Webhooks, receiver: Receiver, ledger: RedisLedger, clock: Clock
) -> None:
    """Whoever handed it in died, and went on two hours later."""
    webhooks.run_once()
    receiver.got.clear()
    ledger.batches.open("c", BatchInfo(expected=2, webhook=Webhook(url=URL)))
    ledger.submit([replace(ENTRY, id="first", batch="c", tells=True)])
    settled(ledger, "first")
    clock.forward(2 * OPEN_LASTS)

    webhooks.run_once()
    ledger.submit([replace(ENTRY, id="second", batch="c", tells=True)])
    ledger.batches.close("c")
    settled(ledger, "second")
    webhooks.run_once()

    part, all_of_it = (json.loads(body) for _, _, body in receiver.got)
    assert part["type"] == "batch.incomplete"
    assert part["data"] | {"counts": None} == {
        "batch": "c", "source": None, "file": None, "complete": False, "expected": 2,
        "total": 1, "counts": None,
    }  # fmt: skip
    assert (all_of_it["type"], all_of_it["data"]["total"]) == ("batch.settled", 2)
    assert [headers["webhook-id"] for _, headers, _ in receiver.got] == ["batch-c", "batch-c-2"]
