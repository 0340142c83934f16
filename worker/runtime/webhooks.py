"""Webhooks: whoever asked is told that a batch has settled, signed as Standard Webhooks says.

The only importer of standardwebhooks. https://github.com/standard-webhooks/standard-webhooks
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook as Signer

from worker.classin.verdicts import Verdict
from worker.config.settings import RetrySettings, Timeouts
from worker.errors import ClassinError, NoReplyError
from worker.execution.retry_policy import Outcome, build_retrier, next_transition
from worker.ledger.batch import BatchStore, DeliveryResult, WebhookCall, without_query
from worker.ledger.record import Attempt, iso
from worker.ledger.states import State, WebhookState
from worker.ledger.types import Transition

log = logging.getLogger(__name__)

#: Why a webhook is not called that nobody with the key ring asked for.
UNSIGNED = "not called: it is not signed with the key ring; it was changed in Redis"

#: Seconds between two looks for what is due.
TICK = 1.0

#: Receivers that one process calls side by side; each is called about one batch at a time.
MOST = 16

#: Seconds after the longest call until another worker may make it.
_SLACK = 10.0

#: Sends a body with headers to an address; gives the HTTP status.
Send = Callable[[str, bytes, Mapping[str, str], Timeouts], int]

#: What may be over in a moment, though it is no fault of the server's.
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def in_thread(do: Callable[[], object]) -> None:
    """Do something in a thread of its own, which ends with the process."""
    threading.Thread(target=do, name="webhook", daemon=True).start()


class Webhooks:
    """Calls receivers side by side; what does not pass is put off, as operations are.

    A worker that dies in between leaves a call to others, who make it again under the same
    `webhook-id`. `send`: the way there; `start`: what does something beside the rest; `clock`:
    seconds since 1970.
    """

    def __init__(  # noqa: PLR0913  # what it works with
        self,
        batches: BatchStore,
        send: Send,
        *,
        secret: str,
        patience: RetrySettings,
        deadlines: Timeouts,
        stopping: threading.Event,
        start: Callable[[Callable[[], object]], object] = in_thread,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._batches = batches
        self._send = send
        self._signer = Signer(secret)
        self._patience = patience
        self._deadlines = deadlines
        self._stopping = stopping
        self._clock = clock
        self._retrier = build_retrier(patience, stopping, lambda _call, _outcome: True, sleep)
        one = deadlines.connect + deadlines.reply + patience.longest_wait
        self._lasts = patience.attempts * one + _SLACK
        self._start = start
        #: Whom this process calls now.
        self._called: set[str] = set()
        self._lock = threading.Lock()

    def run_once(self) -> int:
        """Begin to call those to whom calls are due; gives how many. Raises UnavailableError."""
        begun = 0
        while call := self._taken():
            self._start(partial(self._make_all, call))
            begun += 1
        return begun

    def _taken(self) -> WebhookCall | None:
        """Take a call to somebody who is not called now, while there is room for more."""
        with self._lock:
            if self._stopping.is_set() or len(self._called) >= MOST:
                return None
            call = self._batches.take_webhook(self._lasts, self._called)
            if call is not None:
                self._called.add(call.receiver)
            return call

    def _make_all(self, call: WebhookCall) -> None:
        """Make a call, and then others, as long as any are due."""
        following: WebhookCall | None = call
        try:
            while following:
                try:
                    self._make(following)
                finally:
                    with self._lock:
                        self._called.discard(following.receiver)
                following = self._taken()
        except ClassinError as error:
            log.warning("webhooks: %s", error)
        except Exception:
            log.exception("webhooks: a call was broken off, and is made again")

    def _make(self, call: WebhookCall) -> None:
        result = self._made(call)
        if self._batches.record_delivery(call, result):
            _log(call, result)

    def _made(self, call: WebhookCall) -> DeliveryResult:
        """Make one call, with a few attempts where the fault may pass.

        Whoever can write Redis may name any address there: what is not signed is not called.
        """
        if not call.signed:
            return DeliveryResult(WebhookState.GIVEN_UP, call.webhook.tries, UNSIGNED)
        body = json.dumps(news_of(call), ensure_ascii=False, separators=(",", ":"))
        delivery = _Delivery(call, body, call.webhook.tries)
        outcome = self._retrier(self._attempt, delivery)
        began = call.webhook.first_at or call.at
        transition = next_transition(
            outcome,
            patience=self._patience,
            tried_for=self._clock() - began / 1000,
            deferrals=call.webhook.deferrals,
        )
        return _result(outcome, transition, delivery.tries)

    def _attempt(self, delivery: "_Delivery") -> Outcome:
        call, body = delivery.call, delivery.body
        delivery.tries += 1
        at = self._clock()
        message_id = id_of(call)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at)),
            "webhook-signature": self._signer.sign(
                message_id, datetime.fromtimestamp(int(at), UTC), body
            ),
        }
        http, said = None, ""
        try:
            http = self._send(call.webhook.url, body.encode(), headers, self._deadlines)
        except NoReplyError as error:
            said = str(error)
        took = round((self._clock() - at) * 1000)
        verdict = verdict_of(http)
        attempt = Attempt(
            delivery.tries, round(at * 1000), took, http, None, said or f"HTTP {http}", verdict
        )
        return Outcome(attempt, None, unread=False)


@dataclass(slots=True)
class _Delivery:
    """A call on its way to its receiver."""

    call: WebhookCall
    body: str
    #: Requests so far, those of earlier deliveries included.
    tries: int


def verdict_of(http: int | None) -> Verdict:
    """Judge what a receiver answered; None: nothing.

    Anything but 2xx says that it has not taken it; 410 that it never will.
    """
    if http is None or http >= HTTPStatus.INTERNAL_SERVER_ERROR or http in _PASSING:
        return Verdict.RETRY
    if HTTPStatus.OK <= http < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict.DONE
    return Verdict.REFUSED if http == HTTPStatus.GONE else Verdict.DEFER


def id_of(call: WebhookCall) -> str:
    """Name what is told: the same for each repetition of it.

    What is told anew, because a batch went on that had broken off, has another name.
    """
    number = call.webhook.tellings + 1
    return f"batch-{call.batch}" + (f"-{number}" if number > 1 else "")


def news_of(call: WebhookCall) -> dict[str, Any]:
    """Write what a receiver is told: no field of any operation.

    A part of a batch has a type of its own, so that nobody takes it for the whole.
    """
    complete, total = call.webhook.complete, sum(call.counts.values())
    return {
        "type": "batch.settled" if complete else "batch.incomplete",
        "timestamp": iso(call.webhook.settled_at),
        "data": {
            "batch": call.batch,
            "source": call.about.source,
            "file": call.about.file,
            "complete": complete,
            "expected": total if complete else call.about.expected,
            "total": total,
            "counts": {state.value: number for state, number in call.counts.items()},
        },
    }


def _result(outcome: Outcome, transition: Transition, tries: int) -> DeliveryResult:
    """Return where an outcome leaves a webhook."""
    said = outcome.attempt.message
    match transition.state:
        case State.SUCCEEDED:
            return DeliveryResult(WebhookState.DELIVERED, tries, said)
        case State.FAILED:
            return DeliveryResult(WebhookState.GIVEN_UP, tries, said)
        case _:
            due_in, counts = transition.due_in, transition.counts
            return DeliveryResult(WebhookState.DUE, tries, said, due_in, counts)


def _log(call: WebhookCall, result: DeliveryResult) -> None:
    where = without_query(call.webhook.url) if call.signed else "an address of somebody else's"
    level = logging.INFO if result.told is WebhookState.DELIVERED else logging.WARNING
    what = "put off" if result.told is WebhookState.DUE else result.told.value
    log.log(level, "webhook of batch %s to %s: %s (%s)", call.batch, where, what, result.said)
