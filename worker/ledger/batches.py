"""Batches as wholes in Redis: see Batches."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from worker.ledger import keys
from worker.ledger.batch import (
    BatchInfo,
    DeliveryResult,
    Webhook,
    WebhookCall,
    WebhookState,
    vouched,
)
from worker.ledger.clock import LedgerClock
from worker.ledger.codec import dump, flag, ms, whole
from worker.ledger.decoding import decoding
from worker.ledger.reader import LedgerReader
from worker.ledger.record import clean
from worker.ledger.redis_errors import translate_redis_errors
from worker.ledger.states import State

#: Seconds without another part after which a batch that nobody closed counts as broken off.
OPEN_LASTS = 3600.0

#: Seconds after which a batch is forgotten of which nothing ever came.
EMPTY_LASTS = 86_400

#: What the keys of this purpose sign.
_PURPOSE = "webhook"


class RedisBatches(LedgerReader):
    """What the ledger in Redis knows of batches."""

    def open_batch(self, batch: str, about: BatchInfo) -> bool:
        """Keep what is said of a batch; see Batches."""
        said = {
            "source": about.source,
            "file": about.file,
            "path": about.path,
            "digest": about.digest,
            "columns": dump(dict(about.columns)) if about.columns else None,
            "sheet": about.sheet,
            "asks": about.asks,
            "expected": str(about.expected) if about.expected else None,
            **self._webhook_of(batch, about.webhook),
        }
        pairs = [text for name, value in said.items() if value for text in (name, clean(value))]
        return bool(self._run("batch", "open", batch, ms(OPEN_LASTS), EMPTY_LASTS, *pairs))

    def _webhook_of(self, batch: str, webhook: Webhook | None) -> Mapping[str, str]:
        """Return the address of a webhook, and the signature without which nobody calls it."""
        if webhook is None:
            return {}
        url = clean(webhook.url)
        return {"webhook": url, "mac": self._keyring.mac(_PURPOSE, vouched(batch, url))}

    def close_batch(self, batch: str) -> None:
        """Say that all of a batch is handed in; see Batches."""
        self._run("batch", "close", batch)

    def drop_batch(self, batch: str) -> None:
        """Forget a batch of which nothing was recorded; see Batches."""
        self._run("batch", "drop", batch)

    def about(self, batch: str) -> BatchInfo | None:
        """Give what was said of a batch; see Batches."""
        with translate_redis_errors():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hgetall(keys.batch_about(batch))
            pipeline.hgetall(keys.CLOCK)
            found, clock = pipeline.execute()
        return _about_of(found, LedgerClock.of(clock).told) if found else None

    @decoding("the kinds of a batch")
    def kinds_of(self, batch: str) -> Collection[tuple[str, str]]:
        """Return the school and operation of each kind in a batch; see Batches."""
        with translate_redis_errors():
            found = self._redis.smembers(keys.batch_kinds(batch))
        return [(school, operation) for school, operation in map(json.loads, found)]

    @decoding("a webhook")
    def take_webhook(self, lasts: float, called: Collection[str] = ()) -> WebhookCall | None:
        """Take a webhook that is to be called; see Batches."""
        found = self._run("webhook", "take", ms(lasts), *called)
        if not found:
            return None
        batch, now, values, counts = found
        values = _pairs(values)
        about = _about_of(values)
        webhook = about.webhook or Webhook(url="")
        by_state = {State(state): int(number) for state, number in _pairs(counts).items()}
        said = vouched(batch, webhook.url)
        signed = self._keyring.verify(_PURPOSE, said, values.get("mac", ""))
        return WebhookCall(batch, about, webhook, by_state, int(values["takes"]), int(now), signed)

    def note_webhook(self, call: WebhookCall, word: DeliveryResult) -> bool:
        """Note what came of a call; see Batches."""
        told, tries, said, due_in, counts = word
        return bool(
            self._run(
                "webhook", "note", call.batch, call.token, told.value, tries, clean(said),
                ms(due_in), flag(counts),
            )
        )  # fmt: skip

    def _run(self, name: str, *arguments: str | bytes | int) -> Any:  # noqa: ANN401  # as Redis answers
        """Run a script."""
        raise NotImplementedError


def _pairs(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


@decoding("what was said of a batch")
def _about_of(values: Mapping[str, str], told: Callable[[int], int] = int) -> BatchInfo:
    """Read what was said of a batch. Raises UnreadableValueError."""
    about = _said_of(values)
    if "webhook" not in values:
        return about
    return replace(about, webhook=_webhook_in(values, told))


def _said_of(values: Mapping[str, str]) -> BatchInfo:
    return BatchInfo(
        source=values.get("source"),
        at=whole(values.get("at")),
        file=values.get("file"),
        path=values.get("path"),
        digest=values.get("digest"),
        columns=json.loads(values.get("columns", "{}")),
        sheet=values.get("sheet"),
        asks=values.get("asks"),
        expected=whole(values.get("expected")),
    )


def _webhook_in(values: Mapping[str, str], told: Callable[[int], int]) -> Webhook:
    return Webhook(
        url=values["webhook"],
        told=WebhookState(values["told"]),
        complete="complete" in values,
        tellings=int(values.get("tellings", 0)),
        tries=int(values.get("tries", 0)),
        deferrals=int(values.get("deferrals", 0)),
        settled_at=whole(values.get("settled_at")),
        first_at=whole(values.get("first_at")),
        due_at=told(int(values["due_at"])) if "due_at" in values else None,
        said=values.get("said", ""),
    )
